"""The HTTP of webhooks: one POST, to an address that was vetted, within one time limit.

A name is resolved once, every address that it leads to is vetted, and that very address is dialled,
with the name in TLS and in Host: what the name leads to a moment later does not matter. Nothing of
the environment is asked (no proxy, no .netrc), no redirection is followed, and of the answer only
the beginning is read.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import orjson
from django.conf import settings

from apps.core import clock
from apps.webhooks import schedule
from apps.webhooks.addresses import Forbidden, check_url, vet
from apps.webhooks.models import Outcome
from apps.webhooks.services import Job, Result

log = logging.getLogger(__name__)

# Of an answer so much is read (a challenge fits), and so much is kept.
READ_BYTES: Final = 4096
KEPT_SIGNS: Final = 512
# A vetted address is dialled again for so long before its name is asked anew.
_RESOLVED_SECONDS: Final = 30.0
_HEADERS: Final = {
    "content-type": "application/json",
    "user-agent": "Carefield-Webhooks/1",
    "accept-encoding": "identity",  # what is read is what was sent
}


@dataclass(frozen=True, slots=True)
class _Target:
    """What an address leads to: the vetted one in its place (`url`), what stands in Host, the name
    for TLS, and the connections to it. It is good `until` then."""

    url: httpx2.URL
    host: str
    name: str
    client: httpx2.AsyncClient
    until: float


class Sender:
    """Sends webhooks in one event loop. One pool of connections for each address of a partner: a
    connection whose certificate was for one name never serves another, no partner's backlog takes
    another's connections away, and what a pool looks through for each request stays short."""

    def __init__(self) -> None:
        self._tls: ssl.SSLContext | None = None
        self._targets: dict[str, _Target] = {}
        self._asked: dict[str, asyncio.Task[Any]] = {}

    async def close(self) -> None:
        for lookup in list(self._asked.values()):
            lookup.cancel()
        for target in self._targets.values():
            await target.client.aclose()

    async def send(self, job: Job) -> Result:
        """Makes an attempt. Whatever happens, there is a result."""
        started = time.monotonic()
        status, excerpt, retry_after = None, None, None
        try:
            async with asyncio.timeout(settings.WEBHOOK_TIMEOUT_SECONDS):
                status, wanted, beginning = await self._post(job)
            outcome = schedule.outcome_of(status)
            retry_after = schedule.retry_after(wanted, now=clock.now())
            excerpt = beginning.decode("utf-8", "replace")[:KEPT_SIGNS]
            if outcome == Outcome.ACCEPTED and not _repeats(job.challenge, beginning):
                outcome = Outcome.UNPROVEN
        except (TimeoutError, httpx2.TimeoutException):
            outcome = Outcome.TIMED_OUT
        except Forbidden:
            outcome = Outcome.FORBIDDEN
        except Exception as error:  # noqa: BLE001 - whatever a stranger's server brings about
            if not isinstance(error, httpx2.HTTPError | OSError):
                log.error("an attempt broke: %s", type(error).__name__)  # its text may hold a URL
            outcome = Outcome.UNREACHABLE
        return Result(
            job=job,
            outcome=outcome,
            ended_at=clock.now(),
            latency_ms=round((time.monotonic() - started) * 1000),
            status=status,
            excerpt=excerpt or None,
            retry_after=retry_after,
        )

    async def _post(self, job: Job) -> tuple[int, str | None, bytes]:
        """The answer's status, its Retry-After, and its beginning."""
        target = await self._target(job.url)
        # Made by hand: a client would merge and parse the same again for each one.
        request = httpx2.Request(
            "POST",
            target.url,
            content=job.body,
            headers={**_HEADERS, "host": target.host, **job.headers},
            extensions={"sni_hostname": target.name},
        )
        answer = await target.client.send(request, stream=True)
        try:
            beginning = b""
            async for part in answer.aiter_raw():
                beginning += part
                if len(beginning) >= READ_BYTES:
                    break  # the connection is closed, whatever else would come
            return answer.status_code, answer.headers.get("retry-after"), beginning[:READ_BYTES]
        finally:
            await answer.aclose()

    async def _target(self, address: str) -> _Target:
        """What is dialled for an address, resolved and vetted a moment ago at the longest."""
        known = self._targets.get(address)
        if known is None or known.until <= time.monotonic():
            check_url(address, private=settings.WEBHOOK_PRIVATE_TARGETS)
            url = httpx2.URL(address)
            port = url.port or (443 if url.scheme == "https" else 80)
            vetted = await self._vetted(url.host, port)
            before = self._targets.get(address)  # another attempt may have been here meanwhile
            known = self._targets[address] = _Target(
                url=url.copy_with(host=vetted),
                host=url.netloc.decode("ascii"),
                name=url.host,
                client=before.client if before else self._client(),
                until=time.monotonic() + _RESOLVED_SECONDS,
            )
            await self._let_go()
        return known

    def _client(self) -> httpx2.AsyncClient:
        if self._tls is None:
            self._tls = httpx2.create_ssl_context(trust_env=False)
        return httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            verify=self._tls,
            timeout=settings.WEBHOOK_TIMEOUT_SECONDS,
            limits=httpx2.Limits(
                max_connections=None,
                max_keepalive_connections=settings.WEBHOOK_ENDPOINT_IN_FLIGHT,
            ),
        )

    async def _let_go(self) -> None:
        """Forgets addresses that nothing is sent to any more. An attempt that took one in time has
        ended: a client that is closed here has nothing under way."""
        before = time.monotonic() - settings.WEBHOOK_TIMEOUT_SECONDS
        for address, target in list(self._targets.items()):
            if target.until < before:
                del self._targets[address]
                await target.client.aclose()

    async def _vetted(self, host: str, port: int) -> str:
        """The vetted address of a host. Forbidden, or OSError where it has none."""
        bare = host.strip("[]")
        try:
            ipaddress.ip_address(bare)
            found = [bare]
        except ValueError:
            answers = await asyncio.shield(self._lookup(bare, port))
            found = [str(sockaddr[0]) for *_, sockaddr in answers]
        return vet(found, private=settings.WEBHOOK_PRIVATE_TARGETS)

    def _lookup(self, host: str, port: int) -> asyncio.Task[Any]:
        """One question for a name at a time, however many attempts want it and give up: a name
        server that never answers keeps one thread, and not one for each attempt."""
        asked = self._asked.get(host)
        if asked is None:
            loop = asyncio.get_running_loop()
            question = loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            asked = self._asked[host] = loop.create_task(question)
            asked.add_done_callback(lambda done: self._answered(host, done))
        return asked

    def _answered(self, host: str, done: asyncio.Task[Any]) -> None:
        self._asked.pop(host, None)
        if not done.cancelled():
            done.exception()  # seen, though nobody may wait for it any more


def _repeats(challenge: str | None, beginning: bytes) -> bool:
    """Whether an answer repeats the challenge, as `{"challenge": "..."}`; True where none was."""
    if challenge is None:
        return True
    try:
        answer = orjson.loads(beginning)
    except orjson.JSONDecodeError:
        return False
    said = answer.get("challenge") if isinstance(answer, dict) else None
    return isinstance(said, str) and hmac.compare_digest(said.encode(), challenge.encode())
