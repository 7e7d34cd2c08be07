"""What an EIDO says of the incident itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from apps.dispatch import eido
from tests.data import shared_data
from tests.unit.dispatch import eidos
from tests.unit.dispatch.eidos import MOMENT, component, flagged, parse


def test_the_official_sample_is_taken() -> None:
    sample = shared_data("eido", "sample_call_transfer_eido.json")
    call = eido.parse(orjson.loads(sample.read_bytes()))
    assert call.cad_number == "a56e556d871"
    assert call.agency_id == "bcf.state.pa.us"
    assert call.incident_id == "urn:emergency:uid:incidentid:a56e556d871:bcf.state.pa.us"
    assert call.received_at == datetime(2021, 4, 30, 18, 40, tzinfo=UTC)
    assert call.updated_at == datetime(2021, 4, 30, 18, 43, 49, 439000, tzinfo=UTC)
    # The caller's location is by reference; the routing location is no place to send anyone to.
    assert call.location is not None
    assert call.location.kind == "Caller"
    assert call.location.url.startswith("https://lrf.osp.com")
    assert call.address == ""
    assert [place.address for place in call.other_locations] == [
        "42 W Cellular Street, Wilmington, DE"
    ]
    assert {extra.pointer for extra in call.extras} == {
        "/callbackComponent",
        "/additionalDataComponent",
        "/personComponent",
    }
    assert flagged(call, "location by reference, not fetched: /locationComponent/1")
    assert flagged(call, "no CAD event number")
    assert flagged(call, "no call type")


def test_what_an_incident_says() -> None:
    call = parse()
    assert (call.cad_number, call.agency_id) == ("2026000123456", "psap.seattle.wa.us")
    assert (call.initial_call_type, call.common_type) == ("SERVICE - WELFARE CHECK", "WELFARE")
    assert (call.priority_text, call.priority) == ("3", 6)
    assert (call.beat, call.sector, call.precinct) == ("K3", "K", "West")
    assert (call.event, call.statuses) == ("report", ("Active",))
    assert call.updated_at == MOMENT
    assert call.flags == ("no location by value",)


@pytest.mark.parametrize(
    ("statuses", "event"),
    [
        (["Active", "ResourcesAssigned"], "report"),
        (["Cancelled"], "cancel"),
        (["Closed"], "close"),
        (["cancelled", "ResourcesAssigned"], "cancel"),
        (["ReOpened", "Active"], "reopen"),
        (["NewLocation"], "report"),
        ("Closed", "close"),
        ([], "report"),
    ],
)
def test_the_event_follows_the_statuses(statuses: Any, event: str) -> None:
    call = parse(incidentComponent=eidos.incident(incidentStatusCommonRegistryText=statuses))
    assert call.event == event


@pytest.mark.parametrize(
    ("statuses", "event"), [(["Active", "Closed"], "report"), (["ReOpened", "Cancelled"], "reopen")]
)
def test_nobody_is_called_off_by_a_contradiction(statuses: list[str], event: str) -> None:
    call = parse(incidentComponent=eidos.incident(incidentStatusCommonRegistryText=statuses))
    assert call.event == event
    assert call.statuses == (statuses[0],)
    assert flagged(call, "contradicting incident statuses")


def test_unknown_words_are_taken_and_flagged() -> None:
    call = parse(
        incidentComponent=eidos.incident(
            incidentTypeInternalText="GOOSE ON ROOF",
            incidentTypeCommonRegistryText="GOOSE",
            incidentStatusCommonRegistryText=["Pondering"],
            beatOrDispatchGroupText="X9",
            somethingNew={"a": 1},
        ),
        novelComponent=[{"b": 2}],
    )
    assert call.initial_call_type == "GOOSE ON ROOF"
    assert (call.common_type, call.beat, call.statuses) == ("GOOSE", "X9", ("Pondering",))
    for words in (
        "unknown call type",
        "unknown common type",
        "unknown beat",
        "unknown incident status",
        "kept, not shown: /novelComponent",
        "not understood, kept: /incidentComponent/somethingNew",
    ):
        assert flagged(call, words), words
    kept = {extra.pointer: extra.value for extra in call.extras}
    assert kept["/novelComponent"] == '[{"b":2}]'
    assert kept["/incidentComponent/somethingNew"] == '{"a":1}'
    assert not any("GOOSE" in flag for flag in call.flags)


@pytest.mark.parametrize("code", ["MNTL", "XTRACATE", "XTRICATE", "welfare"])
def test_types_of_the_registry_and_of_the_older_enumeration_are_known(code: str) -> None:
    call = parse(incidentComponent=eidos.incident(incidentTypeCommonRegistryText=code))
    assert call.common_type == code.upper()
    assert not flagged(call, "unknown common type")


def test_dispositions_and_the_final_type() -> None:
    call = parse(
        incidentComponent=eidos.incident(
            incidentTypeInternalText="--CRISIS COMPLAINT - GENERAL",
            dispositionComponent=[
                component("d1", dispositionCommonRegistryCode=15),
                component("d2", dispositionCommonRegistryCode="4"),
                component("d3", dispositionCommonRegistryCode="99"),
            ],
        )
    )
    assert call.final_call_type == "CRISIS COMPLAINT - GENERAL"
    assert call.dispositions == ("15", "04", "99")
    assert flagged(call, "unknown disposition code")


def test_the_id_of_the_message_is_not_that_of_the_incident() -> None:
    """Taken for it, each message would begin another incident."""
    document = eidos.eido(incidentComponent=eidos.incident(internalIncidentId=None))
    call = eido.parse({**document, "$id": "0b9f2a52-6f1e-4a57-9d3c-0a7d8f4b2c10"})
    assert (call.incident_id, call.cad_number) == (eidos.INCIDENT, "2026000123456")
    assert call.agency_id == "psap.seattle.wa.us"


def test_the_agency_is_that_of_the_incident_whoever_updates_it() -> None:
    document = eidos.eido()
    document["updatedByAgencyReference"] = {"$ref": "sfd.seattle.wa.us"}
    assert eido.parse(document).agency_id == "psap.seattle.wa.us"
