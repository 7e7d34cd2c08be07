from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import LazySettings
from hypothesis import given
from hypothesis import strategies as st

from apps.dispatch.calls import Malformed
from apps.dispatch.wire import Findings, Node, clean, instant, step

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


def node(**members: Any) -> Node:
    return Node(members, "", Findings())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-04-30T14:42:00.0-04:00", datetime(2021, 4, 30, 18, 42, tzinfo=UTC)),
        ("2021-04-30T18:42:00Z", datetime(2021, 4, 30, 18, 42, tzinfo=UTC)),
        (" 2021-04-30 18:42:00+00:00 ", datetime(2021, 4, 30, 18, 42, tzinfo=UTC)),
        ("2021-04-30t18:42:00z", datetime(2021, 4, 30, 18, 42, tzinfo=UTC)),
    ],
)
def test_times_with_an_offset_are_instants(text: str, expected: datetime) -> None:
    assert instant(text) == (expected, "")


def test_a_time_without_offset_is_local_and_flagged() -> None:
    moment, doubt = instant("2023-12-01T14:20:00")
    assert moment == datetime(2023, 12, 1, 22, 20, tzinfo=UTC)
    assert doubt == "time without offset, read as local time"


def test_a_time_without_offset_is_that_of_the_city_that_the_server_is_for(
    settings: LazySettings,
) -> None:
    settings.CITY_TIME_ZONE = "America/New_York"
    assert instant("2023-12-01T14:20:00")[0] == datetime(2023, 12, 1, 19, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2021-04-30", "2021-13-30T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert instant(text) == (None, "")


def test_numbers_where_text_is_due_and_the_reverse() -> None:
    read = node(text=2023, number="8", half="2.0", one=["x"], many="x")
    assert read.text("text") == "2023"
    assert read.integer("number", 0, 10) == 8
    assert read.integer("half", 0, 10) == 2
    assert read.text("one") == "x"
    assert read.texts("many") == ("x",)
    assert read.findings.flags == []


def test_what_cannot_be_read_is_kept_and_flagged_by_its_pointer() -> None:
    read = node(text={"a": 1}, number="many", whole=1.5, time=7, choice="up", flag=True)
    assert read.text("text") == ""
    assert read.number("number", 0, 10) is None
    assert read.integer("whole", 0, 10) is None
    assert read.time("time") is None
    assert read.choice("choice", ("a", "b")) is None
    assert read.number("flag", 0, 10) is None
    names = ("text", "number", "whole", "time", "choice", "flag")
    assert {extra.pointer for extra in read.findings.extras} == {f"/{name}" for name in names}
    assert "not readable: /number" in read.findings.flags


def test_a_text_that_is_too_long_is_cut_kept_whole_and_flagged() -> None:
    read = node(beat="K" * 50)
    assert read.text("beat", 10) == "K" * 10
    assert "K" * 50 in read.findings.extras[0].value
    assert "not readable: /beat" in read.findings.flags


def test_unasked_members_are_kept() -> None:
    read = node(known="x", unknown={"a": 1})
    read.text("known")
    read.keep_unread()
    assert [(e.pointer, e.value) for e in read.findings.extras] == [("/unknown", '{"a":1}')]
    assert read.findings.flags == ["not understood, kept: /unknown"]


def test_a_pointer_does_not_repeat_a_key_that_may_be_anything() -> None:
    assert step("/a", "b") == "/a/b"
    assert step("/a", 0) == "/a/0"
    assert step("/a", "JOHN DOE 206 555 0100") == "/a/(unnamed)"
    assert step("/a", "2065550100") == "/a/(unnamed)"


def test_characters_that_no_store_takes_are_removed() -> None:
    assert clean({"a\x00": "war\u200brant\ud800 \tok\n"}) == {"a": "warrant \tok\n"}
    assert clean([float("nan"), float("inf"), 10**30]) == [None, None, str(10**30)]


def test_absurd_depth_is_refused() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    with pytest.raises(Malformed):
        clean(deep)


@given(JSON)
def test_any_json_is_cleaned_and_cleaning_again_changes_nothing(value: Any) -> None:
    once = clean(value)
    assert clean(once) == once


def test_members_that_become_one_are_gathered() -> None:
    cleaned = clean({"a": [1], "a\u200b": 2, "b": 3})
    assert cleaned == {"a": [1, 2], "b": 3}


@pytest.mark.parametrize("year", ["0001", "1900", "9999"])
def test_times_of_no_working_year_are_none(year: str) -> None:
    assert instant(f"{year}-01-01T00:00:00Z") == (None, "")
