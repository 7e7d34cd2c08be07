"""A watch over the city's overdoses: many near each other alert the supervisors.

It looks at what stands, every minute, so that it does not matter in which order doses arrive, or
that two arrive at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.assignments.models import Alert, AlertKind, Assignment
from apps.assignments.services import raise_alert
from apps.firstaid.doses import Dose, dose_of, doses
from apps.firstaid.models import NaloxoneDose
from apps.firstaid.spikes import Limits, Overdose, Point, metres_between, spikes

_WATCH_LOCK: Final = 7322  # class of advisory locks; see apps.changes.services


@transaction.atomic
def watch_for_spikes(*, now: datetime) -> int:
    """Alerts the supervisors of overdoses near each other. Returns how many alerts were raised.

    One that was told of the same place within the time is not told again: it is known by the doses
    of the call that its alert names. Two ticks at once: the second waits, and finds the first one's
    alert.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, 0)", [_WATCH_LOCK])
    limits = Limits(
        settings.SPIKE_OVERDOSES, settings.SPIKE_METRES, timedelta(hours=settings.SPIKE_HOURS)
    )
    since = now - limits.within
    known = Alert.objects.filter(kind=AlertKind.OVERDOSE_SPIKE, raised_at__gte=since)
    told = _told({row.assignment_id for row in known if row.assignment_id})
    raised = 0
    for group in spikes(overdoses_since(since), limits):
        latest = group[0]
        if any(metres_between(latest.where, place) <= limits.metres for place in told):
            continue
        counted = {
            "overdoses": len(group),
            "metres": limits.metres,
            "hours": settings.SPIKE_HOURS,
        }
        if _raise(group, counted, now):
            told.append(latest.where)
            raised += 1
    return raised


def _raise(group: Sequence[Overdose], counted: Mapping[str, float], now: datetime) -> bool:
    """Tells of the latest overdose whose call is here: one that comes later keeps no alert back."""
    return any(
        raise_alert(
            kind=AlertKind.OVERDOSE_SPIKE,
            assignment_id=one.assignment_id,
            counted=counted,
            now=now,
        )
        for one in group
    )


def _told(cases: set[UUID]) -> list[Point]:
    """The places that alerts about these assignments were about: where each dose of theirs was, as
    groups are made of it. One that was corrected since counts as it was too: its alert was told."""
    places = _places(cases)
    found = []
    for row in NaloxoneDose.objects.filter(assignment_id__in=cases):
        assert row.assignment_id is not None, "only those of assignments were read"
        found.append(_point(dose_of(row).position) or places.get(row.assignment_id))
    return [place for place in found if place]


def overdoses_since(since: datetime) -> list[Overdose]:
    """The overdoses whose first dose was given at or after this time, as the doses stand now. Those
    of which nobody knows where they were are left out."""
    fresh = NaloxoneDose.objects.filter(received_at__gte=since)
    cases = {id for id in fresh.values_list("assignment_id", flat=True) if id}
    places = _places(cases)
    first: dict[UUID, Dose] = {}
    for dose in _given(cases):
        if dose.encounter_id:
            first.setdefault(dose.encounter_id, dose)
    found = []
    for encounter_id, dose in first.items():
        assert dose.assignment_id is not None, "only those of assignments were read"
        where = _point(dose.position) or places.get(dose.assignment_id)
        at = dose.at or dose.received_at
        if where and at >= since:
            found.append(Overdose(encounter_id, dose.assignment_id, at, where))
    return found


def _given(cases: set[UUID]) -> Iterator[Dose]:
    rows: dict[UUID, list[NaloxoneDose]] = {}
    for row in NaloxoneDose.objects.filter(assignment_id__in=cases).order_by("order"):
        if row.assignment_id:
            rows.setdefault(row.assignment_id, []).append(row)
    for of_one in rows.values():
        yield from (dose for dose in doses(of_one) if dose.gave_naloxone)


def _places(cases: set[UUID]) -> dict[UUID, Point]:
    """Where the assignments' calls are, as far as that is known."""
    found = {}
    for row in Assignment.objects.filter(pk__in=cases).select_related("incident"):
        if point := _point(row.incident.details.get("location")):
            found[row.pk] = point
    return found


def _point(where: Mapping[str, Any] | None) -> Point | None:
    if not isinstance(where, Mapping):
        return None
    lat, lon = where.get("lat"), where.get("lon")
    for number, most in ((lat, 90), (lon, 180)):
        if isinstance(number, bool) or not isinstance(number, int | float) or abs(number) > most:
            return None
    return Point(float(lat), float(lon))  # type: ignore[arg-type]  # checked above
