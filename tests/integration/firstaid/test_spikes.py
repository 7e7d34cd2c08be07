"""Overdoses near each other reach the supervisors once, and nobody else."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from apps.assignments.models import Alert
from apps.assignments.services import acknowledge_alert
from apps.core.ids import uuid7
from apps.firstaid import codes, services
from tests.integration.assignments.conftest import World, after, shown
from tests.integration.firstaid.conftest import Tablets

pytestmark = pytest.mark.django_db
HOUR = 3600


def overdoses(world: World, tablets: Tablets, number: int, **fields: Any) -> list[UUID]:
    return [
        tablets.dose(world.assignment(world.call()), now=after(60 * one), **fields)
        for one in range(number)
    ]


def watch(world: World, seconds: float = 600) -> int:
    raised = services.watch_for_spikes(now=after(seconds))
    world.commit()
    return raised


def test_three_alert_the_supervisors_and_not_the_dispatch_desk(
    world: World, tablets: Tablets
) -> None:
    overdoses(world, tablets, 3)

    assert watch(world) == 1
    alert = Alert.objects.get()
    told = shown(world.supervisor, "alerts")[alert.pk]
    assert told["kind"] == "overdose_spike"
    assert told["counted"] == {"overdoses": 3, "metres": 1000, "hours": 24}
    assert alert.pk not in shown(world.dispatcher, "alerts")
    assert alert.assignment_id is not None
    assert shown(world.dispatcher, "assignments")[alert.assignment_id]["alerts"] == []


def test_two_do_not(world: World, tablets: Tablets) -> None:
    overdoses(world, tablets, 2)

    assert watch(world) == 0


def test_several_doses_for_one_person_are_one_overdose(world: World, tablets: Tablets) -> None:
    row = world.given()
    for _ in range(3):
        tablets.dose(row)

    assert watch(world) == 0


@pytest.mark.parametrize(
    "fields", [{"withheld": codes.REFUSED}, {"withdrawn": True}, {"drug": "4850"}, {"drug": "7806"}]
)
def test_what_nobody_was_given_does_not_count(
    world: World, tablets: Tablets, fields: dict[str, Any]
) -> None:
    overdoses(world, tablets, 2)
    overdoses(world, tablets, 1, **fields)

    assert watch(world) == 0


def test_it_is_told_once(world: World, tablets: Tablets) -> None:
    overdoses(world, tablets, 3)
    watch(world)
    overdoses(world, tablets, 1)

    assert watch(world, 900) == 0
    assert Alert.objects.count() == 1


THERE = {"lat": 47.45, "lon": -122.3}  # some 17 km from where calls are


def test_it_is_told_once_where_the_tablets_were_elsewhere_than_the_calls(
    world: World, tablets: Tablets
) -> None:
    overdoses(world, tablets, 3, position=THERE)

    assert watch(world) == 1
    assert watch(world, 660) == 0


def test_it_is_told_once_where_the_calls_have_no_place(world: World, tablets: Tablets) -> None:
    for minute in range(3):
        pk = uuid7()
        world.tap("opened", pk, data={"entry_kind": "on_view"}, now=after(60 * minute))
        tablets.dose(pk, now=after(60 * minute), position=THERE)

    assert watch(world) == 1
    assert watch(world, 660) == 0


def test_it_is_told_once_though_its_dose_is_corrected(world: World, tablets: Tablets) -> None:
    overdoses(world, tablets, 3, position=THERE)
    row = world.assignment(world.call())
    last = tablets.dose(row, now=after(300), position=THERE)

    assert watch(world) == 1
    tablets.dose(row, now=after(620), corrects=last, withdrawn=True)
    assert watch(world, 660) == 0


def test_another_place_is_told_too(world: World, tablets: Tablets) -> None:
    overdoses(world, tablets, 3, position=THERE)

    assert watch(world) == 1
    overdoses(world, tablets, 3)
    assert watch(world, 660) == 1


def test_it_is_told_of_a_call_that_is_here_where_the_latest_is_not(
    world: World, tablets: Tablets
) -> None:
    overdoses(world, tablets, 2, position=THERE)
    tablets.dose(uuid7(), now=after(300), position=THERE)

    assert watch(world) == 1
    assert Alert.objects.get().assignment_id is not None
    assert watch(world, 660) == 0


def test_what_is_long_past_alerts_nobody(world: World, tablets: Tablets) -> None:
    overdoses(world, tablets, 3)

    assert watch(world, 25 * HOUR) == 0


def test_the_tablet_knows_better_where_it_was(world: World, tablets: Tablets) -> None:
    overdoses(world, tablets, 2)
    overdoses(world, tablets, 1, position={"lat": 47.45, "lon": -122.3})

    assert watch(world) == 0


def test_it_is_answered_like_any_alert(world: World, tablets: Tablets) -> None:
    overdoses(world, tablets, 3)
    watch(world)
    acknowledge_alert(alert=Alert.objects.get(), by=world.supervisor, now=after(700))
    world.commit()

    assert shown(world.supervisor, "alerts")[Alert.objects.get().pk]["state"] == "acknowledged"
