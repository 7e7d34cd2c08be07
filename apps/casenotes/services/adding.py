"""Addenda: what is added to a note, and what was typed into it after it was signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, Actor, record_all
from apps.casenotes import documents
from apps.casenotes.content import SIGNED_FIELDS
from apps.casenotes.models import Addendum, Review
from apps.casenotes.records import CASE_NOTES, NoteRecord, lock_notes, locked
from apps.casenotes.services.following import settle_and_let_go, show
from apps.casenotes.services.owing import owe_report
from apps.casenotes.services.telling import Telling
from apps.changes.services import Event, publish
from apps.core.problems import CONFLICT, FORBIDDEN, INVALID, FieldError, ProblemError
from apps.people.access import may_write
from apps.people.services import keep_for
from apps.sync.canonical import same
from apps.sync.models import QuarantinedWrite
from apps.sync.registry import Refused
from apps.sync.services import quarantine
from apps.sync.values import uuid_of

_EMPTY: Final = FieldError("/text", "An addendum says something.")


@transaction.atomic
def add(
    *,
    telling: Telling,
    text: str,
    changes: Mapping[str, Any] | None = None,
    quarantined: UUID | None = None,
    recorded_by: User | None = None,
    now: datetime,
) -> Addendum:
    """Adds to a note. The same fact again is that row. One that comes before its note is kept, and
    shown to its author, until the note comes.

    `quarantined` names a refused edit of this note that it is made from: that one is settled. An
    addendum to a note that was returned answers the reviewer, and asks for the next look.

    Refused for one that says nothing, and for whoever was not on the crew.
    """
    known = Addendum.objects.filter(pk=telling.id).first()
    if known is not None:
        return known
    if not text.strip() and not changes:
        raise Refused([_EMPTY])
    lock_notes([telling.note_id])
    record = locked(telling.note_id, now=now)
    if record is not None:
        may_write(record.note.assignment_id, telling.author)
    row = Addendum.objects.create(
        note_id=telling.note_id,
        text=text,
        changes=dict(changes) if changes else None,
        quarantined=quarantined,
        recorded_by=recorded_by,
        **telling.columns(now),
    )
    if quarantined is not None:
        _settle_refused(quarantined, row, telling.author, recorded_by, now)
    if record is None:
        publish(documents=[documents.orphan(row)], now=now)
    else:
        _attach(record, row, now)
    act = Act(telling.actor, "add", "case_note", [row.note_id], {"addendum": str(row.pk)})
    record_all([act], now=now)
    return row


@transaction.atomic
def add_refused(
    *, write: QuarantinedWrite, by: User, actor: Actor | None = None, text: str = "", now: datetime
) -> Addendum:
    """Makes an addendum of an edit that came after its note was signed: the fields that its author
    had changed, as they were typed, under the author's name. `text`: words to go with them. The
    refused row is settled. Repeating it gives the same addendum.

    ProblemError: FORBIDDEN for who does not see the row, INVALID where it is no edit of a note,
    nobody knows who typed it, or it says nothing but what is signed, CONFLICT where the row was
    settled in another way or the note is a draft (then the edit itself can be taken).
    """
    if not QuarantinedWrite.objects.visible_to(by).filter(pk=write.pk).exists():
        raise ProblemError(FORBIDDEN, "You do not see this row.")
    note_id = uuid_of(write.doc_id)
    if write.collection != CASE_NOTES or note_id is None:
        raise ProblemError(INVALID, "It is no edit of a note.")
    if write.author is None:
        raise ProblemError(INVALID, errors=[FieldError("/author", "Nobody knows who typed it.")])
    lock_notes([note_id])
    pk = uuid5(write.pk, "addendum")
    known = Addendum.objects.filter(pk=pk).first()
    if known is not None:
        return known
    row = QuarantinedWrite.objects.select_for_update(no_key=True, of=("self",)).get(pk=write.pk)
    if quarantine.status_of(row) != "open":
        raise ProblemError(CONFLICT, "This row was settled in another way.")
    record = locked(note_id, now=now)
    if record is None or record.is_draft:
        raise ProblemError(CONFLICT, "The note is not signed: take the edit itself.")
    changes = typed_since(record.content, row.content, row.base)
    if not changes and not text.strip():
        raise ProblemError(INVALID, "It says nothing but what is signed.")
    telling = Telling(id=pk, note_id=note_id, author=write.author, actor=actor or user_actor(by))
    try:
        return add(
            telling=telling,
            text=text,
            changes=changes,
            quarantined=row.pk,
            recorded_by=None if by.pk == write.author_id else by,
            now=now,
        )
    except Refused as refused:
        raise ProblemError(INVALID, errors=refused.errors) from refused


def typed_since(
    signed: Mapping[str, Any], typed: Mapping[str, Any], base: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The fields of a refused edit that its author changed (against what it was typed on, where
    that is known) and that are not signed as they are. Pure."""
    return {
        name: typed[name]
        for name in SIGNED_FIELDS
        if name in typed
        and not same(typed[name], signed.get(name))
        and (base is None or not same(typed[name], base.get(name)))
    }


def _attach(record: NoteRecord, row: Addendum, now: datetime) -> None:
    """Shows it with its note. Who answers a reviewer asks them to look again, and owes nothing of
    the encounter any more. What it says of a report that the law asks for makes that owed, or
    done."""
    record.addenda.append(row)
    answers = record.is_returned
    if answers:
        returned = record.last_review
        assert returned is not None
        again = Review.objects.create(
            note=record.note, policy=returned.policy, asked_at=now, reasons=returned.reasons
        )
        record.reviews.append(again)
    reported = owe_report(record, now=now)
    show(
        record,
        fresh=[row],
        events=[Event("note.addendum", record.note.encounter_id)],
        now=now,
    )
    if reported and (owing := record.owing()):
        keep_for(encounter_id=record.note.encounter_id, author_ids=owing, now=now)
    elif answers or reported:
        known = {record.note.encounter_id: record.facts}
        settle_and_let_go(assignment_id=record.note.assignment_id, known=known, now=now)


def _settle_refused(
    pk: UUID, addendum: Addendum, author: User, recorded_by: User | None, now: datetime
) -> None:
    """The refused edit has become this addendum. What is not the author's, or not this note's, is
    left alone: the addendum stands for itself."""
    rows = QuarantinedWrite.objects.open().filter(
        pk=pk, collection=CASE_NOTES, doc_id=str(addendum.note_id), author=author
    )
    row = rows.select_for_update(no_key=True, of=("self",)).first()
    if row is not None:
        quarantine.applied(row=row, by=recorded_by or author, now=now)
