"""Where an EIDO sends whom: its locations, and its units with their statuses."""

from __future__ import annotations

from tests.unit.dispatch import eidos
from tests.unit.dispatch.eidos import INCIDENT, MOMENT, component, flagged, parse


def test_the_incidents_own_location_is_chosen_and_the_others_kept() -> None:
    call = parse(
        locationComponent=[
            eidos.location("l1", "TowerLocation", road="TOWER"),
            eidos.location("l2", "Caller", road="CALLER"),
            eidos.location("l3", "InitialIncident", road="FIRST"),
            eidos.location("l4", "CurrentIncident", road="NOW", pos="47.6 -122.33"),
            eidos.location("l5", "Staging", road="WAIT"),
        ]
    )
    assert call.location is not None
    assert (call.address, call.location.lat, call.location.lon) == ("NOW", 47.6, -122.33)
    assert {place.address for place in call.other_locations} == {"TOWER", "CALLER", "FIRST", "WAIT"}


def test_a_location_by_value_is_preferred_to_one_by_reference() -> None:
    by_reference = component(
        "l1",
        locationTypeDescriptionRegistryText="CurrentIncident",
        locationByReferenceUrl="https://lis.example/1",
    )
    call = parse(locationComponent=[by_reference, eidos.location("l2", "Caller", road="PIKE")])
    assert call.address == "PIKE"
    assert flagged(call, "the location is not the incident's own")
    assert flagged(call, "location by reference, not fetched: /locationComponent/0")
    assert call.other_locations[0].url == "https://lis.example/1"


def test_a_location_that_cannot_be_read_is_kept_and_flagged() -> None:
    broken = component(
        "l1", locationTypeDescriptionRegistryText="CurrentIncident", locationByValue="<presence>"
    )
    call = parse(locationComponent=[broken])
    assert flagged(call, "not readable: /locationComponent/0/locationByValue")
    assert any("<presence>" in extra.value for extra in call.extras)


def test_units_have_their_agency_service_and_statuses_with_time() -> None:
    call = parse(
        agencyComponent=[
            component("spd.seattle.wa.us", agencyType=["police.municipal"]),
            component("kcso.wa.us", agencyType=["police.sheriff"]),
        ],
        emergencyResourceComponent=[
            eidos.unit("care21@care.seattle.wa.us", "Dispatched", "EnRoute"),
            eidos.unit(
                "1k12@spd.seattle.wa.us",
                "onscene",
                emergencyResourceTypeCommonRegistryText="PatrolUnit",
                emergencyResourceName="1-K-12",
            ),
            eidos.unit("x1@kcso.wa.us", emergencyResourceTypeCommonRegistryText="Bus"),
            eidos.unit("lonely", "Juggling", emergencyResourceTypeCommonRegistryText="Bus"),
        ],
    )
    care, spd, sheriff, lonely = call.units
    assert (care.call_sign, care.agency_id, care.service) == (
        "CARE21",
        "care.seattle.wa.us",
        "care",
    )
    assert [(s.status, s.at) for s in care.statuses] == [
        ("Dispatched", MOMENT),
        ("EnRoute", MOMENT),
    ]
    assert care.primary_status == "NotAvailable"
    assert (spd.call_sign, spd.service, spd.secondary_status) == ("1-K-12", "spd", ("OnScene",))
    assert sheriff.service == "spd"
    assert (lonely.agency_id, lonely.service) == ("", "other")
    assert flagged(call, "unit id is not resource@AgencyId: /emergencyResourceComponent/3")
    assert flagged(call, "unknown unit status: /emergencyResourceComponent/3")


def test_a_unit_at_work_elsewhere_or_queued_is_not_active() -> None:
    call = parse(
        emergencyResourceComponent=[
            eidos.unit("a@care.x", activeOnIncidentId=INCIDENT),
            eidos.unit("b@care.x", activeOnIncidentId="urn:emergency:uid:incidentid:9:x"),
            eidos.unit("c@care.x", stackedOnIncidentId=[INCIDENT]),
        ]
    )
    assert [unit.active for unit in call.units] == [True, False, False]
