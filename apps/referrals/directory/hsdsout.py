"""Entries as HSDS 3.0 JSON, in the three whole forms of the specification.

Built from rows that were read before (`OrganizationQuerySet.whole`).
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from apps.referrals.directory import hsds, ours

if TYPE_CHECKING:
    from apps.referrals.models import Location, Organization, Service, ServiceAtLocation


def organization(row: Organization, *, services: bool = True) -> dict[str, Any]:
    """An organisation with its locations and, unless it is itself part of a service, services."""
    return _said(
        hsds.ORGANIZATION,
        row,
        locations=[location(one) for one in row.locations.all()],
        services=[service(one, of_organization=True) for one in row.services.all()]
        if services
        else [],
    )


def service(
    row: Service, *, of_organization: bool = False, at_location: bool = False
) -> dict[str, Any]:
    """A service with its organisation and its locations, without what it is itself part of."""
    said = _said(
        hsds.SERVICE,
        row,
        organization=None if of_organization else organization(row.organization, services=False),
        service_at_locations=[]
        if at_location
        else [service_at_location(one, of_service=True) for one in row.at_locations.all()],
    )
    added = ours.attributes(
        row.pk, {"used_for": row.used_for, "reach": row.reach, "criteria": row.criteria}
    )
    if added:
        said["attributes"] = [*(said.get("attributes") or []), *added]
    return said


def service_at_location(row: ServiceAtLocation, *, of_service: bool = False) -> dict[str, Any]:
    """A service at a location, with both."""
    return _said(
        hsds.AT_LOCATION,
        row,
        location=location(row.location),
        service=None if of_service else service(row.service, at_location=True),
    )


def location(row: Location) -> dict[str, Any]:
    """A location by itself."""
    return _said(hsds.LOCATION, row)


def _said(kind: str, row: Any, **within: Any) -> dict[str, Any]:
    """What is known of a row. What is known to be empty (`rest`) says so."""
    columns = {name: _json(getattr(row, name)) for name in hsds.columns_of(kind)}
    known = {name: value for name, value in {**columns, **within}.items() if _says(value)}
    return {"id": str(row.pk), **row.rest, **known}


def _says(value: Any) -> bool:
    return value not in (None, "", [])


def _json(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
