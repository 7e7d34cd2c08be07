"""The messages that a server sends on a socket, as text, and the codes that it closes with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

import orjson

from apps.sync.feed import Standing
from apps.sync.headers import format_head

RESYNC = '{"type":"resync"}'


class Code(IntEnum):
    """Why a socket was closed. 4xxx are the protocol's own, the others RFC 6455's."""

    BAD_HELLO = 4400
    CREDENTIAL = 4401
    FORBIDDEN = 4403
    ANOTHER_HISTORY = 4409
    UPGRADE_REQUIRED = 4426
    RESTART = 1012  # dial again, with jitter: a restart, or the end of a socket's lifetime
    TRY_LATER = 1013  # the client reads too slowly, or the server is too busy


def welcome(
    standing: Standing, *, collections: Sequence[str], heartbeat_seconds: float, now: datetime
) -> str:
    """The answer to a hello. `collections` are those that frames will come for."""
    return _text(
        {
            "type": "welcome",
            **_place(standing, now),
            "heartbeat_seconds": heartbeat_seconds,
            "collections": list(collections),
        }
    )


def heartbeat(
    standing: Standing, *, checkpoints: Mapping[str, str | None] | None, now: datetime
) -> str:
    """Where the server stands. With `checkpoints`: where this socket's frames have come to, so that
    a client that stands elsewhere knows that it misses something."""
    body: dict[str, Any] = {"type": "heartbeat", **_place(standing, now)}
    if checkpoints is not None:
        body["checkpoints"] = checkpoints
    return _text(body)


def frame(collection: str, prev: str | None, documents: str, checkpoint: str) -> str:
    """Documents (JSON, separated by commas) that continue at `prev` and lead to `checkpoint`."""
    before = "null" if prev is None else f'"{prev}"'
    return (
        f'{{"type":"frame","collection":"{collection}","prev":{before},'
        f'"documents":[{documents}],"checkpoint":"{checkpoint}"}}'
    )


def _place(standing: Standing, now: datetime) -> dict[str, Any]:
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"head": format_head(standing.head), "epoch": standing.epoch, "at": at}


def _text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()
