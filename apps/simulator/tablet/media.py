"""Photos and signatures: kept in a file of their own, sent beside the records, piece by piece.

Nothing here shares a connection, a transaction or a queue with the records: a photo that takes all
day holds up no tap. Where an upload stands, the server alone knows: it is asked at the start and
after each failure, so a tablet that was switched off goes on where it was.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx2

from .database import forget
from .wire import NoAnswer, Refused, ShutOut, understood

LARGEST_PIECE = 512 * 1024
SMALLEST_PIECE = 8 * 1024  # the server takes 4 KiB at the least
TIMEOUT_SECONDS = 30.0
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
_FINAL = frozenset({"wrong-hash", "not-a-picture", "broken-picture", "too-large", "invalid"})

_TABLES = """
create table if not exists media (
  sha256 text primary key, bytes blob, state text not null default 'unsent', problem text,
  n integer unique)
"""
_LEFT = "left"  # of an unsent one: the document that named it has gone


class Media:
    """The photos of one tablet. `token` is asked for each request: it changes with enrolment.
    `named`: whether a document on the tablet names an address. A photo that was sent goes with the
    last document that did; one that was not is sent first."""

    def __init__(
        self,
        base_url: str,
        path: Path | str,
        token: Callable[[], str | None],
        *,
        dice: random.Random,
        transport: httpx2.AsyncBaseTransport | None = None,
        named: Callable[[str], bool] = lambda sha256: True,
    ) -> None:
        self._token = token
        self._named = named
        self._dice = dice
        self._kept = asyncio.Event()
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma secure_delete = on")
        self._file.execute(_TABLES)
        self._client = httpx2.AsyncClient(
            base_url=base_url, transport=transport, timeout=TIMEOUT_SECONDS, trust_env=False
        )
        self._piece = LARGEST_PIECE
        self.sent_bytes = 0  # of bodies, for whoever wants to know what a bad radio costs

    async def close(self) -> None:
        await self._client.aclose()
        self._file.close()

    def keep(self, data: bytes) -> str:
        """Put a photo into the outbox; the address that a document names it by."""
        sha256 = hashlib.sha256(data).hexdigest()
        self._file.execute(
            "insert into media (sha256, bytes, n) "
            "values (?, ?, (select coalesce(max(n), 0) + 1 from media)) on conflict do nothing",
            [sha256, data],
        )
        self._kept.set()
        return sha256

    def unsent(self) -> list[str]:
        """Addresses of what is still to be sent, oldest first."""
        found = self._file.execute("select sha256 from media where state = 'unsent' order by n")
        return [sha256 for (sha256,) in found]

    def refused(self) -> dict[str, str]:
        """What the server does not take, and its word for why. It stays here, in sight."""
        found = self._file.execute("select sha256, problem from media where state = 'refused'")
        return dict(found)

    def drop(self, sha256: str) -> None:
        """Forget a photo: the person gave it up, or its document has gone."""
        self._file.execute("delete from media where sha256 = ?", [sha256])
        forget(self._file)

    def held(self) -> list[str]:
        """Addresses of all that lies here."""
        return [sha256 for (sha256,) in self._file.execute("select sha256 from media order by n")]

    def tidy(self) -> None:
        """Documents have left the tablet: what was sent and is named by none any more goes too."""
        for sha256, state in self._file.execute("select sha256, state from media").fetchall():
            if self._named(sha256):
                continue
            if state == "sent":
                self.drop(sha256)
            elif state == "unsent":
                self._file.execute("update media set problem = ? where sha256 = ?", [_LEFT, sha256])

    async def sending(self) -> None:
        """Send whatever is kept, for ever."""
        while True:
            self._kept.clear()
            for sha256 in self.unsent():
                await self.send(sha256)
            await self._kept.wait()

    async def send(self, sha256: str) -> bool:
        """Send one photo, however long it takes. False: the server does not take it, or it is not
        here any more."""
        row = self._file.execute("select bytes from media where sha256 = ?", [sha256]).fetchone()
        if row is None:
            return False
        (data,) = row
        failures = 0
        while True:
            try:
                offset = await self._ask(sha256)
                while offset is not None:
                    offset = await self._send_piece(sha256, data, offset)
                    failures = 0
                self._sent(sha256)
                return True
            except Refused as refused:
                code = str(refused.problem.get("code", ""))
                if code in _FINAL:
                    self._file.execute(
                        "update media set state = 'refused', problem = ? where sha256 = ?",
                        [code, sha256],
                    )
                    return False
                await self._pause(failures := failures + 1)
            except NoAnswer as failure:
                # A smaller piece gets through where a larger one is cut off; a lost one costs less.
                self._piece = max(SMALLEST_PIECE, self._piece // 2)
                await self._pause(failures := failures + 1, failure.wait)
            except ShutOut:
                await self._pause(failures := failures + 1, LONGEST_PAUSE)

    async def fetch(self, sha256: str) -> bytes | None:
        """The picture as the server shows it; None: it is not here yet, or not for us."""
        got, tag, failures = b"", "", 0
        while True:
            # What a broken-off download has brought is kept, and the rest asked for.
            headers = {"Range": f"bytes={len(got)}-", "If-Range": tag} if got else {}
            try:
                async with self._client.stream(
                    "GET", _path(sha256), headers=headers | self._headers()
                ) as answer:
                    if answer.status_code == 404:
                        return None
                    if not answer.is_success:
                        await answer.aread()
                        understood(answer)
                    if answer.status_code != 206:
                        got, tag = b"", answer.headers.get("ETag", "")
                    async for part in answer.aiter_raw():
                        got += part
                return got
            except httpx2.TransportError:
                await self._pause(failures := failures + 1)
            except NoAnswer as failure:
                await self._pause(failures := failures + 1, failure.wait)

    def _sent(self, sha256: str) -> None:
        self._file.execute("update media set state = 'sent' where sha256 = ?", [sha256])
        left = self._file.execute(
            "select 1 from media where sha256 = ? and problem = ?", [sha256, _LEFT]
        ).fetchone()
        if left and not self._named(sha256):
            self.drop(sha256)

    async def _ask(self, sha256: str) -> int | None:
        """How many bytes of it are there; None: all, and we may see it."""
        answer = await self._request("HEAD", sha256)
        if answer.status_code == 404:
            return int(answer.headers.get("Upload-Offset", "0"))
        understood(answer)
        return None

    async def _send_piece(self, sha256: str, data: bytes, start: int) -> int | None:
        """Send the next piece; where the one after it begins, None after the last."""
        piece = data[start : start + self._piece]
        last = start + len(piece) - 1
        self.sent_bytes += len(piece)
        answer = await self._request(
            "PUT", sha256, piece, {"Content-Range": f"bytes {start}-{last}/{len(data)}"}
        )
        if answer.status_code == 409 and "Upload-Offset" in answer.headers:
            return int(answer.headers["Upload-Offset"])
        if understood(answer).status_code != 202:
            return None
        self._piece = min(LARGEST_PIECE, self._piece * 2)
        return int(answer.headers["Upload-Offset"])

    async def _request(
        self,
        method: str,
        sha256: str,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        try:
            return await self._client.request(
                method,
                _path(sha256),
                content=content,
                headers={**(headers or {}), **self._headers()},
            )
        except httpx2.TransportError as error:
            raise NoAnswer(type(error).__name__) from error

    def _headers(self) -> dict[str, str]:
        token = self._token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def _pause(self, failures: int, least: float = 0.0) -> None:
        """Full jitter, as for records."""
        bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures)
        await asyncio.sleep(least + self._dice.uniform(0, bound))


def _path(sha256: str) -> str:
    return f"/api/v1/media/{sha256}"
