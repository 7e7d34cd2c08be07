"""What a tablet sends of an act, read: what fits is the act, what does not is kept beside it. Pure.

Nothing is refused for a detail: whoever gives naloxone does not fill in a form twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.firstaid import codes
from apps.firstaid.aid import is_vital
from apps.people.ids import ordinal_of
from apps.sync.fitting import fit
from apps.sync.registry import Contact, Pushed
from apps.sync.stamps import STAMPED, Reading, Stamp, instant, stamp_of
from apps.sync.values import uuid_of

_IDS: Final = ("assignment_id", "encounter_id", "corrects")


@dataclass(frozen=True, kw_only=True)
class Told:
    """An act before it is stored. `data` and `unread` may hold PHI and are never printed.

    `ids` and `times` are those of its own columns, None where none was told; `flags` say what could
    not be read, `unread` holds that part as it came.
    """

    id: UUID
    assignment_id: UUID | None
    encounter_id: UUID | None
    corrects: UUID | None
    stamp: Stamp
    ids: Mapping[str, UUID | None] = field(default_factory=dict)
    times: Mapping[str, datetime | None] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unread: Mapping[str, Any] | None = field(default=None, repr=False)
    flags: frozenset[str] = frozenset()


Known = Mapping[str, Collection[str]]


def told_of(
    row: Pushed,
    contact: Contact,
    schema: Mapping[str, Any],
    *,
    ids: Iterable[str] = (),
    times: Iterable[str] = (),
    known: Known,
    wrong: Callable[[Mapping[str, Any]], bool] = lambda data: False,
    apart: Collection[str] = (),
) -> Told:
    """The act that a pushed row tells of.

    `ids` and `times` name its own columns, `apart` those that the caller has read; `known` the
    codes of each field, a single one or a list; `wrong` says whether a detail cannot be.
    """
    fitting, unfit = fit(row.document, schema)
    reading = Reading(unfit, {"bad_field"} if unfit else set())
    columns = {name: _id(fitting, name, reading) for name in (*_IDS, *ids)}
    if not _is_its_encounter(columns["encounter_id"], columns["assignment_id"]):
        reading.bad("encounter_id", fitting["encounter_id"])
        columns["encounter_id"] = None
    at = {name: instant(fitting, name, reading) for name in times}
    columned = STAMPED | {*columns, *at, *apart}
    data = {name: value for name, value in fitting.items() if name not in columned}
    if not codes_known(data, known):
        reading.flags.add("unknown_code")
    if wrong(data):
        reading.flags.add("bad_field")
    stamp = stamp_of(row, contact, reading)
    return Told(
        id=row.doc_id,
        assignment_id=columns.pop("assignment_id"),
        encounter_id=columns.pop("encounter_id"),
        corrects=columns.pop("corrects"),
        stamp=stamp,
        ids=columns,
        times=at,
        data=data,
        unread=reading.unread or None,
        flags=frozenset(reading.flags),
    )


def codes_known(data: Mapping[str, Any], known: Known) -> bool:
    """Whether every code is one of ours. Blank is not told, and is nothing to be known."""
    for name, ours in known.items():
        value = data.get(name)
        told = value if isinstance(value, list) else [value]
        if any(one and one not in ours for one in told):
            return False
    return True


def _is_its_encounter(encounter: UUID | None, assignment: UUID | None) -> bool:
    """Whether the named encounter, if there is one, is the assignment's. Who may tell an act is
    asked of its assignment: with another one's encounter it would stand in somebody else's
    record."""
    if encounter is None or assignment is None:
        return True
    return ordinal_of(encounter, assignment) is not None


def _id(document: dict[str, Any], name: str, reading: Reading) -> UUID | None:
    value = document.get(name)
    if value is None:
        return None
    found = uuid_of(value)
    if found is None:
        reading.bad(name, value)
    return found


# The codes of each field.
DOSE: Final[Known] = {
    "drug": codes.DRUGS,
    "dose_unit": codes.UNITS,
    "route": codes.ROUTES,
    "given_by": codes.GIVERS,
    "response": codes.RESPONSES,
    "breathing_before": codes.BREATHING,
    "breathing_after": codes.BREATHING,
    "complications": codes.COMPLICATIONS,
    "authorization": codes.AUTHORIZATIONS,
    "withheld": codes.PERTINENT_NEGATIVES,
    "correction_reason": codes.CORRECTION_REASONS,
}
AID: Final[Known] = {
    "given_by": codes.GIVERS,
    "injuries": codes.INJURIES,
    "procedures": codes.PROCEDURES,
    "level": codes.LEVELS,
    "breathing": codes.BREATHING,
    "outcome": codes.RESPONSES,
    "correction_reason": codes.CORRECTION_REASONS,
}
ANSWER: Final[Known] = {"response": codes.RESPONSES}
MOVEMENT: Final[Known] = {"cause": codes.STOCK_REASONS}


def odd_aid(data: Mapping[str, Any]) -> bool:
    """Whether a measure cannot be, or a refused procedure does not say what and why."""
    vitals = data.get("vitals") or {}
    refused = data.get("refused") or []
    return any(
        value is not None and not is_vital(name, value) for name, value in vitals.items()
    ) or any(
        one.get("procedure") not in codes.PROCEDURES
        or one.get("reason") not in codes.PERTINENT_NEGATIVES
        for one in refused
    )
