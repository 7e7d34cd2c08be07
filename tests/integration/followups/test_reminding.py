"""What is due is reminded of once, in the team's hours; what is told in time stops it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.assignments.models import Alert
from apps.audit.models import Entry
from apps.core.clock import iso
from apps.followups.models import (
    FollowUp,
    Reminder,
)
from apps.followups.services import reminding, telling
from apps.notify.models import Channel, Notification
from tests.factories import NOON
from tests.integration.followups.conftest import DAY, HOUR, Met, World, dropped, shown
from tests.integration.followups.due import made, told_by

MICROSECOND = timedelta(microseconds=1)


def tick(world: World, after: timedelta) -> int:
    seen = reminding.remind(now=NOON + after)
    world.commit()
    return seen


def tell(world: World, row: FollowUp, event: str, after: timedelta, **content: Any) -> None:
    telling.tell(
        follow_up=row,
        event=event,
        author=world.ours.people[0],
        content=content,
        now=NOON + after,
    )
    world.commit()


def reminded(row: FollowUp, channel: str = "log") -> list[tuple[int, int]]:
    """(occasion, level) of the reminders of a follow-up by a channel."""
    rows = Reminder.objects.filter(follow_up=row, channel=channel)
    return list(rows.order_by("occasion", "level").values_list("occasion", "level"))


class TestRising:
    @pytest.mark.parametrize(("level", "after"), [(1, 0 * HOUR), (2, 2 * HOUR), (3, 6 * HOUR)])
    def test_is_never_early_and_not_late(self, world: World, level: int, after: timedelta) -> None:
        row = made(world)
        for earlier in (0 * HOUR, 2 * HOUR)[: level - 1]:
            tick(world, earlier)

        assert tick(world, after - MICROSECOND) == 0
        assert tick(world, after) == 1
        row.refresh_from_db()
        assert row.level == level
        last = Reminder.objects.get(level=level)
        assert (last.due_at, last.raised_at) == (NOON + after, NOON + after)

    def test_that_comes_late_raises_all_that_is_due_and_once(self, world: World) -> None:
        row = made(world)

        assert tick(world, 7 * HOUR) == 1
        assert reminded(row) == [(1, 1), (1, 2), (1, 3)]
        due = Reminder.objects.order_by("level").values_list("due_at", flat=True)
        assert list(due) == [NOON, NOON + 2 * HOUR, NOON + 6 * HOUR]
        assert tick(world, 8 * HOUR) == tick(world, 99 * DAY) == 0

    def test_goes_to_the_owner_then_the_team_then_the_supervisors(self, dana: Met) -> None:
        world, mine, theirs = dana.world, dana.tablet, dana.world.theirs.tablets[0]
        dana.agreed()
        until = iso(NOON + DAY + 2 * HOUR)
        row = dana.follow(first_until=until)
        dana.tells("taken", row)

        tick(world, DAY)
        assert shown(mine, "follow_ups")[row.pk]["level"] == 1
        assert row.pk not in shown(theirs, "follow_ups")
        assert dana.person not in shown(theirs, "persons")
        tick(world, DAY + 2 * HOUR)
        assert shown(theirs, "follow_ups")[row.pk]["level"] == 2
        assert dana.person in shown(theirs, "persons"), "whom they look for goes with it"
        assert not Alert.objects.exists()
        tick(world, DAY + 6 * HOUR)
        (alert,) = shown(world.supervisor, "alerts").values()
        assert (alert["kind"], alert["level"]) == ("follow_up", 2)
        assert list(FollowUp.objects.missed()) == [row]

    def test_says_so_in_the_audit_log(self, world: World) -> None:
        rows = [made(world) for _ in range(3)]
        tick(world, 0 * HOUR)

        entry = Entry.objects.get(action="remind")
        assert (entry.actor_kind, entry.detail) == ("system", {"level": 1})
        assert set(entry.subject_ids) == {row.pk for row in rows}

    def test_what_is_due_at_night_rings_when_the_team_works(self, world: World) -> None:
        night = NOON + 15 * HOUR  # three in the morning

        made(world, due_from=night, window=48 * HOUR)

        assert tick(world, 15 * HOUR) == tick(world, 24 * HOUR - MICROSECOND) == 0
        assert tick(world, 24 * HOUR) == 1

    @pytest.mark.parametrize(
        ("night", "noon"),
        [
            # Spring: the night has no hour after two. Autumn: it has two hours after one.
            (datetime(2026, 3, 8, 10, 30, tzinfo=UTC), datetime(2026, 3, 8, 19, 0, tzinfo=UTC)),
            (datetime(2026, 11, 1, 9, 30, tzinfo=UTC), datetime(2026, 11, 1, 20, 0, tzinfo=UTC)),
        ],
    )
    def test_noon_is_noon_on_the_days_when_the_clocks_change(
        self, world: World, night: datetime, noon: datetime
    ) -> None:
        row = made(world, due_from=night)

        assert row.next_at == noon
        assert tick(world, noon - NOON - MICROSECOND) == 0
        assert tick(world, noon - NOON) == 1
        first = Reminder.objects.get(level=1)
        assert first.due_at == noon


class TestTheAcknowledgement:
    def test_stops_owner_and_team_on_every_channel(self, world: World) -> None:
        row = made(world)
        told_by(world.ours.people[0], Channel.EMAIL, Channel.TEXT)
        tick(world, 0 * HOUR)
        assert Notification.objects.waiting().count() == 2

        tell(world, row, "acknowledged", HOUR)

        assert not Notification.objects.waiting().exists()
        assert tick(world, 2 * HOUR) == 0
        assert shown(world.ours.tablets[0], "follow_ups")[row.pk]["rings"] == []

    def test_leaves_the_supervisors_where_nobody_tries(self, world: World) -> None:
        row = made(world)
        tick(world, 0 * HOUR)
        tell(world, row, "acknowledged", HOUR)

        assert tick(world, 6 * HOUR - MICROSECOND) == 0
        assert tick(world, 6 * HOUR) == 1
        assert reminded(row) == [(1, 1), (1, 3)]

    @pytest.mark.parametrize("result", ["reached", "declined"])
    def test_an_end_stops_everything(self, world: World, result: str) -> None:
        row = made(world)
        told_by(world.ours.people[0], Channel.EMAIL)
        tick(world, 0 * HOUR)
        tell(world, row, "attempted", HOUR, result=result)

        assert not Notification.objects.waiting().exists()
        tick(world, 99 * DAY)
        assert reminded(row) == [(1, 1)]

    def test_a_further_try_is_another_occasion(self, world: World) -> None:
        row = made(world)
        tick(world, 2 * HOUR)
        tell(world, row, "attempted", 3 * HOUR, result="not_reached")
        tick(world, 3 * HOUR)
        row.refresh_from_db()
        assert (row.level, row.occasion) == (0, 2)

        tick(world, 27 * HOUR)
        assert reminded(row) == [(1, 1), (1, 2), (2, 1)]

    def test_snoozed_it_rings_again_and_not_before(self, world: World) -> None:
        row = made(world)
        told_by(world.ours.people[0], Channel.EMAIL)
        tick(world, 0 * HOUR)
        tell(world, row, "snoozed", HOUR / 2, until=(NOON + HOUR).isoformat())

        assert not Notification.objects.waiting().exists()
        assert tick(world, HOUR - MICROSECOND) == 0
        assert tick(world, HOUR) == 1
        assert reminded(row) == [(1, 1), (2, 1)]
        assert Notification.objects.waiting().count() == 1


class TestThePause:
    def test_is_silent_and_ends_by_itself(self, world: World) -> None:
        row = made(world)
        until = (NOON + 30 * HOUR).isoformat()
        tell(world, row, "paused", -HOUR, reason="hospital", until=until)

        assert tick(world, 29 * HOUR) == 0
        tick(world, 30 * HOUR)
        row.refresh_from_db()
        assert (row.state, row.due_from) == ("open", NOON + 31 * HOUR)
        tick(world, 31 * HOUR)
        assert reminded(row) == [(row.occasion, 1)]


class TestLeaving:
    def test_an_ended_one_leaves_its_tablets_after_a_while(self, world: World) -> None:
        row = made(world)
        tell(world, row, "attempted", 0 * HOUR, result="reached")
        tablet = world.ours.tablets[0]
        assert shown(tablet, "follow_ups")[row.pk]["state"] == "ended"

        assert tick(world, HOUR - MICROSECOND) == 0
        tick(world, HOUR)
        assert row.pk in dropped(tablet, "follow_ups")
        assert row.pk in shown(world.supervisor, "follow_ups")
        row.refresh_from_db()
        assert row.next_at is None


class TestOutside:
    def test_whoever_has_it_is_told_alone_then_the_crews_then_the_supervisors(
        self, world: World
    ) -> None:
        owner, second, third = [*world.ours.people, *world.theirs.people]
        for one in (owner, second, third):
            told_by(one, Channel.EMAIL)
        told_by(world.supervisor, Channel.EMAIL, from_level=3)
        row = made(world)
        tell(world, row, "taken", -HOUR)

        def told(level: int) -> set[UUID]:
            rows = Notification.objects.filter(level=level, subject_id=row.pk)
            return set(rows.values_list("user", flat=True))

        tick(world, 0 * HOUR)
        assert told(1) == {owner.pk}
        tick(world, 2 * HOUR)
        assert told(2) == {owner.pk, second.pk, third.pk}
        tick(world, 6 * HOUR)
        assert told(3) == {world.supervisor.pk}
        assert reminded(row, "email") == [(1, 1), (1, 2), (1, 3)]

    def test_whoever_waits_to_be_told_is_told_when_it_has_risen_further(self, world: World) -> None:
        told_by(world.ours.people[0], Channel.EMAIL)
        row = made(world)
        for after in (0, 2, 6):
            tick(world, after * HOUR)

        row.refresh_from_db()
        assert (row.level, row.next_at) == (3, None)
        assert not Notification.objects.exclude(stopped_at=None).exists()

    def test_what_nobody_has_is_told_to_whoever_is_on_duty(self, world: World) -> None:
        told_by(world.theirs.people[0], Channel.TEXT)
        row = made(world)
        tick(world, 0 * HOUR)

        assert Notification.objects.get().user_id == world.theirs.people[0].pk
        assert reminded(row, "text") == [(1, 1)]
        assert reminded(row, "email") == []

    def test_a_late_tick_tells_each_person_once(self, world: World) -> None:
        told_by(world.ours.people[0], Channel.EMAIL)
        made(world)
        tick(world, 7 * HOUR)

        assert Notification.objects.get().level == 2


class TestBatches:
    def test_cost_as_many_statements_whatever_they_hold(self, world: World) -> None:
        def statements(count: int, day: int) -> int:
            for _ in range(count):
                made(world, due_from=NOON + day * DAY, window=99 * DAY)
            with CaptureQueriesContext(connection) as found:
                assert reminding.remind(now=NOON + day * DAY) == count
            world.commit()
            return len(found)

        told_by(world.ours.people[0], Channel.EMAIL)
        statements(1, 1)
        assert statements(12, 2) == statements(2, 3)

    def test_are_no_larger_than_a_publication_bears(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reminding, "LARGEST_BATCH", 2)
        rows = [made(world) for _ in range(5)]

        assert tick(world, 0 * HOUR) == 5
        assert all(reminded(row) == [(1, 1)] for row in rows)
