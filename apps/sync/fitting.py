"""What a tablet sends, held against the schema that it was given.

A value of the wrong shape would stop the replication of every client that validates, as soon as it
is served. So what fits is stored as the document, what does not is kept apart from it, and the
document is flagged. Nothing is refused for it: a person has typed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from jsonschema import Draft202012Validator

from apps.sync.registry import NOT_CONTENT, STAMP

# What every document may carry, whatever its schema says.
_ENVELOPE: Final = NOT_CONTENT | STAMP


def fit(
    document: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document's own fields that fit the schema, and those that do not: of another shape, or
    unknown to it. A null says that there is nothing, and fits everywhere."""
    properties = schema.get("properties", {})
    fitting: dict[str, Any] = {}
    apart: dict[str, Any] = {}
    for name, value in document.items():
        if name in _ENVELOPE:
            continue
        shape = properties.get(name)
        fits = shape is not None and (
            value is None or _validator(orjson.dumps(shape)).is_valid(value)
        )
        (fitting if fits else apart)[name] = value
    return fitting, apart


@lru_cache(maxsize=512)  # one for each property of each schema
def _validator(shape: bytes) -> Draft202012Validator:
    return Draft202012Validator(orjson.loads(shape))
