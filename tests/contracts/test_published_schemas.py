"""A version of a schema stays what tablets were told it is: `published_schemas.json` holds the hash
of each collection's schema by its version.

A client keeps the number that it was built for. A schema that changes under its number is never cut
to what that client knows, and documents that are there already never come again with their new
fields.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import orjson
import pytest

from apps.sync import registry
from apps.sync.registry import Collection

KNOWN: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "published_schemas.json").read_text()
)
COLLECTIONS = {one.name: one for side in ("tablet", "desk") for one in registry.all_for(side)}


def hashes(collection: Collection) -> dict[str, str]:
    """The schema of each version in which it became another one."""
    return {
        str(version): hashlib.sha256(
            orjson.dumps(collection.published_schema(version), option=orjson.OPT_SORT_KEYS)
        ).hexdigest()
        for version in collection.versions()
    }


@pytest.mark.parametrize("name", sorted(COLLECTIONS))
def test_a_schema_changes_with_its_version_alone(name: str) -> None:
    found, known = hashes(COLLECTIONS[name]), KNOWN.get(name, {})
    changed = sorted(version for version in known if found.get(version) != known[version])
    assert not changed, (
        f"The published schema of {name} is another one under version {', '.join(changed)}. Raise "
        "its `version` above that of all collections, and keep the schema of before in `earlier`."
    )
    assert found == known, (
        f"Once it is right, put the schema of {name} into published_schemas.json:\n"
        f'"{name}": {json.dumps(found)}'
    )


def test_no_collection_goes_while_an_app_may_know_it() -> None:
    assert KNOWN.keys() - COLLECTIONS.keys() == set()
