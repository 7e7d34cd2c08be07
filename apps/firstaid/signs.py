"""When somebody last got naloxone: for rules of other rooms (`people.signs`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from apps.firstaid.doses import doses
from apps.firstaid.models import NaloxoneDose
from apps.people.ids import ordinal_of


def dose_signs(encounters: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """The time of the last dose of naloxone of each encounter in which somebody got one; where
    nobody knows when, that of its coming. What names an encounter of another assignment is nothing
    of it."""
    named = NaloxoneDose.objects.filter(encounter_id__in=list(encounters))
    places = named.values_list("assignment_id", "encounter_id").distinct()
    calls = {call for call, encounter in places if call and ordinal_of(encounter, call)}
    if not calls:
        return {}
    found: dict[UUID, dict[str, Any]] = {}
    # Read from whole assignments: a correction may say that it was for somebody else.
    for dose in doses(NaloxoneDose.objects.filter(assignment_id__in=calls)):
        if dose.encounter_id is not None and dose.gave_naloxone:
            at = dose.at or dose.received_at
            last = found.get(dose.encounter_id, {}).get("dose_at", at)
            found[dose.encounter_id] = {"dose_at": max(at, last)}
    return found
