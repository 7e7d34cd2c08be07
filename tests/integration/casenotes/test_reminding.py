"""Whoever owes a record is told once, outside the tablet, and not of what is settled."""

from __future__ import annotations

from datetime import timedelta

from apps.casenotes.services import remind_of_debts
from apps.notify.models import Channel, ContactPoint, Notification
from tests.integration.casenotes.conftest import MET, NOON, Crew, World, after

HALF_A_DAY = timedelta(hours=12)


def test_a_debt_is_told_of_once_and_to_who_wants_it(world: World, crew: Crew) -> None:
    ContactPoint.objects.create(user=crew.first.user, channel=Channel.EMAIL, address="a@care.test")
    crew.met(world)
    crew.cleared(world, now=NOON)

    assert remind_of_debts(now=NOON + HALF_A_DAY - timedelta.resolution) == 0
    assert remind_of_debts(now=NOON + HALF_A_DAY) == 1
    assert remind_of_debts(now=NOON + 2 * HALF_A_DAY) == 0
    told = Notification.objects.get()
    assert (told.user_id, told.channel, told.level) == (crew.first.user.pk, Channel.EMAIL, 1)


def test_what_is_signed_meanwhile_is_not_told(world: World, crew: Crew) -> None:
    ContactPoint.objects.create(user=crew.first.user, channel=Channel.EMAIL, address="a@care.test")
    crew.met(world)
    crew.first.write(crew.call, **MET)
    crew.cleared(world, now=NOON)
    remind_of_debts(now=NOON + HALF_A_DAY)
    crew.first.sign(crew.call, now=after(HALF_A_DAY.total_seconds() + 1))

    remind_of_debts(now=NOON + HALF_A_DAY + timedelta(minutes=5))
    assert not Notification.objects.waiting().exists()
