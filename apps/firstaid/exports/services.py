"""Exports as they leave: page by page, each in the audit log before it is handed out.

Nothing is written but the audit log. A page is read and audited before the next one is looked for:
a file of any length takes the memory of a page, no transaction is held while a slow reader is
waited for, and of an export that was cut off the log holds as much as was handed out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Q

from apps.audit.services import Actor, record
from apps.core.streaming import Parts
from apps.firstaid.exports import nemsis, odmap
from apps.firstaid.exports.care import Care
from apps.firstaid.exports.improved import Improved
from apps.firstaid.exports.records import Read, read
from apps.people.models import Encounter, EncounterQuerySet

PAGE: Final = 200


@dataclass
class Tally:
    """What became of the encounters so far; `left_out` by `records.LeftOut`."""

    exported: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def between(rows: EncounterQuerySet, since: datetime, until: datetime) -> EncounterQuerySet:
    """Encounters that were opened from `since` on and before `until`."""
    return rows.filter(opened_at__gte=since, opened_at__lt=until)


def export_nemsis(
    *, rows: EncounterQuerySet, actor: Actor, now: datetime, tally: Tally, narrative: bool = False
) -> Parts:
    """The parts of one EMSDataSet with these encounters, the oldest first. No part at all where
    none of them can be exported: a document without a report is not valid.

    `narrative`: with that of signed case notes. `tally` is kept as it goes.
    """
    agency = _agency()
    for page in _pages(rows, narrative=narrative):
        text = b"".join(nemsis.report(care, agency) for care in page.cares)
        if text and not tally.exported:
            text = nemsis.head(agency) + text
        _taken(page, page.cares, actor, now, tally, format="nemsis", narrative=narrative)
        if text:
            yield text
    if tally.exported:
        yield nemsis.tail()


def export_odmap(*, rows: EncounterQuerySet, actor: Actor, now: datetime, tally: Tally) -> Parts:
    """The lines of a CSV of the overdoses among these encounters, the oldest first."""
    yield odmap.header()
    for page in _pages(rows):
        events = {
            care.id: event
            for care in page.cares
            if (event := odmap.event_of(care, decimals=settings.ODMAP_PLACE_DECIMALS))
        }
        told = [care for care in page.cares if care.id in events]
        _taken(page, told, actor, now, tally, format="odmap")
        if events:
            yield b"".join(map(odmap.line, events.values()))


def report_improved(*, rows: EncounterQuerySet, actor: Actor, now: datetime) -> Improved:
    """The counts of the report. Whose doses were counted is in the audit log: they were read."""
    found = Improved()
    for page in _pages(rows):
        for care in page.cares:
            found.add(care)
        counted = [care for care in page.cares if care.naloxone]
        _taken(page, counted, actor, now, Tally(), format="naloxone_improved")
    return found


def _pages(rows: EncounterQuerySet, *, narrative: bool = False) -> Iterator[Read]:
    """These encounters by the time when they were opened."""
    last: Encounter | None = None
    while True:
        further = rows.order_by("opened_at", "pk")
        if last is not None:
            at = last.opened_at
            further = further.filter(Q(opened_at__gt=at) | Q(opened_at=at, pk__gt=last.pk))
        page = list(further[:PAGE])
        if not page:
            return
        last = page[-1]
        yield read(page, narrative=narrative)


def _taken(
    page: Read,
    cares: Sequence[Care],
    actor: Actor,
    now: datetime,
    tally: Tally,
    **detail: Any,
) -> None:
    record(
        actor=actor,
        action="export",
        subject_type="encounter",
        subject_ids=[care.id for care in cares],
        now=now,
        detail=detail,
    )
    tally.exported += len(cares)
    tally.left_out.update(page.left_out.values())


def _agency() -> nemsis.Agency:
    return nemsis.Agency(
        number=settings.NEMSIS_AGENCY_NUMBER,
        name=settings.NEMSIS_AGENCY_NAME,
        state=settings.NEMSIS_STATE,
        county=settings.NEMSIS_COUNTY,
    )
