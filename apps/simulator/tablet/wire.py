"""One request and its answer over HTTP, with everything that can come instead of an answer."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from .device import Device
from .ledger import Pairs
from .store import Document, Edit, Store, encoded, seq_of

TIMEOUT_SECONDS = 15.0
SCHEMA = 1  # the version of the collections' schemas that this client was built for


class NoAnswer(Exception):
    """Nothing usable came back: no network, a lost answer, a broken or busy server.

    The server may have done what was asked, so the same is asked again, not before `wait` seconds.
    """

    def __init__(self, what: str, *, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class ShutOut(Exception):
    """401 or 403: the credential is not valid (any more). Nothing is deleted; a person must act: a
    supervisor gives a new code, which `Wire.enrol` turns into the token of a new tablet."""


class AnotherHistory(Exception):
    """The server follows another history than this store: it was put back in time."""

    def __init__(self, epoch: str) -> None:
        super().__init__("the server follows another history")
        self.epoch = epoch


class AnotherTablet(Exception):
    """The local database of this name is another tablet's: the device was enrolled anew."""

    def __init__(self, instance: UUID) -> None:
        super().__init__("the local database is another tablet's")
        self.instance = instance


class Refused(Exception):
    """Any other 4xx: a fault of this client. `problem` is the body (RFC 9457)."""

    def __init__(self, status: int, problem: Document) -> None:
        super().__init__(f"{status} {problem.get('code', '')} {problem.get('detail', '')}".strip())
        self.status = status
        self.problem = problem


