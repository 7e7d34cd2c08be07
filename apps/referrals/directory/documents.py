"""A service as tablets know it (collection `reference`, kind `service`).

It says in computed form what a client needs to answer "open now, takes this person, near here,
verified lately" without a rule of its own: hours as instants, admission as conditions that hold or
do not. Built from rows that were read before; nothing is queried here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from apps.changes.services import EVERYONE_SCOPE, Document
from apps.core.clock import iso
from apps.dispatch.referencekinds import REFERENCE
from apps.referrals.directory import codes
from apps.referrals.directory.hours import Period, periods
from apps.referrals.directory.schedules import openings_of, text_of

if TYPE_CHECKING:
    from apps.referrals.models import Capacity, Location, Service, ServiceAtLocation

KIND: Final = "service"
# Hours are told from the Monday of this week on. A tablet that heard nothing for so long says that
# it does not know; one that is in contact gets the next week's with the week.
HOURS_DAYS: Final = 28


def service(row: Service, capacity: Capacity | None, *, now: datetime, zone: ZoneInfo) -> Document:
    """A service with its places (`ServiceQuerySet.whole`), as of this week."""
    monday = _monday(now, zone)
    body = {
        "id": str(row.pk),
        "kind": KIND,
        "name": row.name,
        "organization_id": str(row.organization_id),
        "organization": row.organization.name,
        "partner_id": row.organization.partner_id and str(row.organization.partner_id),
        "used_for": row.used_for,
        "reach": row.reach,
        "status": row.status,
        "description": row.description,
        "alert": row.alert,
        "eligibility": row.eligibility_description,
        "minimum_age": row.minimum_age,
        "maximum_age": row.maximum_age,
        "criteria": row.criteria,
        "conditions": conditions(row.minimum_age, row.maximum_age, row.criteria),
        "steps": [code for code in codes.STEPS if code in row.criteria],
        "application": row.application_process,
        "wait": row.wait_time,
        "fees": row.fees_description,
        "interpretation": row.interpretation_services,
        "languages": names(row.languages),
        "phones": _phones((*row.phones, *row.organization.phones)),
        "assured_on": row.assured_date and row.assured_date.isoformat(),
        "assured_by": row.assurer_email,
        "hours_from": _minute(_midnight(monday, zone)),
        "hours_until": _minute(_midnight(monday + timedelta(days=HOURS_DAYS), zone)),
        "places": _places(row, monday, zone),
        "capacity": capacity and _capacity(capacity),
    }
    return Document(REFERENCE, row.pk, frozenset({EVERYONE_SCOPE}), body)


def conditions(
    least: float | None, most: float | None, criteria: Iterable[str]
) -> list[dict[str, Any]]:
    """What must hold of a person: `about` names what is known of them; it must be one of `only`, at
    least `least`, at most `most`. A client that knows the person checks it; whatever code it is."""
    found: list[dict[str, Any]] = []
    if least:
        found.append({"code": "too_young", "about": "age", "least": least})
    if most is not None:
        found.append({"code": "too_old", "about": "age", "most": most})
    found += [
        {"code": code, **codes.CONDITIONS[code]} for code in criteria if code in codes.CONDITIONS
    ]
    return found


def names(languages: Iterable[Mapping[str, Any]]) -> list[str]:
    """Languages by name, where HSDS gives one, else by code."""
    return [str(told) for one in languages if (told := one.get("name") or one.get("code"))]


def _places(row: Service, monday: date, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Where it is; one entry without a place for what is only reached by telephone, or comes."""
    found = [_place(row, one, monday, zone) for one in row.at_locations.all()]
    return found or [_hours(row.schedules, monday, zone)]


def _place(row: Service, at: ServiceAtLocation, monday: date, zone: ZoneInfo) -> dict[str, Any]:
    where: Location = at.location
    schedules = at.schedules or row.schedules or where.schedules
    access = (str(one["description"]) for one in where.accessibility if one.get("description"))
    return {
        "id": str(where.pk),
        "name": where.name,
        "address": _address(where.addresses),
        "lat": where.latitude,
        "lon": where.longitude,
        "transport": where.transportation,
        "accessibility": "\n".join(access),
        "languages": names(where.languages),
        "phones": _phones((*at.phones, *where.phones)),
        **_hours(schedules, monday, zone),
    }


def _hours(schedules: list[dict[str, Any]], monday: date, zone: ZoneInfo) -> dict[str, Any]:
    openings = openings_of(schedules)
    found: list[Period] | None = None
    if openings is not None:
        found = periods(openings, since=monday, days=HOURS_DAYS, zone=zone)
    return {
        "hours": text_of(schedules),
        "open": None if found is None else [[_minute(a), _minute(b)] for a, b in found],
    }


def _address(addresses: list[dict[str, Any]]) -> str:
    physical = [one for one in addresses if one.get("address_type") == "physical"]
    for one in physical or addresses[:1]:
        parts = ("attention", "address_1", "address_2", "city", "state_province", "postal_code")
        return ", ".join(str(one[name]) for name in parts if one.get(name))
    return ""


def _phones(phones: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in phones:
        number = str(one.get("number") or "")
        if one.get("extension"):
            number += f" x{one['extension']}"
        label = str(one.get("description") or one.get("type") or "")
        found.setdefault(number, {"number": number, "label": label})
    return list(found.values())


def _capacity(row: Capacity) -> dict[str, Any]:
    return {
        "status": row.status,
        "counted": row.counted,
        "total": row.total,
        "free": row.free,
        "waiting": row.waiting,
        "set_at": iso(row.set_at),
        "valid_until": iso(row.valid_until),
    }


def _monday(now: datetime, zone: ZoneInfo) -> date:
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday())


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _minute(at: datetime) -> str:
    """UTC to the minute: a hundred of them stand in each document."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
