"""Alarms of unacknowledged calls, answers to alerts, and calls that leave their tablets.

Due times are columns; a tick claims the rows that are due. Each row is claimed, raised and
published in one transaction of its own, so there is no lease that could run out, and one row that
fails holds up no other.

Alarm against acknowledgement, and two ticks at once:

1. A tap that acknowledges locks the assignment's row (`records.lock`), and so does the tick, with
   SKIP LOCKED. One of them has it.
2. The tap has it: the tick passes over the row. When it looks again the tap is committed, the row
   awaits nothing (`alarm_due_at` is null) and is not found.
3. The tick has it: the tap waits, then reads the row as the tick left it, and stops what the tick
   has raised. The alarm was due: it was not early.
4. The tick chose the row from a snapshot in which it was due, and the tap committed before the tick
   got the lock: PostgreSQL judges the condition again on the new row, and passes over it.
5. Two ticks have different rows. The second finds nothing left that is due.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments import check_ins, documents
from apps.assignments.models import Alert, AlertKind, Assignment, Fact
from apps.assignments.records import (
    Record,
    assignment_scopes,
    fact_scopes,
    facts_at,
    lock,
    on_the_call,
    orphan_scopes,
    waiting_scopes,
)
from apps.assignments.services import alarm_clock, harms
from apps.assignments.services.writing import alert_documents, fact_documents, publish_all
from apps.audit.services import SYSTEM, Act, record_all
from apps.changes.services import Document, Event, publish

log = logging.getLogger(__name__)

# A tick that finds more leaves them to the next one: it must end within its period.
LARGEST_TICK = 200


def raise_due_alarms(*, now: datetime) -> int:
    """Raises the alarm of every unacknowledged call whose next level is due. Returns how many.

    At level 1 the second responder's tablet shows it (the assignment's document says so), at level
    2 the supervisors get an alert, at level 3 the dispatch desk gets one. A tick that comes late
    raises all levels that are due.
    """
    return each_due(lambda: Assignment.objects.alarm_due(now), lambda row: _raise_alarm(row, now))


def let_cleared_go(*, now: datetime) -> int:
    """Withdraws closed calls from their unit's tablets once their time there is over. Returns how
    many. The supervisors and the desk keep them; so do facts, audit and admin."""
    return each_due(lambda: Assignment.objects.leaving(now), lambda row: _let_go(row, now))


@transaction.atomic
def acknowledge_alert(*, alert: Alert, by: User, now: datetime) -> Alert:
    """Answers an alert. The first answer stands: whoever comes second reads who was first.

    A crew that has not checked in is in the hands of whoever answers, for as long as one interval;
    then it is asked again.

    1. Two people answer at the same moment: the assignment's row, and then the alert's, lets one
       pass. The second reads the alert as the first left it, and changes nothing.
    2. The responder's tap (a call acknowledged, which stops its alert) takes the assignment's row
       first too, so the two cannot hold what the other needs.
    """
    of_call = alert.assignment_id if alert.kind != AlertKind.HARM else None
    record = lock(of_call) if of_call else None
    row = Alert.objects.select_for_update(no_key=True).get(pk=alert.pk)
    if row.acknowledged_at is not None:
        return row
    row.acknowledged_by, row.acknowledged_at = by, now
    row.save(update_fields=["acknowledged_by", "acknowledged_at"])
    if row.kind == AlertKind.HARM:
        found = harms.alert_again(row)
    elif record is None:
        found = _of_orphan(row)
    else:
        record.alerts = [row if known.pk == row.pk else known for known in record.alerts]
        check_ins.follow(record.assignment, check_ins.of(record), now=now)
        if columns := record.changed():
            record.assignment.save(update_fields=columns)
        found = [
            documents.assignment(record, now=now),
            *fact_documents(record),
            *alert_documents(record, {row.pk}),
        ]
    publish_all(found, now=now)
    # Of harm the log does not say that it is what it was: it is read by more than the team.
    detail = {} if row.kind == AlertKind.HARM else {"kind": row.kind}
    record_all([Act(user_actor(by), "acknowledge", "alert", [row.pk], detail)], now=now)
    return row


@transaction.atomic
def raise_alert(
    *, kind: AlertKind, assignment_id: UUID, counted: Mapping[str, float], now: datetime
) -> Alert | None:
    """Tells the supervisors of an assignment's team of something that is about more than this call.
    None: there is no such assignment."""
    record = lock(assignment_id)
    if record is None:
        return None
    row = Alert(
        kind=kind,
        assignment_id=assignment_id,
        unit=record.assignment.unit,
        raised_at=now,
        level=2,
        counted=dict(counted),
    )
    record.alerts += Alert.objects.bulk_create([row])
    publish_all(alert_documents(record, {row.pk}), now=now)
    record_all([Act(SYSTEM, "alarm", "alert", [row.pk], {"kind": row.kind})], now=now)
    return row


def _of_orphan(row: Alert) -> list[Document]:
    """The documents of an alert without an assignment, or whose assignment is not here yet."""
    assert row.fact_id is not None, "an alert without an assignment has a fact"
    about = Fact.objects.select_related("author", "unit").get(pk=row.fact_id)
    return [
        documents.alert(row, of=None, about=about),
        documents.orphan(about, row, to=orphan_scopes(about)),
    ]


def each_due(
    due: Callable[[], QuerySet[Assignment]], deal_with: Callable[[Assignment], None]
) -> int:
    """Claims due rows one by one and deals with each in the transaction that claimed it."""
    done = 0
    failed: set[UUID] = set()
    while done + len(failed) < LARGEST_TICK:
        claimed: UUID | None = None
        try:
            with transaction.atomic():
                rows = due().exclude(pk__in=failed)
                row = rows.select_for_update(no_key=True, skip_locked=True).first()
                if row is None:
                    break
                claimed = row.pk
                deal_with(row)
            done += 1
        except Exception as error:
            if claimed is None:
                raise
            # Seen by the operator and tried again at the next tick; the others do not wait for it.
            log.exception("a due assignment failed: %s", type(error).__name__)
            failed.add(claimed)
    return done


def _raise_alarm(row: Assignment, now: datetime) -> None:
    record = lock(row.pk)
    assert record is not None, "the row is held"
    levels = alarm_clock.raise_level(record.assignment, now=now)
    record.assignment.save(update_fields=["alarm_level", "alarm_raised_at", "alarm_due_at"])
    raised = [_unacknowledged(record, level, now) for level in levels if level >= 2]
    record.alerts += Alert.objects.bulk_create(raised)
    found = [
        documents.assignment(record, now=now),
        *alert_documents(record, {alert.pk for alert in raised}),
    ]
    publish_all(found, now=now)
    act = Act(SYSTEM, "alarm", "assignment", [row.pk], {"level": record.assignment.alarm_level})
    record_all([act], now=now)


def _unacknowledged(record: Record, level: int, now: datetime) -> Alert:
    return Alert(
        kind=AlertKind.UNACKNOWLEDGED,
        assignment_id=record.assignment.pk,
        unit=record.assignment.unit,
        raised_at=now,
        level=level,
    )


def _let_go(row: Assignment, now: datetime) -> None:
    facts, waiting = on_the_call(facts_at([row.pk]))
    # All that is here leaves, also what came while this waited, or by a clock that is ahead.
    row.leaves_at, row.left_at = (
        None,
        max([now, *(fact.received_at for fact in (*facts, *waiting))]),
    )
    row.save(update_fields=["leaves_at", "left_at"])
    moved = max((fact.order for fact in facts if fact.event == "reassigned"), default=0)
    # Only who sees them changes: nothing is opened, so that no broken row keeps a call on a tablet.
    found = [Document("assignments", row.pk, assignment_scopes(row))]
    found += [Document("facts", fact.pk, fact_scopes(row, fact, moved_at=moved)) for fact in facts]
    found += [Document("facts", fact.pk, waiting_scopes(row, fact)) for fact in waiting]
    publish_all(found, now=now)
    record_all([Act(SYSTEM, "leave-tablets", "assignment", [row.pk])], now=now)
    publish(events=[Event("assignment.left", row.pk)], now=now)
