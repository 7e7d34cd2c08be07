"""Kinds of reference data: several rooms publish into one collection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.dispatch.referencekinds import (
    ReferenceKind,
    reference_kinds,
    register_reference_kind,
    unregister_reference_kind,
)
from apps.sync import registry

TIDES = ReferenceKind("tide", {"name": {"type": "string"}, "high_at": {"type": "string"}}, list)


@pytest.fixture
def tides() -> Iterator[None]:
    register_reference_kind(TIDES)
    yield
    unregister_reference_kind("tide")


def test_a_kind_is_in_the_published_schema(tides: None) -> None:
    reference = registry.get("reference")
    assert reference is not None
    schema = reference.published_schema()
    assert "tide" in schema["properties"]["kind"]["enum"]
    assert {"high_at", "call_sign", "items"} <= set(schema["properties"])
    assert schema["required"] == ["id"]


def test_a_name_is_taken_once(tides: None) -> None:
    with pytest.raises(ValueError, match="twice"):
        register_reference_kind(TIDES)


def test_a_property_has_one_shape() -> None:
    with pytest.raises(ValueError, match="differ on name"):
        register_reference_kind(ReferenceKind("odd", {"name": {"type": "integer"}}, list))
    assert "odd" not in {kind.name for kind in reference_kinds()}
