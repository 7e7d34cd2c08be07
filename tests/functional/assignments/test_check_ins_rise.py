"""A check-in with everything running: a worker and two beats, and no tablet at all."""

from __future__ import annotations

import pytest
from django.conf import settings

from apps.assignments.models import Alert, Assignment
from apps.audit.models import Entry
from apps.core import clock
from tests.integration.assignments.conftest import World, committed_world
from tests.processes import Processes

__all__ = ["committed_world"]

# Asked after two seconds, missed after one more, and at the dispatch desk after another.
FAST = {
    "ESCALATION_TICK_SECONDS": "0.5",
    "TIME_SCALE": "30",
    "CHECK_IN_MINUTES": "1",
    "CHECK_IN_SUPERVISORS_SECONDS": "30",
    "CHECK_IN_DISPATCH_SECONDS": "30",
}


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "TIME_SCALE", 30.0)
    monkeypatch.setattr(settings, "CHECK_IN_MINUTES", 1)
    monkeypatch.setattr(settings, "CHECK_IN_GRACE_SECONDS", (30, 30))


def test_a_silence_rises_once_without_any_tablet_whatever_is_killed(
    fast: None, committed_world: World, processes: Processes
) -> None:
    world = committed_world
    worker = processes.celery_worker(**FAST)
    for _ in range(2):
        processes.celery_beat(**FAST)
    arrived = clock.now()
    units = [world.status("OnScene", at=arrived)]
    row = world.given(now=arrived, units=units)

    worker.wait_until(lambda: Assignment.objects.get(pk=row.pk).check_in_level > 0)
    worker.kill()
    worker.start()
    silences = Alert.objects.filter(kind="check_in")
    worker.wait_until(lambda: silences.filter(level=3).exists())

    alert = silences.get()
    assert alert.assignment_id == row.pk
    assert alert.signal_lost_since == arrived.replace(
        microsecond=alert.signal_lost_since.microsecond
    )
    asked = Entry.objects.about(row.pk).filter(action="ask-check-in").order_by("id")
    levels = [entry.detail["level"] for entry in asked]
    assert levels == sorted({*levels}), "each level once"
    assert levels[-1] == 3

    world.tap("check_in", row, now=clock.now())
    alert.refresh_from_db()
    assert alert.stopped_at is not None
    assert Assignment.objects.get(pk=row.pk).check_in_level == 0
