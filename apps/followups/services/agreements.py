"""What people say to being followed up, and clinicians' reasons: recorded once, never changed.

A word of the person and a follow-up that is about to be made:

1. Both take the locks of everything that is known of the person (`records.lock`), then read.
2. So nothing is made on an agreement once a refusal has committed. What was made before it ends
   with it (`standing`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Role, User
from apps.assignments.records import lock_arrivals
from apps.audit.services import Act, Actor, record_all
from apps.changes.services import LARGEST_PUBLICATION, Document, Event, publish
from apps.core.clock import city
from apps.core.problems import FORBIDDEN, INVALID, FieldError, ProblemError
from apps.followups import documents, records
from apps.followups.agreeing import LONGEST_REASON
from apps.followups.models import FollowUpAgreement, FollowUpBasis
from apps.followups.tellings import believable
from apps.people.access import audience_of, may_write
from apps.people.ids import ordinal_of
from apps.sync.telling import Telling


@dataclass(frozen=True)
class Word:
    """One thing that was said, or written, to following somebody up. `ends_on`: the last day of a
    clinician's reason. `content` (PHI): {ways, words, reason}."""

    id: UUID
    assignment_id: UUID
    encounter_id: UUID
    basis: str
    said_at: datetime
    ends_on: date | None = None
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)


@transaction.atomic
def record_agreement(
    *, word: Word, by: User, actor: Actor, telling: Telling | None = None, now: datetime
) -> FollowUpAgreement:
    """Records a word of the person, or a clinician's reason. The same again is the row that is
    here. `telling`: a tablet told it.

    ProblemError: INVALID with what is missing, FORBIDDEN for a reason of somebody who is no
    supervisor. Refused for whoever was not on the crew.
    """
    lock_for_agreements([(word.assignment_id, word.encounter_id)])
    known = FollowUpAgreement.objects.filter(pk=word.id).first()
    if known is not None:
        return known
    _check(word, by, now)
    may_write(word.assignment_id, by)
    told = telling.columns(now) if telling else {"id": word.id, "received_at": now}
    row = FollowUpAgreement(
        **told,
        assignment_id=word.assignment_id,
        encounter_id=word.encounter_id,
        basis=FollowUpBasis(word.basis),
        said_at=word.said_at,
        ends_on=word.ends_on if word.basis == FollowUpBasis.CLINICIAN else None,
        author=by,
        content=dict(word.content),
    )
    row.save(force_insert=True)
    happened = Event("follow_up.agreement_told", row.encounter_id)
    publish(documents=[documents.agreement(row, scopes_of(row))], events=[happened], now=now)
    detail = {"encounter": str(row.encounter_id), "basis": row.basis}
    record_all([Act(actor, "record", "follow_up_agreement", [row.pk], detail)], now=now)
    return row


@transaction.atomic
def show_agreements(*, assignment_id: UUID, now: datetime) -> None:
    """Shows what was said on an assignment to whoever has the call now. Part of the caller's
    transaction; idempotent."""
    lock_arrivals([assignment_id])
    rows = FollowUpAgreement.objects.filter(assignment_id=assignment_id).order_by("pk")
    found = [Document("facts", row.pk, scopes_of(row)) for row in rows]
    for start in range(0, len(found), LARGEST_PUBLICATION):
        publish(documents=found[start : start + LARGEST_PUBLICATION], now=now)


def lock_for_agreements(places: Collection[tuple[UUID, UUID]]) -> None:
    """Once a transaction, before the first of its words is recorded: of each its assignment and its
    encounter."""
    lock_arrivals({assignment for assignment, _ in places})
    records.lock(encounters={encounter for _, encounter in places})


def scopes_of(row: FollowUpAgreement) -> frozenset[str]:
    """Whoever has the call, its supervisors, and whoever still owes a record of the encounter;
    before its assignment is here whoever told it."""
    return audience_of(row.assignment_id, row.encounter_id, row.author_id)


def _check(word: Word, by: User, now: datetime) -> None:
    errors = []
    if ordinal_of(word.encounter_id, word.assignment_id) is None:
        errors.append(FieldError("/encounter_id", "Of which encounter of the assignment?"))
    if word.basis not in FollowUpBasis.values:
        errors.append(FieldError("/basis", f"One of: {', '.join(FollowUpBasis.values)}."))
    if word.basis == FollowUpBasis.CLINICIAN:
        if by.role != Role.SUPERVISOR:
            raise ProblemError(FORBIDDEN, "A clinician's reason is written by a supervisor.")
        errors += _reason_lacks(word, now)
    if errors:
        raise ProblemError(INVALID, errors=errors)


def _reason_lacks(word: Word, now: datetime) -> list[FieldError]:
    """What a clinician's reason has to say, and how long it may hold: from when it was written,
    whatever a clock says that is far off or ahead."""
    errors = []
    if not str(word.content.get("reason") or "").strip():
        errors.append(FieldError("/reason", "Write why the person is followed up all the same."))
    said_at = min(word.said_at, now) if believable(word.said_at, now) else now
    first = said_at.astimezone(city()).date()
    if word.ends_on is None or not first <= word.ends_on <= first + LONGEST_REASON:
        most = LONGEST_REASON.days
        errors.append(FieldError("/ends_on", f"Its last day: today or within {most} days."))
    return errors
