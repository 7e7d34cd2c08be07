"""What partners are told: event types, registered by the app that knows what has happened.

An app never calls this room. It publishes as always, and puts into its own `events.py`, which is
found at start-up:

    register(
        EventType(
            name="referral.requested",              # dotted, as it stands in `type`
            version=1,                              # counted up with each change of `schema`
            title="You are asked for something.",
            on=("referral.requested",),             # names of published events
            schema={...},                           # JSON Schema of `data`, closed and required
            example={...},                          # of `data`; a test holds it against the schema
            build=lambda subject: {...},            # event's subject -> `data`; None: nothing
            audience=lambda subject: frozenset({partner_id}),   # or SUBSCRIBERS
            key=lambda subject: referral_id,        # what is told in order; the subject itself
            lane=Lane.URGENT,                       # waits for no event before it
        )
    )

`build` is called by a worker, a moment after the commit, and again as long as it fails: it reads
rows that are there to stay, and says ids, codes and times of them. It never says anything about a
person: the partner fetches that under its own token, where consent is asked. `data` is held against
`schema`, in which every object is closed, so that a field that nobody has thought about stays here.

A partner of the audience is told if it has an endpoint that asks for the type; SUBSCRIBERS are all
that have one. `restricted=True`: an administrator has to allow it to a partner first, which is how
what is not addressed to one partner (a unit's status, an overdose) stays with whom it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from jsonschema import Draft202012Validator

from apps.webhooks.models import Lane

__all__ = [
    "SUBSCRIBERS",
    "EventType",
    "Lane",
    "Unfit",
    "every_type",
    "named",
    "on_event",
    "optional_names",
    "register",
]

# The whole signed body stays below 20 kB; this leaves room for what is around `data`.
LARGEST_DATA: Final = 16_000


class Subscribers:
    """All partners that ask for the type."""


SUBSCRIBERS: Final = Subscribers()
Audience = frozenset[UUID] | Subscribers


class Unfit(Exception):
    """What was built is not what the schema promises. Names the place alone, not what is there."""


def _to_subscribers(subject: UUID) -> Audience:
    return SUBSCRIBERS


def _itself(subject: UUID) -> UUID:
    return subject


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type of event; see the module. `of_endpoint`: it is about one endpoint, the subject, and
    goes there alone, asked for or not. `restricted`: only partners that an administrator has
    allowed it may ask for it."""

    name: str
    version: int
    title: str
    on: tuple[str, ...]
    schema: Mapping[str, Any]
    example: Mapping[str, Any]
    build: Callable[[UUID], dict[str, Any] | None]
    audience: Callable[[UUID], Audience] = _to_subscribers
    key: Callable[[UUID], UUID] = _itself
    lane: Lane = Lane.ORDINARY
    of_endpoint: bool = False
    restricted: bool = False
    _validator: Draft202012Validator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Draft202012Validator.check_schema(self.schema)
        object.__setattr__(self, "_validator", Draft202012Validator(self.schema))

    def check(self, data: Mapping[str, Any]) -> None:
        """Unfit where `data` is not what the schema says."""
        for error in self._validator.iter_errors(data):
            raise Unfit(f"{self.name}: {error.json_path} ({error.validator})")


_types: dict[str, EventType] = {}
_on: dict[str, list[EventType]] = {}


def register(event_type: EventType) -> EventType:
    """Makes a type known. ValueError for a name that is taken."""
    if event_type.name in _types:
        raise ValueError(f"The event type {event_type.name} is registered twice.")
    _types[event_type.name] = event_type
    for name in event_type.on:
        _on.setdefault(name, []).append(event_type)
    return event_type


def every_type() -> Iterator[EventType]:
    """All types, by name."""
    return (_types[name] for name in sorted(_types))


def named(name: str) -> EventType | None:
    """The type of this name, if there is one."""
    return _types.get(name)


def optional_names() -> list[str]:
    """The types that an endpoint may ask for."""
    return [one.name for one in every_type() if not one.of_endpoint]


def on_event(name: str) -> tuple[EventType, ...]:
    """The types that tell of a published event."""
    return tuple(_on.get(name, ()))


def event_names() -> list[str]:
    """The published events that some type tells of."""
    return sorted(_on)


def body_schema(event_type: EventType) -> dict[str, Any]:
    """JSON Schema of the whole body of a type, as a receiver gets it."""
    uuid = {"type": "string", "format": "uuid"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type.title,
        "type": "object",
        "properties": {
            "type": {"const": event_type.name},
            "version": {"const": event_type.version},
            "timestamp": {"type": "string", "format": "date-time"},
            "endpoint": uuid,
            "epoch": uuid,
            "sequence": {"type": "integer", "minimum": 1},
            "parked": {"type": "array", "items": uuid},
            "data": dict(event_type.schema),
        },
        "required": [
            *("type", "version", "timestamp", "endpoint", "epoch", "sequence", "parked", "data")
        ],
    }


def body_example(event_type: EventType) -> dict[str, Any]:
    """An example of the whole body of a type."""
    return {
        "type": event_type.name,
        "version": event_type.version,
        "timestamp": "2026-03-04T20:15:00.000Z",
        "endpoint": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
        "epoch": "6f2c0c1e-2f0b-4c55-9d8e-4c1a6e0f7a10",
        "sequence": 4711,
        "parked": [],
        "data": dict(event_type.example),
    }
