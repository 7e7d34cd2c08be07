"""One incident under two names: EIDO's tracking identifier and the CAD event number."""

from __future__ import annotations

from typing import Any

import pytest

from apps.changes.published import Event
from apps.dispatch import messages
from apps.dispatch.models import Incident, IncidentLink, Unit
from tests.factories import NOON
from tests.integration.dispatch.conftest import CAD, at, names
from tests.unit.dispatch.eidos import component, note, unit

pytestmark = pytest.mark.django_db

PSAP = "psap.seattle.gov"
FIRST, SECOND = (
    f"urn:emergency:uid:incidentid:{one}:{PSAP}" for one in ("a56e556d871", "b7720c1e")
)


def eido(tracking_id: str, number: str = "", minutes: float = 0, **members: Any) -> dict[str, Any]:
    """A message about an incident as its CAD sends it. `number`: its event number, once it has one;
    before there is no incident component, as in NENA's sample of a call that is transferred."""
    incident = component(
        tracking_id,
        incidentTypeInternalText="SERVICE - WELFARE CHECK",
        incidentStatusCommonRegistryText=["Active"],
        internalIncidentId=number,
    )
    return component(
        tracking_id,
        **{"eidoVersion": "1.0", **({"incidentComponent": incident} if number else {}), **members},
    ) | {"lastUpdateTimeStamp": at(minutes)}


def merge(direction: str, other: str) -> list[dict[str, Any]]:
    return [component("m1", incidentMergeDirectionCode=direction, incidentTrackingIdentifier=other)]


def send(cad: CAD, message: dict[str, Any]) -> dict[str, Any]:
    answer = cad.post(messages.EIDO, message)
    assert answer.status_code in (200, 201), answer.content
    return answer.json()


def numbers() -> dict[str, str]:
    """Number and status of every incident."""
    return dict(Incident.objects.values_list("cad_number", "status"))


class TestACallThatGetsItsNumberLater:
    def test_is_one_incident(self, cad: CAD, unit_: Unit, heard: list[Event]) -> None:
        first = send(cad, eido(FIRST, notesComponent=[note("n1", "CRYING", at(0))]))
        assert numbers() == {"a56e556d871": "active"}
        later = send(cad, eido(FIRST, "2026000123456", 1, emergencyResourceComponent=[CARE]))
        assert (later["id"], later["created"]) == (first["id"], False)
        row = Incident.objects.get()
        assert (row.cad_number, row.agency_id) == ("2026000123456", PSAP)
        assert row.details["narrative"][0]["text"] == "CRYING"
        assert row.units.get().unit == unit_
        assert names(heard) == ["incident.received", "incident.updated"]

    def test_keeps_it_where_a_later_message_has_none(self, cad: CAD) -> None:
        send(cad, eido(FIRST, "2026000123456"))
        send(cad, eido(FIRST, minutes=1, notesComponent=[note("n1", "CRYING", at(1))]))
        assert numbers() == {"2026000123456": "active"}
        assert Incident.objects.get().details["narrative"][0]["text"] == "CRYING"

    def test_is_not_another_cads(self, cad: CAD) -> None:
        """Two CADs that work on one incident have a number each: neither is taken from it."""
        send(cad, eido(FIRST, "2026000123456"))
        send(cad, eido(FIRST, "F260000077", 1))
        assert numbers() == {"2026000123456": "active", "F260000077": "active"}

    def test_that_is_told_again_changes_nothing(self, cad: CAD) -> None:
        send(cad, eido(FIRST))
        send(cad, eido(FIRST, "2026000123456", 1))
        assert send(cad, eido(FIRST, "2026000123456", 1))["changed"] is False


class TestAMerge:
    def test_names_the_other_by_its_identifier(self, cad: CAD, unit_: Unit) -> None:
        send(cad, eido(FIRST, "2026000000001", emergencyResourceComponent=[CARE]))
        send(cad, eido(SECOND, "2026000000002"))
        send(cad, eido(FIRST, "2026000000001", 1, mergeComponent=merge("REPLACED", SECOND)))
        assert numbers() == {"2026000000001": "merged", "2026000000002": "active"}
        gone, stays = Incident.objects.order_by("cad_number")
        assert gone.merged_into == stays
        assert stays.units.get().unit == unit_
        assert IncidentLink.objects.get().cad_number == "2026000000002"

    def test_told_by_the_one_that_stays_is_the_same(self, cad: CAD) -> None:
        send(cad, eido(FIRST, "2026000000001"))
        send(cad, eido(SECOND, "2026000000002", 1, mergeComponent=merge("REPLACING", FIRST)))
        assert numbers() == {"2026000000001": "merged", "2026000000002": "active"}

    @pytest.mark.parametrize("direction", ["REPLACED", "REPLACING"])
    def test_with_one_that_has_not_come_waits_for_its_number(
        self, cad: CAD, direction: str
    ) -> None:
        told = {"mergeComponent": merge(direction, SECOND)}
        send(cad, eido(FIRST, "2026000000001", **told))
        assert set(numbers()) == {"2026000000001", "b7720c1e"}
        send(cad, eido(SECOND, "2026000000002", 1))
        merged, open_ = ("2026000000001", "2026000000002")[:: 1 if direction == "REPLACED" else -1]
        assert numbers() == {merged: "merged", open_: "active"}
        assert IncidentLink.objects.get().cad_number == "2026000000002"
        again = send(cad, eido(FIRST, "2026000000001", 2, **told))
        assert again["changed"] is False
        assert IncidentLink.objects.count() == 1


class TestALink:
    def test_tells_the_number(self, cad: CAD) -> None:
        link = component("k1", linkDirectionCode="RELATED", incidentTrackingIdentifier=SECOND)
        send(cad, eido(FIRST, "2026000000001", linkComponent=[link]))
        assert IncidentLink.objects.get().cad_number == "b7720c1e"
        send(cad, eido(SECOND, "2026000000002"))
        send(cad, eido(FIRST, "2026000000001", 1, linkComponent=[link]))
        assert [row.cad_number for row in IncidentLink.objects.all()] == ["2026000000002"]
        again = send(cad, eido(FIRST, "2026000000001", 2, linkComponent=[link]))
        assert again["changed"] is False


CARE = unit("care21@care.seattle.wa.us", "Dispatched")


@pytest.fixture
def unit_(unit: Unit) -> Unit:
    """CARE-21."""
    return unit


def test_an_identifier_is_one_word(cad: CAD) -> None:
    """In the plain column there is no room for a text, which might be about a person."""
    cad.tell(incident_id="ASK FOR JANE DOE AT THE DOOR", now=NOON)
    row = Incident.objects.get()
    assert row.tracking_id == ""
    assert row.details["incident_id"] == "ASK FOR JANE DOE AT THE DOOR"
