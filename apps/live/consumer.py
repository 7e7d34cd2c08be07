"""The life of one socket: handshake, hello, welcome, then nothing but listening for its end.

A plain ASGI application and one task for each socket. Channels' consumers would add a channel, two
tasks and a hop to a thread for every message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from apps.core import clock
from apps.core.logs import ailment
from apps.live import messages, visits
from apps.live.entrance import Entrance, Refused, entrance
from apps.live.hello import BadHello, Hello, message_of, parse
from apps.live.hub import MOST_KNOCKING, Hub, hub
from apps.live.messages import Code
from apps.live.sessions import Audience, TurnedAway
from apps.live.socket import Socket

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Gone(Exception):
    """The client has hung up."""


async def serve(audience: Audience, scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One socket, from its handshake to its end."""
    await receive()  # websocket.connect
    try:
        knocking = entrance(scope)
    except Refused:
        await send({"type": "websocket.close"})  # before it is accepted: 403
        return
    await send({"type": "websocket.accept"})
    here = hub()
    try:
        socket = await _admit(here, audience, knocking, receive, send)
    except (BadHello, TurnedAway) as turned:
        code = turned.code if isinstance(turned, TurnedAway) else Code.BAD_HELLO
        await send({"type": "websocket.close", "code": int(code), "reason": _short(str(turned))})
        return
    except _Gone:
        return
    try:
        await _listen(socket, receive)
    except asyncio.CancelledError:
        if not socket.closed:  # not ended by the hub: the server is going down
            raise
    finally:
        here.remove(socket)


async def _admit(
    here: Hub, audience: Audience, knocking: Entrance, receive: Receive, send: Send
) -> Socket:
    if here.knocking >= MOST_KNOCKING:
        raise TurnedAway(Code.TRY_LATER, "too many are knocking: dial again later")
    here.knocking += 1
    try:
        hello = await _hello(receive)
        opened = await here.threads.other(
            visits.open_socket, audience, knocking, hello, now=clock.now()
        )
    except (OperationalError, InterfaceError) as error:
        log.warning("a socket cannot be opened: %s", ailment(error))
        raise TurnedAway(Code.TRY_LATER, "too busy: dial again later") from None
    except DatabaseError:
        log.exception("a socket cannot be opened")
        raise TurnedAway(Code.TRY_LATER, "something broke here: dial again later") from None
    finally:
        here.knocking -= 1
    socket = Socket(opened.who, checkpoints=opened.checkpoints, frames=hello.frames, send=send)
    socket.say(
        messages.welcome(
            opened.standing,
            collections=list(opened.checkpoints),
            heartbeat_seconds=settings.HEARTBEAT_SECONDS,
            now=clock.now(),
        )
    )
    if opened.estranged:
        socket.close(Code.ANOTHER_HISTORY, "this server follows another history")
    else:
        here.add(socket, opened.standing)
    return socket


async def _hello(receive: Receive) -> Hello:
    try:
        async with asyncio.timeout(settings.SOCKET_HELLO_SECONDS):
            return parse(_text(await receive()))
    except TimeoutError:
        raise BadHello("no hello came in time") from None


async def _listen(socket: Socket, receive: Receive) -> None:
    """Until the client hangs up. What it says after the hello has no meaning yet, and must at least
    be a message."""
    while True:
        try:
            message_of(_text(await receive()))
        except _Gone:
            return
        except BadHello as bad:
            socket.close(Code.BAD_HELLO, str(bad))


def _text(event: dict[str, Any]) -> str:
    if event["type"] == "websocket.disconnect":
        raise _Gone
    text = event.get("text")
    if not isinstance(text, str):
        raise BadHello("messages are text")
    return text


def _short(reason: str) -> str:
    """A close frame has room for 123 bytes of reason (RFC 6455, 5.5)."""
    return reason.encode()[:123].decode(errors="ignore")
