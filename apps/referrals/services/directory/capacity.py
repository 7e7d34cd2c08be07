"""What is told of capacity. Each word is kept: whether it was true is asked later, of referrals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Partner, User
from apps.accounts.services import partner_actor, user_actor
from apps.audit.services import record
from apps.changes.services import Event, publish
from apps.core import clock
from apps.core.problems import INVALID, NOT_FOUND, FieldError, ProblemError
from apps.referrals.directory import codes
from apps.referrals.models import Capacity, CapacitySource, Service
from apps.referrals.services.directory.entries import lock_directory, publish_services

# Nobody knows more than a week ahead how many beds are free.
LONGEST_VALID: Final = timedelta(days=7)
MOST_PLACES: Final = 100_000


@transaction.atomic
def set_capacity(
    *,
    service_id: UUID,
    status: str,
    counted: str = "beds",
    total: int | None = None,
    free: int | None = None,
    waiting: int | None = None,
    valid_until: datetime | None = None,
    by: Partner | User,
    id: UUID | None = None,
    now: datetime,
) -> Capacity:
    """Says whether a service has room, and until when that is to be believed (None: as long as the
    setting says). By a partner for its own services alone: NOT_FOUND for any other; or by a desk,
    to whom they told it. INVALID for what cannot be. The same `id` again is the row that is there.
    """
    services = Service.objects.all()
    if isinstance(by, Partner):
        services = services.of_partner(by)
    service = services.filter(pk=service_id).first()
    if service is None:
        raise ProblemError(NOT_FOUND)
    lock_directory()
    known = Capacity.objects.filter(pk=id, service=service).first() if id else None
    if known is not None:
        return known
    row = Capacity(
        **({"id": id} if id else {}),
        service=service,
        status=status,
        counted=counted,
        total=total,
        free=free,
        waiting=waiting,
        set_at=now,
        valid_until=valid_until or now + clock.domain(settings.CAPACITY_VALID_SECONDS),
        source=CapacitySource.PARTNER if isinstance(by, Partner) else CapacitySource.DESK,
        by_desk=by if isinstance(by, User) else None,
    )
    if errors := list(_wrong(row)):
        raise ProblemError(INVALID, errors=errors)
    row.save(force_insert=True)
    publish(events=[Event("capacity.set", service.pk)], now=now)
    publish_services(Service.objects.filter(pk=service.pk), now=now)
    record(
        actor=user_actor(by) if isinstance(by, User) else partner_actor(by),
        action="set-capacity",
        subject_type="service",
        subject_ids=[service.pk],
        now=now,
        detail={"status": status},
    )
    return row


def _wrong(row: Capacity) -> Iterator[FieldError]:
    if row.status not in codes.CAPACITY_STATUSES:
        yield FieldError("/status", f"One of {', '.join(codes.CAPACITY_STATUSES)}.")
    if row.counted not in codes.CAPACITY_UNITS:
        yield FieldError("/counted", f"One of {', '.join(codes.CAPACITY_UNITS)}.")
    for name in ("total", "free", "waiting"):
        number = getattr(row, name)
        if number is not None and not 0 <= number <= MOST_PLACES:
            yield FieldError(f"/{name}", f"From 0 to {MOST_PLACES:,}.")
    if row.total is not None and row.free is not None and row.free > row.total:
        yield FieldError("/free", "Not more than there are in all.")
    if row.status in {codes.NO_CAPACITY, codes.WAITLIST} and row.free:
        yield FieldError("/free", "There is no capacity, so none is free.")
    if row.status == codes.HAS_CAPACITY and row.free == 0:
        yield FieldError("/free", "There is capacity: say how many are free, or leave it out.")
    if not row.set_at < row.valid_until <= row.set_at + LONGEST_VALID:
        yield FieldError("/valid_until", "Later than now, and within seven days.")
