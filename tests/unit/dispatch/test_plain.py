from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.dispatch import plain
from apps.dispatch.calls import Call, Malformed


def parse(**members: Any) -> Call:
    return plain.parse({"cad_number": "2026000123456", **members})


def flagged(call: Call, words: str) -> bool:
    return any(words in flag for flag in call.flags)


def test_the_example() -> None:
    call = plain.parse(plain.EXAMPLE)
    assert call.received_at == datetime(2026, 3, 2, 22, 18, 40, tzinfo=UTC)
    assert (call.common_type, call.priority) == ("WELFARE", 6)
    assert (call.beat, call.sector, call.precinct) == ("K3", "K", "West")
    assert call.units[0].service == "care"
    assert call.units[0].secondary_status == ("Dispatched",)
    assert {hint.name: hint.answer for hint in call.exclusions} == {
        "violence": "no",
        "medical": "no",
        "residence": "no",
    }


def test_a_number_is_enough() -> None:
    call = plain.parse({"cad_number": 2026000123456})
    assert call.cad_number == "2026000123456"
    assert call.flags == ("no call type", "no location by value")


@pytest.mark.parametrize(
    ("word", "event"),
    [
        ("report", "report"),
        ("update", "report"),
        ("Cancelled", "cancel"),
        ("close", "close"),
        ("REOPEN", "reopen"),
        ("merge", "merge"),
        ("split", "split"),
        ("unlink", "unlink"),
    ],
)
def test_events(word: str, event: str) -> None:
    call = parse(event=word)
    assert call.event == event
    assert not flagged(call, "/event")


@pytest.mark.parametrize("word", ["explode", 3, ["cancel", "close"], {}])
def test_an_event_that_is_not_understood_never_calls_anybody_off(word: Any) -> None:
    call = parse(event=word)
    assert call.event == "report"
    assert flagged(call, "not readable: /event")


@pytest.mark.parametrize("number", [None, "", "  ", True, {}, [], "9" * 61, 1.5])
def test_without_a_number_it_is_malformed(number: Any) -> None:
    with pytest.raises(Malformed) as caught:
        plain.parse({"cad_number": number})
    assert caught.value.errors[0][0] == "/cad_number"


def test_every_bad_field_is_named_at_once_and_no_value_is_repeated() -> None:
    with pytest.raises(Malformed) as caught:
        plain.parse(
            {
                "received_at": "JOHN DOE",
                "priority": "JOHN",
                "location": {"lat": "JOHN", "lon": 1},
                "narrative": [7],
                "cautions": [{"severity": "JOHN", "kind": "JOHN"}],
                "units": [{}],
                "links": [{"kind": "COUSIN", "cad_number": "1"}],
                "exclusions": {"weapon": "maybe"},
            }
        )
    assert {pointer for pointer, _ in caught.value.errors} == {
        "/cad_number",
        "/received_at",
        "/priority",
        "/location/lat",
        "/location",
        "/narrative/0",
        "/cautions/0/severity",
        "/cautions/0/kind",
        "/units/0/unit_id",
        "/links/0/kind",
        "/links/0",
        "/exclusions/weapon",
    }
    assert "JOHN" not in str(caught.value)


def test_a_link_to_a_number_that_is_too_long_is_kept_and_not_cut() -> None:
    call = parse(links=[{"kind": "PARENT", "cad_number": "9" * 61}])
    assert call.links == ()
    assert "9" * 61 in call.extras[0].value


def test_more_links_and_merges_than_anybody_makes_are_kept() -> None:
    many = [{"kind": "REPLACED", "cad_number": str(number)} for number in range(120)]
    call = parse(merges=many)
    assert len(call.merges) == 100
    assert [extra.pointer for extra in call.extras] == [f"/merges/{n}" for n in range(100, 120)]


def test_unknown_members_are_kept_and_flagged() -> None:
    call = parse(mood="calm", location={"lat": 47.6, "lon": -122.3, "planet": "Earth"})
    assert {(e.pointer, e.value) for e in call.extras} == {
        ("/mood", '"calm"'),
        ("/location/planet", '"Earth"'),
    }
    assert flagged(call, "not understood, kept: /mood")


@pytest.mark.parametrize("cautions", ["VICIOUS DOG", ["VICIOUS DOG"]])
def test_a_caution_without_its_object_is_one_all_the_same(cautions: Any) -> None:
    call = parse(cautions=cautions, narrative=["CALM", {"text": "CRYING"}])
    assert [(c.severity, c.kind, c.text) for c in call.cautions] == [
        ("highest", "premise", "VICIOUS DOG")
    ]
    assert {note.text for note in call.narrative} == {"CALM", "CRYING"}


def test_a_weapon_in_an_unknown_member_becomes_a_caution() -> None:
    assert [c.kind for c in parse(remarks="MALE WITH A MACHETE").cautions] == ["weapon"]


def test_the_kind_of_a_caution_is_found_from_its_text() -> None:
    call = parse(cautions=[{"severity": "low", "text": "LOOSE DOG"}, {"text": "HAS A GUN"}])
    assert [(c.severity, c.kind) for c in call.cautions] == [
        ("highest", "weapon"),
        ("low", "premise"),
    ]
    assert flagged(call, "caution without a known severity, taken as highest: /cautions/1")


@pytest.mark.parametrize(
    ("lat", "lon", "flag"),
    [
        (47.6, -122.3, ""),
        (-122.3, 47.6, "latitude and longitude exchanged"),
        (100, 120, "not readable"),
        (47.6, None, "not readable"),
    ],
)
def test_coordinates(lat: float, lon: float | None, flag: str) -> None:
    call = parse(location={"lat": lat, "lon": lon})
    assert call.location is not None
    if flag == "not readable":
        assert call.location.lat is None
    else:
        assert (call.location.lat, call.location.lon) == (47.6, -122.3)
    assert any(text.startswith(flag) for text in call.flags if "location" in text) == bool(flag)


def test_text_is_text_and_no_markup() -> None:
    assert parse(narrative=[{"text": "a < b & <knife>"}]).narrative[0].text == "a < b & <knife>"


def test_sector_and_precinct_must_fit_the_beat() -> None:
    call = parse(beat="k3", sector="King", precinct="WEST")
    assert (call.beat, call.sector, call.precinct) == ("K3", "K", "West")
    assert not flagged(call, "does not fit")
    assert flagged(parse(beat="K3", sector="M"), "sector does not fit the beat")
    assert flagged(parse(beat="K3", precinct="East"), "precinct does not fit the beat")


@pytest.mark.parametrize(
    ("call_type", "by"),
    [
        ("ASSIST SPD - ROUTINE SERVICE", "spd"),
        ("SFD - ASSIST ON FIRE OR MEDIC RESPONSE", "sfd"),
        ("SERVICE - WELFARE CHECK", ""),
    ],
)
def test_who_asked_is_read_from_the_call_type(call_type: str, by: str) -> None:
    assert parse(initial_call_type=call_type).requested_by == by


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "kind", "lat", "lon", "status", "x"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*plain.EXAMPLE, "merges", "alternates", "other"]), ANY))
def test_whatever_comes_is_taken_or_malformed(document: dict[str, Any]) -> None:
    with suppress(Malformed):
        assert plain.parse({"cad_number": "1", **document}).cad_number
