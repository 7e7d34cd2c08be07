"""Encounters, and what became of a person's record: written of first, merged, opened without a
call that led to it, its safety notes looked at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from apps.cockpit.stories import said
from apps.cockpit.stories.moments import Kind, Moment, Record
from apps.cockpit.stories.rows import Rows
from apps.core.ids import short
from apps.people.models import BrokenGlass, Encounter, Person
from apps.people.safety import Verdict


def moments(rows: Rows) -> Iterator[Moment]:
    """As `of_notes.moments`. What was typed of a person stands on their own page."""
    for encounter in rows.encounters:
        yield _met(encounter)
    for person in rows.persons:
        yield from _of(person, rows)
    for glass in rows.glass:
        yield from _glass(glass)


def _met(row: Encounter) -> Moment:
    whom = f" with person {short(row.person_id)}" if row.person_id else ""
    match = row.get_match_display()
    return Moment(
        at=row.opened_at,
        kind=Kind.PERSON,
        what=f"Encounter {row.ordinal}{whom}",
        record=Record.of(row),
        of=row.assignment_id,
        source=row.get_opened_by_display(),
        lines=said.line("who it is", match) if row.person_id else (),
        flags=tuple(said.words(code) for code in row.flags),
    )


def _of(row: Person, rows: Rows) -> Iterator[Moment]:
    record = Record.of(row)
    yield Moment(
        at=row.created_at,
        kind=Kind.PERSON,
        what=f"Person {short(row.pk)} is written of first",
        record=record,
        who=rows.name_of(row.created_by),
    )
    if row.merged_at and row.merged_into_id:
        yield Moment(
            at=row.merged_at,
            kind=Kind.PERSON,
            what=f"Person {short(row.pk)} is merged into {short(row.merged_into_id)}",
            record=record,
            part="merged",
            who=rows.name_of(row.merged_by),
        )
    for number, one in enumerate(row.safety_reviews):
        yield Moment(
            at=datetime.fromisoformat(one["at"]),
            kind=Kind.PERSON,
            what="A safety note was looked at and stands"
            if one["verdict"] == Verdict.STANDS
            else "A safety note was ended",
            record=record,
            part=f"reviewed-{number}",
            who=str(one["by"]),
        )


def _glass(row: BrokenGlass) -> Iterator[Moment]:
    record = Record.of(row)
    yield Moment(
        at=row.at,
        kind=Kind.PERSON,
        what="Opened without a call that led to it",
        record=record,
        who=row.user.display_name,
        lines=(("until", row.until), *said.line("reason", row.reason)),
    )
    if row.reviewed_at and row.reviewed_by:
        yield Moment(
            at=row.reviewed_at,
            kind=Kind.PERSON,
            what="That was justified" if row.justified else "That was not justified",
            record=record,
            part="reviewed",
            who=row.reviewed_by.display_name,
        )
