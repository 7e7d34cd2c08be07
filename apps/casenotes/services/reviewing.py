"""A supervisor looks at a signed note: accepts it, or returns it with a comment.

What is signed stays as it is. A returned note comes back to its authors' tablets with the comment,
whoever has the call by then; an addendum is the answer, and brings it to the queue again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, record_all
from apps.casenotes.models import Review, ReviewState
from apps.casenotes.records import lock_notes, locked
from apps.casenotes.services.following import show
from apps.changes.services import Event
from apps.core.problems import CONFLICT, FORBIDDEN, INVALID, FieldError, ProblemError
from apps.people.services import keep_for

_EVENTS: Final = {ReviewState.ACCEPTED: "note.accepted", ReviewState.RETURNED: "note.returned"}


@transaction.atomic
def accept(*, review: Review, by: User, comment: str = "", now: datetime) -> Review:
    """The note is good as it is. Repeating it changes nothing; it raises as `give_back`."""
    return _decide(review, ReviewState.ACCEPTED, comment, by, now)


@transaction.atomic
def give_back(*, review: Review, by: User, comment: str, now: datetime) -> Review:
    """The note asks for an addendum; the comment says which. Repeating it changes nothing.

    ProblemError: INVALID without a comment, FORBIDDEN for whoever may not see the note or has
    written or signed it, CONFLICT where somebody has decided otherwise.
    """
    if not comment.strip():
        raise ProblemError(INVALID, errors=[FieldError("/comment", "Say what is missing.")])
    return _decide(review, ReviewState.RETURNED, comment, by, now)


def _decide(review: Review, state: ReviewState, comment: str, by: User, now: datetime) -> Review:
    if not Review.objects.visible_to(by).filter(pk=review.pk).exists():
        raise ProblemError(FORBIDDEN, "You do not see this note.")
    lock_notes([review.note_id])
    record = locked(review.note_id, now=now)
    assert record is not None, "a review has a note"
    row = next(one for one in record.reviews if one.pk == review.pk)
    if row.state != ReviewState.WAITING:
        if row.state != state:
            raise ProblemError(CONFLICT, "Somebody has decided otherwise.")
        return row
    if by.pk in {*record.author_ids, *(one.author_id for one in record.signatures)}:
        raise ProblemError(FORBIDDEN, "Nobody reviews their own note.")
    row.state, row.reviewer, row.decided_at = state, by, now
    row.comment = comment.strip() or None
    row.save()
    show(record, events=[Event(_EVENTS[state], record.note.encounter_id)], now=now)
    if state == ReviewState.RETURNED:
        keep_for(encounter_id=record.note.encounter_id, author_ids=record.owing(), now=now)
    record_all([Act(user_actor(by), state, "case_note", [record.note.pk])], now=now)
    return row
