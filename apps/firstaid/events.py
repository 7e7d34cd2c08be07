"""What partners are told of first aid: overdoses, in the terms of ODMAP, without the person.

ODMAP counts by time, rounded place, fatal or not, and naloxone. It is told when a dose is recorded,
which is early, when the log says who has the person now, and once more when the case note is
signed: the same `overdose_id`, to be replaced.
Whether it was fatal is known once the call is over.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.conf import settings

from apps.assignments.models import Assignment
from apps.core.clock import iso
from apps.firstaid.doses import doses
from apps.firstaid.exports import odmap, records
from apps.firstaid.exports.care import Care
from apps.firstaid.models import NaloxoneDose
from apps.people.ids import record_id
from apps.people.models import Encounter
from apps.webhooks.catalogue import EventType, register

_DEGREES: Final = {"type": ["string", "null"], "pattern": r"^-?\d{1,3}(\.\d+)?$"}


def overdose(encounter_id: UUID) -> dict[str, Any] | None:
    """The overdose that an encounter was, as far as it is known; None where it was none."""
    encounter = Encounter.objects.filter(pk=encounter_id).first()
    cares = records.read([encounter]).cares if encounter else []
    return _whole(cares[0]) if cares else _so_far(encounter_id)


def _whole(care: Care) -> dict[str, Any] | None:
    event = odmap.event_of(care, decimals=settings.ODMAP_PLACE_DECIMALS)
    if event is None:
        return None
    latitude, longitude = event.place or (None, None)
    return {
        "overdose_id": str(event.id),
        "occurred_at": iso(event.at),
        "latitude": latitude,
        "longitude": longitude,
        "outcome": event.outcome,
        "naloxone": event.naloxone,
        "administered_by": list(event.administered_by),
        "ems_on_scene": event.ems_on_scene,
        "provisional": False,
    }


def _so_far(encounter_id: UUID) -> dict[str, Any] | None:
    """While the call is open, or the encounter not here: the doses alone."""
    first = NaloxoneDose.objects.filter(encounter_id=encounter_id).first()
    if first is None or first.assignment_id is None:
        return None
    rows = NaloxoneDose.objects.of(first.assignment_id)
    given = [
        dose for dose in doses(rows) if dose.gave_naloxone and dose.encounter_id == encounter_id
    ]
    if not given:
        return None
    here = Assignment.objects.select_related("incident").filter(pk=first.assignment_id)
    row = here.first()
    where = row.incident.details.get("location") if row else None
    places = (records.place_of(one) for one in (where, *(dose.position for dose in given)))
    known = next((place for place in places if place), None)
    latitude, longitude = odmap.rounded(known, settings.ODMAP_PLACE_DECIMALS) or (None, None)
    givers = {odmap.GIVERS.get(dose.given_by, odmap.UNKNOWN) for dose in given}
    return {
        "overdose_id": str(record_id(encounter_id, "patient_care_report")),
        "occurred_at": iso(min(dose.at or dose.received_at for dose in given)),
        "latitude": latitude,
        "longitude": longitude,
        "outcome": odmap.UNKNOWN,
        "naloxone": odmap.MULTIPLE if len(given) > 1 else odmap.SINGLE,
        "administered_by": sorted(givers),
        "ems_on_scene": None,
        "provisional": True,
    }


register(
    EventType(
        name="overdose.reported",
        version=1,
        title="Naloxone was given, or an overdose is known otherwise (ODMAP's terms).",
        on=("dose.recorded", "dose.handed_over", "note.signed"),
        schema={
            "type": "object",
            "properties": {
                "overdose_id": {
                    "type": "string",
                    "format": "uuid",
                    "description": "the same in every event about this overdose, and in the export",
                },
                "occurred_at": {"type": "string", "format": "date-time"},
                "latitude": _DEGREES,
                "longitude": _DEGREES,
                "outcome": {"enum": [odmap.FATAL, odmap.NON_FATAL, odmap.UNKNOWN]},
                "naloxone": {"enum": [odmap.NO_DOSE, odmap.SINGLE, odmap.MULTIPLE, odmap.UNKNOWN]},
                "administered_by": {
                    "type": "array",
                    "items": {"enum": sorted({*odmap.GIVERS.values(), odmap.UNKNOWN})},
                },
                "ems_on_scene": {
                    "type": ["boolean", "null"],
                    "description": "another service may tell the same overdose; null: not known",
                },
                "provisional": {
                    "type": "boolean",
                    "description": "the call is not over: what is told later replaces it",
                },
            },
            "required": [
                *("overdose_id", "occurred_at", "latitude", "longitude", "outcome", "naloxone"),
                *("administered_by", "ems_on_scene", "provisional"),
            ],
            "additionalProperties": False,
        },
        example={
            "overdose_id": "3f9d1c52-8a57-5e0c-9a0b-0c7f5d1f2e11",
            "occurred_at": "2026-03-04T20:14:58.000Z",
            "latitude": "47.602",
            "longitude": "-122.330",
            "outcome": "Unknown",
            "naloxone": "Single dose",
            "administered_by": ["Crisis responder"],
            "ems_on_scene": None,
            "provisional": True,
        },
        build=overdose,
        restricted=True,
    )
)
