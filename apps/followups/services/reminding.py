"""Follow-ups of which the clock has something to say: reminders, pauses that are over, ended ones
that leave their tablets.

All of a reminder is rows of our own: how far it has risen, a row for each channel, the documents,
what `notify` is to tell. So a batch is claimed and done in one transaction, without a lease that
could run out (ADR 0007). What leaves the system is handed over by `notify` and `live`, from rows.

A reminder against an acknowledgement, two ticks at once, and a worker that is killed:

1. Whoever tells anything of a follow-up takes the locks of its circle (`records.lock`); so does the
   tick, before it reads whether the follow-up is still due.
2. The acknowledgement was first: the tick waits for it, reads the row anew and finds that the clock
   has nothing to say. After the commit of a stop nothing of it is claimed.
3. The tick was first: the acknowledgement waits, and stops what the tick has told `notify`. The
   reminder was due: it was not early.
4. Two ticks: claiming passes over rows that another one holds; whoever comes second finds the rows
   as the first has left them. A reminder's unique key (follow-up, occasion, channel, level) says so
   a second time.
5. Killed before COMMIT, nothing has happened, and the next tick finds the rows due. Killed after
   it, all has happened, and no tick finds them.

What fails: each claim is counted, and the count committed, before it is begun (`ClockAttempt`); the
count goes with the work. A batch that fails is done again row by row, and so is what was begun
several times and never ended. The row at fault stays alone, comes again later and later, and is
shown to the operator; the others do not wait for it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from apps.accounts.models import Role, User
from apps.assignments.models import AlertKind, Assignment
from apps.assignments.services import raise_alert
from apps.audit.services import SYSTEM, Act, record_all
from apps.dispatch.models import CrewMember
from apps.followups import reminding
from apps.followups.models import ClockAttempt, FollowUp, Reminder, ReminderChannel
from apps.followups.records import FollowUpRecord, lock
from apps.followups.services.following import follow_standing, read_locked, settle
from apps.followups.watching import watched_of
from apps.notify.models import Channel, ContactPoint, Level, Topic
from apps.notify.services import Notice, tell_all

log = logging.getLogger(__name__)

LARGEST_BATCH: Final = 200
# A tick that finds more leaves them to the next one: it must end within its period.
LARGEST_TICK: Final = 2_000
# What was begun so often and never ended is begun alone from then on.
_ALONE_AFTER: Final = 2
FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(hours=1)

# The first attempt may be repeated at once: more likely than not its worker was stopped.
_COUNT: Final = """
insert into followups_clockattempt as known (follow_up_id, tries, first_at, due_at, error)
select id, 1, %(now)s, %(now)s, '' from unnest(%(ids)s::uuid[]) id order by id
on conflict (follow_up_id) do update set tries = known.tries + 1,
  due_at = %(now)s + make_interval(
    secs => least(%(first)s * power(2, least(known.tries - 1, 20)), %(longest)s))
