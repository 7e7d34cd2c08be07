"""Overdose events in the terms of ODMAP (odmap.org), as CSV.

ODMAP counts overdoses by time, rounded place, fatal or not, and how much naloxone was given; it
takes no word about the person. Its entry screen is public, the specification of its API is not: a
file is made, to be entered or mapped by whoever has the agreement. The words below are the place
to change when a specification is at hand.

Where medics came, their agency may tell the same overdose: `ems_on_scene` marks it, so that it is
not counted twice.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from apps.firstaid import codes
from apps.firstaid.exports.care import Care
from apps.firstaid.exports.nemsis_codes import OVERDOSE

FATAL: Final = "Fatal"
NON_FATAL: Final = "Non-Fatal"

# Extent of naloxone.
NO_DOSE: Final = "No naloxone"
SINGLE: Final = "Single dose"
MULTIPLE: Final = "Multiple doses"
UNKNOWN: Final = "Unknown"

# Who gave it: key of `codes.GIVERS` -> word.
GIVERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        codes.CARE: "Crisis responder",
        "police": "Law enforcement",
        "fire": "Fire",
        "medics": "EMS",
        "bystander": "Bystander",
        "family": "Family or friend",
        "self": "Self",
        "health_worker": "Health worker",
        "other": "Other",
    }
)

COLUMNS: Final = (
    *("event_id", "occurred_at", "latitude", "longitude", "outcome", "naloxone"),
    *("administered_by", "ems_on_scene"),
)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Event:
    """One overdose. `id` is the same at every export. `place` is rounded, None: not known."""

    id: UUID
    at: datetime
    place: tuple[str, str] | None
    outcome: str
    naloxone: str
    administered_by: tuple[str, ...]
    ems_on_scene: bool


def event_of(care: Care, *, decimals: int) -> Event | None:
    """The overdose that an encounter was, None for one that was none.

    It was one if naloxone was given, if the crew says that they suspect one, or if somebody was
    found dead on a call that 911 coded as an overdose. The code of a call alone is a caller's word.
    `decimals` of a degree: 3 are about 110 metres.
    """
    suspected = any("overdose" in aid.injuries for aid in care.aids)
    coded = care.response.call_type == OVERDOSE
    if not (care.naloxone or suspected or (care.fatal and coded)):
        return None
    told = care.response
    return Event(
        id=care.report_id,
        at=told.called_at or told.times.get("contact") or told.notified_at,
        place=rounded(care.place, decimals),
        outcome=FATAL if care.fatal else NON_FATAL,
        naloxone=extent(care),
        administered_by=_givers(care),
        ems_on_scene=care.medics_came,
    )


def extent(care: Care) -> str:
    """How much naloxone was given, by anybody: one row is one dose.

    Unknown where a dose was given of something that is not known here: it may have been some.
    """
    count = len(care.naloxone)
    if count > 1:
        return MULTIPLE
    given = {dose.drug for dose in care.doses if dose.was_given}
    if any(drug not in codes.DRUGS for drug in given) and not count:
        return UNKNOWN
    return SINGLE if count else NO_DOSE


def header() -> bytes:
    """The names of the columns."""
    return _line(COLUMNS)


def line(event: Event) -> bytes:
    """One event. Every value is a number, a time or a word of this module: nothing was typed."""
    latitude, longitude = event.place or ("", "")
    return _line(
        (
            str(event.id),
            event.at.isoformat(timespec="seconds"),
            latitude,
            longitude,
            event.outcome,
            event.naloxone,
            "; ".join(event.administered_by),
            "yes" if event.ems_on_scene else "no",
        )
    )


def _givers(care: Care) -> tuple[str, ...]:
    found = {GIVERS.get(dose.given_by, UNKNOWN) for dose in care.naloxone}
    return tuple(sorted(found))


def rounded(place: tuple[float, float] | None, decimals: int) -> tuple[str, str] | None:
    """Latitude and longitude as they are told."""
    if place is None:
        return None
    latitude, longitude = place
    return f"{latitude:.{decimals}f}", f"{longitude:.{decimals}f}"


def _line(values: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().encode()
