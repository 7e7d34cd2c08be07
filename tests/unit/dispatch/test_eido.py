from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.dispatch import eido
from apps.dispatch.calls import Call, Malformed
from tests.data import shared_data
from tests.unit.dispatch import eidos
from tests.unit.dispatch.eidos import AT, INCIDENT, component

MOMENT = datetime(2026, 3, 2, 22, 20, 5, tzinfo=UTC)


def parse(**members: Any) -> Call:
    return eido.parse(eidos.eido(**members))


def flagged(call: Call, words: str) -> bool:
    return any(words in flag for flag in call.flags)


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


def test_one_object_where_a_list_is_due_and_the_reverse() -> None:
    call = parse(
        incidentComponent=[eidos.incident(incidentTypeInternalText=["SERVICE - WELFARE CHECK"])],
        notesComponent=eidos.note("n1", "ONE"),
        cautionComponent=eidos.caution("c1", "DOG"),
        emergencyResourceComponent=eidos.unit("care21@care.seattle.wa.us", "Dispatched"),
    )
    assert call.initial_call_type == "SERVICE - WELFARE CHECK"
    assert [note.text for note in call.narrative] == ["ONE"]
    assert [caution.kind for caution in call.cautions] == ["premise"]
    assert [unit.call_sign for unit in call.units] == ["CARE21"]


def test_references_anywhere() -> None:
    document = eidos.eido(
        incidentComponent={"$ref": "the-incident"},
        spareComponent=[eidos.incident(**{"$id": "the-incident"})],
        notesComponent=[{"$ref": "n1"}, {"$ref": "#/heldComponent/0"}],
        heldComponent=[eidos.note("n2", "TWO"), eidos.note("n1", "ONE")],
        locationComponent=["loc"],
        otherComponent=eidos.location("loc", "CurrentIncident", road="PIKE ST"),
    )
    call = eido.parse(document)
    assert call.cad_number == "2026000123456"
    assert {note.text for note in call.narrative} == {"ONE", "TWO"}
    assert call.address == "PIKE ST"


def test_components_in_place_of_references() -> None:
    call = parse(
        incidentComponent=eidos.incident(
            locationReference=[eidos.location("l1", "CurrentIncident", road="PIKE ST")],
            notesReference=[eidos.note("n1", "ONE")],
        ),
        dispatchComponent=[
            component(
                "d1",
                emergencyResourceReference=[eidos.unit("care21@care.seattle.wa.us", "Assigned")],
            )
        ],
    )
    assert call.address == "PIKE ST"
    assert [note.text for note in call.narrative] == ["ONE"]
    assert [unit.eido_id for unit in call.units] == ["care21@care.seattle.wa.us"]


def test_references_to_nothing_and_in_circles_are_flagged() -> None:
    call = parse(
        incidentComponent=eidos.incident(
            notesReference=[{"$ref": "nowhere"}], locationReference=[{"$ref": "a"}]
        ),
        aComponent=[{"$id": "a", "$ref": "b"}, {"$id": "b", "$ref": "a"}],
    )
    assert flagged(call, "reference not found: /incidentComponent/notesReference/0")
    assert flagged(call, "reference not found: /incidentComponent/locationReference/0")


@pytest.mark.parametrize(
    "reference",
    [
        *("#", "#/", "#/notesComponent", "#/notesComponent/\u00b2", "#/notesComponent/-1"),
        *("#/notesComponent/" + "9" * 5000, "", "file:///etc/passwd", "https://example.org/x"),
        *(["n1"], {"$ref": "n1"}, 1, None),
    ],
)
def test_a_reference_of_any_kind_loses_nothing(reference: Any) -> None:
    call = parse(
        incidentComponent=eidos.incident(notesReference=[{"$ref": reference}]),
        notesComponent=[eidos.note("n1", "ONE")],
    )
    assert [note.text for note in call.narrative] == ["ONE"]


def test_the_same_id_twice_is_flagged() -> None:
    call = parse(notesComponent=[eidos.note("n1", "ONE"), eidos.note("n1", "TWO")])
    assert [note.text for note in call.narrative] == ["ONE", "TWO"]
    assert flagged(call, "the same $id twice, the first taken: /notesComponent/1")


