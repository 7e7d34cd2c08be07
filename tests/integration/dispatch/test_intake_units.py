"""The units that CAD names: when they came, when they left, whose they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.changes import scopes
from apps.dispatch import services
from apps.dispatch.models import Agency, Incident, IncidentUnit, Unit
from tests.factories import NOON
from tests.integration.dispatch.conftest import (
    CAD,
    at,
    care,
    incident,
    police,
    scopes_of,
)

pytestmark = pytest.mark.django_db


class TestUnits:
    def test_keep_the_time_at_which_a_status_began(self, cad: CAD, unit: Unit) -> None:
        cad.tell(units=[care(status="EnRoute", minutes=1)])
        cad.tell(updated_at=at(4), units=[care(status="OnScene", minutes=4)])
        cad.tell(updated_at=at(9), units=[care(status="OnScene", minutes=9)])
        cad.tell(updated_at=at(2), units=[care(status="Staging", minutes=2)])
        row = IncidentUnit.objects.get()
        assert row.status == "OnScene"
        assert set(row.times) == {"EnRoute", "Staging", "OnScene"}
        assert row.times["OnScene"] == at(4).replace("+00:00", "Z")

    def test_leave_and_come_back(self, cad: CAD, unit: Unit, commit_now: Any) -> None:
        cad.tell(units=[care()])
        cad.tell(updated_at=at(1), units=[care(status="Cleared", minutes=1)])
        assert IncidentUnit.objects.get().detached_at == NOON + timedelta(minutes=1)
        commit_now()
        assert scopes.unit(unit.pk) not in scopes_of(incident())
        cad.tell(updated_at=at(2), units=[care(status="Dispatched", minutes=2)])
        assert IncidentUnit.objects.get().detached_at is None
        commit_now()
        assert scopes.unit(unit.pk) in scopes_of(incident())

    def test_that_a_supervisor_took_off_stay_off_while_cad_goes_on_naming_them(
        self, cad: CAD, unit: Unit
    ) -> None:
        row = cad.tell(units=[care()]).incident
        services.detach_unit(incident=row, unit=unit, now=NOON + timedelta(minutes=1))
        cad.tell(updated_at=at(2), units=[care(status="Dispatched", minutes=2)])
        assert IncidentUnit.objects.get().detached_at is not None
        cad.tell(updated_at=at(3), units=[care(status="EnRoute", minutes=3)])
        assert IncidentUnit.objects.get().detached_at is None

    def test_that_are_queued_for_the_call_are_not_on_it(self, cad: CAD, unit: Unit) -> None:
        cad.tell(units=[{**care(), "active": False}])
        assert not IncidentUnit.objects.exists()
        assert "unit queued, not on this call: CARE-21" in incident().flags
        assert Incident.objects.filter(pk=incident().pk).eligible_not_sent().count() == 0

    def test_of_ours_are_known_by_id_or_by_sign_however_it_is_written(
        self, cad: CAD, unit: Unit
    ) -> None:
        for number, told in enumerate(
            [
                {"unit_id": "CARE21@Care.Seattle.wa.us"},
                {"call_sign": "care21"},
                {"call_sign": "CARE-21", "agency_id": "dispatch.seattle.gov"},
            ]
        ):
            row = cad.tell(cad_number=str(number), units=[told]).incident
            assert row.units.get().unit == unit

    def test_of_ours_without_a_team_are_taken_and_flagged(self, cad: CAD) -> None:
        cad.tell(units=[care("CARE99")])
        assert incident().units.get().agency == Agency.CARE
        assert "CARE unit of no team: CARE99" in incident().flags

    @pytest.mark.parametrize(
        ("agency", "expected"), [("spd.seattle.gov", "spd"), ("crisis.kingcounty.gov", "care")]
    )
    def test_of_crisis_intervention_that_are_not_ours_are_their_agencys(
        self, cad: CAD, unit: Unit, agency: str, expected: str
    ) -> None:
        """Police have such units too: taken for ours, nobody would ever acknowledge the call."""
        told = {
            **police("CRU1"),
            "unit_id": f"cru1@{agency}",
            "resource_type": "CrisisInterventionUnit",
        }
        cad.tell(units=[told])
        assert incident().units.get().agency == expected

    def test_of_ours_in_the_cad_of_police_are_ours(self, cad: CAD, unit: Unit) -> None:
        told = {
            **police("CARE-21"),
            "unit_id": "ccr21@spd.seattle.gov",
            "resource_type": "CrisisInterventionUnit",
        }
        cad.tell(units=[told])
        assert incident().units.get().unit == unit
