"""What partners are told of assignments: the statuses of our units, for the 911 centre's CAD.

In EIDO's words (NENA-STA-024, registries of NENA-STA-021): CAD knows the unit by `resource@agency`
and the incident by its own number. No place and no word about a person is in it.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from apps.assignments.codes import EVENTS, PROGRESSED
from apps.assignments.models import Assignment, Fact
from apps.assignments.timeline import corrected_time
from apps.core.clock import iso
from apps.webhooks.catalogue import EventType, register

# Primary unit statuses: a unit on a call is not available; one that has left it is.
_LEFT: Final = frozenset({"Cleared", "AssignmentCancelled"})
_UUID: Final = {"type": "string", "format": "uuid"}


def status(fact_id: UUID) -> dict[str, Any] | None:
    """The status that a fact is. None: CAD does not know the incident, or the assignment is not
    here. A fact never changes, so this says the same whenever it is asked."""
    fact = Fact.objects.select_related("unit").filter(pk=fact_id).first()
    if fact is None or fact.unit is None or fact.assignment_id is None:
        return None
    row = Assignment.objects.select_related("incident").filter(pk=fact.assignment_id).first()
    if row is None or row.incident.cad_number is None:
        return None
    secondary = EVENTS[fact.event].eido
    at = corrected_time(fact.device_time, fact.clock_offset_ms) or fact.received_at
    return {
        "assignment_id": str(row.pk),
        "fact_id": str(fact.pk),
        "incidentTrackingId": row.incident.cad_number,
        "agencyId": row.incident.agency_id,
        "resourceId": fact.unit.eido_id,
        "unitCallSign": fact.unit.call_sign,
        "primaryUnitStatusRegistryText": (
            "Available" if _LEFT.intersection(secondary) else "NotAvailable"
        ),
        "secondaryUnitStatusRegistryText": list(secondary),
        "statusDateTime": iso(at),
    }


def _assignment_of(fact_id: UUID) -> UUID:
    """What the statuses of a unit on a call are told in order of."""
    found = Fact.objects.filter(pk=fact_id).values_list("assignment_id", flat=True).first()
    return found or fact_id


register(
    EventType(
        name="assignment.status_changed",
        version=1,
        title="A unit of ours has another status on an incident of yours.",
        on=(PROGRESSED,),
        schema={
            "type": "object",
            "properties": {
                "assignment_id": _UUID,
                "fact_id": _UUID,
                "incidentTrackingId": {"type": "string", "maxLength": 60},
                "agencyId": {"type": "string", "maxLength": 120},
                "resourceId": {
                    "type": "string",
                    "maxLength": 120,
                    "description": "resource@agency; empty where the unit has none",
                },
                "unitCallSign": {"type": "string", "maxLength": 40},
                "primaryUnitStatusRegistryText": {"enum": ["Available", "NotAvailable"]},
                "secondaryUnitStatusRegistryText": {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "description": "EIDO registry Secondary Unit Status-Common",
                },
                "statusDateTime": {"type": "string", "format": "date-time"},
            },
            "required": [
                *("assignment_id", "fact_id", "incidentTrackingId", "agencyId", "resourceId"),
                *("unitCallSign", "primaryUnitStatusRegistryText"),
                *("secondaryUnitStatusRegistryText", "statusDateTime"),
            ],
            "additionalProperties": False,
        },
        example={
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "fact_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c12",
            "incidentTrackingId": "2026-00012345",
            "agencyId": "psap.seattle.gov",
            "resourceId": "care21@care.seattle.wa.us",
            "unitCallSign": "CARE21",
            "primaryUnitStatusRegistryText": "NotAvailable",
            "secondaryUnitStatusRegistryText": ["OnScene"],
            "statusDateTime": "2026-03-04T20:14:58.000Z",
        },
        build=status,
        key=_assignment_of,
        restricted=True,
    )
)
