"""A draft is written: by tablets, and by whoever puts a version of it back.

Two responders write one note. `sync` puts their saves together field by field; here the whole
document is stored, with who changed what.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import Act, record_all
from apps.casenotes import documents
from apps.casenotes.authorship import changed_parts, credited
from apps.casenotes.content import problems, restricted
from apps.casenotes.models import CaseNote, NoteAuthor, NoteState
from apps.casenotes.records import read
from apps.casenotes.schemas import CASE_NOTE
from apps.casenotes.services.early import take_early_signatures
from apps.casenotes.services.owing import owe_report
from apps.casenotes.services.settling import settle
from apps.changes.services import Document, Event, publish
from apps.core import clock
from apps.core.problems import CONFLICT, FieldError, ProblemError
from apps.people.access import may_write
from apps.people.ids import ordinal_of, record_id
from apps.sync.fitting import fit
from apps.sync.registry import Edit, Refused
from apps.sync.values import uuid_of

SIGNED: Final = FieldError(
    "", "This note is signed. What you typed is kept: it can be made an addendum."
)
_NO_ENCOUNTER: Final = FieldError("/encounter_id", "Of which encounter?")
_NO_ASSIGNMENT: Final = FieldError("/assignment_id", "Of which assignment?")
_OTHER_ENCOUNTER: Final = FieldError("/encounter_id", "It is no encounter of this assignment.")
_STAYS: Final = FieldError("/encounter_id", "A note stays with its encounter.")
_NOT_ITS_ID: Final = FieldError(
    "/id", "It follows from the encounter's id: UUIDv5 of case_note in its namespace."
)


def write_draft(edit: Edit) -> dict[str, Any]:
    """Stores a whole draft and publishes it; returns the body that it published. In the caller's
    transaction, which holds the document's lock.

    Refused for a note that names no encounter or another assignment's, and for whoever was not on
    the crew. ProblemError (CONFLICT) once it is signed: an edit that comes then lies in quarantine
    and may be made an addendum (`add_refused`).
    """
    row = CaseNote.objects.select_for_update(no_key=True).filter(pk=edit.doc_id).first()
    if row is not None and row.state != NoteState.DRAFT:
        raise ProblemError(CONFLICT, errors=[SIGNED])
    typed, apart = fit(edit.document, CASE_NOTE)
    fresh = row is None
    row = row or _begin(edit, typed)
    if (typed.get("encounter_id"), typed.get("assignment_id")) != _named(row):
        raise Refused([_STAYS])
    row.content, row.unread = typed, apart or None
    row.saved_at = edit.now
    row.editor, row.edit_no = edit.editor, edit.edit_no
    row.restricted = restricted(typed)
    if fresh:
        row.save(force_insert=True)
        # Before anybody is looked for who may see it: see `follow_assignment`.
        settle(assignment_id=row.assignment_id, now=edit.now)
    _credit(row, edit.author, changed_parts(edit.before or {}, typed), edit.now)
    record = read(row, now=edit.now)
    record.count()
    row.flags = problems({**typed, **apart})
    row.save()
    owe_report(record, now=edit.now)
    body = documents.note_body(record)
    scopes = record.scopes()
    happened = [Event("note.begun", row.encounter_id)] if fresh else []
    # Addenda are seen by whoever sees the note: those that came before it, too, and no longer by
    # the unit once it is its authors' alone.
    facts = [Document("facts", one.pk, scopes) for one in record.addenda]
    note = Document(edit.collection, row.pk, scopes, body)
    publish(documents=[note, *facts], events=happened, now=edit.now)
    if fresh:
        settle(assignment_id=row.assignment_id, now=edit.now)
    record_all(
        [Act(edit.actor, "create" if fresh else "update", "case_note", [row.pk])], now=edit.now
    )
    transaction.on_commit(lambda: _take_early(row.pk, edit.editor), robust=True)
    return body


def _take_early(note_id: UUID, instance: UUID | None) -> None:
    """A signature of the same local database that overtook this save is taken now. A tick does it
    for others, and where this process ends."""
    take_early_signatures(now=clock.now(), note_id=note_id, instance=instance)


def _begin(edit: Edit, typed: Mapping[str, Any]) -> CaseNote:
    """A new note, in its place. A note's id follows from its encounter's, so that both responders
    begin the same one, and the encounter's from the assignment's: nobody writes into an encounter
    that they had nothing to do with."""
    encounter, assignment = uuid_of(typed.get("encounter_id")), uuid_of(typed.get("assignment_id"))
    if encounter is None:
        raise Refused([_NO_ENCOUNTER])
    if assignment is None:
        raise Refused([_NO_ASSIGNMENT])
    if edit.doc_id != record_id(encounter, "case_note"):
        raise Refused([_NOT_ITS_ID])
    if ordinal_of(encounter, assignment) is None:
        raise Refused([_OTHER_ENCOUNTER])
    may_write(assignment, edit.author)
    return CaseNote(
        id=edit.doc_id,
        encounter_id=encounter,
        assignment_id=assignment,
        begun_at=edit.now,
        saved_at=edit.now,
        content={},
    )


def _named(row: CaseNote) -> tuple[str, str]:
    return str(row.encounter_id), str(row.assignment_id)


def _credit(row: CaseNote, author: User, parts: list[str], now: datetime) -> None:
    """Writes down whose the changed fields are. What names the encounter is nobody's."""
    mine = [part for part in parts if part not in {"encounter_id", "assignment_id"}]
    known = NoteAuthor.objects.filter(note=row, author=author).first()
    if known is None:
        NoteAuthor.objects.create(note=row, author=author, first_at=now, last_at=now, parts=mine)
    elif mine:
        known.parts, known.last_at = credited(known.parts, mine), now
        known.save(update_fields=["parts", "last_at"])
