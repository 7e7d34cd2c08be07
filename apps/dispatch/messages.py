"""The bodies of CAD's messages, by the address that they were sent to."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from apps.dispatch import eido, plain
from apps.dispatch.calls import Call, Malformed
from apps.dispatch.wire import gathered

log = logging.getLogger(__name__)

#: The largest message that is taken, in bytes.
LARGEST = 1024 * 1024
EIDO = "/api/v1/dispatch/eido"
PLAIN = "/api/v1/dispatch/incidents"

_PARSERS: Mapping[str, Callable[[Any], Call]] = {EIDO: eido.parse, PLAIN: plain.parse}


class Undecodable(Malformed):
    """A body that is not even JSON in UTF-8."""


def parse(path: str, body: bytes) -> Call:
    """The call that a body tells. Raises `Malformed`, whose errors repeat nothing of the body.

    A mistake of ours in reading it counts as malformed too, so that the message is kept.
    """
    document = decoded(body)
    try:
        return _PARSERS[path](document)
    except Malformed:
        raise
    except Exception as error:
        log.exception("message not read: %s", type(error).__name__)
        raise Malformed([("", "could not be read: tell the operator of Carefield")]) from None


def decoded(body: bytes) -> Any:
    """JSON in UTF-8. Anything else is malformed, and is told apart.

    Members that come twice are gathered: most readers keep the last one, and a caution could be
    among the others.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Undecodable([("", f"not UTF-8 at byte {error.start}: send UTF-8")]) from None
    try:
        orjson.loads(text)  # the strict reader, and the one that says where a mistake is
        return json.loads(
            text, object_pairs_hook=gathered, parse_int=_whole_number, parse_float=float
        )
    except orjson.JSONDecodeError as error:
        raise Undecodable(
            [("", f"not JSON at line {error.lineno}, column {error.colno}")]
        ) from None
    except RecursionError:
        raise Undecodable([("", "nested too deeply")]) from None


def _whole_number(digits: str) -> int | str:
    """A number with many digits is a name (a CAD event number): as text it stays exact."""
    return int(digits) if len(digits) < 19 else digits
