"""A plain HTTP client on one connection that stays open: its own cost is next to nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    retry_after: float = 0.0


class Connection:
    """One request at a time, HTTP/1.1 with Content-Length."""

    def __init__(
        self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str) -> Self:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(
            address.hostname, address.port, limit=64 * 1024 * 1024
        )
        return cls(address.netloc, reader, writer)

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str],
        body: bytes = b"",
        patient: bool = False,
    ) -> Answer:
        """Sends, and reads the whole answer. RuntimeError for a status of 400 or more, but for the
        503 that tells a `patient` client to come back later."""
        lines = [f"{method} {path} HTTP/1.1", f"host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"content-length: {len(body)}", "", ""]
        self._writer.write("\r\n".join(lines).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *fields = head.split("\r\n")
        sent = dict(line.lower().split(": ", 1) for line in fields if line)
        answer = Answer(
            int(status.split(" ")[1]),
            await self._reader.readexactly(int(sent.get("content-length", "0"))),
            float(sent.get("retry-after", "0")),
        )
        if answer.status >= 400 and not (patient and answer.status == 503):
            raise RuntimeError(f"{path}: {answer.status} {answer.body[:500]!r}")
        return answer

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()
