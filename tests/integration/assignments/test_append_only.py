"""Facts are added and never changed, whoever tries."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from apps.assignments.models import Alert, Assignment, Fact
from tests.integration.assignments.conftest import NOON, World, after

Role = Callable[[], AbstractContextManager[None]]
ATTEMPTS = (
    "update assignments_fact set event = 'cleared'",
    "update assignments_fact set event = event",
    "delete from assignments_fact",
)


def test_the_owner_cannot_change_a_fact(world: World) -> None:
    world.given()
    for attempt in ATTEMPTS:
        with (
            pytest.raises(ProgrammingError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(attempt)


def test_the_application_has_no_right_to(world: World, application_role: Role) -> None:
    world.given()
    for attempt in (*ATTEMPTS, "truncate assignments_fact"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            application_role(),
            connection.cursor() as cursor,
        ):
            cursor.execute(attempt)


def test_the_application_can_do_its_work(world: World, application_role: Role) -> None:
    with application_role():
        row = world.given()
        world.tap("en_route", row, now=after(5))
        world.tap("emergency", row, now=after(6))
    assert Fact.objects.count() == 3


def test_facts_are_numbered_in_the_order_in_which_they_are_taken(world: World) -> None:
    row = world.given()
    for event in ("en_route", "on_scene", "contact_made"):
        world.tap(event, row)
    orders = list(Fact.objects.order_by("received_at", "order").values_list("order", flat=True))
    assert orders == sorted(set(orders))


def test_the_database_refuses_impossible_states(world: World) -> None:
    row = world.given()
    for impossible in (
        {"state": "closed"},
        {"state": "flying"},
        {"closed_at": NOON},
        {"alarm_level": 2},
        {"alarm_from": None},
        {"leaves_at": NOON},
        {"alarm_level": 4, "alarm_raised_at": NOON},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Assignment.objects.filter(pk=row.pk).update(**impossible)


def test_an_alert_is_acknowledged_by_somebody(world: World) -> None:
    world.tap("emergency", world.given())
    for impossible in ({"level": 1}, {"kind": "noise"}, {"acknowledged_at": NOON}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Alert.objects.update(**impossible)