Failure = NoAnswer | ShutOut | Refused


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a pull. `full`: there may be more."""

    documents: list[Document]
    checkpoint: str
    full: bool


class Wire:
    """The tablet's HTTP side. Every answer of the sync endpoints moves what the store has seen."""

    def __init__(
        self,
        base_url: str,
        store: Store,
        device: Device,
        transport: httpx2.AsyncBaseTransport | None = None,
        schema: int = SCHEMA,
    ) -> None:
        self.schema = schema
        self._store = store
        self._device = device
        self._client = httpx2.AsyncClient(
            base_url=base_url, transport=transport, timeout=TIMEOUT_SECONDS, trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def enrol(self, code: str) -> Document:
        """Turn a one-time code into a token. The claim makes a repeat after a lost answer safe."""
        answer: Document = await self.call(
            "POST", "/api/v1/enrol", {"code": code, "claim": str(self._store.claim)}
        )
        self._store.enrolled(answer["token"])
        return answer

    async def sign_in(self, username: str, password: str) -> Document:
        answer: Document = await self.call(
            "POST", "/api/v1/sign-in", {"username": username, "password": password}
        )
        self._store.signed_in(answer["id"])
        return answer

    async def pull(self, collection: str, checkpoint: str | None, limit: int) -> Page:
        """The documents after a checkpoint. Raises NoAnswer for an answer that is older than what
        this store has seen: it was overtaken on the way, or an older replica gave it."""
        params: dict[str, Any] = {"limit": limit}
        if checkpoint is not None:
            params["checkpoint"] = checkpoint
        answer, head = await self._sync("GET", f"/api/v1/sync/{collection}/pull", params=params)
        if seq_of(head) < seq_of(self._store.seen):
            raise NoAnswer("an answer older than what was seen")
        self._store.has_seen(head)
        documents = answer["documents"]
        return Page(documents, answer["checkpoint"]["c"], len(documents) >= limit)

    async def push(self, edits: Sequence[Edit]) -> dict[str, Document]:
        """Send edits of one collection; the documents that were not applied as sent, by id."""
        answer, head = await self._sync(
            "POST", f"/api/v1/sync/{edits[0].collection}/push", body=rows_of(edits)
        )
        self._store.has_seen(head)
        return {document["id"]: document for document in answer}

    async def round_trip(self, body: Document) -> tuple[Document, bool]:
        """All at once: see `roundtrip`. False: what was read is older than what this store has
        seen; what was pushed is judged all the same."""
        answer, head = await self._sync("POST", "/api/v1/sync", body=body)
        current = seq_of(head) >= seq_of(self._store.seen)
        self._store.has_seen(head)
        return answer, current

    async def digest(self, collection: str, checkpoint: str | None) -> Document | None:
        """What the server says that this store must hold as of its checkpoint, and its `head`; None
        where something comes after that."""
        params = {"checkpoint": checkpoint} if checkpoint is not None else {}
        path = f"/api/v1/sync/{collection}/digest"
        try:
            answer, head = await self._sync("GET", path, params=params)
        except Refused as refused:
            if refused.problem.get("code") == "pull-first":
                return None
            raise
        return {**answer, "head": head}

    async def declare_outbox(self, outbox: Document) -> None:
        """Tell what is not sent."""
        understood(await self._send("PUT", "/api/v1/sync/outbox", body=outbox, headers=self._us()))

    async def declare_purged(self, pairs: Pairs) -> None:
        """Tell what was dropped."""
        by_collection: dict[str, list[str]] = {}
        for collection, id in pairs:
            by_collection.setdefault(collection, []).append(id)
        body = [{"collection": name, "ids": ids} for name, ids in by_collection.items()]
        understood(await self._send("POST", "/api/v1/sync/purged", body=body, headers=self._us()))

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Any other endpoint: the decoded answer, None where there is none."""
        response = understood(await self._send(method, path, body=body))
        return response.json() if response.content else None

    async def _sync(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, body: Any = None
    ) -> tuple[Any, str]:
        followed, headers, instance = self._store.epoch, self._us(), self._store.instance
        if self._store.seen:
            headers["Sync-Seen"] = self._store.seen
        response = await self._send(method, path, params=params, body=body, headers=headers)
        epoch = response.headers.get("Sync-Epoch")
        if epoch and self._store.epoch is None:
            self._store.follow(epoch)
        elif epoch and epoch != self._store.epoch:
            if self._store.epoch != followed:
                raise NoAnswer("an answer from before another history")
            raise AnotherHistory(epoch)
        if response.status_code == 409 and _problem(response).get("code") == "conflict":
            raise AnotherTablet(instance)
        understood(response)
        return response.json(), response.headers["Sync-Head"]

    def _us(self) -> dict[str, str]:
        """Who asks, what its clock says, what it understands, and which history it follows."""
        return {
            "Sync-Instance": str(self._store.instance),
            "Sync-Clock": self._device.sync_clock(),
            "Sync-Schema": str(self.schema),
        } | ({"Sync-Followed": followed} if (followed := self._store.followed) else {})

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        headers = dict(headers or {})
        if self._store.token:
            headers["Authorization"] = f"Bearer {self._store.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else encoded(body)
        began = time.monotonic()
        try:
            response = await self._client.request(
                method, path, params=params, content=content, headers=headers
            )
        except httpx2.TransportError as error:
            raise NoAnswer(type(error).__name__) from error
        self._device.exchanged(began)
        return response


def rows_of(edits: Sequence[Edit]) -> list[Document]:
    """Edits as rows of a push."""
    return [
        {"newDocumentState": {"_deleted": False, **edit.document}}
        | ({"assumedMasterState": edit.assumed} if edit.assumed else {})
        for edit in edits
    ]


def understood(response: httpx2.Response) -> httpx2.Response:
    """A success, or the exception that says what to do about it."""
    if response.is_success:
        return response
    raise failure(response.status_code, _problem(response), retry_after(response))


def failure(status: int, problem: Document, wait: float = 1.0) -> Failure:
    """What to do about an answer that is no success; `wait`: how long it asks to wait."""
    if status in {429, 503}:
        return NoAnswer(f"asked to wait ({status} {problem.get('code', '')})", wait=wait)
    if status >= 500:
        return NoAnswer(f"the server failed ({status})")
    if status in {401, 403}:
        return ShutOut(f"not let in ({status})")
    return Refused(status, problem)


def retry_after(response: httpx2.Response) -> float:
    """Seconds to wait at least, 1 where the server does not say."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "1")))
    except ValueError:
        return 1.0


def _problem(response: httpx2.Response) -> Document:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return body if isinstance(body, dict) else {}


def socket_headers(token: str | None) -> dict[str, str]:
    """What opens a socket: the token in a header, never in the address."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def hello(
    instance: UUID,
    checkpoints: dict[str, str | None],
    seen: str | None,
    schema: int = SCHEMA,
    mode: str = "frames",
) -> Document:
    """The first message on a socket: who this is and what it has."""
    return {
        "type": "hello",
        "instance": str(instance),
        "checkpoints": checkpoints,
        "seen": seen,
        "schema": schema,
        "mode": mode,
    }
