"""What is said of a referral's task, by whichever way it comes: one verb for all of them.

A partner answers by its own system (`api`), by a signed link (`link`), on the telephone to somebody
of CARE (`telephone`) or by FHIR (`fhir`); CARE itself sends, replies, cancels. Each edge makes a
`Said` of what came and calls `answer`, which does the same for all: it judges the state, writes the
answer down, works out the outputs, stops or arms the clocks, and publishes the referral, so that
the responder's tablet has it with the next bell.

An edge of a partner finds the task with `ReferralTask.objects.to(partner)`, which holds nothing of
anybody else. Twice the same `key` is one answer: the second call gives the first one's row.

    answer(
        task=task,
        said=Said(
            verb="accept",
            key=request.headers["Idempotency-Key"],
            way=Way.LINK,
            actor=SYSTEM,
            said_by="Kim, front desk",
            said_at=now,
            told={"case_number": "PSS-4411"},
        ),
        now=now,
    )

Two answers at once, or an answer and a reminder: see `services.clocks`. The second is judged by the
state in which the first has left the task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import Act, Actor, record_all
from apps.changes.services import Document, Event, publish
from apps.core import clock
from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError
from apps.referrals import documents, outputs, records, states
from apps.referrals.codes import TASK_STATUSES, VERBS
from apps.referrals.models import (
    Outcome,
    Referral,
    ReferralAnswer,
    ReferralTask,
    RequestStatus,
    TaskStatus,
    Way,
)
from apps.referrals.outputs import Outputs
from apps.referrals.records import ReferralRecord
from apps.referrals.services import showing
from apps.referrals.services.clocks import arm
from apps.referrals.services.referrals import lock_partners, send
from apps.referrals.states import Side
from apps.sync.canonical import same
from apps.sync.telling import Telling

LONGEST_KEY: Final = 100
# What a partner itself may say of one task: all of it stands in the document on the crew's tablets.
MOST_SAID: Final = 200
# Ways in which a partner itself speaks, and no one of CARE for it.
BY_ITSELF: Final = frozenset({Way.API, Way.LINK, Way.FHIR})


@dataclass(frozen=True, kw_only=True)
class Said:
    """One thing that is said. `told` (PHI) holds what goes with the verb: see
    `schemas.WITH_A_VERB`; `reason` or `reason_code` with a negative one.

    `said_by` names who speaks: for a partner whoever its system, its form or the telephone names.
    `recorded_by` is the person of CARE who enters it; None: the partner itself does. `token_id` is
    what the partner was signed in with. `telling`: it is a fact of a tablet.
    """

    verb: str
    key: str
    way: Way
    actor: Actor
    said_at: datetime
    said_by: str = field(default="", repr=False)
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)
    recorded_by: User | None = None
    token_id: UUID | None = None
    telling: Telling | None = None

    @property
    def side(self) -> Side:
        """Whose words they are. A telephone answer is the partner's."""
        return "partner" if self.way in BY_ITSELF or self.way == Way.TELEPHONE else "care"


@transaction.atomic
def answer(*, task: ReferralTask, said: Said, now: datetime) -> ReferralAnswer:
    """Takes what is said of a task; the row of it. The same key again gives the row that is there.

    ProblemError: INVALID where something is missing, with the field; CONFLICT where the state of
    the task does not allow it, or another thing was said under this key.
    """
    records.lock([task.referral_id])
    known = ReferralAnswer.objects.filter(task=task, key=said.key).first()
    if known is not None:
        return _repeated(known, said)
    _check(said)
    _refuse_too_much(task, said)
    if said.verb == "send":
        lock_partners([task.partner_id])
    rows = ReferralTask.objects.select_for_update(no_key=True, of=("self",))
    row = rows.select_related("partner", "referral").get(pk=task.pk)
    try:
        status = states.after(said.verb, status=row.status, by=said.side)
    except states.NotNow:
        refusal = f"This cannot be said of a referral that is: {TASK_STATUSES[row.status]}."
        raise ProblemError(CONFLICT, refusal) from None
    _carry_out(row, said, TaskStatus(status), now)
    told = _write(said, now, referral=row.referral, task=row, status=row.status)
    _settle(row.referral, now)
    _publish(told, row.referral, _event(said), row.pk, now)
    detail = {"task": str(row.pk), "verb": said.verb, "way": said.way, "status": row.status}
    record_all([Act(said.actor, "answer", "referral", [row.referral_id], detail)], now=now)
    return told


