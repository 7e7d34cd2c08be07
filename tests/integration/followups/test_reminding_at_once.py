"""A tick and a word of somebody at the same moment: what is committed first holds."""

from __future__ import annotations

import threading
from datetime import datetime
from uuid import UUID

import pytest
from django.db import transaction

from apps.audit.models import Entry
from apps.followups.models import (
    ClockAttempt,
    Reminder,
)
from apps.followups.services import reminding
from tests.factories import NOON
from tests.integration.conftest import Elsewhere
from tests.integration.followups.conftest import HOUR, World
from tests.integration.followups.due import made
from tests.integration.followups.test_reminding import MICROSECOND, reminded, tell, tick


class TestBothAtOnce:
    """Whoever tells something of a follow-up, and the tick, take the same locks."""

    def test_the_acknowledgement_first_there_is_no_reminder(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        row = made(world)
        held, go_on = threading.Event(), threading.Event()

        def acknowledge() -> None:
            with transaction.atomic():
                tell(world, row, "acknowledged", -MICROSECOND)
                held.set()
                assert go_on.wait(60)

        tap = elsewhere.start(acknowledge)
        assert held.wait(60)
        # It passes over the row instead of waiting for it.
        assert elsewhere.do(lambda: reminding.remind(now=NOON)) == 0
        go_on.set()
        tap.result(60)
        assert reminding.remind(now=NOON) == 0
        assert not Reminder.objects.exists()

    def test_a_stop_between_claim_and_work_is_seen(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = made(world)
        claim = reminding._claim

        def claim_then_stop(now: datetime) -> dict[UUID, int]:
            claimed = claim(now)
            if claimed:
                tell(world, row, "attempted", 0 * HOUR, result="reached")
            return claimed

        monkeypatch.setattr(reminding, "_claim", claim_then_stop)
        tick(world, 0 * HOUR)
        assert not Reminder.objects.exists()

    @pytest.mark.parametrize("attempt", range(3))
    def test_two_ticks_remind_once(
        self, committed_world: World, elsewhere: Elsewhere, attempt: int
    ) -> None:
        world = committed_world
        rows = [made(world) for _ in range(4)]
        ticks = [elsewhere.start(lambda: reminding.remind(now=NOON)) for _ in range(2)]
        for one in ticks:
            one.result(60)

        assert all(reminded(row) == [(1, 1)] for row in rows)
        said = Entry.objects.filter(action="remind").values_list("subject_ids", flat=True)
        assert sorted(id for ids in said for id in ids) == sorted(row.pk for row in rows)
        assert not ClockAttempt.objects.exists()
