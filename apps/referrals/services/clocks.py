"""Referrals that nobody answers, or that have no outcome: who is told when.

Due times are columns; a tick claims the rows that are due, each in a transaction of its own.

An answer against a reminder, and two ticks at once:

1. An answer takes the lock of the referral's document, then the task's row; so does the tick, with
   SKIP LOCKED on the row. One of them has it.
2. The answer has it: the tick waits for the document, looks again, and finds nothing due.
3. The tick has it: the answer waits, and stops what the tick has armed. The reminder was due: it
   was not early.
4. Two ticks: the second finds the row as the first left it, not due any more.

What is not answered is told to the partner, then to the responder, then to the supervisors; then
the document offers whom to ask next. Nobody is ever asked by it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from apps.assignments.models import AlertKind
from apps.assignments.records import lock as lock_assignment
from apps.assignments.services import raise_alert
from apps.audit.services import SYSTEM, Act, record_all
from apps.changes.services import Event, publish
from apps.referrals import clocks, outputs, records
from apps.referrals.models import Referral, ReferralTask, RequestStatus
from apps.referrals.services import showing
from apps.referrals.states import awaits

log = logging.getLogger(__name__)

# A tick that finds more leaves them to the next one: it must end within its period.
LARGEST_TICK: Final = 200


def arm(row: ReferralTask, *, urgency: str, now: datetime) -> None:
    """Sets the task's clock by its state, where that awaits something else than before. Saving is
    the caller's."""
    awaited = awaits(row.status)
    if awaited == row.awaits:
        return
    row.awaits, row.clock_step = awaited, 0
    row.clock_from = None if awaited == "nothing" else now
    row.clock_due_at = clocks.due_at(awaited, urgency, now, 1)


def remind_due(*, now: datetime) -> int:
    """Takes every task whose next step is due to it. Returns how many. Idempotent."""
    done = 0
    due = ReferralTask.objects.due(now).values_list("pk", "referral_id", "referral__assignment_id")
    for pk, referral_id, assignment_id in due[:LARGEST_TICK]:
        try:
            with transaction.atomic():
                done += _remind(pk, referral_id, assignment_id, now)
        except Exception as error:
            # Seen by the operator and tried again at the next tick; the others do not wait for it.
            log.exception("a due referral failed: %s", type(error).__name__)
    return done


def _remind(pk: UUID, referral_id: UUID, assignment_id: UUID, now: datetime) -> int:
    lock_assignment(assignment_id)  # an alert takes it, and whoever follows a call has it first
    records.lock([referral_id])
    rows = ReferralTask.objects.due(now).filter(pk=pk)
    row = rows.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
    if row is None or row.clock_from is None:
        return 0
    referral = Referral.objects.get(pk=referral_id)
    steps = clocks.steps_due(row.awaits, referral.urgency, row.clock_from, row.clock_step, now)
    if not steps:
        return 0
    row.clock_step = steps[-1]
    row.clock_due_at = clocks.due_at(
        row.awaits, referral.urgency, row.clock_from, row.clock_step + 1
    )
    row.save(update_fields=["clock_step", "clock_due_at"])
    # Whoever has asked something waits for us, and not the other way round.
    to_partner = clocks.PARTNER in steps and not outputs.waits_for_us(row.said)
    events = [Event("referral.reminded", row.pk)] if to_partner else []
    record = records.record_of(referral, now=now)
    publish(documents=showing.referral(record, now=now), events=events, now=now)
    if clocks.SUPERVISOR in steps:
        waited = {"minutes": int((now - row.clock_from).total_seconds() // 60)}
        raise_alert(kind=AlertKind.REFERRAL, assignment_id=assignment_id, counted=waited, now=now)
    detail = {"task": str(row.pk), "step": row.clock_step}
    record_all([Act(SYSTEM, "remind", "referral", [referral_id], detail)], now=now)
    return 1


def let_closed_go(*, now: datetime) -> int:
    """Takes closed referrals from their makers' tablets once their time there is over. Returns how
    many. The supervisors keep them, and whoever has the call as long as they have it."""
    done = 0
    for pk in Referral.objects.leaving(now).values_list("pk", flat=True)[:LARGEST_TICK]:
        try:
            with transaction.atomic():
                done += _let_go(pk, now)
        except Exception as error:
            # Tried again at the next tick; the others do not wait for it.
            log.exception("a closed referral could not leave: %s", type(error).__name__)
    return done


def _let_go(pk: UUID, now: datetime) -> int:
    records.lock([pk])
    rows = Referral.objects.leaving(now).filter(pk=pk)
    row = rows.select_for_update(no_key=True, skip_locked=True).first()
    if row is None or row.status == RequestStatus.ACTIVE:
        return 0
    row.kept_for, row.leaves_at = [], None
    row.save(update_fields=["kept_for", "leaves_at"])
    publish(documents=showing.referral_again(row), now=now)
    return 1
