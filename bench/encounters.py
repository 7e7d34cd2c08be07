"""Encounters to export: runs in the process of `bench.prepare`, which has the settings.

They are written in bulk, in the shape that the services give them: nobody's tablet is to hear of
them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import Client, User
from apps.assignments.models import Assignment, Fact
from apps.core import clock
from apps.core.ids import uuid7
from apps.dispatch import messages, services
from apps.dispatch.models import Incident
from apps.firstaid import codes
from apps.firstaid.models import FirstAidLog, NaloxoneDose
from apps.people.ids import encounter_id
from apps.people.models import Encounter
from bench.calls import PLAIN, call

_BATCH: Final = 500
_APART: Final = timedelta(minutes=1)
_TAPS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("acknowledged", {"call_revision": 1}),
    ("en_route", {}),
    ("on_scene", {}),
    ("contact_made", {}),
    ("cleared", {"disposition": "18"}),
)
_DOSE: Final = {
    "drug": codes.NALOXONE,
    "dose": 4,
    "dose_unit": codes.MILLIGRAMS,
    "route": codes.INTRANASAL,
    "given_by": codes.CARE,
    "response": codes.IMPROVED,
    "breathing_before": codes.GASPING,
    "breathing_after": codes.BREATHING_NORMALLY,
}
_AID: Final = {
    "given_by": codes.CARE,
    "injuries": ["overdose"],
    "procedures": [codes.OPEN_AIRWAY, codes.RECOVERY_POSITION],
    "vitals": {"pulse": 96, "respiratory_rate": 12},
    "level": "3326003",
}


def encounters(call_sign: str, count: int) -> dict[str, Any]:
    """So many calls that are over, a minute apart, each with somebody met, two doses and first aid.
    Answers with the time of the first one."""
    now = clock.now()
    message = messages.parse(PLAIN, call("B0001", call_sign, now))
    services.receive(call=message, client=Client.objects.get(), now=now)
    pattern = Assignment.objects.select_related("incident", "unit").latest("given_at")
    crew = User.objects.get(crews__unit=pattern.unit)
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        with transaction.atomic():
            _write(pattern, crew, [(number, now + number * _APART) for number in numbers])
    return {"since": now.isoformat()}


def _write(pattern: Assignment, crew: User, batch: list[tuple[int, datetime]]) -> None:
    like = pattern.incident
    incidents = [
        Incident(
            agency_id=like.agency_id,
            cad_number=f"E{number:07}",
            entry_kind=like.entry_kind,
            initial_call_type=like.initial_call_type,
            occurred_at=at,
            received_at=at,
            updated_at=at,
            details=like.details,
        )
        for number, at in batch
    ]
    rows = [
        Assignment(
            incident=incident,
            unit=pattern.unit,
            entry_kind=pattern.entry_kind,
            source=pattern.source,
            given_at=incident.occurred_at,
            state="closed",
            closing="cleared",
            closed_at=incident.occurred_at + timedelta(minutes=40),
        )
        for incident in incidents
    ]
    Incident.objects.bulk_create(incidents)
    Assignment.objects.bulk_create(rows)
    Fact.objects.bulk_create(
        Fact(event=event, data=data, **_act(row, crew, place))
        for row in rows
        for place, (event, data) in enumerate(_TAPS, 1)
    )
    met = [
        Encounter(
            id=encounter_id(row.pk),
            assignment_id=row.pk,
            opened_at=row.given_at,
            opened_by="timeline",
            content={},
        )
        for row in rows
    ]
    Encounter.objects.bulk_create(met)
    NaloxoneDose.objects.bulk_create(
        NaloxoneDose(data=_DOSE, **_act(row, crew, place)) for row in rows for place in (6, 7)
    )
    FirstAidLog.objects.bulk_create(FirstAidLog(data=_AID, **_act(row, crew, 8)) for row in rows)


def _act(row: Assignment, crew: User, place: int) -> dict[str, Any]:
    """The nth thing that was tapped on a call."""
    at = row.given_at + timedelta(minutes=place)
    return {
        "id": uuid7(),
        "assignment_id": row.pk,
        "device": crew.pk,
        "counter": place,
        "device_time": at,
        "clock_offset_ms": 0,
        "clock_uncertainty_ms": 50,
        "received_at": at,
        "author": crew,
        "unit": row.unit,
        "source": "tablet",
    }
