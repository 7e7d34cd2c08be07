"""What the field tells of a service is recorded: wrong data, calls for a bed, arrivals, handovers.

Each once, as it was told. Who tells something of a call takes the assignment's locks, as in every
room: see `assignments.records`. A report follows no call: who tells one takes the directory's lock,
which in a push of many comes before those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.auth import TabletSession
from apps.accounts.models import User
from apps.accounts.services import tablet_actor
from apps.assignments.codes import NOT_HERE_YET
from apps.assignments.models import Assignment
from apps.assignments.records import lock_all, lock_arrivals
from apps.assignments.services import NotYours, crewed, spoken_for
from apps.audit.services import record
from apps.changes.services import LARGEST_PUBLICATION, Document, Event, publish
from apps.core.problems import FieldError
from apps.dispatch.models import Unit
from apps.people.ids import encounter_id
from apps.referrals.directory import codes, facilityfacts
from apps.referrals.directory.facilityfacts import Told
from apps.referrals.models import FacilityFact, FacilityFactKind, Service
from apps.referrals.services.directory.entries import lock_directory
from apps.referrals.services.directory.seeing import is_here, scopes_of
from apps.referrals.services.directory.watching import join_report
from apps.sync.registry import Refused


@dataclass(frozen=True)
class Arrival:
    """Somebody is on the way to a service, or no longer (`cancelled`). Nothing says who."""

    id: UUID
    service_id: UUID
    partner_id: UUID | None
    expected_at: datetime | None
    cancelled: bool


@transaction.atomic
def record_fact(*, told: Told, session: TabletSession, now: datetime) -> FacilityFact | None:
    """Takes one fact about a service. None: it is here already. Refused for whoever was not on the
    crew of its assignment, and a report that names no service of the directory."""
    assignment_id = told.ids["assignment_id"]
    if told.kind == FacilityFactKind.REPORT:
        lock_directory()
    elif assignment_id is not None:
        lock_all([assignment_id])
        lock_arrivals([assignment_id])
    if FacilityFact.objects.filter(pk=told.id).exists():
        return None
    author = session.user
    assert author is not None, "the edge lets nobody through who is not signed in"
    service_id = told.ids["service_id"]
    service = Service.objects.filter(pk=service_id).first() if service_id else None
    row = _fresh(told, author, service, now)
    row.save(force_insert=True)
    if row.kind == FacilityFactKind.REPORT:
        assert service is not None, "a report of none was refused"
        about = str(told.data.get("about"))
        about = about if about in codes.REPORT_ABOUT else "other"
        join_report(fact=row, service=service, about=about, now=now)
    shown = facilityfacts.document(row, to=scopes_of(row), here=is_here(row))
    publish(documents=[shown], events=_events(row, service), now=now)
    record(
        actor=tablet_actor(session.tablet, author),
        action="record",
        subject_type="facility_fact",
        subject_ids=[row.pk],
        now=now,
        detail={"kind": row.kind, "assignment": str(assignment_id or "")},
    )
    return row


def follow_assignment(*, assignment_id: UUID, now: datetime) -> None:
    """Shows what was told for somebody on an assignment to whoever has the call now. Part of the
    caller's transaction; idempotent."""
    lock_arrivals([assignment_id])
    rows = FacilityFact.objects.of(assignment_id).exclude(kind=FacilityFactKind.REPORT)
    found = []
    for row in rows.select_related("author", "unit"):
        to = scopes_of(row)
        if NOT_HERE_YET in row.flags and is_here(row):
            found.append(facilityfacts.document(row, to=to, here=True))
        else:
            found.append(Document("facts", row.pk, to))
    for start in range(0, len(found), LARGEST_PUBLICATION):
        publish(documents=found[start : start + LARGEST_PUBLICATION], now=now)


def arrival_of(notice_id: UUID) -> Arrival | None:
    """An announced arrival as it stands, by the id of its first notice. None where there is none,
    or nobody in the directory is to be told."""
    first = FacilityFact.objects.filter(pk=notice_id, kind=FacilityFactKind.ARRIVAL).first()
    if first is None or first.service_id is None:
        return None
    service = Service.objects.select_related("organization").filter(pk=first.service_id).first()
    if service is None:
        return None
    later = FacilityFact.objects.filter(
        kind=FacilityFactKind.ARRIVAL, corrects=first.pk, assignment_id=first.assignment_id
    )
    stands = later.order_by("order").last() or first
    return Arrival(
        first.pk,
        service.pk,
        service.organization.partner_id,
        stands.until,
        bool(stands.data.get("withdrawn")),
    )


def _fresh(told: Told, author: User, service: Service | None, now: datetime) -> FacilityFact:
    flags = set(told.flags)
    if service is None:
        if told.kind == FacilityFactKind.REPORT:
            raise Refused([FieldError("/service_id", "Which service of the directory?")])
        flags.add("service_unknown")
    assignment_id = told.ids["assignment_id"]
    unit, here = _spoken_for(assignment_id, author, now)
    if assignment_id is not None and not here:
        flags.add(NOT_HERE_YET)
    encounter = told.ids["encounter_id"]
    if encounter is None and assignment_id is not None and told.kind != FacilityFactKind.REPORT:
        encounter = encounter_id(assignment_id)
    return FacilityFact(
        id=told.id,
        kind=told.kind,
        **{**told.ids, "encounter_id": encounter},
        until=told.until,
        device=told.stamp.device,
        counter=told.stamp.counter,
        edit_no=told.stamp.edit_no,
        device_time=told.stamp.device_time,
        clock_offset_ms=told.stamp.clock_offset_ms,
        clock_uncertainty_ms=told.stamp.clock_uncertainty_ms,
        received_at=now,
        author=author,
        unit=unit,
        flags=sorted(flags),
        data=dict(told.data),
        unread=dict(told.unread) if told.unread else None,
    )


def _spoken_for(
    assignment_id: UUID | None, author: User, now: datetime
) -> tuple[Unit | None, bool]:
    """The unit that the author speaks for, and whether the assignment is here."""
    case = None
    if assignment_id is not None:
        case = Assignment.objects.select_related("unit").filter(pk=assignment_id).first()
    if case is None:
        return crewed(author, now), False
    try:
        return spoken_for(case, author), True
    except NotYours:
        detail = "You are not on the crew of this assignment, and were not."
        raise Refused([FieldError("/assignment_id", detail)]) from None


def _events(row: FacilityFact, service: Service | None) -> list[Event]:
    """What a facility is told of an arrival, under the id of its first notice."""
    if row.kind != FacilityFactKind.ARRIVAL or service is None:
        return []
    of_it = FacilityFact.objects.filter(kind=row.kind, assignment_id=row.assignment_id)
    first = of_it.filter(pk=row.corrects).first() if row.corrects else None
    if first is None:
        return [Event("facility.arrival_noticed", row.pk)]
    if row.data.get("withdrawn"):
        return [Event("facility.arrival_cancelled", first.pk)]
    return [Event("facility.arrival_changed", first.pk)]
