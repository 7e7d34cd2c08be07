"""The catalogue: every type is closed, keeps its promise, and says nothing about a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from apps.core.clock import now
from apps.core.ids import uuid7
from apps.webhooks import catalogue, envelope
from apps.webhooks.catalogue import EventType, Unfit

TYPES = list(catalogue.every_type())
by_name = pytest.mark.parametrize("told", TYPES, ids=[one.name for one in TYPES])


def objects(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, Mapping):
        if "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def test_what_is_promised_is_there() -> None:
    names = {one.name for one in TYPES}
    assert {
        *("assignment.status_changed", "overdose.reported", "webhook.test"),
        *("endpoint.verification", "facility.arrival_noticed", "consent.revoked"),
        *("referral.requested", "referral.updated", "referral.reminded", "referral.answered"),
        "referral.cancelled",
    } <= names


@by_name
def test_an_example_fits_its_schema_and_its_body(told: EventType) -> None:
    told.check(told.example)
    Draft202012Validator(catalogue.body_schema(told)).validate(catalogue.body_example(told))


@by_name
def test_every_object_is_closed_and_every_property_required(told: EventType) -> None:
    """A field that nobody has thought about stays here."""
    for one in objects(told.schema):
        assert one.get("additionalProperties") is False
        assert set(one["required"]) == set(one["properties"])


@by_name
def test_no_property_is_about_a_person_or_an_address(told: EventType) -> None:
    for one in objects(told.schema):
        for name in one["properties"]:
            words = set(name.lower().split("_"))
            assert not words & {"name", "person", "phone", "address", "birth", "note", "text"}


@by_name
def test_more_than_the_schema_says_is_refused_without_naming_it(told: EventType) -> None:
    with pytest.raises(Unfit) as refused:
        told.check({**told.example, "person": "Jane Doe"})
    assert "Jane" not in str(refused.value)


@given(st.integers(0, 20), st.integers(1, 2**62))
def test_a_body_stays_small(parked: int, sequence: int) -> None:
    body = envelope.body(
        type="x" * 60,
        version=1,
        at=now(),
        endpoint=uuid7(),
        epoch=uuid7(),
        sequence=sequence,
        parked=[uuid7() for _ in range(parked)],
        data={"text": "x" * (catalogue.LARGEST_DATA - 20)},
    )
    assert len(body) <= envelope.LARGEST_BODY


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        catalogue.register(TYPES[0])
