"""A receiver of webhooks that does as little as it can: `python -m bench.receiver PORT`.

The path says how it behaves: /down closes the connection, /slow answers after five seconds, all
else at once.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvloop

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Receiver(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: Any) -> None:
        self.transport, self.waiting = transport, b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].lower()
            _, _, rest = head.partition(b"content-length:")
            length = int(rest.split(b"\r\n", 1)[0]) if rest else 0
            if len(self.waiting) < end + 4 + length:
                return
            self.waiting = self.waiting[end + 4 + length :]
            self._answer(head.split(b" ", 2)[1])

    def _answer(self, path: bytes) -> None:
        if path.startswith(b"/down"):
            self.transport.close()
        elif path.startswith(b"/slow"):
            asyncio.get_running_loop().call_later(5, self._say)
        else:
            self._say()

    def _say(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_ANSWER)


async def main(port: int) -> None:
    """Listens until it is ended."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