def test_notes_are_plain_text_in_order_of_time() -> None:
    call = parse(
        notesComponent=[
            eidos.note("n2", "<p>LATER &amp; CALM</p>", "2026-03-02T14:30:00-08:00"),
            eidos.note("n1", "<script>x()</script><b>KNIFE</b>", "2026-03-02T14:10:00-08:00"),
            eidos.note("n3", "<script>x()</script>"),
        ]
    )
    assert [note.text for note in call.narrative] == ["KNIFE", "LATER & CALM"]
    assert call.narrative[0].at == datetime(2026, 3, 2, 22, 10, tzinfo=UTC)
    assert flagged(call, "a note without readable text: /notesComponent/2")


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        ({"cautionComponent": ["HAS A KNIFE"]}, "weapon"),
        ({"cautionComponent": [{"$ref": "nowhere", "words": "HAS A KNIFE"}]}, "weapon"),
        ({"cautionComponent": [{"$ref": "c1", "words": "VICIOUS DOG"}]}, "premise"),
        ({"novelComponent": ["VICIOUS DOG"]}, "premise"),
    ],
)
def test_a_hazard_in_no_place_of_its_own_becomes_a_caution(
    member: dict[str, Any], kind: str
) -> None:
    call = parse(**member, heldComponent=[component("c1", notesActionComments="calm")])
    assert kind in {caution.kind for caution in call.cautions}


@pytest.mark.parametrize(
    "note",
    ["<script>knife</script>", "calm <!-- knife -->", '<img alt="knife">', "<script> knife"],
)
def test_a_weapon_in_markup_that_is_not_shown_becomes_a_caution(note: str) -> None:
    call = parse(notesComponent=[eidos.note("n1", note)])
    assert [caution.kind for caution in call.cautions] == ["weapon"]
    assert [extra.pointer for extra in call.extras] == ["/notesComponent/0/notesActionComments"]


def test_a_struck_word_is_no_violence() -> None:
    call = parse(notesComponent=[eidos.note("n1", "<strike>calm</strike>")])
    assert (call.cautions, call.extras) == ((), ())


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


def test_cautions_keep_severity_and_kind_and_the_worst_comes_first() -> None:
    call = parse(
        cautionComponent=[
            eidos.caution("c1", "AGGRESSIVE DOG IN YARD", "low"),
            eidos.caution("c2", "KNIFE IN BAG", "high"),
            eidos.caution("c3", "THREATENED CREW"),
            eidos.caution("c4", "DIABETIC", "lowest"),
            eidos.caution("c5", "GATE CODE NEEDED", "normal"),
            eidos.caution("c6", "NEEDLES", "grave"),
            component("c7"),
        ]
    )
    assert [(c.severity, c.kind) for c in call.cautions] == [
        ("highest", "premise"),
        ("highest", "other"),
        ("high", "weapon"),
        ("high", "violence"),
        ("normal", "other"),
        ("low", "violence"),
        ("lowest", "medical"),
    ]
    assert call.cautions[1].text == "caution without text, ask dispatch"
    assert flagged(call, "caution without a known severity, taken as highest: /cautionComponent/5")


def test_a_caution_is_found_wherever_it_stands_and_by_its_common_type() -> None:
    named = component("c9", cautionTypeCommonRegistryText="FirearmPresent", cautionSeverity="high")
    call = parse(personComponent=[component("p1", cautionReference=[named])])
    assert next((c.kind, c.text) for c in call.cautions if c.severity == "high") == (
        "weapon",
        "FirearmPresent",
    )


def test_a_weapon_in_a_part_that_is_not_shown_becomes_a_caution() -> None:
    call = parse(itemComponent=[component("i1", ncItemType={"description": "9mm pistol"})])
    assert [(c.severity, c.kind) for c in call.cautions] == [("high", "weapon")]


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


def test_the_agency_is_that_of_the_incident_whoever_updates_it() -> None:
    document = eidos.eido()
    document["updatedByAgencyReference"] = {"$ref": "sfd.seattle.wa.us"}
    assert eido.parse(document).agency_id == "psap.seattle.wa.us"


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
