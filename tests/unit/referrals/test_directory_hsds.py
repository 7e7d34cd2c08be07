"""HSDS read: everything that is said, and each field that is wrong by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest

from apps.referrals.directory import codes, hsds, ours
from tests.data import shared_data

ID = "ac148810-d857-441c-9679-408f346de14b"
OTHER = "d9d5e0f5-d3ce-4f73-9a2f-4dd0ecc6c610"
ORGANIZATION = {"id": OTHER, "name": "An agency", "description": "It helps."}
SERVICE = {"id": ID, "name": "A service", "status": "active", "organization": ORGANIZATION}


def wrong(payload: Any) -> list[str]:
    return [error.pointer for error in hsds.read(payload).errors]


@pytest.mark.parametrize("form", ["organization", "service", "service_at_location"])
def test_each_full_example_is_four_entries_however_it_is_nested(form: str) -> None:
    payload = orjson.loads(shared_data("hsds", f"examples_{form}_full.json").read_bytes())
    found = hsds.read(payload)
    assert found.errors == []
    assert [len(entries) for entries in found.entries.values()] == [1, 1, 1, 1]


@pytest.mark.parametrize("form", ["organization", "service", "location", "service_at_location"])
def test_our_columns_are_words_of_the_specification(form: str) -> None:
    schema = orjson.loads(shared_data("hsds", f"schema_{form}.json").read_bytes())
    assert set(hsds.columns_of(form)) <= schema["properties"].keys()


def test_our_codes_are_those_of_the_specification() -> None:
    for form, name, known in (
        ("service", "status", codes.STATUSES),
        ("location", "location_type", codes.LOCATION_TYPES),
    ):
        schema = orjson.loads(shared_data("hsds", f"schema_{form}.json").read_bytes())
        assert schema["properties"][name]["enum"] == list(known)
    capacity = orjson.loads(shared_data("code_lists.json").read_bytes())["fhir_capacity_status"]
    assert set(capacity) == set(codes.CAPACITY_STATUSES)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "17"),
        ("name", ""),
        ("name", None),
        ("name", 7),
        ("name", "x" * 301),
        ("status", "open"),
        ("minimum_age", "18"),
        ("minimum_age", True),
        ("maximum_age", 200),
        ("assured_date", "03/04/2026"),
        ("assurer_email", "somebody"),
        ("phones", {}),
        ("schedules", ["Mon"]),
        ("organization", "An agency"),
    ],
)
def test_bad_input_names_its_field(field: str, value: Any) -> None:
    assert wrong({**SERVICE, field: value}) == [f"/{field}"]
    assert wrong([ORGANIZATION, {**SERVICE, field: value}]) == [f"/1/{field}"]


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"phones": [{"number": "1"}, {}]}, "/phones/1/number"),
        ({"schedules": [{"freq": "DAILY"}]}, "/schedules/0/freq"),
        ({"minimum_age": 25, "maximum_age": 24}, "/maximum_age"),
        ({"service_at_locations": [{"id": ID, "location": {"id": ID}}]},
         "/service_at_locations/0/location/location_type"),
        ({"service_at_locations": [{}]}, "/service_at_locations/0/id"),
        ({"service_at_locations": {}}, ""),
    ],
)  # fmt: skip
def test_bad_input_is_named_where_it_is_nested(said: dict[str, Any], pointer: str) -> None:
    assert wrong({**SERVICE, **said}) == ([pointer] if pointer else [])


@pytest.mark.parametrize("payload", [None, 7, "x", {}, [7], {"contents": [7]}, {"name": "x\0"}])
def test_what_is_no_hsds_is_said_to_be_none(payload: Any) -> None:
    assert hsds.read(payload).errors


def test_nesting_without_end_is_refused() -> None:
    payload: dict[str, Any] = SERVICE
    for _ in range(200):
        payload = {**SERVICE, "organization": {**ORGANIZATION, "services": [payload]}}
    assert wrong(payload)


def test_a_page_of_the_api_is_read() -> None:
    found = hsds.read({"total_items": 1, "contents": [SERVICE]})
    assert found.errors == []
    entry = found.entries[hsds.SERVICE][UUID(ID)]
    assert entry.links == {hsds.ORGANIZATION: UUID(OTHER)}


def test_what_we_say_beyond_hsds_travels_in_its_attributes() -> None:
    told = {"used_for": "shelter", "reach": "on_site", "criteria": ["call_first", "women_only"]}
    added = ours.attributes(UUID(ID), told)
    others = [{"id": OTHER, "taxonomy_term": {"taxonomy": "211", "code": "BH-1800"}}]
    assert ours.split([*others, *added]) == (told, others)
    entry = hsds.read({**SERVICE, "attributes": [*others, *added]}).entries[hsds.SERVICE][UUID(ID)]
    assert entry.rest["attributes"] == others
    assert entry.values["criteria"] == told["criteria"]


def test_a_code_that_is_none_of_ours_is_refused() -> None:
    (one,) = [
        one
        for one in ours.attributes(
            UUID(ID), {"used_for": "shelter", "reach": "on_site", "criteria": []}
        )
        if one["link_type"] == "use"
    ]
    one["taxonomy_term"]["code"] = "palace"
    assert wrong({**SERVICE, "attributes": [one]}) == ["/attributes"]


def test_a_place_that_is_none_is_kept_and_not_used() -> None:
    where = {"id": ID, "location_type": "physical", "latitude": 100, "longitude": 101}
    found = hsds.read(where)
    entry = found.entries[hsds.LOCATION][UUID(ID)]
    assert found.errors == []
    assert [doubt.pointer for doubt in found.doubts] == ["/latitude"]
    assert (entry.rest["latitude"], entry.values["latitude"]) == (100, None)
