"""Doses as they stand: what was written down, with corrections and answers applied. Pure.

A correction is the whole dose anew under an id of its own, whichever of the two arrives first. What
nothing corrects holds; of several corrections the last by the server's order. What was answered
later ("is the person breathing?") fills what the dose itself left open, and replaces nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, TypeVar
from uuid import UUID

from apps.assignments.timeline import corrected_time
from apps.firstaid import codes
from apps.firstaid.models import FieldAct, NaloxoneDose, OverdoseAnswer
from apps.sync.stamps import Reading, instant


@dataclass(frozen=True, kw_only=True)
class Dose:
    """One dose. Codes are those of `codes`; empty: not told, which is never "no".

    `at`: when it was given, by the server's clock; None: not known. `amount` in `amount_unit`.
    `withheld`: a pertinent negative: it was offered, or thought of, and not given.
    `withdrawn`: a correction says that it did not happen.
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
    drug: str = codes.NALOXONE
    amount: Decimal | None = None
    amount_unit: str = ""
    route: str = ""
    given_by: str = ""
    before_arrival: bool = False
    response: str = ""
    breathing_before: str = ""
    breathing_after: str = ""
    complications: tuple[str, ...] = ()
    authorization: str = ""
    withheld: str = ""
    withdrawn: bool = False
    product_id: UUID | None = None
    lot_id: UUID | None = None
    kit_id: UUID | None = None
    position: Mapping[str, Any] | None = None

    @property
    def was_given(self) -> bool:
        """Whether somebody got it."""
        return not (self.withheld or self.withdrawn)

    @property
    def gave_naloxone(self) -> bool:
        """Whether somebody got naloxone: the log has oxygen and glucose too, and what was refused.
        Every rule about overdoses asks this."""
        return self.was_given and self.drug in codes.NALOXONES


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer of the crew; see `codes.ANSWERS`. `at`: as of a dose. `called_at`: when the fire
    department was called, by the server's clock; None: not told. `witness`: of a refusal."""

    id: UUID
    question: str
    answer: str
    assignment_id: UUID | None
    encounter_id: UUID | None
    dose_id: UUID | None = None
    order: int = 0
    at: datetime | None = None
    received_at: datetime
    response: str = ""
    called_at: datetime | None = None
    witness: str = ""
    note: str = ""


class Corrected(Protocol):
    """What `standing` needs of a row."""

    @property
    def id(self) -> UUID: ...
    @property
    def corrects(self) -> UUID | None: ...
    @property
    def order(self) -> int: ...


C = TypeVar("C", bound=Corrected)


def chains(rows: Iterable[C]) -> list[list[C]]:
    """The rows of each chain of corrections, the one that holds at the end, the others before it in
    the server's order. In the order of their first rows.

    What holds is what nothing corrects; of several such rows the last. A correction whose first row
    is not here begins a chain of its own; rows that correct each other in a circle are in none.
    """
    known = {row.id: row for row in sorted(rows, key=lambda row: row.order)}
    found: dict[UUID, list[C]] = {}
    for row in known.values():
        if (first := first_of(row, known)) is not None:
            found.setdefault(first.id, []).append(row)
    corrected = {row.corrects for row in known.values()}
    for chain in found.values():
        chain.sort(key=lambda row: (row.id not in corrected, row.order))
    return [found[id] for id in known if id in found]


def standing(rows: Iterable[C]) -> list[C]:
    """The rows that hold, one for each chain of corrections."""
    return [chain[-1] for chain in chains(rows)]


def first_of(row: C, known: Mapping[UUID, C]) -> C | None:
    """The first row of the chain of corrections that a row belongs to; None in a circle."""
    seen = {row.id}
    while row.corrects is not None and row.corrects in known:
        row = known[row.corrects]
        if row.id in seen:
            return None
        seen.add(row.id)
    return row


