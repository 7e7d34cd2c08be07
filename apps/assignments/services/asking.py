"""Crews on scene that owe a check-in: the tick that asks, and tells others when nobody answers.

Rows are claimed as alarms are (see `alarms`): no lease, each in a transaction of its own. The same
five cases hold for a check-in against the tick, and for two ticks at once. That a crew was heard of
since is found in the facts under the lock, so a tap that wrote no due time still stops the tick.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Max

from apps.accounts.models import SignIn
from apps.assignments import check_ins, documents
from apps.assignments.check_ins import CheckIn
from apps.assignments.models import Alert, AlertKind, Assignment
from apps.assignments.records import Record, lock
from apps.assignments.services.alarms import each_due
from apps.assignments.services.writing import alert_documents, publish_all
from apps.audit.services import SYSTEM, Act, record_all
from apps.dispatch.models import Unit
from apps.sync.tablets import quiet_after

_COLUMNS: Final = ("check_in_level", "check_in_reached_at", "check_in_next_at")
# From this level on it is an alert: to the supervisors, then to the dispatch desk too.
_ALERTS_FROM: Final = 2


def ask_for_check_ins(*, now: datetime) -> int:
    """Asks every crew on scene whose check-in is due, and raises an alert where one has not come.
    Returns how many rows were due. A tick that comes late raises all levels that are due."""
    return each_due(lambda: Assignment.objects.check_in_due(now), lambda row: _ask(row, now))


def _ask(row: Assignment, now: datetime) -> None:
    record = lock(row.pk)
    assert record is not None, "the row is held"
    row = record.assignment
    awaited = check_ins.of(record)
    if awaited is None:
        check_ins.follow(row, None, now=now)
        row.save(update_fields=_COLUMNS)
        return
    risen = check_ins.rise(row, awaited, now=now)
    row.save(update_fields=_COLUMNS)
    if not risen:
        return
    told = _tell(record, awaited, now) if row.check_in_level >= _ALERTS_FROM else []
    found = [
        documents.assignment(record, now=now),
        *alert_documents(record, {alert.pk for alert in told}),
    ]
    publish_all(found, now=now)
    act = Act(SYSTEM, "ask-check-in", "assignment", [row.pk], {"level": row.check_in_level})
    record_all([act], now=now)


def _tell(record: Record, awaited: CheckIn, now: datetime) -> list[Alert]:
    """Raises the alert, or lets the one that stands rise with it: one silence is one alert."""
    row = record.assignment
    standing = (one for one in record.alerts if one.kind == AlertKind.CHECK_IN and _is_open(one))
    alert = next(standing, None)
    seen = _last_contact(row.unit, now)
    lost_since = seen or awaited.heard_at if _is_lost(seen, awaited, now) else None
    said = {
        "level": row.check_in_level,
        "signal_lost_since": lost_since,
        "counted": {
            "minutes": int((now - awaited.heard_at).total_seconds() / 60),
            "no_signal_s": int((now - lost_since).total_seconds()) if lost_since else None,
        },
    }
    if alert is None:
        alert = Alert(
            kind=AlertKind.CHECK_IN, assignment_id=row.pk, unit=row.unit, raised_at=now, **said
        )
        record.alerts += Alert.objects.bulk_create([alert])
    else:
        for name, value in said.items():
            setattr(alert, name, value)
        alert.save(update_fields=list(said))
    return [alert]


def _is_open(alert: Alert) -> bool:
    return alert.acknowledged_at is None and alert.stopped_at is None


def _last_contact(unit: Unit, now: datetime) -> datetime | None:
    """When a tablet of the unit's crew was last in contact: by a request, or by a socket that was
    open, silent or not. None: none of them is signed in on one, or it never was."""
    theirs = SignIn.objects.running(now).filter(user__crews__unit=unit, user__crews__until=None)
    found: datetime | None = theirs.aggregate(at=Max("tablet__last_seen_at"))["at"]
    return found


def _is_lost(seen: datetime | None, awaited: CheckIn, now: datetime) -> bool:
    """Whether the question cannot have reached them: no tablet is in contact now, nor was one after
    it was asked. A socket whose tablet has gone out of coverage looks open for a while, so contact
    counts from so long after the question as it takes to notice that."""
    if seen is None:
        return True
    return now - seen > quiet_after() and seen < awaited.due_at + quiet_after()
