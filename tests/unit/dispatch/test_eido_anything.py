"""Whatever comes as an EIDO is taken, or refused with every bad field named."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.dispatch import eido
from apps.dispatch.calls import Malformed
from tests.unit.dispatch import eidos
from tests.unit.dispatch.eidos import component, flagged, parse


@pytest.mark.parametrize("document", [None, "x", 3, [], [{}], True])
def test_what_is_no_object_is_malformed(document: object) -> None:
    with pytest.raises(Malformed) as caught:
        eido.parse(document)
    assert caught.value.errors == (("", "must be a JSON object"),)


def test_every_bad_field_is_named_at_once_and_no_value_is_repeated() -> None:
    document = {
        "$id": {"secret": "JOHN DOE"},
        "lastUpdateTimeStamp": "JOHN DOE",
        "incidentComponent": {"internalIncidentId": ["", {}], "incidentCommonPriorityNumber": 40},
        "callComponent": [{"callStartTimestamp": "JOHN DOE"}],
        "cautionComponent": ["JOHN", 7],
        "locationComponent": [{"locationByValue": "<JOHN DOE"}],
    }
    with pytest.raises(Malformed) as caught:
        eido.parse(document)
    pointers = {pointer for pointer, _ in caught.value.errors}
    assert {
        "/$id",
        "/lastUpdateTimeStamp",
        "/incidentComponent/internalIncidentId",
        "/incidentComponent/incidentCommonPriorityNumber",
        "/callComponent/0/callStartTimestamp",
        "/cautionComponent/1",
        "/locationComponent/0/locationByValue",
    } <= pointers
    assert "JOHN" not in str(caught.value)


def test_a_number_that_is_too_long_is_never_cut() -> None:
    document = eidos.eido(incidentComponent=eidos.incident(internalIncidentId="9" * 61))
    with pytest.raises(Malformed) as caught:
        eido.parse(document)
    assert [pointer for pointer, _ in caught.value.errors] == [
        "/incidentComponent/internalIncidentId"
    ]


def test_the_same_bad_fields_are_flags_where_the_incident_is_known() -> None:
    call = parse(
        incidentComponent=eidos.incident(incidentCommonPriorityNumber=40),
        callComponent=[component("k1", callStartTimestamp="yesterday")],
    )
    assert call.received_at is None
    assert call.priority == 6
    assert flagged(call, "not readable: /incidentComponent/incidentCommonPriorityNumber")
    assert flagged(call, "not readable: /callComponent/0/callStartTimestamp")


def test_an_update_before_the_call_is_flagged() -> None:
    call = parse(callComponent=[component("k1", callStartTimestamp="2026-03-02T15:00:00-08:00")])
    assert flagged(call, "times out of order: updated before received")


def test_characters_that_no_store_takes_are_gone() -> None:
    call = parse(notesComponent=[eidos.note("n1", "A\x00B\ud800C")])
    assert call.narrative[0].text == "ABC"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$id", "$ref", "x", "Alternate", "Element"]), inner)
    ),
    max_leaves=6,
)
MEMBERS = [
    "incidentComponent",
    "callComponent",
    "locationComponent",
    "notesComponent",
    "cautionComponent",
    "emergencyResourceComponent",
    "dispatchComponent",
    "linkComponent",
    "mergeComponent",
    "agencyComponent",
    "personComponent",
    "updatedByAgencyReference",
    "lastUpdateTimeStamp",
    "eidoVersion",
    "$id",
]
INCIDENT_MEMBERS = [
    "incidentTypeInternalText",
    "incidentStatusCommonRegistryText",
    "internalIncidentId",
    "locationReference",
    "notesReference",
    "dispositionComponent",
    "carefield",
]


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.sampled_from(MEMBERS), ANY),
    st.dictionaries(st.sampled_from(INCIDENT_MEMBERS), ANY),
)
def test_whatever_comes_is_taken_or_malformed(
    members: dict[str, Any], of_incident: dict[str, Any]
) -> None:
    document = eidos.eido(**{"incidentComponent": eidos.incident(**of_incident), **members})
    with suppress(Malformed):
        assert eido.parse(document).cad_number
