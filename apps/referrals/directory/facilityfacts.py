"""What a tablet tells of a service, read, and the document of it. Pure.

Nothing is refused for a detail: what does not fit is kept beside the fact, and flagged.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from apps.assignments.codes import NOT_HERE_YET
from apps.changes.services import Document
from apps.core.clock import iso
from apps.people.ids import ordinal_of
from apps.referrals.directory import codes, schemas
from apps.sync.fitting import fit
from apps.sync.registry import Contact, Pushed
from apps.sync.stamps import STAMPED, Reading, Stamp, as_sent, instant, stamp_of
from apps.sync.values import uuid_of

if TYPE_CHECKING:
    from apps.referrals.models import FacilityFact

REPORT: Final = "directory_report"
_IDS: Final = ("service_id", "assignment_id", "encounter_id", "corrects")
# The time that has a column of its own, for each kind that has one.
UNTIL: Final[Mapping[str, str]] = {"bed_call": "held_until", "arrival_notice": "expected_at"}
# The codes of each field.
_KNOWN: Final[Mapping[str, Mapping[str, Collection[str]]]] = {
    "directory_report": {"about": codes.REPORT_ABOUT},
    "bed_call": {"answer": codes.BED_ANSWERS},
    "arrival_notice": {},
    "handover_call": {"answer": codes.HANDOVER_ANSWERS, "direction": codes.DIRECTIONS},
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A fact before it is stored. `data` and `unread` may hold PHI and are never printed."""

    id: UUID
    kind: str
    ids: Mapping[str, UUID | None]
    until: datetime | None
    stamp: Stamp
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unread: Mapping[str, Any] | None = field(default=None, repr=False)
    flags: frozenset[str] = frozenset()


def told_of(row: Pushed, contact: Contact, kind: str) -> Told:
    """The fact that a pushed row of this kind tells."""
    fitting, unfit = fit(row.document, schemas.FACTS[kind])
    reading = Reading(unfit, {"bad_field"} if unfit else set())
    ids = {name: _id(fitting, name, reading) for name in _IDS}
    encounter, assignment = ids["encounter_id"], ids["assignment_id"]
    if encounter and (assignment is None or ordinal_of(encounter, assignment) is None):
        reading.bad("encounter_id", fitting["encounter_id"])
        ids["encounter_id"] = None
    until = instant(fitting, UNTIL[kind], reading) if kind in UNTIL else None
    columned = STAMPED | {*_IDS, UNTIL.get(kind, "")}
    data = {name: value for name, value in fitting.items() if name not in columned}
    for name, known in _KNOWN[kind].items():
        if data.get(name) and data[name] not in known:
            reading.flags.add("unknown_code")
    stamp = stamp_of(row, contact, reading)
    return Told(
        id=row.doc_id,
        kind=kind,
        ids=ids,
        until=until,
        stamp=stamp,
        data=data,
        unread=reading.unread or None,
        flags=frozenset(reading.flags),
    )


def document(
    row: FacilityFact, *, to: frozenset[str], here: bool = False, outcome: str | None = None
) -> Document:
    """A fact as it is sent. `here`: its assignment is; `outcome`: what came of a report."""
    data = row.data if isinstance(row.data, dict) else {}
    own: dict[str, Any] = {}
    if row.kind in UNTIL:
        own[UNTIL[row.kind]] = as_sent(row.until, UNTIL[row.kind], row.unread)
    if row.kind == REPORT:
        own["outcome"] = outcome
    else:
        own |= {"encounter_id": _text(row.encounter_id), "corrects": _text(row.corrects)}
    saved = {"editor": _text(row.device)} if row.device else {}
    if saved and row.edit_no:
        own["edit_no"] = row.edit_no
    body = {
        **data,
        **own,
        **saved,
        "id": str(row.pk),
        "kind": row.kind,
        "service_id": _text(row.service_id),
        "assignment_id": _text(row.assignment_id),
        "device_time": as_sent(row.device_time, "device_time", row.unread),
        "counter": row.counter,
        "author_id": str(row.author_id),
        "author_name": row.author.display_name,
        "unit_id": _text(row.unit_id),
        "unit": row.unit.call_sign if row.unit else None,
        "received_at": iso(row.received_at),
        "clock_offset_ms": row.clock_offset_ms,
        "clock_uncertainty_ms": row.clock_uncertainty_ms,
        "flags": [flag for flag in row.flags if not (here and flag == NOT_HERE_YET)],
        "order": row.order,
    }
    return Document("facts", row.pk, to, body)


def _id(document: Mapping[str, Any], name: str, reading: Reading) -> UUID | None:
    value = document.get(name)
    found = uuid_of(value)
    if value is not None and found is None:
        reading.bad(name, value)
    return found


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None
