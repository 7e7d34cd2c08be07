"""What of a story is not at its end: what waits, since when, and where it is done. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from apps.casenotes.documents import why_reviewed
from apps.casenotes.models import ReviewState
from apps.cockpit.stories import said
from apps.cockpit.stories.moments import Record
from apps.cockpit.stories.rows import Rows
from apps.followups.models import FollowUpState
from apps.people.models import Match
from apps.referrals.clocks import STEPS, SUPERVISOR


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something to be done: what is open, on whose page it is done, since when it waits. `urgent`
    comes first."""

    what: str
    record: Record
    since: datetime | None = None
    urgent: bool = False


def steps(rows: Rows, *, now: datetime) -> list[Step]:
    """All of them, the urgent first, then those that have waited longest."""
    found = [
        *_of_calls(rows),
        *_of_notes(rows),
        *_of_writes(rows),
        *_of_referrals(rows),
        *_of_follow_ups(rows, now),
        *_of_persons(rows),
    ]
    return sorted(found, key=lambda one: (not one.urgent, one.since or now))


def _of_calls(rows: Rows) -> Iterator[Step]:
    for alert in rows.alerts:
        if alert.acknowledged_at is None and alert.stopped_at is None:
            what = f"Answer the alert: {alert.get_kind_display()}"
            yield Step(what=what, record=Record.of(alert), since=alert.raised_at, urgent=True)
    for row in rows.assignments:
        if row.closed_at is not None:
            continue
        if row.alarm_from is not None:
            what = f"{row.unit.call_sign} has not acknowledged the call"
            urgent = row.alarm_level > 0
            yield Step(what=what, record=Record.of(row), since=row.alarm_from, urgent=urgent)
        else:
            what = f"The call is open: {row.unit.call_sign}, {row.get_state_display()}"
            yield Step(what=what, record=Record.of(row), since=row.given_at)


def _of_notes(rows: Rows) -> Iterator[Step]:
    drafts = {note.encounter_id for note in rows.notes if note.content is not None}
    for note in rows.notes:
        if note.content is not None:
            what = f"The note is not signed: {note.missing} of {note.asked} parts are left"
            yield Step(what=what, record=Record.of(note), since=note.begun_at)
        report = getattr(note, "owed_report", None)  # most have none
        if report is not None and report.due_at is not None:
            what = "A report that the law asks for is not made"
            yield Step(what=what, record=Record.of(note), since=report.since, urgent=True)
    for owed in rows.owed:
        if owed.cleared_at and not owed.kind and owed.pk not in drafts:
            what = "A record of the encounter is owed"
            yield Step(what=what, record=Record.of(owed), since=owed.cleared_at)
    last = {review.note_id: review for review in rows.reviews}
    for review in last.values():
        if review.state == ReviewState.WAITING:
            what = f"Review the note: {why_reviewed(review)}"
            yield Step(what=what, record=Record.of(review), since=review.asked_at, urgent=True)
        elif review.state == ReviewState.RETURNED:
            what = "The note was returned; an addendum is awaited"
            yield Step(what=what, record=Record.of(review), since=review.decided_at)


def _of_writes(rows: Rows) -> Iterator[Step]:
    for write in rows.refused:
        what = f"A write could not be taken: {said.words(write.collection)}"
        yield Step(what=what, record=Record.of(write), since=write.at, urgent=True)
    for conflict in rows.conflicts:
        what = f"Two wrote at once: {said.words(conflict.collection)}"
        yield Step(what=what, record=Record.of(conflict), since=conflict.at)


def _of_referrals(rows: Rows) -> Iterator[Step]:
    numbers = {row.pk: row.number for row in rows.referrals}
    for task in rows.tasks:
        if task.clock_from is not None:
            overdue = task.clock_step >= SUPERVISOR
            told = f" ({STEPS[task.clock_step].lower()})" if task.clock_step else ""
            what = (
                f"{numbers[task.referral_id]}: {task.partner.name} owes"
                f" {task.get_awaits_display()}{told}"
            )
            yield Step(what=what, record=Record.of(task), since=task.clock_from, urgent=overdue)
    asked = {task.referral_id for task in rows.tasks if task.is_open}
    for row in rows.referrals:
        if row.closed_at is None and row.pk not in asked:
            what = f"{row.number} is open, and nobody is asked"
            yield Step(what=what, record=Record.of(row), since=row.created_at)
    for one in rows.recipients:
        if one.told_at is not None and one.acknowledged_at is None:
            what = f"{one.partner.name} has not said that it knows of the revocation"
            yield Step(what=what, record=Record.of(one), since=one.told_at)


def _of_follow_ups(rows: Rows, now: datetime) -> Iterator[Step]:
    for row in rows.follow_ups:
        if row.state == FollowUpState.ENDED:
            continue
        late = row.state == FollowUpState.OPEN and row.due_until < now
        state = "overdue" if late else row.get_state_display()
        who = row.owner.display_name if row.owner else "the team"
        what = f"Follow-up, {state}: {row.get_purpose_display()} ({who} has it)"
        yield Step(what=what, record=Record.of(row), since=row.due_from, urgent=late)
    for one in rows.missing:
        what = "Nobody asked whether they want to be followed up"
        yield Step(what=what, record=Record.of(one), since=one.ended_at)


def _of_persons(rows: Rows) -> Iterator[Step]:
    for glass in rows.glass:
        if glass.reviewed_at is None:
            what = "Was it justified to open the record without a call?"
            yield Step(what=what, record=Record.of(glass), since=glass.at)
    for row in rows.encounters:
        if row.match == Match.POSSIBLE:
            what = f"Encounter {row.ordinal}: who it is, is not confirmed"
            yield Step(what=what, record=Record.of(row), since=row.opened_at)
