"""Every id by which a tablet's document names another is declared as its parent, or is none.

What is not declared would wait for ever, and be on nobody's list (`apps/sync/parents.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from apps.sync import registry
from apps.sync.parents import parents

# What an id names that a tablet cannot send before or after: it comes from a desk as reference data
# or is somebody, or it is what was refused, which is here by then.
NO_PARENTS: Final = frozenset(
    {"id", "editor", "author_id", "to", "quarantined"}
    | {"product_id", "lot_id", "kit_id", "from_kit_id", "to_kit_id", "service_id", "location_id"}
)
WRITTEN: Final[dict[str, tuple[dict[str, Any], Mapping[str, str]]]] = {
    **{
        one.name: (one.schema, one.parents)
        for one in registry.all_for("tablet")
        if one.kind != "pull_only" and one.name != "facts"
    },
    **{name: (kind.schema, kind.parents) for name, kind in registry.fact_kinds().items()},
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_a_document_names_is_declared(name: str) -> None:
    schema, declared = WRITTEN[name]
    properties: dict[str, dict[str, Any]] = schema["properties"]
    ids = {
        field
        for field, shape in properties.items()
        if shape.get("format") == "uuid" and not shape.get("readOnly")
    }
    assert ids - NO_PARENTS == {field for field in declared if "." not in field}
    assert {field.split(".")[0] for field in declared} <= properties.keys()


def test_every_parent_that_is_named_is_registered() -> None:
    named = {parent for _, declared in WRITTEN.values() for parent in declared.values()}
    assert named == parents().keys()
