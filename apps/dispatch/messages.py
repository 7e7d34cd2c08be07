"""The bodies of CAD's messages, by the address that they were sent to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from apps.dispatch import eido, plain
from apps.dispatch.calls import Call, Malformed

#: The largest message that is taken, in bytes.
LARGEST = 1024 * 1024
EIDO = "/api/v1/dispatch/eido"
PLAIN = "/api/v1/dispatch/incidents"

_PARSERS: Mapping[str, Callable[[Any], Call]] = {EIDO: eido.parse, PLAIN: plain.parse}


def parse(path: str, body: bytes) -> Call:
    """The call that a body tells. Raises `Malformed`, whose errors repeat nothing of the body."""
    return _PARSERS[path](decoded(body))


def decoded(body: bytes) -> Any:
    """JSON in UTF-8. Anything else is malformed, and is told apart."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed([("", f"not UTF-8 at byte {error.start}: send UTF-8")]) from None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Malformed([("", f"not JSON at line {error.lineno}, column {error.colno}")]) from None


__all__ = ["EIDO", "LARGEST", "PLAIN", "decoded", "parse"]
