"""Follow-ups: what people said to them, the tries, the reminders, the end; and what was told to
whom of them, and of records that are owed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.cockpit.stories import said
from apps.cockpit.stories.moments import Kind, Moment, Record
from apps.cockpit.stories.rows import Rows
from apps.followups import codes
from apps.followups.models import FollowUp, FollowUpAgreement, FollowUpEvent, Reminder
from apps.followups.records import happened_at, told_of
from apps.followups.tellings import withdrawn
from apps.notify.models import Notification

_CODED: Final = {
    "result": codes.RESULTS,
    "way": codes.WAYS,
    "outcome": codes.OUTCOMES,
    "reason": codes.PAUSES,
    "ways": codes.WAYS,
}
# Ids, which say nothing to a person.
_IDS: Final = frozenset({"to", "event_id"})


def moments(rows: Rows) -> Iterator[Moment]:
    """As `of_notes.moments`."""
    follow_ups = {row.pk: row for row in rows.follow_ups}
    for agreement in rows.agreements:
        yield _agreed(agreement)
    for follow_up in rows.follow_ups:
        yield from _of(follow_up)
    gone = withdrawn(told_of(one) for one in rows.tries)
    for one in rows.tries:
        yield _told(one, follow_ups[one.follow_up_id], rows, back=one.pk in gone)
    for reminder in rows.reminders:
        yield _reminded(reminder, follow_ups[reminder.follow_up_id])
    of = {row.pk: row.assignment_id for row in rows.follow_ups}
    of |= {row.pk: row.assignment_id for row in rows.owed}
    for message in rows.messages:
        yield _message(message, of.get(message.subject_id))


def _agreed(row: FollowUpAgreement) -> Moment:
    told: dict[str, Any] = {**_of_mapping(row.content), "until": row.ends_on}
    return Moment(
        at=min(row.said_at, row.received_at),
        told_at=row.received_at,
        kind=Kind.FOLLOW_UP,
        what=f"Follow-ups: {row.get_basis_display()}",
        record=Record.of(row),
        of=row.assignment_id,
        who=row.author.display_name,
        lines=said.lines(told, _CODED),
        flags=_flags(row.flags),
    )


def _of(row: FollowUp) -> Iterator[Moment]:
    record, of = Record.of(row), row.assignment_id
    purpose = row.get_purpose_display()
    yield Moment(
        at=row.created_at,
        kind=Kind.FOLLOW_UP,
        what=f"Follow-up: {purpose}",
        record=record,
        of=of,
        who=row.created_by.display_name if row.created_by else "",
        source="" if row.created_by else "the plan",
        lines=said.lines(
            {
                "due": row.first_from,
                "until": row.first_until,
                "how": row.get_way_display(),
                "note": _of_mapping(row.content).get("note"),
            }
        ),
        flags=_flags(row.flags),
    )
    if row.ended_at:
        yield Moment(
            at=row.ended_at,
            kind=Kind.FOLLOW_UP,
            what=f"Follow-up has ended: {purpose}",
            record=record,
            part="ended",
            of=of,
            lines=said.line("how", row.get_outcome_display()),
        )


def _told(row: FollowUpEvent, of: FollowUp, rows: Rows, *, back: bool) -> Moment:
    content = {name: one for name, one in _of_mapping(row.content).items() if name not in _IDS}
    label = codes.EVENTS.get(row.event, said.words(row.event))
    return Moment(
        at=happened_at(row),
        told_at=row.received_at,
        kind=Kind.FOLLOW_UP,
        what=f"{label}: {of.get_purpose_display()}" + (" (taken back)" if back else ""),
        record=Record.of(of),
        part=f"told-{row.pk}",
        of=of.assignment_id,
        who=row.author.display_name if row.author else "",
        source="" if row.author else "Carefield",
        lines=said.lines(content, _CODED),
        flags=_flags(row.flags),
    )


def _reminded(row: Reminder, of: FollowUp) -> Moment:
    return Moment(
        at=row.raised_at,
        kind=Kind.FOLLOW_UP,
        what=f"Reminder to {row.get_level_display()}: {of.get_purpose_display()}",
        record=Record.of(of),
        part=f"reminder-{row.pk}",
        of=of.assignment_id,
        source=row.get_channel_display(),
    )


def _message(row: Notification, of: Any) -> Moment:
    """Whom we told, by what, and what became of it. No message holds a word about anybody."""
    sent = row.message
    fate = "stopped" if row.stopped_at else sent.get_state_display() if sent else "is not due yet"
    return Moment(
        at=(sent.settled_at if sent and sent.settled_at else None) or row.stopped_at or row.made_at,
        kind=Kind.MESSAGE,
        what=f"Message: {row.get_topic_display()}",
        record=Record.of(row),
        of=of,
        source="Carefield",
        lines=(
            ("to", row.user.display_name),
            ("by", row.get_channel_display()),
            ("what became of it", fate),
        ),
    )


def _flags(flags: list[str]) -> tuple[str, ...]:
    return tuple(codes.FLAGS.get(code, said.words(code)) for code in flags)


def _of_mapping(content: Any) -> Mapping[str, Any]:
    return content if isinstance(content, Mapping) else {}
