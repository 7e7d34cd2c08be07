"""Two incidents were one: the assignments of the merged one go to the survivor. None is lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import Case, UUIDField, Value, When

from apps.assignments import codes
from apps.assignments.models import Assignment
from apps.assignments.records import (
    IncidentRecord,
    Record,
    incident_record,
    lock_incident,
    of_incident,
)
from apps.assignments.services.cadfacts import CAD, cad_fact, derived_id
from apps.assignments.services.writing import write
from apps.audit.services import Act
from apps.dispatch.merging import is_far, point
from apps.dispatch.models import Incident
from apps.dispatch.stored import known_of

# APCO 1.111.2-2018: Cancelled - Duplicate Call.
_DUPLICATE: Final = "22"
# Kinds of caution that the crew must acknowledge.
_GRAVE: Final = frozenset({"weapon", "violence"})


def follow_merge(merged: Incident, *, now: datetime) -> Incident | None:
    """Gives the assignments of a merged incident, whose row is held, to the one that took its
    place; returns that one. None where there was nothing to give.

    1. A unit that only the merged incident had takes its assignment along, facts and all.
    2. A unit that was on both keeps the assignment that is further along; the other one is
       cancelled as a duplicate, unless contact was made: then it stays until it is cleared.
    3. Nothing is deleted: both stay on the tablets for their time, and in the history.
    4. Where the survivor has another place, or a weapon or violence caution that the merged one
       had not, it must be acknowledged anew.
    """
    survivor = _survivor(merged)
    was = incident_record(merged)
    records = of_incident(was)
    if not records or survivor.pk == merged.pk:
        return None
    call = incident_record(survivor)
    theirs = {record.assignment.unit_id: record for record in of_incident(call)}
    moved: dict[Any, IncidentRecord] = {}
    for record in records:
        other = theirs.get(record.assignment.unit_id)
        if other is None or _further(record, other):
            moved[record.assignment.pk] = call
            if other is not None:
                moved[other.assignment.pk] = was
    beside = [theirs.get(record.assignment.unit_id) for record in records]
    touched = [*records, *(other for other in beside if other is not None)]
    move([record for record in touched if record.assignment.pk in moved], moved)
    duplicates = [
        cad_fact(
            record,
            "cancelled",
            {"by": "dispatch", "why": "merged", "disposition": _DUPLICATE},
            now,
            id=derived_id(record.assignment, "cancelled", "merged", survivor.pk),
            at=now,
        )
        for record in touched
        if record.incident.pk == merged.pk and record.is_open
    ]
    known = {fact.pk for record in touched for fact in record.facts}
    ids = [record.assignment.pk for record in touched]
    act = Act(CAD, "merge", "assignment", ids, {"into": str(survivor.pk)})
    write(touched, facts=[f for f in duplicates if f.pk not in known], acts=[act], now=now)
    return survivor


def _survivor(merged: Incident) -> Incident:
    """The incident at the end of the chain of merges, its row locked."""
    seen, incident = {merged.pk}, merged
    while incident.merged_into_id and incident.merged_into_id not in seen:
        seen.add(incident.merged_into_id)
        incident = lock_incident(incident.merged_into_id)
    return incident


def _further(record: Record, other: Record) -> bool:
    """Whether it is further along than the other: open before closed, then by state."""
    order = list(codes.STATES)

    def place(one: Record) -> tuple[bool, int]:
        return one.is_open, order.index(one.timeline.state) if one.is_open else 0

    return place(record) > place(other)


def move(records: list[Record], to: dict[Any, IncidentRecord]) -> None:
    """Moves assignments to other incidents. One statement, so that the constraint (an incident is
    given to a unit once) sees a swap done and not half done."""
    if not records:
        return
    whens = []
    for record in records:
        row, call = record.assignment, to[record.assignment.pk]
        revision = record.call_revision + _is_material(record.incident, call.incident)
        row.incident = call.incident
        # The number that tablets see never falls: what was acknowledged stays acknowledged.
        row.revision_base = max(0, revision - call.incident.call_revision)
        record.call = call
        record.stored["incident_id"] = call.incident.pk
        whens.append(When(pk=row.pk, then=Value(call.incident.pk, UUIDField())))
    moved = Assignment.objects.filter(pk__in=[record.assignment.pk for record in records])
    moved.update(incident=Case(*whens))


def _is_material(old: Incident, new: Incident) -> bool:
    """Whether the crew must look again: another place, or a grave caution they have not seen."""
    seen = {one["text"] for one in old.details["cautions"] if one["kind"] in _GRAVE}
    grave = {one["text"] for one in new.details["cautions"] if one["kind"] in _GRAVE}
    was, now = (point(known_of(row).call.location) for row in (old, new))
    moved = is_far(was, now, settings.MATERIAL_MOVE_METRES)
    return bool(old.details["address"] != new.details["address"] or moved or grave - seen)
