"""Whoever has a certificate that runs out is told in time, and not once they have a later one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.firstaid.models import Certification
from apps.firstaid.services import remind_of_certificates, withdraw_certification
from apps.notify.models import Channel, ContactPoint, Notification
from tests.integration.assignments.conftest import NOON, World

DAY = timedelta(days=1)
TODAY = date(2026, 3, 4)


def certificate(world: World, expires_on: date) -> Certification:
    return Certification.objects.create(
        user=world.ours.people[0],
        kind="naloxone",
        issued_on=TODAY - 700 * DAY,
        expires_on=expires_on,
        recorded_by=world.supervisor,
        recorded_at=NOON,
    )


@pytest.fixture(autouse=True)
def told(world: World) -> None:
    ContactPoint.objects.create(
        user=world.ours.people[0], channel=Channel.EMAIL, address="a@care.test"
    )


def test_its_holder_is_told_three_times_each_once(world: World) -> None:
    certificate(world, TODAY + 61 * DAY)

    said = [remind_of_certificates(now=NOON + number * DAY) for number in range(70)]
    assert [number for number, count in enumerate(said) if count] == [1, 47, 61]
    assert sum(said) == 3


def test_nobody_is_told_who_has_a_later_one(world: World) -> None:
    certificate(world, TODAY + 30 * DAY)
    certificate(world, TODAY + 900 * DAY)

    assert remind_of_certificates(now=NOON) == 0


def test_what_is_withdrawn_is_not_told(world: World) -> None:
    row = certificate(world, TODAY + 30 * DAY)
    assert remind_of_certificates(now=NOON) == 1
    withdraw_certification(certification=row, by=world.supervisor, now=NOON)

    assert not Notification.objects.waiting().exists()
    assert remind_of_certificates(now=NOON + DAY) == 0
