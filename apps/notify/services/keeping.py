"""Hours of teams, and where our own people are reached."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from apps.audit.services import Actor, record
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.notify import channels
from apps.notify.addresses import wrong_address
from apps.notify.hours import Hours, never_told
from apps.notify.models import ContactPoint, TeamHours


@transaction.atomic
def save_hours(*, hours: TeamHours, by: Actor, now: datetime) -> TeamHours:
    """Gives a team hours of its own, or changes them. They hold for what waits, too: it is judged
    anew when it is due.

    INVALID: a zone that is none, a shift that is quiet from its beginning to its end.
    """
    if error := wrong_hours(hours):
        raise ProblemError(INVALID, errors=[error])
    action = "create" if hours._state.adding else "update"
    hours.save()
    detail = {
        "time_zone": hours.time_zone,
        "shift": f"{hours.opens:%H:%M}-{hours.closes:%H:%M}",
        "quiet": f"{hours.quiet_from:%H:%M}-{hours.quiet_until:%H:%M}",
    }
    _audit(by, action, hours, now, detail)
    return hours


def wrong_hours(hours: TeamHours) -> FieldError | None:
    """What is wrong with a team's hours; None: nothing."""
    try:
        zone = ZoneInfo(hours.time_zone)
    except (KeyError, ValueError, OSError):
        return FieldError("/time_zone", "The name of a time zone, such as America/Los_Angeles.")
    told = Hours(
        zone=zone,
        opens=hours.opens,
        closes=hours.closes,
        quiet_from=hours.quiet_from,
        quiet_until=hours.quiet_until,
    )
    if never_told(told):
        return FieldError("/quiet_from", "The whole shift is quiet: nobody would ever be told.")
    return None


@transaction.atomic
def save_contact_point(*, point: ContactPoint, by: Actor, now: datetime) -> ContactPoint:
    """Notes where a person is reached by a channel, or changes it. INVALID for what is no address
    of the channel, or of one by which nothing is sent from here. The audit entry does not hold the
    address."""
    if error := wrong_point(point):
        raise ProblemError(INVALID, errors=[error])
    action = "create" if point._state.adding else "update"
    point.save()
    detail = {
        "channel": point.channel,
        "from_level": point.from_level,
        "active": point.is_active,
    }
    _audit(by, action, point, now, detail)
    return point


def wrong_point(point: ContactPoint) -> FieldError | None:
    """What keeps a person from being reached there; None: nothing. One that is put aside may be of
    a channel that is no more."""
    if point.is_active and point.channel not in channels.usable():
        return FieldError("/channel", "Nothing is sent this way from here.")
    wrong = wrong_address(point.channel, point.address)
    return FieldError("/address", wrong) if wrong else None


def _audit(
    by: Actor, action: str, row: TeamHours | ContactPoint, now: datetime, detail: dict[str, Any]
) -> None:
    subject = "team_hours" if isinstance(row, TeamHours) else "contact_point"
    record(
        actor=by, action=action, subject_type=subject, subject_ids=[row.pk], now=now, detail=detail
    )