def doses(rows: Iterable[NaloxoneDose], answers: Iterable[OverdoseAnswer] = ()) -> list[Dose]:
    """The doses that stand, withdrawn ones left out, by the time when they were given; those
    without a time first: they were given before anybody looked at a clock."""
    return standing_doses([dose_of(row) for row in rows], [answer_of(row) for row in answers])


def standing_doses(told: Iterable[Dose], answers: Sequence[Answer] = ()) -> list[Dose]:
    """As `doses`, of what was told."""
    found = [_with(chain, answers) for chain in chains(told)]
    return in_time([dose for dose in found if not dose.withdrawn])


def in_time(found: Sequence[Dose]) -> list[Dose]:
    """By the time when they were given, those without a time first."""
    return sorted(found, key=lambda dose: (dose.at is not None, dose.at or dose.received_at))


def _with(chain: Sequence[Dose], answers: Sequence[Answer]) -> Dose:
    """The dose that holds; what it left open is from the last answer about any row of its chain."""
    dose, ids = chain[-1], {row.id for row in chain}
    about = [one for one in answers if one.dose_id in ids and one.question == "breathing"]
    if not about:
        return dose
    last = max(about, key=lambda one: one.order)
    return replace(
        dose,
        breathing_after=dose.breathing_after or last.answer,
        response=dose.response or last.response,
    )


def dose_of(row: NaloxoneDose) -> Dose:
    """A stored dose as it was told. What cannot be read of it is left open."""
    data = row.data if isinstance(row.data, Mapping) else {}
    before = data.get("before_arrival") is True
    return Dose(
        id=row.pk,
        assignment_id=row.assignment_id,
        encounter_id=row.encounter_id,
        corrects=row.corrects,
        order=row.order,
        at=happened_at(row, row.given_at, unknown=before),
        received_at=row.received_at,
        author_id=row.author_id,
        unit_id=row.unit_id,
        product_id=row.product_id,
        lot_id=row.lot_id,
        kit_id=row.kit_id,
        **dose_details(data),
    )


def dose_details(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a dose tells beyond which, when and whose it is, as fields of `Dose`."""
    return {
        "drug": text(data, "drug") or codes.NALOXONE,
        "amount": amount(data.get("dose")),
        "amount_unit": text(data, "dose_unit"),
        "route": text(data, "route"),
        "given_by": text(data, "given_by"),
        "before_arrival": data.get("before_arrival") is True,
        "response": text(data, "response"),
        "breathing_before": text(data, "breathing_before"),
        "breathing_after": text(data, "breathing_after"),
        "complications": texts(data, "complications"),
        "authorization": text(data, "authorization"),
        "withheld": text(data, "withheld"),
        "withdrawn": data.get("withdrawn") is True,
        "position": place if isinstance(place := data.get("position"), Mapping) else None,
    }


def answer_of(row: OverdoseAnswer) -> Answer:
    """A stored answer."""
    data = row.data if isinstance(row.data, Mapping) else {}
    return Answer(
        id=row.pk,
        question=row.question,
        answer=text(data, "answer"),
        assignment_id=row.assignment_id,
        encounter_id=row.encounter_id,
        dose_id=row.dose_id,
        order=row.order,
        at=happened_at(row, None),
        received_at=row.received_at,
        response=text(data, "response"),
        called_at=corrected_time(instant(dict(data), "called_at", Reading()), row.clock_offset_ms),
        witness=text(data, "witness"),
        note=text(data, "note"),
    )


def happened_at(
    row: FieldAct, stated: datetime | None, *, unknown: bool = False
) -> datetime | None:
    """When an act happened by the server's clock: the stated time, else that of the tap, off by
    what was measured of the device's clock. `unknown`: without a stated time nobody knows. None as
    well where `corrected_time` has none."""
    return corrected_time(stated or (None if unknown else row.device_time), row.clock_offset_ms)


def text(data: Mapping[str, Any], name: str) -> str:
    """A code or text; empty where it is none."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def texts(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of codes; what is none is left out."""
    value = data.get(name)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def amount(value: object) -> Decimal | None:
    """An amount as JSON holds it: a number, or a number as text. None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found > 0 else None
