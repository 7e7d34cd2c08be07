"""A reminder that fails, or kills whoever makes it, holds up no other; what is said of it."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection

from apps.core import clock
from apps.followups import readiness
from apps.followups.models import (
    ClockAttempt,
    FollowUp,
    Reminder,
)
from apps.followups.services import reminding
from tests.factories import NOON
from tests.integration.followups.conftest import HOUR, World
from tests.integration.followups.due import made
from tests.integration.followups.test_reminding import MICROSECOND, reminded, tell, tick


@pytest.fixture
def poison(world: World) -> FollowUp:
    """One whose content cannot be opened."""
    row = made(world)
    with connection.cursor() as cursor:
        cursor.execute("update followups_followup set content = '\\x00' where id = %s", [row.pk])
    return row


class TestAPoisonRow:
    def test_holds_up_no_other(self, world: World, poison: FollowUp) -> None:
        others = [made(world, due_from=NOON + HOUR) for _ in range(3)]

        assert tick(world, HOUR) == 3
        assert all(reminded(row) == [(1, 1)] for row in others)
        attempt = ClockAttempt.objects.get()
        assert (attempt.follow_up_id, attempt.tries) == (poison.pk, 1)
        assert attempt.error == "Undecryptable"

    def test_comes_again_later_and_later_and_is_shown(self, world: World, poison: FollowUp) -> None:
        waits, at = [], 0 * HOUR
        for _ in range(4):
            tick(world, at)
            later = ClockAttempt.objects.get().due_at - (NOON + at)
            waits.append(later.total_seconds())
            assert tick(world, at + later - MICROSECOND) == 0
            at += later

        assert waits == sorted(waits)
        assert waits[0] > 0
        assert ClockAttempt.objects.stuck().get().tries == 4
        assert ClockAttempt.objects.get().tries == 4

    def test_that_was_mended_is_reminded_of(self, world: World, poison: FollowUp) -> None:
        tick(world, 0 * HOUR)
        poison.save(update_fields=["content"])

        assert tick(world, HOUR) == 1
        assert reminded(poison) == [(1, 1)]
        assert not ClockAttempt.objects.exists()

    def test_that_kills_its_worker_is_soon_begun_alone(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [made(world) for _ in range(3)]
        begun: list[int] = []

        class Killed(BaseException):
            """As the process sees it that is not there any more."""

        def kill(ids: frozenset[UUID], *, now: datetime) -> None:
            begun.append(len(ids))
            if rows[1].pk in ids:
                raise Killed
            see_to(ids, now=now)

        see_to = reminding._see_to
        monkeypatch.setattr(reminding, "_see_to", kill)
        at = 0 * HOUR
        while len(Reminder.objects.all()) < 2:
            assert at < HOUR
            with contextlib.suppress(Killed):
                reminding.remind(now=NOON + at)
            at += timedelta(seconds=10)
        assert begun[:2] == [3, 3]
        assert set(begun[2:]) == {1}
        assert at < timedelta(minutes=2), "its neighbours do not wait as long as it"


def test_what_a_killed_tick_had_begun_is_forgotten_once_somebody_told_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(ids: frozenset[UUID], *, now: datetime) -> None:
        raise SystemExit

    row = made(world)
    with monkeypatch.context() as patched:
        patched.setattr(reminding, "_see_to", killed)
        with pytest.raises(SystemExit):
            reminding.remind(now=NOON)
    assert ClockAttempt.objects.count() == 1
    tell(world, row, "attempted", 0 * HOUR, result="reached")

    assert tick(world, MICROSECOND) == 0
    assert not ClockAttempt.objects.exists()


def test_a_tick_whose_time_is_up_blames_no_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(ids: frozenset[UUID], *, now: datetime) -> None:
        raise SoftTimeLimitExceeded

    made(world)
    with monkeypatch.context() as patched:
        patched.setattr(reminding, "_see_to", slow)
        with pytest.raises(SoftTimeLimitExceeded):
            reminding.remind(now=NOON)
    assert ClockAttempt.objects.get().error == ""
    assert tick(world, 0 * HOUR) == 1


class TestReadiness:
    def test_says_where_nobody_is_reminded_in_time(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def at(after: timedelta) -> bool:
            monkeypatch.setattr(clock, "now", lambda: NOON + after)
            return readiness.in_time()

        made(world)
        assert at(timedelta(seconds=70))
        assert not at(timedelta(seconds=80))
        tick(world, timedelta(seconds=80))
        assert at(timedelta(seconds=80))

    def test_does_not_speak_of_one_that_fails_by_itself(
        self, world: World, poison: FollowUp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tick(world, 0 * HOUR)
        tick(world, 80 * timedelta(seconds=1))
        monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(seconds=80))

        assert readiness.in_time()
