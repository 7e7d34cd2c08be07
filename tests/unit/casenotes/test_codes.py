"""The codes agree with the standards that they are taken from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.casenotes import codes
from apps.casenotes.content import REFERENCE_LISTS
from apps.dispatch.codelists import CodeList
from tests.data import shared_data


@pytest.fixture(scope="module")
def shared() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(shared_data("code_lists.json").read_text("utf-8"))
    return known


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("nemsis_mental_status_eExam19", codes.MENTAL_STATUS),
        ("nemsis_barriers_eHistory01", codes.BARRIERS),
    ],
)
def test_the_lists_of_nemsis_are_whole(
    shared: dict[str, Any], name: str, ours: dict[str, str]
) -> None:
    assert {row["code"]: row["label"] for row in shared[name]} == ours


def test_each_reason_of_lane_county_has_a_need(shared: dict[str, Any]) -> None:
    assert set(codes.LANE_COUNTY_REASONS) <= set(codes.PRESENTING_NEEDS)
    theirs = set(shared["lane_county_mct_reasons_observed"])
    assert set(codes.LANE_COUNTY_REASONS.values()) == theirs


def test_lists_for_tablets_have_names_of_their_own_and_a_source() -> None:
    lists = [CodeList(one.name, one.source, one.items) for one in codes.CODE_LISTS]
    lists += REFERENCE_LISTS
    names = [one.name for one in lists]
    assert len(set(names)) == len(names)
    assert all(name.startswith("note_") for name in names)
    for one in lists:
        body = one.body()
        assert body["source"]
        assert all(item["code"] and item["label"] for item in body["items"])


def test_a_list_in_which_nothing_may_be_ticked_says_so_by_a_code() -> None:
    assert "none_apparent" in codes.PRESENTING_NEEDS
    assert "none" in codes.INTERVENTIONS
    assert "none" in codes.SUPPLIES
    assert "none" in codes.WITNESSES


def test_care_neither_detains_nor_pronounces() -> None:
    assert "care" not in codes.HOLD_DECIDED_BY
    assert "care" not in codes.DEATH_PRONOUNCED_BY
    assert "care" not in codes.TAKEN_BY
