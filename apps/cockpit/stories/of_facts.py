"""What happened on calls: every fact by the time that it counts with, and the alarms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from apps.assignments.admin import tables
from apps.assignments.models import Alert, Fact
from apps.assignments.records import flags_of, limits, told
from apps.assignments.timeline import Entry, derive
from apps.cockpit.stories import said
from apps.cockpit.stories.moments import Kind, Moment, Record
from apps.cockpit.stories.rows import Rows

# What the police, the fire department and CARE hand to each other.
_HANDOFF: Final = frozenset(
    {"police_arrived", "police_released", "scene_secured", "scene_unsafe", "declined", "cad_status"}
)


def moments(rows: Rows) -> Iterator[Moment]:
    """Facts of whole assignments, with corrections applied; what was taken back stays and says so.
    Those of one assignment stand together in `rows`."""
    for _, facts in groupby(rows.facts, key=lambda fact: fact.assignment_id):
        yield from _of_one(list(facts))
    for alert in rows.alerts:
        yield from _of_alert(alert)


def _of_one(facts: list[Fact]) -> Iterator[Moment]:
    known = {fact.pk: fact for fact in facts}
    timeline = derive([told(fact, fact.order) for fact in facts], limits=limits())
    for entry in timeline.history:
        fact = known[entry.fact.id]
        flags = tuple(tables.flag(code) for code in flags_of(fact, timeline))
        yield _moment(fact, entry, flags)


def _moment(fact: Fact, entry: Entry, flags: tuple[str, ...]) -> Moment:
    back = " (taken back)" if tables.taken_back(entry) else ""
    author = fact.author.display_name if fact.author else ""
    return Moment(
        at=entry.at or fact.received_at,
        told_at=fact.received_at,
        kind=Kind.HANDOFF if entry.event in _HANDOFF else Kind.CALL,
        what=tables.event(entry.event) + back,
        record=Record.of(fact),
        of=fact.assignment_id,
        who=", ".join(filter(None, (author, fact.unit.call_sign if fact.unit else ""))),
        source=fact.get_source_display(),
        lines=tuple(tables.details(entry.data)),
        flags=flags,
    )


def _of_alert(row: Alert) -> Iterator[Moment]:
    name = row.get_kind_display()
    record, of = Record.of(row), row.assignment_id
    whom = "supervisors and dispatch desk" if row.level >= 3 else "supervisors"
    yield Moment(
        at=row.raised_at,
        kind=Kind.ALERT,
        what=f"Alert: {name}",
        record=record,
        of=of,
        source="Carefield",
        lines=(("told", whom), *said.lines(row.counted)),
    )
    if row.acknowledged_at and row.acknowledged_by:
        yield Moment(
            at=row.acknowledged_at,
            kind=Kind.ALERT,
            what=f"Alert answered: {name}",
            record=record,
            part="answered",
            of=of,
            who=row.acknowledged_by.display_name,
        )
    elif row.stopped_at:
        yield Moment(
            at=row.stopped_at,
            kind=Kind.ALERT,
            what=f"Alert over: {name}",
            record=record,
            part="stopped",
            of=of,
            source="Carefield",
        )
