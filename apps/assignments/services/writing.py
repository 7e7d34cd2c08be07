"""The one path by which an assignment changes: facts in, everything else derived, all published.

Every verb reads the records it changes under their locks, says what happened as facts, and ends
here, in one transaction: facts, derived columns, alerts, documents, audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from apps.assignments import check_ins, documents
from apps.assignments.codes import ALERTING, EVENTS, PROGRESSED
from apps.assignments.models import Alert, AlertKind, Assignment, Fact, FactSource, State
from apps.assignments.records import IncidentRecord, Record
from apps.assignments.services import alarm_clock, harms
from apps.audit.services import Act, record_all
from apps.changes.services import LARGEST_PUBLICATION, Document, Event, publish
from apps.dispatch.models import Source


def write(
    records: Sequence[Record], *, facts: Iterable[Fact] = (), acts: Sequence[Act], now: datetime
) -> None:
    """Stores the new facts, derives their assignments anew from ALL their facts, publishes, audits.

    `records` were read under their locks, with all of their incidents; the facts belong to them. A
    document is published where something in it may have changed: the assignments' always, those of
    the incident's other units where the handoff differs, a fact's where it is new or where its
    flags, its readers or the answer to its call for help differ.
    """
    _count_where_they_are(records)
    others = _others(records)
    # An open call of these is shown anew whatever its handoff says.
    compared = [*others, *(record for record in records if record.stored["closed_at"])]
    before = {one.assignment.pk: documents.handoff(one) for one in compared}
    fresh = Fact.objects.bulk_create(facts)
    for record in records:
        own = [fact for fact in fresh if fact.assignment_id == record.assignment.pk]
        record.take(own)
        record.derive()
        _follow_facts(record, now)
        record.alerts += [called for fact in own if (called := called_by(fact, now=now))]
    _save(records)
    stopped = [alert for record in records for alert in _stop_alarms(record, now)]
    raised = [alert for record in records for alert in record.alerts if alert._state.adding]
    Alert.objects.bulk_create(raised)
    changed = {alert.pk for alert in (*stopped, *raised)}
    found: list[Document] = []
    for record in records:
        found.append(documents.assignment(record, now=now))
        found += fact_documents(record)
        found += alert_documents(record, changed)
    differ = [one for one in compared if documents.handoff(one) != before[one.assignment.pk]]
    found += [documents.assignment(one, now=now) for one in differ if one in others]
    publish_all(found, events=_progress(fresh), now=now)
    record_all(acts, now=now)
    for record in records:
        if record.died and not record.had_died:
            harms.after_a_death(record, now=now)
    happened = [event for record in records for event in _happened(record)]
    # What is told of an open one follows when it is closed.
    over = [one.assignment.pk for one in differ if one.assignment.closed_at]
    happened += [Event("assignment.handoff_changed", pk) for pk in over]
    publish(events=happened, now=now)


def _count_where_they_are(records: Sequence[Record]) -> None:
    """What a merge has moved counts to the handoff of the incident that it is of now."""
    for record in records:
        if record not in record.call.records:
            record.call.records.append(record)
    for call in _calls(records):
        call.records[:] = [one for one in call.records if one.call is call]


def _others(records: Sequence[Record]) -> list[Record]:
    """The records of the other units that have these incidents."""
    return [one for call in _calls(records) for one in call.records if one not in records]


def _calls(records: Iterable[Record]) -> list[IncidentRecord]:
    return list({id(record.call): record.call for record in records}.values())


def _progress(fresh: Iterable[Fact]) -> list[Event]:
    """For partners: see `events`. Nobody reacts to it, so it goes with the documents."""
    return [
        Event(PROGRESSED, fact.pk)
        for fact in fresh
        if fact.source != FactSource.CAD and EVENTS[fact.event].eido
    ]


def _happened(record: Record) -> Iterator[Event]:
    """What others react to. Mere progress is nothing to them, and whoever taps waits for them."""
    row, before = record.assignment, record.stored
    names = {
        "assignment.opened": record.fresh and row.source == Source.RESPONDER,
        "assignment.moved": row.unit_id != before["unit_id"],
        "assignment.contact_made": record.timeline.met and not record.had_met,
        "assignment.closed": row.closed_at is not None and before["closed_at"] is None,
        "assignment.reopened": row.closed_at is None and before["closed_at"] is not None,
    }
    return (Event(name, row.pk) for name, has_happened in names.items() if has_happened)


def called_by(fact: Fact, *, now: datetime) -> Alert | None:
    """The alert of a fact that calls for help: for supervisors and dispatch desk at once."""
    if fact.event not in ALERTING:
        return None
    return Alert(
        kind=AlertKind(fact.event),
        assignment_id=fact.assignment_id,
        fact_id=fact.pk,
        unit=fact.unit,
        raised_at=now,
        level=3,
    )


def fact_documents(record: Record) -> list[Document]:
    """The facts whose document is new or shows something else than when the record was read."""
    found = []
    for fact in (*record.facts, *record.waiting):
        before, after = record.shown.get(fact.pk), record.show(fact)
        if before is None or (before.flags, before.answer) != (after.flags, after.answer):
            found.append(documents.fact(record, fact))
        elif before.scopes != after.scopes:
            # Nothing in it has changed: it only comes to other tablets, or leaves some.
            found.append(Document("facts", fact.pk, after.scopes))
    return found


def alert_documents(record: Record, changed: Iterable[object]) -> list[Document]:
    """The documents of those alerts of a record that have changed."""
    facts = {fact.pk: fact for fact in record.facts}
    return [
        documents.alert(alert, of=record, about=facts.get(alert.fact_id) if alert.fact_id else None)
        for alert in record.alerts
        if alert.pk in changed
    ]


def publish_all(found: Sequence[Document], *, events: Sequence[Event] = (), now: datetime) -> None:
    """Publishes in as many statements as the feed takes documents, the events with the first."""
    for start in range(0, max(len(found), 1), LARGEST_PUBLICATION):
        told = () if start else events
        publish(documents=found[start : start + LARGEST_PUBLICATION], events=told, now=now)


def _follow_facts(record: Record, now: datetime) -> None:
    """Puts what the timeline says into the row."""
    row, timeline = record.assignment, record.timeline
    closing = timeline.closing
    row.state = State(timeline.state)
    row.closing = closing.kind if closing else ""
    row.acknowledged_revision = timeline.acknowledged_revision
    row.flags = sorted({flag.code for flag in timeline.flags})
    if closing is None:
        row.closed_at = row.leaves_at = row.left_at = None
    else:
        row.closed_at = row.closed_at or now
        alarm_clock.leave_later(
            row, now, late=any(fact.pk not in record.shown for fact in record.facts)
        )
    moved = row.unit_id != record.stored["unit_id"]
    alarm_clock.follow(row, awaited=timeline.needs_ack, anew=moved, now=now)
    check_ins.follow(row, check_ins.of(record), now=now)


def _save(records: Sequence[Record]) -> None:
    fresh = [record.assignment for record in records if record.assignment._state.adding]
    Assignment.objects.bulk_create(fresh)
    for record in records:
        if record.assignment not in fresh and (columns := record.changed()):
            record.assignment.save(update_fields=columns)


def _stop_alarms(record: Record, now: datetime) -> list[Alert]:
    """Stops the alerts of a call that is acknowledged, closed, or now another unit's, and of a
    crew that has left the scene, or is known to have been well lately enough."""
    row, awaited = record.assignment, check_ins.of(record)
    moved = row.unit_id != record.stored["unit_id"]
    over = {
        AlertKind.UNACKNOWLEDGED: moved or row.alarm_from is None,
        AlertKind.CHECK_IN: moved or awaited is None or now < awaited.overdue_at,
    }
    stopped = []
    for alert in record.alerts:
        if over.get(AlertKind(alert.kind)) and alert.stopped_at is None:
            alert.stopped_at = now
            alert.save(update_fields=["stopped_at"])
            stopped.append(alert)
    return stopped
