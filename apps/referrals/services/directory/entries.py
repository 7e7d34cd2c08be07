"""Entries of the directory are added and changed, and told to the tablets.

Whoever changes an entry takes the directory's one lock first: a document is made of four tables.

1. A supervisor gives a service new hours while an import moves it to another place.
2. Each would publish the document as it sees it, without the other's uncommitted row, and the later
   one would stand.
3. With the lock the second reads what the first has committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.audit.services import Actor, record
from apps.changes.services import Document
from apps.core import clock
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.dispatch.services import publish_reference
from apps.referrals.directory import codes, documents
from apps.referrals.models import Capacity, Location, Organization, Service, ServiceAtLocation
from apps.referrals.models.directory import ServiceQuerySet

_DIRECTORY_LOCK: Final = 7331  # class of advisory locks; see apps.changes.services


def lock_directory() -> None:
    """Waits until nobody else changes the directory; held to the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, 0)", [_DIRECTORY_LOCK])


@transaction.atomic
def save_organization(*, organization: Organization, by: Actor, now: datetime) -> Organization:
    """Adds or changes an organisation, and tells the tablets of its services."""
    lock_directory()
    _save(organization, "organization", by, now)
    publish_services(Service.objects.touching(organizations=[organization.pk]), now=now)
    return organization


@transaction.atomic
def save_location(*, location: Location, by: Actor, now: datetime) -> Location:
    """Adds or changes a location, and tells the tablets of the services there. INVALID for half a
    position."""
    if (location.latitude is None) != (location.longitude is None):
        raise ProblemError(INVALID, errors=[FieldError("/longitude", "Both, or neither.")])
    lock_directory()
    _save(location, "location", by, now)
    publish_services(Service.objects.touching(locations=[location.pk]), now=now)
    return location


@transaction.atomic
def save_service(*, service: Service, by: Actor, now: datetime) -> Service:
    """Adds or changes a service, and tells the tablets. INVALID for codes that are none of ours."""
    if unknown := sorted(set(service.criteria) - codes.CRITERIA.keys()):
        detail = f"No code of ours: {', '.join(unknown)}."
        raise ProblemError(INVALID, errors=[FieldError("/criteria", detail)])
    lock_directory()
    _save(service, "service", by, now)
    publish_services(Service.objects.filter(pk=service.pk), now=now)
    return service


@transaction.atomic
def save_at_location(*, at: ServiceAtLocation, by: Actor, now: datetime) -> ServiceAtLocation:
    """Says that a service is at a location, or something else about that; tells the tablets."""
    lock_directory()
    before = ServiceAtLocation.objects.filter(pk=at.pk).values_list("service_id", flat=True)
    touched = {*before, at.service_id}
    _save(at, "service_at_location", by, now)
    publish_services(Service.objects.filter(pk__in=touched), now=now)
    return at


@transaction.atomic
def verify_service(*, service: Service, assurer_email: str, by: Actor, now: datetime) -> Service:
    """Somebody has looked at the whole entry, and it is right as of today."""
    lock_directory()
    row = Service.objects.get(pk=service.pk)
    row.assured_date, row.assurer_email = city_day(now), assurer_email
    row.save(update_fields=["assured_date", "assurer_email"])
    record(actor=by, action="verify", subject_type="service", subject_ids=[row.pk], now=now)
    publish_services(Service.objects.filter(pk=row.pk), now=now)
    return row


@transaction.atomic
def tell_directory(*, now: datetime) -> int:
    """Tells the tablets the hours of a further week, once one is over. Returns how many entries
    differed from what tablets have. Idempotent."""
    lock_directory()
    return publish_services(Service.objects.all(), now=now)


def publish_services(services: ServiceQuerySet, *, now: datetime) -> int:
    """Publishes those of these services that differ from what tablets have; how many did. Part of
    the caller's transaction, which holds `lock_directory`."""
    return publish_reference(list(documents_of(services, now=now)), now=now)


def documents_of(services: ServiceQuerySet, *, now: datetime) -> Iterator[Document]:
    """The services as tablets know them."""
    rows = list(services.whole().order_by("pk"))
    told = Capacity.objects.latest_of([row.pk for row in rows])
    for row in rows:
        yield documents.service(row, told.get(row.pk), now=now, zone=clock.city())


def service_documents() -> Iterable[Document]:
    """All of them, for `manage.py load_reference`."""
    return documents_of(Service.objects.all(), now=clock.now())


def city_day(now: datetime) -> date:
    """The city's day."""
    return now.astimezone(clock.city()).date()


def _save(
    row: Organization | Location | Service | ServiceAtLocation,
    kind: str,
    by: Actor,
    now: datetime,
) -> None:
    action = "create" if row._state.adding else "update"
    row.save()
    audit(by, action, kind, [row.pk], now)


def audit(by: Actor, action: str, kind: str, ids: list[UUID], now: datetime) -> None:
    """Who changed which entries."""
    record(actor=by, action=action, subject_type=kind, subject_ids=ids, now=now)
