"""Bad details are named, never repeated, and never used."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.assignments import codes
from apps.assignments.timeline import is_known, problems_of, read
from apps.assignments.timeline.fields import FIELDS

GOOD: dict[str, dict[str, Any]] = {
    "opened": {"entry": "on_view"},
    "acknowledged": {"call_revision": 3},
    "scene_secured": {"agency": "spd", "unit": "2K3"},
    "police_released": {"unit": "2K3", "decided_by": "together", "care_agreed": False},
    "cleared": {"disposition": "18", "note": "warm hand-over"},
    "declined": {"agency": "spd", "unit": "2K3", "reason": "handled"},
    "harm": {"kinds": ["exposure"], "affected": ["00000000-0000-0000-0000-000000000001"]},
    "cad_status": {"agency": "sfd", "unit": "e10", "status": "arrived", "eido": ["OnScene"]},
    "corrected": {
        "corrects": "00000000-0000-0000-0000-000000000001",
        "reason": "wrong_time",
        "time": "2024-05-01T12:00:00-07:00",
        "event": "staged",
        "data": {},
    },
}


@pytest.mark.parametrize("event", sorted(codes.EVENTS))
def test_good_data_have_no_problems(event: str) -> None:
    assert problems_of(event, GOOD.get(event, {})) == []


@pytest.mark.parametrize(
    ("event", "data", "pointer"),
    [
        ("cleared", {}, "/data/disposition"),
        ("cleared", {"disposition": "46"}, "/data/disposition"),
        ("cleared", {"disposition": 18}, "/data/disposition"),
        ("opened", {"entry": "dual_911"}, "/data/entry"),
        ("acknowledged", {"call_revision": True}, "/data/call_revision"),
        ("acknowledged", {"call_revision": 0}, "/data/call_revision"),
        ("acknowledged", {"call_revision": 10**30}, "/data/call_revision"),
        ("en_route", {"note": "x" * 2001}, "/data/note"),
        ("en_route", {"note": ["x"]}, "/data/note"),
        ("police_released", {"care_agreed": "yes"}, "/data/care_agreed"),
        ("police_arrived", {"unit": "Officer Smith"}, "/data/unit"),
        ("declined", {"agency": "spd", "reason": "handled", "unit": "SMITH"}, "/data/unit"),
        ("declined", {"agency": "spd", "reason": "bored"}, "/data/reason"),
        ("declined", {"agency": "spd", "reason": "handled", "officer": "J"}, "/data/officer"),
        ("cad_status", {"agency": "spd", "unit": "2K3", "status": "lunch"}, "/data/status"),
        (
            "cad_status",
            {"agency": "spd", "unit": "2K3", "status": "arrived", "eido": [1]},
            "/data/eido",
        ),
        ("corrected", {"corrects": "nonsense", "reason": "other"}, "/data/corrects"),
        ("corrected", {"corrects": GOOD["corrected"]["corrects"]}, "/data/reason"),
        ("corrected", {**GOOD["corrected"], "time": "2024-05-01T12:00:00"}, "/data/time"),
        ("corrected", {**GOOD["corrected"], "time": "0001-01-01T00:00:00+14:00"}, "/data/time"),
        ("corrected", {**GOOD["corrected"], "time": 5}, "/data/time"),
        ("corrected", {**GOOD["corrected"], "event": "corrected"}, "/data/event"),
        ("corrected", {**GOOD["corrected"], "event": "harm"}, "/data/event"),
        ("corrected", {**GOOD["corrected"], "data": []}, "/data/data"),
        ("harm", {"kinds": []}, "/data/kinds"),
        ("harm", {"kinds": ["assault", "insult"]}, "/data/kinds"),
        ("harm", {"kinds": ["assault"], "affected": ["R. Ortega"]}, "/data/affected"),
    ],
)
def test_a_bad_detail_is_named(event: str, data: dict[str, Any], pointer: str) -> None:
    assert [found for found, _ in problems_of(event, data)] == [pointer]


def test_an_unknown_event_is_the_one_thing_that_cannot_be_used() -> None:
    assert problems_of("beamed_up", {}) == [("/event", "is not an event that this server knows")]
    assert not is_known("beamed_up")
    assert not is_known(["en_route"])
    assert is_known("en_route")


def test_data_that_are_no_object_are_a_problem() -> None:
    assert problems_of("en_route", [1]) == [("/data", "must be an object")]
    assert read("en_route", [1], "note") is None


def test_unknown_keys_of_a_newer_tablet_are_left_alone() -> None:
    assert problems_of("en_route", {"vehicle": "van 3"}) == []


def test_details_are_read_in_their_one_spelling() -> None:
    assert read("police_arrived", {"unit": " 2k3 "}, "unit") == "2K3"
    assert read("corrected", GOOD["corrected"], "corrects") == UUID(int=1)
    assert read("corrected", GOOD["corrected"], "time").isoformat() == "2024-05-01T19:00:00+00:00"
    assert read("cleared", {"disposition": "99"}, "disposition") is None
    assert read("cleared", {"disposition": "18"}, "no_such_detail") is None


def test_a_problem_never_repeats_the_value() -> None:
    data = {"agency": "Jane Doe", "unit": "Jane Doe", "reason": "Jane Doe", "name": "Jane Doe"}
    problems = problems_of("declined", data)
    assert len(problems) == 4
    assert "Jane" not in str(problems)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    event=st.sampled_from(sorted(FIELDS)) | st.text(),
    data=json_values
    | st.dictionaries(
        st.sampled_from(sorted({name for fields in FIELDS.values() for name in fields})),
        json_values,
    ),
)
def test_whatever_is_sent_gets_an_answer_and_what_is_flagged_is_not_used(
    event: str, data: Any
) -> None:
    problems = problems_of(event, data)
    for pointer, _ in problems:
        assert read(event, data, pointer.rpartition("/")[2]) is None
