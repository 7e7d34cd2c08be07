from __future__ import annotations

from typing import Any

import pytest

from apps.core.ids import uuid7
from apps.sync import registry
from apps.sync.collections import FACTS
from apps.sync.registry import Collection, Pushed

SCHEMA: dict[str, Any] = {"type": "object", "required": ["id"], "properties": {"id": {}}}


@pytest.fixture(autouse=True)
def _only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", registry._Registry())


def test_a_schema_that_a_tombstone_is_not_valid_under_is_refused() -> None:
    with pytest.raises(ValueError, match="must require exactly id"):
        Collection("x", "pull_only", "tablet", {**SCHEMA, "required": ["id", "text"]})


def test_what_is_pushed_needs_a_handler_and_what_is_not_has_none() -> None:
    with pytest.raises(ValueError, match="push handler"):
        Collection("x", "append_only", "tablet", SCHEMA)
    with pytest.raises(ValueError, match="push handler"):
        Collection("x", "pull_only", "tablet", SCHEMA, push=lambda *_: None)


def test_a_name_is_given_once() -> None:
    registry.register(Collection("x", "pull_only", "tablet", SCHEMA))
    with pytest.raises(ValueError, match="twice"):
        registry.register(Collection("x", "pull_only", "desk", SCHEMA))


@pytest.mark.parametrize("name", ["", "Notes", "a/b", 'a"b', "a b", "x" * 41])
def test_a_name_is_a_word_that_fits_into_addresses_and_frames(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Collection(name, "pull_only", "tablet", SCHEMA)


def test_calls_come_first_and_what_everyone_may_see_last() -> None:
    registry.register(Collection("a", "pull_only", "tablet", SCHEMA, shared=True))
    registry.register(Collection("b", "append_only", "tablet", SCHEMA, push=lambda *_: None))
    registry.register(Collection("c", "pull_only", "both", SCHEMA))
    registry.register(Collection("d", "pull_only", "desk", SCHEMA))
    assert [c.name for c in registry.all_for("tablet")] == ["c", "b", "a"]
    assert [c.name for c in registry.all_for("desk")] == ["c", "d"]


def test_kinds_that_lock_the_same_lock_it_at_once() -> None:
    """One after the other, two pushes that each bring both kinds would wait for each other."""
    locked: list[list[str]] = []

    def lock(rows: Any) -> None:
        locked.append([row.document["kind"] for row in rows])

    for kind in ("a", "b"):
        registry.register_fact_kind(kind, schema=SCHEMA, push=lambda *_: None, lock=lock)
    rows = [Pushed("facts", {"kind": kind}, None, uuid7(), None, None) for kind in ("b", "a")]
    FACTS.lock(rows)
    assert locked == [["a", "b"]]
