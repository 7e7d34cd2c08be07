"""The addresses of sockets."""

from __future__ import annotations

from typing import Any

from apps.live.consumer import Receive, Send, serve
from apps.live.sessions import Audience

_ADDRESSES: dict[str, Audience] = {"/ws/v1/sync": "tablet", "/ws/v1/desk": "desk"}


async def websockets(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application of all sockets. An unknown address is refused like a foreign origin."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    audience = _ADDRESSES.get(path)
    if audience is None:
        await receive()
        await send({"type": "websocket.close"})
        return
    await serve(audience, scope, receive, send)
