"""Links, merges and other values of an EIDO."""

from __future__ import annotations

import pytest

from tests.unit.dispatch import eidos
from tests.unit.dispatch.eidos import AT, INCIDENT, MOMENT, component, flagged, parse


def test_more_merges_than_anybody_makes_are_kept() -> None:
    merges = [
        component(
            f"m{number}",
            incidentTrackingIdentifier=str(number),
            incidentMergeDirectionCode="REPLACED",
        )
        for number in range(120)
    ]
    call = parse(mergeComponent=merges)
    assert (len(call.merges), len(call.extras)) == (100, 20)


@pytest.mark.parametrize(
    ("direction", "event"),
    [("PARENT", "link"), ("CHILD", "link"), ("RELATED", "link"), ("UNLINK", "unlink")],
)
def test_links(direction: str, event: str) -> None:
    link = component(
        "k1",
        linkDirectionCode=direction,
        incidentTrackingIdentifier="urn:emergency:uid:incidentid:77:psap.seattle.wa.us",
        transactionReasonText="SAME PERSON",
    )
    call = parse(linkComponent=[link])
    assert call.event == event
    assert [(r.kind, r.cad_number, r.agency_id, r.reason) for r in call.links] == [
        (direction, "77", "psap.seattle.wa.us", "SAME PERSON")
    ]


@pytest.mark.parametrize(
    ("direction", "statuses", "event"),
    [
        ("REPLACING", ["Active"], "merge"),
        ("REPLACED", ["Closed"], "merge"),
        ("SPLIT", ["Active"], "split"),
        ("REPLACING", ["Closed"], "close"),
    ],
)
def test_merges(direction: str, statuses: list[str], event: str) -> None:
    merge = component(
        "m1", incidentMergeDirectionCode=direction, incidentTrackingIdentifier="2026000123400"
    )
    call = parse(
        mergeComponent=[merge],
        incidentComponent=eidos.incident(incidentStatusCommonRegistryText=statuses),
    )
    assert call.event == event
    assert [(r.kind, r.cad_number) for r in call.merges] == [(direction, "2026000123400")]


def test_a_link_that_is_not_understood_is_kept() -> None:
    call = parse(linkComponent=[component("k1", linkDirectionCode="COUSIN")])
    assert call.links == ()
    assert flagged(call, "link or merge not understood, kept: /linkComponent/0")


@pytest.mark.parametrize("value_key", ["Value", "OtherValue"])
@pytest.mark.parametrize("time_key", ["TimeStamp", "Timestamp"])
def test_alternate_values_are_kept_beside_the_chosen_one(value_key: str, time_key: str) -> None:
    alternate = {
        "$id": "alt1",
        "DataComponentReference": {"$ref": INCIDENT},
        "Element": "incidentTypeInternalText",
        "Alternate": [
            {"Constituent": "spd.seattle.wa.us", time_key: AT, value_key: "ASLT - WITH KNIFE"},
            {"Constituent": "sfd.seattle.wa.us", time_key: AT, value_key: ["A"]},
        ],
    }
    call = parse(
        alternateValuesComponent=[alternate],
        incidentComponent=eidos.incident(AlternateValueReferences=[{"$ref": "alt1"}]),
    )
    assert [(a.component, a.element, a.value, a.constituent, a.at) for a in call.alternates] == [
        (INCIDENT, "incidentTypeInternalText", "ASLT - WITH KNIFE", "spd.seattle.wa.us", MOMENT),
        (INCIDENT, "incidentTypeInternalText", '["A"]', "sfd.seattle.wa.us", MOMENT),
    ]
    assert call.initial_call_type == "SERVICE - WELFARE CHECK"
    assert "weapon" in {caution.kind for caution in call.cautions}
    assert call.extras == ()
