"""Desks are told who is on which unit, at each change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from apps.accounts.models import Role, Team, User
from apps.audit.services import SYSTEM
from apps.changes.models import Change
from apps.changes.services import Document, publish
from apps.core.clock import iso
from apps.dispatch import services
from apps.dispatch.models import Shift, Unit
from tests.factories import NOON, person, team
from tests.integration.assignments.conftest import World, committed_world, shown
from tests.integration.conftest import Elsewhere
from tests.integration.dispatch.conftest import care_unit

__all__ = ["committed_world"]

LATER = NOON + timedelta(hours=1)


def units(desk: User, commit: Any) -> dict[str, dict[str, Any]]:
    commit()
    return {body["call_sign"]: body for body in shown(desk, "units").values()}


@pytest.mark.django_db
class TestUnits:
    def test_are_their_teams_and_the_dispatch_desks(
        self, unit: Unit, supervisor: User, dispatcher: User, commit_now: Any
    ) -> None:
        care_unit("CARE-31", team("Elsewhere"))
        stranger = person(Role.SUPERVISOR, of=team("North"))
        assert set(units(supervisor, commit_now)) == {"CARE-21"}
        assert set(units(dispatcher, commit_now)) == {"CARE-21", "CARE-31"}
        assert units(stranger, commit_now) == {}
        assert units(dispatcher, commit_now)["CARE-21"] == {
            "id": str(unit.pk),
            "call_sign": "CARE-21",
            "team_id": str(unit.team_id),
            "team": "Downtown",
            "in_service": True,
            "crew": [],
        }

    def test_say_who_is_on_them_in_the_order_of_alarm(
        self, unit: Unit, shift: Shift, downtown: Team, supervisor: User, commit_now: Any
    ) -> None:
        anna, ben = person(of=downtown), person(of=downtown)
        for user, position in ((anna, 2), (ben, 1)):
            services.join_crew(
                user=user, unit=unit, shift=shift, position=position, by=SYSTEM, now=NOON
            )
        crew = units(supervisor, commit_now)["CARE-21"]["crew"]
        assert [one["name"] for one in crew] == [ben.display_name, anna.display_name]
        assert crew[0] == {
            "user_id": str(ben.pk),
            "name": ben.display_name,
            "position": 1,
            "since": iso(NOON),
        }
        services.join_crew(user=anna, unit=unit, shift=shift, position=0, by=SYSTEM, now=NOON)
        crew = units(supervisor, commit_now)["CARE-21"]["crew"]
        assert [one["position"] for one in crew] == [0, 1]

        services.end_shift(shift=shift, by=SYSTEM, now=LATER)
        assert units(supervisor, commit_now)["CARE-21"]["crew"] == []

    def test_tell_both_units_of_somebody_who_changes(
        self, unit: Unit, shift: Shift, downtown: Team, supervisor: User, commit_now: Any
    ) -> None:
        other = care_unit("CARE-22", downtown)
        anna = person(of=downtown)
        services.join_crew(user=anna, unit=unit, shift=shift, by=SYSTEM, now=NOON)
        services.join_crew(user=anna, unit=other, shift=shift, by=SYSTEM, now=NOON)
        found = units(supervisor, commit_now)
        assert [len(found[sign]["crew"]) for sign in ("CARE-21", "CARE-22")] == [0, 1]

    def test_leave_the_desk_of_their_former_team(
        self, unit: Unit, supervisor: User, commit_now: Any
    ) -> None:
        unit.team = team("North")
        services.save_unit(unit=unit, by=SYSTEM, now=LATER)
        assert units(supervisor, commit_now) == {}

    def test_of_an_installation_from_before_come_with_the_reference(
        self, unit: Unit, supervisor: User, commit_now: Any
    ) -> None:
        commit_now()
        publish(documents=[Document("units", unit.pk, frozenset())], now=NOON)
        assert units(supervisor, commit_now) == {}
        unit.in_service = False
        unit.save()  # as if nothing had ever been published of it
        services.load_reference(by=SYSTEM, now=LATER)
        assert units(supervisor, commit_now)["CARE-21"]["in_service"] is False
        before = Change.objects.count()
        services.load_reference(by=SYSTEM, now=LATER)
        assert Change.objects.count() == before


def test_two_who_leave_at_once_are_both_gone(committed_world: World, elsewhere: Elsewhere) -> None:
    """Each reads the crew while the other's leaving is not committed yet."""
    world = committed_world
    first, second = world.ours.people
    with transaction.atomic():
        services.leave_crew(user=first, by=SYSTEM, now=LATER)
        leaving = elsewhere.start(lambda: services.leave_crew(user=second, by=SYSTEM, now=LATER))
        elsewhere.until_waiting(leaving)
    leaving.result(timeout=60)
    assert shown(world.supervisor, "units")[world.ours.unit.pk]["crew"] == []
