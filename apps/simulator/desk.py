"""A supervisor or dispatcher at a desk: signed in as in a browser, the alerts' socket open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from apps.simulator.pace import Pace
from apps.simulator.radio import certificates
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.wire import NoAnswer, Refused, ShutOut, understood

LOGIN = "/admin/login/"
REDIAL_SECONDS = 1.0


async def every_page(get: Callable[[str], Awaitable[Any]], address: str) -> list[Document]:
    """All rows of a list, page after page."""
    found: list[Document] = []
    page = await get(address)
    while True:
        found += page["results"]
        if not page["next"]:
            return found
        page = await get(page["next"])


class Desk:
    """One person at a desk. `heard` is told of every alert that comes; `answers` whether they
    acknowledge alerts, after as many seconds as people need to look up."""

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        pace: Pace,
        heard: Callable[[Document], None] = lambda alert: None,
        answers: bool = True,
    ) -> None:
        self.username = username
        self._password = password
        self._base_url = base_url
        self._pace = pace
        self._heard = heard
        self._answers = answers
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            verify=certificates(),
            timeout=15,
            trust_env=False,
            headers={"Referer": base_url},
        )

    async def close(self) -> None:
        for task in self._answering.values():
            task.cancel()
        await self._client.aclose()

    async def sign_in(self) -> None:
        """Through the sign-in page, as a browser does. Raises RuntimeError when it is refused."""
        await self._client.get(LOGIN)
        answer = await self._client.post(
            LOGIN,
            data={
                "username": self.username,
                "password": self._password,
                "csrfmiddlewaretoken": self._client.cookies.get("csrftoken") or "",
                "next": "/healthz",
            },
        )
        if answer.status_code != 302:
            raise RuntimeError(f"{self.username} cannot sign in ({answer.status_code})")

    async def get(self, path: str, **params: Any) -> Any:
        """Reading is tried again until there is an answer."""
        while True:
            try:
                # An empty mapping would strip the query that a link to the next page carries.
                return (await self._ask("GET", path, params=params or None)).json()
            except NoAnswer as failure:
                await asyncio.sleep(failure.wait or REDIAL_SECONDS)

    async def pages(self, path: str, **params: Any) -> list[Document]:
        """All rows of a list, page after page."""
        # In the address, for the first page alone: the next one's has them already.
        address = httpx2.URL(path, params=params) if params else path
        return await every_page(self.get, str(address))

    async def post(self, path: str, body: Document | None = None) -> Any:
        """One attempt. Raises NoAnswer, ShutOut or Refused."""
        headers = {
            "Content-Type": "application/json",
            "X-CSRFToken": self._client.cookies.get("csrftoken") or "",
        }
        answer = await self._ask("POST", path, content=orjson.dumps(body or {}), headers=headers)
        return answer.json() if answer.content else None

    async def _ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        try:
            return understood(await self._client.request(method, path, **request))
        except httpx2.TransportError as error:
            raise NoAnswer(type(error).__name__) from error

    async def run(self) -> None:
        """Keep the socket open and look at what comes, until cancelled."""
        checkpoints: dict[str, str | None] = {"alerts": None}
        while True:
            with contextlib.suppress(OSError, TimeoutError, WebSocketException):
                await self._watch(checkpoints)
            await asyncio.sleep(REDIAL_SECONDS)

    async def _watch(self, checkpoints: dict[str, str | None]) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())
        address = f"{self._base_url.replace('http', 'ws', 1)}/ws/v1/desk"
        headers = {"Cookie": cookies, "Origin": self._base_url}
        async with connect(
            address, additional_headers=headers, compression=None, proxy=None
        ) as socket:
            hello = {"type": "hello", "checkpoints": checkpoints}
            await socket.send(orjson.dumps(hello).decode())
            async for message in socket:
                frame = orjson.loads(message)
                if frame["type"] != "frame" or frame["collection"] not in checkpoints:
                    continue
                checkpoints[frame["collection"]] = frame["checkpoint"]
                for alert in frame["documents"]:
                    self._look(alert)

    def _look(self, alert: Document) -> None:
        if alert.get("_deleted"):
            return
        self._heard(alert)
        waiting = self._answering.get(alert["id"])
        if alert["state"] == "open" and self._answers and waiting is None:
            self._answering[alert["id"]] = asyncio.create_task(self._answer(alert))
        elif alert["state"] != "open" and waiting is not None:
            waiting.cancel()

    async def _answer(self, alert: Document) -> None:
        """Acknowledge an alert after a moment. Somebody else may have been quicker."""
        if alert["kind"] == "unacknowledged":
            await self._pace.seconds(15, 60)
        else:
            await asyncio.sleep(self._pace.dice.uniform(0.5, 2.5))  # people are not played faster
        while True:
            try:
                await self.post(f"/api/v1/alerts/{alert['id']}/acknowledge")
            except NoAnswer as failure:
                await asyncio.sleep(failure.wait or REDIAL_SECONDS)
            except (Refused, ShutOut):
                return
            else:
                return
