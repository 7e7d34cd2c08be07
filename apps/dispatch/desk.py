"""What desks see of our units: who is on which, in the collection `units`.

A unit's state, since when, and where it is are no part of it: a desk derives them from the open
assignments that it is sent anyway, so that a tap on a tablet publishes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from apps.changes import scopes
from apps.changes.services import Document
from apps.core.clock import iso
from apps.dispatch.models import Agency, CrewMember, Unit
from apps.sync import documents
from apps.sync.registry import Collection, register, served

UNITS: Final = "units"

SCHEMA: Final[dict[str, Any]] = {
    "title": "A CARE unit, and who is on it",
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "maxLength": 36},
        **served(
            {
                "call_sign": {"type": "string"},
                "team_id": {"type": ["string", "null"], "format": "uuid"},
                "team": {"type": "string", "description": "its name; empty: of no team"},
                "in_service": {"type": "boolean"},
                "crew": {
                    "type": "array",
                    "items": {"type": "object"},
                    "description": "{user_id, name, position, since}, whoever is alarmed first "
                    "stands first",
                },
            }
        ),
    },
    "examples": [
        {
            "id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c01",
            "call_sign": "CARE21",
            "team_id": "01a214a7-c8b8-721d-88d4-ffeb418c6206",
            "team": "Downtown",
            "in_service": True,
            "crew": [
                {
                    "user_id": "01a214a7-c8d2-7575-a7ba-06620ca75847",
                    "name": "A. Rivera",
                    "position": 1,
                    "since": "2026-03-04T20:00:00Z",
                }
            ],
        }
    ],
}


def unit_documents(ids: Iterable[UUID] | None = None) -> list[Document]:
    """The documents of CARE units as they are now: of these, of all of them without `ids`.

    Two who leave one unit at the same moment would each tell that the other is still on it. So a
    unit's document is locked, to the end of the transaction, before its crew is read. It is the
    last lock that verbs of crews take, after shift, unit and people.
    """
    units = Unit.objects.filter(agency=Agency.CARE)
    found = units.values_list("pk", flat=True)
    wanted = list(found if ids is None else found.filter(pk__in=list(ids)))
    documents.lock(UNITS, wanted)
    crews: dict[UUID, list[CrewMember]] = {}
    members = CrewMember.objects.on_duty().filter(unit__in=wanted).select_related("user")
    for member in members.in_order_of_alarm():
        crews.setdefault(member.unit_id, []).append(member)
    rows = units.filter(pk__in=wanted).select_related("team").order_by("pk")
    return [_document(unit, crews.get(unit.pk, [])) for unit in rows]


def _document(unit: Unit, crew: list[CrewMember]) -> Document:
    seen_by = {scopes.agency()} | ({scopes.team(unit.team_id)} if unit.team_id else set())
    body = {
        "id": str(unit.pk),
        "call_sign": unit.call_sign,
        "team_id": str(unit.team_id) if unit.team_id else None,
        "team": unit.team.name if unit.team else "",
        "in_service": unit.in_service,
        "crew": [
            {
                "user_id": str(member.user_id),
                "name": member.user.display_name,
                "position": member.position,
                "since": iso(member.since),
            }
            for member in crew
        ],
    }
    return Document(UNITS, unit.pk, frozenset(seen_by), body)


def register_units() -> None:
    """Makes the collection known. No record of anybody who is helped: reading it is not audited."""
    register(Collection(name=UNITS, kind="pull_only", audience="desk", schema=SCHEMA))
