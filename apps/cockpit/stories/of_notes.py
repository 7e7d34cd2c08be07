"""Notes: begun, saved, signed, added to, reviewed, locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from apps.casenotes import codes
from apps.casenotes.content.words import in_words
from apps.casenotes.documents import why_reviewed
from apps.casenotes.models import Addendum, CaseNote, Review, Signature
from apps.cockpit.stories import said
from apps.cockpit.stories.moments import Kind, Line, Moment, Record
from apps.cockpit.stories.rows import Rows

RESTRICTED = "restricted: a mandated report is in it"


def moments(rows: Rows) -> Iterator[Moment]:
    """The text stands with what it was when: a draft as it was saved last, a signed note with its
    first signature."""
    notes = {note.pk: note for note in rows.notes}
    for note in rows.notes:
        yield from _of_note(note, ", ".join(_authors(note, rows)), rows.saves[note.pk])
    signed = set()
    for signature in rows.signatures:
        note = notes[signature.note_id]
        yield _of_signature(signature, note, first=note.pk not in signed)
        signed.add(note.pk)
    for addendum in rows.addenda:
        yield _of_addendum(addendum, notes[addendum.note_id])
    for review in rows.reviews:
        yield from _of_review(review, notes[review.note_id])


def text(content: Mapping[str, Any]) -> tuple[Line, ...]:
    """What stands in a note, in the order of its fields."""
    return said.lines(in_words(content))


def flag(code: str) -> str:
    """A flag of a note in words, with the field that it is about."""
    name, _, field = code.partition(":")
    label = codes.FLAGS.get(name, said.words(name))
    return f"{field}: {label}" if field else label


def _authors(note: CaseNote, rows: Rows) -> list[str]:
    """Who wrote a note, by name: of a signed one as it was signed."""
    signature = next((one for one in rows.signatures if one.note_id == note.pk), None)
    if signature is not None:
        return [one["name"] for one in signature.authors]
    return [one.author.display_name for one in rows.authors if one.note_id == note.pk]


def _of_note(note: CaseNote, authors: str, saves: int) -> Iterator[Moment]:
    record, of = Record.of(note), note.assignment_id
    doubts = tuple(flag(one) for one in note.flags)
    yield Moment(
        at=note.begun_at,
        kind=Kind.NOTE,
        what="Note begun",
        record=record,
        of=of,
        flags=(RESTRICTED,) if note.restricted else (),
    )
    if note.content is not None:
        left = f"{note.missing} of {note.asked} parts are left"
        yield Moment(
            at=note.saved_at,
            kind=Kind.NOTE,
            what="Draft as it stands",
            record=record,
            part="saved",
            of=of,
            who=authors,
            lines=(("saves", str(saves)), ("not signed", left), *text(note.content)),
            flags=doubts,
        )
    if note.locked_at:
        yield Moment(
            at=note.locked_at,
            kind=Kind.NOTE,
            what="Note locked",
            record=record,
            part="locked",
            of=of,
            source="Carefield",
            lines=(("written by", authors), ("saves", str(saves))),
        )


def _of_signature(row: Signature, note: CaseNote, *, first: bool) -> Moment:
    return Moment(
        at=row.told_at,
        told_at=row.received_at,
        kind=Kind.NOTE,
        what="Note signed" if first else "Signed by a further responder",
        record=Record.of(note),
        part=f"signature-{row.pk}",
        of=note.assignment_id,
        who=row.author.display_name,
        lines=text(row.content) if first else (),
        flags=tuple(flag(one) for one in (*row.flags, *(note.flags if first else ()))),
    )


def _of_addendum(row: Addendum, note: CaseNote) -> Moment:
    by = f", recorded by {row.recorded_by.display_name}" if row.recorded_by else ""
    changes = row.changes if isinstance(row.changes, Mapping) else {}
    return Moment(
        at=row.told_at,
        told_at=row.received_at,
        kind=Kind.NOTE,
        what="Addendum",
        record=Record.of(note),
        part=f"addendum-{row.pk}",
        of=note.assignment_id,
        who=row.author.display_name + by,
        lines=(*said.line("text", row.text), *text(changes)),
        flags=tuple(flag(one) for one in row.flags),
    )


def _of_review(row: Review, note: CaseNote) -> Iterator[Moment]:
    yield Moment(
        at=row.asked_at,
        kind=Kind.NOTE,
        what="Review asked for",
        record=Record.of(note),
        part=f"review-{row.pk}",
        of=note.assignment_id,
        source="Carefield",
        lines=said.line("why", why_reviewed(row)),
    )
    if row.decided_at and row.reviewer:
        yield Moment(
            at=row.decided_at,
            kind=Kind.NOTE,
            what=f"Review: {row.get_state_display()}",
            record=Record.of(note),
            part=f"reviewed-{row.pk}",
            of=note.assignment_id,
            who=row.reviewer.display_name,
            lines=said.line("comment", row.comment),
        )
