"""What tablets pull of dispatch: reference data, the same for everyone."""

from __future__ import annotations

from apps.dispatch.services.units import REFERENCE
from apps.sync.registry import Collection, register

_TEXT = {"type": "string"}

SCHEMA = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "maxLength": 36},
        "kind": {"type": "string", "enum": ["unit", "code_list"]},
        # unit: a CARE unit
        "call_sign": _TEXT,
        "agency": _TEXT,
        "team_id": {"type": ["string", "null"]},
        "in_service": {"type": "boolean"},
        # code_list
        "name": _TEXT,
        "source": _TEXT,
        "items": {
            "type": "array",
            "items": {"type": "object", "required": ["code"], "properties": {"code": _TEXT}},
        },
    },
}

register(
    Collection(name=REFERENCE, kind="pull_only", audience="tablet", schema=SCHEMA, shared=True)
)