@transaction.atomic
def close_referral(
    *, referral: Referral, outcome: Outcome | None, said: Said, now: datetime
) -> ReferralAnswer:
    """Ends a referral: with what came of it, or (None) withdraws it, for a reason. Whoever is still
    asked is told that it is cancelled. A referral that is over stays as it is: CONFLICT.

    The same fact again gives the row that is there.
    """
    records.lock([referral.pk])
    known = ReferralAnswer.objects.filter(referral=referral, task=None, key=said.key).first()
    if known is not None:
        return _repeated(known, said)
    row = Referral.objects.select_for_update(no_key=True).get(pk=referral.pk)
    if row.status != RequestStatus.ACTIVE:
        raise ProblemError(CONFLICT, "The referral is over already.")
    reason = outputs.reason_text(said.told)
    if outcome is None and reason is None:
        raise ProblemError(INVALID, errors=[FieldError("/reason", "Say why.")])
    gone = []
    for task in ReferralTask.objects.select_for_update(no_key=True).filter(referral=row):
        if task.is_open or task.status == TaskStatus.DRAFT:
            if task.is_open:
                gone.append(Event("referral.cancelled", task.pk))
            task.status, task.status_at = TaskStatus.CANCELLED, now
            task.reason = reason or (Outcome(outcome).label if outcome else None)
            task.said = {**task.said, "reason_code": said.told.get("reason_code") or None}
            arm(task, urgency=row.urgency, now=now)
            task.save()
    _end(row, outcome, said.recorded_by, now)
    told = _write(said, now, referral=row, task=None, status=TaskStatus.CANCELLED)
    record = records.record_of(row, now=now)
    events = [*gone, Event("referral.closed", row.pk)]
    publish(documents=_documents(told, record, now), events=events, now=now)
    detail = {"outcome": outcome or "", "cancelled": len(gone)}
    record_all([Act(said.actor, "close", "referral", [row.pk], detail)], now=now)
    return told


def _check(said: Said) -> None:
    """INVALID where the verb is none, or what it needs is not told."""
    errors = []
    if said.verb not in states.RULES:
        raise ProblemError(INVALID, errors=[FieldError("/verb", f"One of: {', '.join(VERBS)}.")])
    if not 0 < len(said.key) <= LONGEST_KEY:
        errors.append(FieldError("/key", f"From 1 to {LONGEST_KEY} signs."))
    if said.side == "partner" and not said.said_by.strip():
        errors.append(FieldError("/said_by", "Who says it?"))
    errors += [
        FieldError(f"/{name}", "It is needed here.") for name in states.lacks(said.verb, said.told)
    ]
    if errors:
        raise ProblemError(INVALID, errors=errors)


def _refuse_too_much(task: ReferralTask, said: Said) -> None:
    """CONFLICT for a partner that goes on and on: a loop in its program, or worse."""
    if said.way in BY_ITSELF:
        told = ReferralAnswer.objects.filter(task=task, way__in=sorted(BY_ITSELF))
        if told.count() >= MOST_SAID:
            raise ProblemError(CONFLICT, "Too much was said of this referral. Please call us.")


def _repeated(row: ReferralAnswer, said: Said) -> ReferralAnswer:
    if row.verb != said.verb or not same(row.content, dict(said.told)):
        raise ProblemError(CONFLICT, "Something else was said under this key.")
    return row


