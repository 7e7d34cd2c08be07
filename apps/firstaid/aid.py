"""First aid as it stands: what was seen and done, with corrections applied. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.firstaid import codes
from apps.firstaid.doses import happened_at, standing, text, texts
from apps.firstaid.models import FirstAidLog


@dataclass(frozen=True, slots=True)
class Refusal:
    """A procedure that was not done. `reason`: a pertinent negative."""

    procedure: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Aid:
    """What was seen and done at one moment. Codes are those of `codes`; empty: not told.

    `vitals`: numbers by the names of `codes.VITALS`, in its units. `level`: how awake, eVitals.26.
    """

    id: UUID
    assignment_id: UUID | None
    encounter_id: UUID | None
    corrects: UUID | None = None
    order: int = 0
    at: datetime | None = None
    received_at: datetime
    author_id: UUID | None = None
    unit_id: UUID | None = None
    given_by: str = ""
    before_arrival: bool = False
    injuries: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    vitals: Mapping[str, float] = field(default_factory=dict)
    level: str = ""
    breathing: str = ""
    outcome: str = ""
    note: str = ""
    withdrawn: bool = False


def aids(rows: Iterable[FirstAidLog]) -> list[Aid]:
    """The rows that stand, withdrawn ones left out, by their time; those without one first."""
    return standing_aids([aid_of(row) for row in rows])


def standing_aids(told: Iterable[Aid]) -> list[Aid]:
    """As `aids`, of what was told."""
    found = [aid for aid in standing(told) if not aid.withdrawn]
    return sorted(found, key=lambda aid: (aid.at is not None, aid.at or aid.received_at))


def aid_of(row: FirstAidLog) -> Aid:
    """A stored row as it was told. What cannot be read of it is left open."""
    data = row.data if isinstance(row.data, Mapping) else {}
    before = data.get("before_arrival") is True
    return Aid(
        id=row.pk,
        assignment_id=row.assignment_id,
        encounter_id=row.encounter_id,
        corrects=row.corrects,
        order=row.order,
        at=happened_at(row, row.done_at, unknown=before),
        received_at=row.received_at,
        author_id=row.author_id,
        unit_id=row.unit_id,
        **aid_details(data),
    )


def aid_details(data: Mapping[str, Any]) -> dict[str, Any]:
    """What first aid tells beyond which, when and whose it is, as fields of `Aid`."""
    return {
        "given_by": text(data, "given_by"),
        "before_arrival": data.get("before_arrival") is True,
        "injuries": texts(data, "injuries"),
        "procedures": texts(data, "procedures"),
        "refused": _refused(data.get("refused")),
        "vitals": vitals_of(data.get("vitals")),
        "level": text(data, "level"),
        "breathing": text(data, "breathing"),
        "outcome": text(data, "outcome"),
        "note": text(data, "note"),
        "withdrawn": data.get("withdrawn") is True,
    }


def vitals_of(value: object) -> dict[str, float]:
    """The measures that can be: known, numbers, and within what a body or NEMSIS allows."""
    if not isinstance(value, Mapping):
        return {}
    return {name: number for name, number in value.items() if is_vital(name, number)}


def is_vital(name: object, value: object) -> bool:
    """Whether this is a measure that can be."""
    known = codes.VITALS.get(name) if isinstance(name, str) else None
    if known is None or isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return known.least <= value <= known.most


def _refused(value: object) -> tuple[Refusal, ...]:
    rows: list[Any] = value if isinstance(value, list) else []
    return tuple(
        Refusal(text(row, "procedure"), text(row, "reason"))
        for row in rows
        if isinstance(row, Mapping) and text(row, "procedure")
    )
