"""Alarms with everything running: a worker, two beats, and a CAD that calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction

from apps.assignments.models import Alert, Assignment
from apps.audit.models import Entry
from apps.core import clock
from tests.integration.assignments.conftest import World, committed_world
from tests.processes import Processes

__all__ = ["committed_world"]

# Half a second between ticks; an alarm after one, two and three seconds.
FAST = {"ESCALATION_TICK_SECONDS": "0.5", "TIME_SCALE": "30"}
ESCALATED = timedelta(seconds=3)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "TIME_SCALE", 30.0)


def test_each_alarm_rises_once_and_in_time_whatever_runs_beside_it(
    fast: None, committed_world: World, processes: Processes
) -> None:
    world = committed_world
    worker = processes.celery_worker(**FAST)
    for _ in range(2):
        processes.celery_beat(**FAST)
    given_at = clock.now()
    left = world.given(now=given_at)
    with transaction.atomic():  # no tick finds it unacknowledged, however long this takes
        taken = world.given(now=clock.now())
        world.acknowledge(taken, now=clock.now())

    worker.wait_until(lambda: Alert.objects.filter(level=3).exists())

    alarms = list(Entry.objects.filter(action="alarm").order_by("id"))
    assert {tuple(entry.subject_ids) for entry in alarms} == {(left.pk,)}
    levels = [entry.detail["level"] for entry in alarms]
    # A tick that a busy machine delays raises all levels that are due then, in one.
    assert levels == sorted({*levels})
    assert levels[-1] == 3
    assert list(Alert.objects.order_by("level").values_list("level", flat=True)) == [2, 3]
    for level, entry in zip(levels, alarms, strict=True):
        due = given_at + level * ESCALATED / 3
        # One clock for test and worker: never early; late by a tick and a busy machine.
        assert due <= entry.at <= due + timedelta(seconds=30)

    world.acknowledge(left, now=clock.now())
    assert not Alert.objects.filter(stopped_at=None).exists()
    assert not Assignment.objects.exclude(alarm_level=0, alarm_from=None).exists()

    worker.kill()
    overdue = world.given(now=clock.now() - timedelta(minutes=1))
    worker.start()
    waiting = Alert.objects.filter(assignment_id=overdue.pk, level=3)
    worker.wait_until(waiting.exists)
    raised = Entry.objects.filter(action="alarm", subject_ids=[overdue.pk])
    assert [entry.detail["level"] for entry in raised] == [3], "all levels that were due, in one"
