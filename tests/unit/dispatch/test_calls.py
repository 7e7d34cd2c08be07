from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from apps.dispatch import calls
from apps.dispatch.calls import Call, Caution, Location, Malformed, Note, phi_fields

SECRET = "JOHN DOE 500 5TH AVE"
KINDS = [
    calls.Location,
    calls.Note,
    calls.Caution,
    calls.Relation,
    calls.AlternateValue,
    calls.Extra,
    calls.Call,
]


def test_free_text_addresses_and_coordinates_are_phi() -> None:
    assert {"address", "location", "narrative", "cautions", "extras", "alternates"} <= phi_fields(
        Call
    )
    assert {"lat", "lon", "address", "url", "description"} <= phi_fields(Location)
    assert phi_fields(Note) == {"text", "author", "ref"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_phi_is_in_a_repr(kind: type) -> None:
    assert all(not field.repr for field in fields(kind) if field.metadata.get("phi"))


def test_a_call_prints_none_of_its_phi() -> None:
    call = Call(
        cad_number="1",
        wire="plain",
        address=SECRET,
        location=Location(address=SECRET, lat=47.6, lon=-122.3),
        narrative=(Note(text=SECRET, author=SECRET),),
        cautions=(Caution(text=SECRET),),
    )
    assert SECRET not in repr(call)
    assert "47.6" not in repr(call)


def test_the_worst_caution_comes_first_and_equal_ones_keep_their_order() -> None:
    low, first, second = (
        Caution(severity="low", text="a"),
        Caution(severity="highest", text="b"),
        Caution(severity="highest", text="c"),
    )
    assert calls.worst_first([low, first, second]) == (first, second, low)


def test_notes_come_in_order_of_time_and_undated_ones_first() -> None:
    late = Note(at=datetime(2026, 1, 2, tzinfo=UTC), text="late")
    early = Note(at=datetime(2026, 1, 1, tzinfo=UTC), text="early")
    undated = Note(text="undated")
    assert calls.in_order([late, early, undated]) == (undated, early, late)


def test_malformed_names_every_field() -> None:
    error = Malformed([("", "must be an object"), ("/cad_number", "give it")])
    assert error.errors == (("", "must be an object"), ("/cad_number", "give it"))
    assert str(error) == "/: must be an object; /cad_number: give it"
