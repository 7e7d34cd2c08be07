"""A note is signed, once and for all, and locked after a while.

The signature is the record: it holds what was signed, in a table that nobody can change. The note's
row keeps who and when, and no text (see docs/adr on signed notes).
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from apps.audit.services import SYSTEM, Act, record_all
from apps.casenotes import documents
from apps.casenotes.content import blocking, content_hash, required
from apps.casenotes.models import CaseNote, NoteState, Review, ReviewState, Signature
from apps.casenotes.records import NoteRecord, lock_notes, locked
from apps.casenotes.services.following import settle_and_let_go, show
from apps.casenotes.services.owing import owe_report
from apps.casenotes.services.telling import Telling
from apps.changes.services import Event
from apps.core import clock
from apps.core.problems import FieldError
from apps.people.access import may_write
from apps.sync.registry import Refused

log = logging.getLogger(__name__)

_NOT_HERE: Final = FieldError("/note_id", "This note is not here yet. It is signed when it comes.")
OTHER_TEXT: Final = FieldError(
    "/content_hash", "Not the text that the server holds. Read it again, then sign it."
)
_LOCKED: Final = FieldError("/note_id", "This note is locked. Write an addendum.")
# A tick that finds more leaves them to the next one: it must end within its period.
LARGEST_TICK: Final = 200


@transaction.atomic
def sign(*, telling: Telling, named: str, now: datetime) -> Signature:
    """Takes a signature for the text whose hash it names. The first one ends the draft; a further
    responder's signs the same text, until the note is locked.

    Refused where the server holds another text, and where something is missing that has to be there
    (with pointers into the note): the signature lies in quarantine, visible to its author. One that
    came before the text it is for is taken by itself when that comes (`early`).
    """
    lock_notes([telling.note_id])
    record = locked(telling.note_id, now=now)
    if record is None:
        raise Refused([_NOT_HERE])
    may_write(record.note.assignment_id, telling.author)
    _must_be_signable(record, named)
    first = record.is_draft
    row = Signature.objects.create(
        note=record.note,
        content_hash=named,
        content=dict(record.content),
        authors=record.wrote,
        **telling.columns(now),
    )
    record.signatures.append(row)
    happened = [Event("note.signed", record.note.encounter_id)] if first else []
    if first:
        _end_draft(record, row, now)
        _ask_for_review(record, now)
    else:
        _settle_by_signature(record, row, now)
    if first:
        owe_report(record, now=now)
    show(record, fresh=[row], events=happened, now=now)
    if first:
        known = {record.note.encounter_id: record.facts}
        settle_and_let_go(assignment_id=record.note.assignment_id, known=known, now=now)
    act = Act(telling.actor, "sign", "case_note", [record.note.pk], {"signature": str(row.pk)})
    record_all([act], now=now)
    return row


def lock_due(*, now: datetime) -> int:
    """Locks signed notes whose time for a further signature is over. Returns how many. Each in a
    transaction of its own: one that fails holds up no other."""
    due = list(CaseNote.objects.lock_due(now).values_list("pk", flat=True)[:LARGEST_TICK])
    done = 0
    for pk in due:
        try:
            done += _lock(pk, now)
        except Exception as error:
            log.exception("a note could not be locked: %s", type(error).__name__)
    return done


@transaction.atomic
def _lock(pk: Any, now: datetime) -> bool:
    """Whoever came second, of two ticks, finds it locked."""
    lock_notes([pk])
    record = locked(pk, now=now)
    assert record is not None, "notes are never deleted"
    row = record.note
    if row.state != NoteState.SIGNED:
        return False
    row.state, row.locked_at = NoteState.LOCKED, now
    row.save(update_fields=["state", "locked_at"])
    show(record, events=[Event("note.locked", row.encounter_id)], now=now)
    record_all([Act(SYSTEM, "lock", "case_note", [pk])], now=now)
    return True


def _must_be_signable(record: NoteRecord, named: str) -> None:
    if record.note.state == NoteState.LOCKED:
        raise Refused([_LOCKED])
    held = record.note.signed_hash or content_hash(record.content)
    if named != held:
        raise Refused([OTHER_TEXT])
    if record.is_draft and (errors := _missing(record)):
        raise Refused(errors)


def _missing(record: NoteRecord) -> list[FieldError]:
    """What has to be mended before this text is signed. Pointers lead into the note, which the
    signature only names: so they stand in the words."""
    errors = blocking(record.content, record.facts, record.judged_by.policy)
    return [FieldError("/note_id", f"{error.pointer} {error.detail}") for error in errors]


def _end_draft(record: NoteRecord, by: Signature, now: datetime) -> None:
    row = record.note
    row.state, row.content = NoteState.SIGNED, None
    row.signed_hash, row.signed_at, row.signed_by = by.content_hash, now, by.author
    row.lock_due_at = now + clock.domain(settings.NOTE_LOCK_HOURS * 3600)
    row.save()


def _ask_for_review(record: NoteRecord, now: datetime) -> None:
    """Puts the note into the queue, where a rule or the sample asks for it. It counts as its signer
    is new."""
    reasons = required(
        record.content,
        record.facts,
        policy=record.judged_by.policy,
        note_id=record.note.pk,
        author_since=record.signatures[0].author.created_at,
    )
    if reasons:
        asked = Review.objects.create(
            note=record.note,
            policy_id=record.judged_by.id,
            asked_at=now,
            reasons=[rule.code for rule in reasons],
        )
        record.reviews.append(asked)


def _settle_by_signature(record: NoteRecord, row: Signature, now: datetime) -> None:
    """Where all that is asked for is a second signature, that of another responder is the answer:
    it is theirs that the queue then names."""
    waiting = record.last_review
    if waiting is None or waiting.state != ReviewState.WAITING:
        return
    another = row.author_id != record.signatures[0].author_id
    if another and documents.settled_by_signature(waiting):
        waiting.state = ReviewState.ACCEPTED
        waiting.reviewer, waiting.decided_at = row.author, now
        waiting.save(update_fields=["state", "reviewer", "decided_at"])
