"""The first message of a client: which local database it is, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps.changes.reading import Head
from apps.core.problems import ProblemError
from apps.sync.headers import parse_head
from apps.sync.projection import oldest

LARGEST = 64 * 1024  # characters; a dozen checkpoints are less than 2 KB


class BadHello(Exception):
    """Closed with 4400; the text is the reason that the client reads."""


@dataclass(frozen=True, slots=True)
class Hello:
    """`checkpoints` names the wanted collections; none named: all. `frames`: the client takes
    documents from the socket; otherwise it is only told to pull. `instance` is a tablet's local
    database. `schema` is the version of the schemas that the client was built for."""

    instance: UUID | None
    checkpoints: Mapping[str, str | None] | None
    seen: Head | None
    ticket: str | None
    frames: bool
    clock: str | None
    schema: int = 1


def parse(text: str) -> Hello:
    """Raises BadHello, whose text names what is wrong and repeats none of it."""
    message = message_of(text)
    if message.get("type") != "hello":
        raise BadHello("the first message must be of type hello")
    mode = message.get("mode", "frames")
    if mode not in {"frames", "resync"}:
        raise BadHello("mode is frames or resync")
    return Hello(
        instance=_instance(message.get("instance")),
        checkpoints=_checkpoints(message.get("checkpoints")),
        seen=_seen(message.get("seen")),
        ticket=_optional_text(message, "ticket"),
        frames=mode == "frames",
        clock=_optional_text(message, "clock"),
        schema=_schema(message.get("schema")),
    )


def message_of(text: str) -> dict[str, Any]:
    """Any message of a client: a JSON object of bounded size."""
    if len(text) > LARGEST:
        raise BadHello(f"a message has at most {LARGEST} characters")
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadHello("a message is JSON text") from None
    if not isinstance(message, dict):
        raise BadHello("a message is a JSON object")
    return message


def _instance(value: object) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(str(value))
    except ValueError:
        raise BadHello("instance is a UUID") from None


def _checkpoints(value: object) -> Mapping[str, str | None] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not all(
        v is None or isinstance(v, str) for v in value.values()
    ):
        raise BadHello("checkpoints is an object: collection to checkpoint or null")
    return value


def _seen(value: object) -> Head | None:
    if value is None:
        return None
    try:
        return parse_head(str(value))
    except ProblemError:
        raise BadHello("seen is a head that this server has sent, or null") from None


def _schema(value: object) -> int:
    if value is None:
        return oldest()
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 0xFFFF:
        raise BadHello("schema is the version of the schemas, a whole number from 1")
    return value


def _optional_text(message: dict[str, Any], name: str) -> str | None:
    value = message.get(name)
    if not (value is None or isinstance(value, str)):
        raise BadHello(f"{name} is text")
    return value
