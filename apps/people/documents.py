"""The documents that tablets are sent: encounters and persons. Built from rows that were read
before; what may endanger a responder stands first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from apps.assignments import documents as assignments
from apps.assignments.codes import NOT_HERE_YET
from apps.assignments.records import Record
from apps.assignments.timeline import Timeline
from apps.changes.services import Document
from apps.core.clock import iso
from apps.people import safety
from apps.people.models import Encounter, Person

ENCOUNTERS = "encounters"
PERSONS = "persons"


def encounter(row: Encounter, of: Record | None, scopes: frozenset[str]) -> Document:
    """An encounter with what its assignment (None: not here yet) tells of it."""
    return Document(ENCOUNTERS, row.pk, scopes, encounter_body(row, of))


def encounter_body(row: Encounter, of: Record | None) -> dict[str, Any]:
    """What was typed, and what the timeline knows."""
    return {
        **row.content,
        "id": str(row.pk),
        **_save(row.editor, row.edit_no),
        "opened_at": iso(row.opened_at),
        "opened_by": row.opened_by,
        "met": met(of),
        "summary": summary(of) if of else None,
        "flags": row.flags if of else sorted({*row.flags, NOT_HERE_YET}),
    }


def met(of: Record | None) -> str:
    """Whether somebody was met: `met`, `nobody_found`, `not_met` (called off, declined) or, while
    the call is open, `unknown`. For the first encounter of an assignment."""
    return met_by(of.timeline) if of else "unknown"


def met_by(timeline: Timeline) -> str:
    """As `met`, by what the timeline tells."""
    if timeline.met:
        return "met"
    closing = timeline.closing
    if closing is None:
        return "unknown"
    return "nobody_found" if closing.kind in {"unable_to_locate", "cleared"} else "not_met"


def summary(of: Record) -> dict[str, Any]:
    """What a record must not ask for again: the call, its unit, times, end, police handoff."""
    call, timeline = of.incident, of.timeline
    closing = timeline.closing
    handoff = assignments.handoff(of)
    return {
        "cad_number": call.cad_number,
        "call_type": call.final_call_type or call.initial_call_type,
        "address": call.details["address"],
        "unit": of.assignment.unit.call_sign,
        "entry_kind": of.assignment.entry_kind,
        "state": timeline.state,
        "closing": closing.kind if closing else None,
        "disposition": closing.disposition if closing else None,
        "times": {name: iso(moment.at) for name, moment in timeline.times.items()},
        "durations": {
            name: int(one.length.total_seconds())
            for name, one in timeline.durations.items()
            if one.length is not None
        },
        "police": handoff["police"],
    }


def person(
    row: Person, scopes: frozenset[str], matches: Sequence[Mapping[str, Any]] = ()
) -> Document:
    """A person, and who it may be besides."""
    return Document(PERSONS, row.pk, scopes, person_body(row, matches))


def person_body(row: Person, matches: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """What is known of them, what to beware of first."""
    return {
        "safety_notes": row.content.get("safety_notes"),
        "safety_reviews": safety_reviews(row),
        **row.content,
        "id": str(row.pk),
        **_save(row.editor, row.edit_no),
        "merged_into": str(row.merged_into_id) if row.merged_into_id else None,
        "possible_matches": list(matches),
        "flags": row.flags,
    }


def safety_reviews(row: Person) -> list[dict[str, Any]]:
    """What supervisors have said of the safety notes as they stand: {note, verdict, by, at, until}.
    A review of what a note said before is shown beside none."""
    found = (one.review for one in safety.notes(row.content, row.safety_reviews))
    told = ("note", "verdict", "by", "at", "until")
    return [{name: review.get(name) for name in told} for review in found if review is not None]


def _save(editor: UUID | None, edit_no: int | None) -> dict[str, Any]:
    return {"editor": str(editor) if editor else None, "edit_no": edit_no}