def _carry_out(row: ReferralTask, said: Said, status: TaskStatus, now: datetime) -> None:
    """The task as it stands after the verb."""
    if said.verb == "send":
        # Nobody is asked for what somebody else has met.
        if row.referral.status != RequestStatus.ACTIVE:
            raise ProblemError(CONFLICT, "The referral is over already.")
        # Whoever sends a draft that was held back as a duplicate has looked: unless the partner
        # has this very referral already.
        if _has_it(row):
            raise ProblemError(CONFLICT, "This partner has this referral already.")
        send(row, urgency=row.referral.urgency, now=now)
    before = Outputs(row.said, row.reason, row.case_number, row.attended, row.served)
    found = outputs.after(said.verb, said.told, before=before, status=status, at=said.said_at)
    row.said, row.reason, row.case_number = found.said, found.reason, found.case_number
    row.attended, row.served = found.attended, found.served
    if status != row.status:
        row.status, row.status_at = status, now
    if said.side == "partner" and said.verb in states.ANSWERS and row.answered_at is None:
        row.answered_at = now
    arm(row, urgency=row.referral.urgency, now=now)
    row.save()


def _has_it(row: ReferralTask) -> bool:
    open_ones = ReferralTask.objects.open().filter(referral=row.referral_id, partner=row.partner_id)
    return open_ones.exclude(pk=row.pk).exists()


def _write(
    said: Said, now: datetime, *, referral: Referral, task: ReferralTask | None, status: str
) -> ReferralAnswer:
    telling = said.telling
    row = ReferralAnswer(
        **(telling.columns(now) if telling else {"received_at": now}),
        referral=referral,
        task=task,
        key=said.key,
        verb=said.verb,
        way=said.way,
        by_partner=said.side == "partner",
        said_at=said.said_at,
        said_by=said.said_by.strip(),
        recorded_by=said.recorded_by,
        token_id=said.token_id,
        status=status,
        content=dict(said.told),
    )
    row.save(force_insert=True)
    return row


def _settle(referral: Referral, now: datetime) -> None:
    """The loop is closed once somebody has served and nobody is still at work. Where that was said
    in error, it is open again."""
    row = Referral.objects.select_for_update(no_key=True).get(pk=referral.pk)
    tasks = list(ReferralTask.objects.filter(referral=row).values_list("status", flat=True))
    if row.status == RequestStatus.ACTIVE and outputs.closes(tasks):
        _end(row, Outcome.SERVED, None, now)
        publish(events=[Event("referral.closed", row.pk)], now=now)
        return
    closed_itself = row.status == RequestStatus.COMPLETED and row.closed_by_id is None
    if closed_itself and TaskStatus.COMPLETED not in tasks:
        _open_again(row)
        publish(events=[Event("referral.reopened", row.pk)], now=now)


def _open_again(row: Referral) -> None:
    row.status, row.outcome = RequestStatus.ACTIVE, None
    row.closed_at = row.leaves_at = None
    row.kept_for = sorted({*row.kept_for, row.created_by_id})
    row.save()


def _end(row: Referral, outcome: Outcome | None, by: User | None, now: datetime) -> None:
    row.status = RequestStatus.COMPLETED if outcome else RequestStatus.REVOKED
    row.outcome, row.closed_at, row.closed_by = outcome, now, by
    row.leaves_at = now + clock.domain(settings.CLEARED_STAYS_SECONDS)
    row.save()


def _publish(
    told: ReferralAnswer, referral: Referral, name: str, task_id: UUID, now: datetime
) -> None:
    record = records.read(referral.pk, now=now)
    assert record is not None, "referrals are never deleted"
    documents_ = _documents(told, record, now)
    publish(documents=documents_, events=[Event(name, task_id)], now=now)


def _documents(told: ReferralAnswer, record: ReferralRecord, now: datetime) -> list[Document]:
    """The referral, and the fact where a tablet told it."""
    found = [one for one in showing.referral(record, now=now) if one.id != told.pk]
    if told.device is not None:
        found.append(documents.answer(told, record.scopes()))
    return found


def _event(said: Said) -> str:
    """What partners and other rooms hear."""
    if said.side == "partner":
        return "referral.answered"
    match said.verb:
        case "send":
            return "referral.requested"
        case "cancel" | "error":
            return "referral.cancelled"
    return "referral.updated"
