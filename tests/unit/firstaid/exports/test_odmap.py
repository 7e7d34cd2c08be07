"""Overdose events in ODMAP's terms."""

from __future__ import annotations

import csv
import io

import pytest

from apps.firstaid import codes
from apps.firstaid.doses import Dose
from apps.firstaid.exports import odmap
from apps.firstaid.exports.care import Care
from apps.firstaid.exports.improved import counted
from tests.unit.firstaid.exports.cases import (
    OVERDOSE,
    REFUSAL,
    aid,
    at,
    bystanders,
    care,
    dose,
    response,
)


def rows(*cases: Care, decimals: int = 3) -> list[dict[str, str]]:
    events = [event for one in cases if (event := odmap.event_of(one, decimals=decimals))]
    text = odmap.header() + b"".join(map(odmap.line, events))
    return list(csv.DictReader(io.StringIO(text.decode())))


def test_an_event_says_when_where_how_and_who() -> None:
    assert rows(OVERDOSE, REFUSAL) == [
        {
            "event_id": str(OVERDOSE.report_id),
            "occurred_at": "2026-11-03T13:02:10-08:00",
            "latitude": "47.602",
            "longitude": "-122.332",
            "outcome": "Non-Fatal",
            "naloxone": "Multiple doses",
            "administered_by": "Bystander; Crisis responder",
            "ems_on_scene": "yes",
        }
    ]


@pytest.mark.parametrize(
    ("doses", "expected"),
    [
        ((), "No naloxone"),
        ((dose(withheld=codes.REFUSED),), "No naloxone"),
        ((dose(drug="7806"),), "No naloxone"),
        ((dose(drug="4711"),), "Unknown"),
        ((bystanders(),), "Single dose"),
        ((bystanders(), dose(withheld="8801009")), "Single dose"),
        ((dose(drug="203192"), dose(drug="4711")), "Single dose"),
        ((bystanders(), dose()), "Multiple doses"),
    ],
)
def test_the_extent_is_counted_from_the_doses(doses: tuple[Dose, ...], expected: str) -> None:
    [row] = rows(care(doses=doses, aids=(aid(injuries=("overdose",)),)))
    assert row["naloxone"] == expected


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        (care(doses=(dose(),)), "Non-Fatal"),
        (care(aids=(aid(injuries=("overdose",)),)), "Non-Fatal"),
        (care(doses=(dose(),), fatal=True), "Fatal"),
        (care(aids=(aid(injuries=("overdose",)),), fatal=True), "Fatal"),
        (care(response=response(call_type="2301053"), fatal=True), "Fatal"),
        (care(fatal=True), None),
        (care(response=response(call_type="2301053")), None),
        (care(doses=(dose(withheld=codes.REFUSED),)), None),
        (care(), None),
    ],
)
def test_what_is_an_overdose_and_what_is_none(case: Care, outcome: str | None) -> None:
    assert [row["outcome"] for row in rows(case)] == ([outcome] if outcome else [])


def test_the_place_is_as_rough_as_the_setting_says() -> None:
    [row] = rows(OVERDOSE, decimals=2)
    assert (row["latitude"], row["longitude"]) == ("47.60", "-122.33")
    [row] = rows(care(doses=(dose(),), place=None))
    assert (row["latitude"], row["longitude"]) == ("", "")


def test_a_call_that_nobody_made_is_timed_by_its_contact() -> None:
    told = response(called_at=None, times={"contact": at(3)})
    [row] = rows(care(doses=(dose(),), response=told))
    assert row["occurred_at"] == "2026-11-03T13:05:10-08:00"


def test_an_unknown_giver_is_unknown() -> None:
    [row] = rows(care(doses=(dose(given_by="martian"), dose(given_by=""))))
    assert row["administered_by"] == "Unknown"


def test_every_giver_has_a_word() -> None:
    assert set(odmap.GIVERS) == set(codes.GIVERS)


def test_the_report_counts_encounters_and_doses() -> None:
    improved = {"response": codes.IMPROVED}
    found = counted(
        [
            OVERDOSE,
            REFUSAL,
            care(doses=(dose(), dose(**improved), dose(drug="197117", **improved))),
            care(doses=(dose(),)),
            care(doses=(dose(drug="7806", **improved),)),
            care(doses=(dose(withheld=codes.REFUSED, **improved),)),
        ]
    )
    assert found.as_json() == {
        "name": "Naloxone given, response improved (a proxy for opioid overdoses)",
        "definition": {"rxnorm": ["197117", "203192", "7242"], "response": "9916001"},
        "encounters": 6,
        "with_naloxone": 3,
        "improved": 2,
        "doses": 6,
        "doses_improved": 3,
        "doses_without_response": 2,
    }
