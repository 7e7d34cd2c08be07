"""JSON Schemas (2020-12) of the documents, for those who write a client. Only `id` is required: a
tombstone is valid under each of them. `readOnly` marks what the server alone writes."""

from __future__ import annotations

from typing import Any, Final

from apps.firstaid.stock import WARNINGS

_TEXT: Final = {"type": "string"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_FLAG: Final = {"type": "boolean"}
_ID: Final[dict[str, Any]] = {"type": "string", "format": "uuid", "maxLength": 36}
_MAYBE_ID: Final[dict[str, Any]] = {"type": ["string", "null"], "format": "uuid"}


def _list_of(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


# Kinds of `reference`: clients see the properties of all of them side by side.
KIT: Final[dict[str, Any]] = {
    "label": _TEXT,
    "team_id": {"type": ["string", "null"]},
    "unit_id": {"type": ["string", "null"]},
    "in_use": _FLAG,
    "stock": _list_of(product_id=_TEXT, lot_id=_MAYBE_TEXT, quantity={"type": "integer"}),
    "warnings": _list_of(
        kind={"type": "string", "examples": list(WARNINGS)}, product_id=_TEXT, lot_id=_MAYBE_TEXT
    ),
}
PRODUCT: Final[dict[str, Any]] = {
    "name": _TEXT,
    "used_as": _TEXT,
    "strength": _TEXT,
    "drug": _TEXT,
    "dose": {"type": ["number", "null"]},
    "dose_unit": _TEXT,
    "route": _TEXT,
    "in_use": _FLAG,
    "lots": _list_of(id=_TEXT, number=_TEXT, expires_on=_TEXT, recalled=_FLAG),
}
