"""What tablets pull of dispatch: reference data, the same for everyone. What desks see of units."""

from __future__ import annotations

from collections.abc import Iterator

from apps.changes.services import EVERYONE_SCOPE, Document
from apps.dispatch.codelists import code_lists
from apps.dispatch.desk import register_units
from apps.dispatch.models import Agency, Unit
from apps.dispatch.referencekinds import (
    REFERENCE,
    Reference,
    ReferenceKind,
    register_reference_kind,
)
from apps.dispatch.services.units import unit_document
from apps.sync.registry import register

_TEXT = {"type": "string"}


def _units() -> Iterator[Document]:
    return map(unit_document, Unit.objects.filter(agency=Agency.CARE).order_by("pk"))


def _code_lists() -> Iterator[Document]:
    for one in code_lists():
        yield Document(REFERENCE, one.id, frozenset({EVERYONE_SCOPE}), one.body())


register_reference_kind(
    ReferenceKind(
        "unit",
        {
            "call_sign": _TEXT,
            "agency": _TEXT,
            "team_id": {"type": ["string", "null"]},
            "in_service": {"type": "boolean"},
        },
        _units,
    )
)
register_reference_kind(
    ReferenceKind(
        "code_list",
        {
            "name": _TEXT,
            "source": _TEXT,
            "items": {
                "type": "array",
                "items": {"type": "object", "required": ["code"], "properties": {"code": _TEXT}},
            },
        },
        _code_lists,
    )
)
register(
    Reference(
        name=REFERENCE,
        kind="pull_only",
        audience="tablet",
        schema={
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string", "maxLength": 36}},
        },
        shared=True,
    )
)
register_units()