"""


@dataclass(frozen=True)
class _Raised:
    """A follow-up of which these levels are raised now, each with its due time."""

    record: FollowUpRecord
    levels: dict[Level, datetime]


class _Audience(NamedTuple):
    """Who is on duty, and who supervises, by team; each person's channels, with the level from
    which they want to be told by it."""

    crews: dict[UUID, set[UUID]]
    supervisors: dict[UUID, set[UUID]]
    channels: dict[UUID, dict[Channel, int]]


def remind(*, now: datetime) -> int:
    """Does what is due of every follow-up. Returns how many were seen to. Idempotent."""
    claimed = seen = 0
    while claimed < LARGEST_TICK and (batch := _claim(now)):
        claimed += len(batch)
        if len(batch) > 1 and _is_done(batch, now=now):
            seen += len(batch)
        else:
            seen += sum(_is_done([id], now=now, alone=True) for id in batch)
    _forget_others(now)
    return seen


def _forget_others(now: datetime) -> None:
    """What was begun of follow-ups that are not due any more: their worker was killed, and then
    somebody told something."""
    due = FollowUp.objects.filter(pk=OuterRef("follow_up_id"), next_at__lte=now)
    ClockAttempt.objects.filter(~Exists(due)).delete()


@transaction.atomic
def _claim(now: datetime) -> list[UUID]:
    """Takes the next rows that are due, and counts that before anything is done. What was begun
    several times is taken alone and after the others: it may be what stopped the worker, and what
    is counted together with it would wait as long."""
    begun = ClockAttempt.objects.filter(follow_up_id=OuterRef("pk"), tries__gte=_ALONE_AFTER)
    due = FollowUp.objects.due(now).select_for_update(no_key=True, skip_locked=True, of=("self",))
    joint = due.filter(~Exists(begun)).values_list("pk", flat=True)
    ids = list(joint[:LARGEST_BATCH]) or list(due.values_list("pk", flat=True)[:1])
    if ids:
        times = {"first": FIRST_RETRY.total_seconds(), "longest": LONGEST_RETRY.total_seconds()}
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"now": now, "ids": ids, **times})
    return ids


def _is_done(ids: Collection[UUID], *, now: datetime, alone: bool = False) -> bool:
    """Sees to these; whether that went through."""
    try:
        _see_to(frozenset(ids), now=now)
        return True
    except Exception as error:
        if isinstance(error, SoftTimeLimitExceeded) or not connection.is_usable():
            raise  # time is up, or the database gone: no row's fault, and the next tick goes on
        if alone:
            log.exception("a due follow-up failed: %s", type(error).__name__)
            later = {"error": type(error).__name__, "due_at": now + FIRST_RETRY}
            failed = ClockAttempt.objects.filter(follow_up_id__in=ids)
            failed.filter(due_at__lte=now).update(**later)
            failed.update(error=type(error).__name__)
        return False


@transaction.atomic
def _see_to(ids: frozenset[UUID], *, now: datetime) -> None:
    calls = _lock_calls_of_missed(ids, now)
    records = read_locked(lock(follow_ups=ids), now=now)
    due = [one for one in records if one.row.pk in ids and _speaks(one, now)]
    for record in due:
        follow_standing(record, now=now)  # what it has come to by itself: the end of a pause
    raised = [found for one in due if (found := _raise(one, calls, now)).levels]
    settle([*due, *_connected(records, due)], now=now)
    _write_down(raised, now)
    _alert(raised, now)
    ClockAttempt.objects.filter(follow_up_id__in=ids).delete()


def _speaks(record: FollowUpRecord, now: datetime) -> bool:
    return record.row.next_at is not None and record.row.next_at <= now


def _connected(
    records: Iterable[FollowUpRecord], due: Iterable[FollowUpRecord]
) -> list[FollowUpRecord]:
    """The others of their circle."""
    known = {one.row.pk for one in due}
    return [one for one in records if one.row.pk not in known]


def _lock_calls_of_missed(ids: Collection[UUID], now: datetime) -> frozenset[UUID]:
    """Locks the calls of those that may have been missed, before everything else: an alert is of a
    call, and whoever follows a call has that first."""
    rows = FollowUp.objects.filter(pk__in=ids, state="open").select_related("plan").defer("content")
    missed = {
        row.assignment_id
        for row in rows
        if (watched := watched_of(row)).due_until + watched.missed_after <= now
    }
    calls = Assignment.objects.select_for_update(no_key=True).filter(pk__in=missed).order_by("pk")
    list(calls.values_list("pk"))
    return frozenset(missed)


def _raise(record: FollowUpRecord, calls: Collection[UUID], now: datetime) -> _Raised:
    """Raises a follow-up to the highest level that is due, in its row. One that is found missed
    only now waits for the next turn: its call is not locked."""
    row, levels = record.row, list[Level]()
    if record.standing.rings:
        levels = reminding.levels_due(watched_of(row), now, record.opens)
    if row.assignment_id not in calls:
        levels = [level for level in levels if level != Level.SUPERVISORS]
    due = {level: reminding.due_at(watched_of(row), level, record.opens) for level in levels}
    if levels:
        row.level = levels[-1]
    return _Raised(record, due)


def _write_down(raised: Collection[_Raised], now: datetime) -> None:
    """The reminders, once for each occasion, channel and level, and what `notify` is to tell."""
    if not raised:
        return
    audience = _audience(raised)
    notices = [notice for one in raised for notice in _notices(one, audience)]
    tell_all(notices=notices, now=now)
    by = {(one.record.row.pk, level, ReminderChannel.LOG) for one in raised for level in one.levels}
    by |= {(one.subject_id, one.level, ReminderChannel(one.channel)) for one in notices}
    rows = {one.record.row.pk: one for one in raised}
    # One that was raised, taken back with the try that had ended its occasion, and is due once more
    # rings again, and was reminded of before.
    Reminder.objects.bulk_create(
        (
            Reminder(
                follow_up_id=id,
                occasion=rows[id].record.row.occasion,
                channel=channel,
                level=level,
                due_at=rows[id].levels[level],
                raised_at=now,
            )
            for id, level, channel in sorted(by)
        ),
        ignore_conflicts=True,
    )
    record_all(
        [
            Act(SYSTEM, "remind", "follow_up", about, {"level": int(level)})
            for level in Level
            if (about := [one.record.row.pk for one in raised if level in one.levels])
        ],
        now=now,
    )


def _notices(raised: _Raised, audience: _Audience) -> list[Notice]:
    """Whom to tell by which channel. Of owner and team only the highest level that is raised now:
    the other says nothing more."""
    row, found = raised.record.row, list[Notice]()
    told: list[Level] = [level for level in reminding.RUNG if level in raised.levels][-1:]
    if Level.SUPERVISORS in raised.levels:
        told.append(Level.SUPERVISORS)
    for level in told:
        for user in sorted(_whom(row, level, audience)):
            for channel, since in audience.channels.get(user, {}).items():
                if since <= level:
                    found.append(
                        Notice(
                            user_id=user,
                            channel=channel,
                            topic=Topic.FOLLOW_UP,
                            subject_id=row.pk,
                            level=level,
                            key=f"follow_up:{row.pk}:{row.occasion}:{int(level)}",
                            due_at=raised.levels[level],
                        )
                    )
    return found


def _whom(row: FollowUp, level: Level, audience: _Audience) -> set[UUID]:
    if level == Level.SUPERVISORS:
        return audience.supervisors.get(row.team_id, set())
    owner = {row.owner_id} if row.owner_id else set()
    if level == Level.OWNER and owner:
        return owner
    return owner | audience.crews.get(row.team_id, set())


def _audience(raised: Collection[_Raised]) -> _Audience:
    """Everybody who may be told of these."""
    teams = {one.record.row.team_id for one in raised}
    found = _Audience({}, {}, {})
    on_duty = CrewMember.objects.on_duty().filter(unit__team__in=teams, unit__in_service=True)
    for team, user in on_duty.values_list("unit__team", "user"):
        found.crews.setdefault(team, set()).add(user)
    supervisors = User.objects.filter(team__in=teams, role=Role.SUPERVISOR, is_active=True)
    for team, user in supervisors.values_list("team", "pk"):
        found.supervisors.setdefault(team, set()).add(user)
    owners = {one.record.row.owner_id for one in raised} - {None}
    everybody = owners.union(*found.crews.values(), *found.supervisors.values())
    points = ContactPoint.objects.filter(user__in=everybody, is_active=True)
    for user, channel, since in points.values_list("user", "channel", "from_level"):
        found.channels.setdefault(user, {})[Channel(channel)] = since
    return found


def _alert(raised: Iterable[_Raised], now: datetime) -> None:
    """Tells the supervisors' desks what was missed: once for a call, however many of its follow-ups
    were."""
    missed: dict[UUID, list[_Raised]] = {}
    for one in raised:
        if Level.SUPERVISORS in one.levels:
            missed.setdefault(one.record.row.assignment_id, []).append(one)
    for assignment_id, found in sorted(missed.items()):
        since = min(one.record.row.due_until for one in found)
        counted = {"follow_ups": len(found), "minutes": int((now - since).total_seconds() // 60)}
        raise_alert(kind=AlertKind.FOLLOW_UP, assignment_id=assignment_id, counted=counted, now=now)
