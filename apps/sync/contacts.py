"""A tablet's request as a contact: its local database, its clock, and that it was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import InternalError
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework.request import Request

from apps.accounts import services as accounts
from apps.accounts.auth import TabletSession
from apps.accounts.models import LocalDatabase
from apps.core.problems import CONFLICT, ProblemError
from apps.sync.headers import measure_clock, parse_followed, parse_instance, seen_seq
from apps.sync.projection import parse_version
from apps.sync.registry import Contact


def of_request(request: Request, *, now: datetime) -> Contact:
    """The contact of an authenticated tablet's request.

    ProblemError where `Sync-Instance` is missing, or belongs to another tablet.
    """
    session = request.auth
    assert isinstance(session, TabletSession)  # the view lets tablets in, and nobody else
    instance = parse_instance(request.headers.get("Sync-Instance"))
    schema = parse_version(request.headers.get("Sync-Schema"))
    contact = meet(session, instance, request.headers.get("Sync-Clock"), schema=schema, now=now)
    return replace(
        contact,
        followed=parse_followed(request.headers.get("Sync-Followed")),
        seen_seq=seen_seq(request.headers.get("Sync-Seen")),
    )


def meet(
    session: TabletSession,
    instance: UUID,
    clock_header: str | None,
    *,
    schema: int = 1,
    now: datetime,
) -> Contact:
    """Makes the local database known at its first contact, and notes that the tablet was here."""
    owner = LocalDatabase.objects.filter(pk=instance).values_list("tablet_id", flat=True).first()
    if owner is None:
        accounts.register_local_database(tablet=session.tablet, instance=instance, now=now)
    elif owner != session.tablet.pk:
        raise ProblemError(
            CONFLICT,
            "Sync-Instance belongs to another tablet. Make a new local database with a new id.",
        )
    clock = measure_clock(clock_header, now=now)
    try:
        accounts.note_contact(
            tablet=session.tablet, clock_offset_ms=clock.offset_ms if clock else None, now=now
        )
    except InternalError as error:
        if not isinstance(error.__cause__, ReadOnlySqlTransaction):
            raise
        # A standby notes nothing. What it may serve, and whether it lags, is told further on.
    return Contact(
        session,
        instance,
        clock.offset_ms if clock else None,
        clock.uncertainty_ms if clock else None,
        schema,
    )
