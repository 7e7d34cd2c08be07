"""HSDS comes in: what was read becomes rows, all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.audit.services import Actor
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.referrals.directory import hsds
from apps.referrals.directory.hsds import Entry
from apps.referrals.models import Location, Organization, Service, ServiceAtLocation
from apps.referrals.models.directory import ServiceQuerySet
from apps.referrals.services.directory.entries import audit, lock_directory, publish_services

Row = Organization | Location | Service | ServiceAtLocation

# In the order in which they are needed by each other.
_MODELS: Mapping[str, Any] = {
    hsds.ORGANIZATION: Organization,
    hsds.LOCATION: Location,
    hsds.SERVICE: Service,
    hsds.AT_LOCATION: ServiceAtLocation,
}
# What an entry belongs to: kind, and whether it must.
_LINKS: Mapping[str, Mapping[str, bool]] = {
    hsds.ORGANIZATION: {},
    hsds.LOCATION: {hsds.ORGANIZATION: False},
    hsds.SERVICE: {hsds.ORGANIZATION: True},
    hsds.AT_LOCATION: {hsds.SERVICE: True, hsds.LOCATION: True},
}
# Most errors that are told at once.
_MOST_ERRORS = 200


@dataclass
class Imported:
    """How many entries of each kind are new, have changed, or stand as they were. `doubts` name
    what is kept, but of no use."""

    created: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    same: dict[str, int] = field(default_factory=dict)
    doubts: Sequence[FieldError] = ()


@transaction.atomic
def import_hsds(*, payload: Any, by: Actor, now: datetime) -> Imported:
    """Adds and changes the entries that an HSDS payload names, by their ids; the same again changes
    nothing. What it does not name stays, and so does what an entry leaves out.

    ProblemError (INVALID) with each field that is wrong; then nothing is changed.
    """
    found = hsds.read(payload)
    if found.errors:
        raise ProblemError(INVALID, errors=found.errors[:_MOST_ERRORS])
    lock_directory()
    work = _Import(by, now)
    for kind, entries in found.entries.items():
        work.take(kind, entries)
    publish_services(work.services(), now=now)
    work.told.doubts = found.doubts
    return work.told


class _Import:
    """One import under the lock: `touched` are the ids of what is new or has changed, by kind."""

    def __init__(self, by: Actor, now: datetime) -> None:
        self.by, self.now = by, now
        self.told = Imported()
        self.touched: dict[str, list[UUID]] = {}

    def take(self, kind: str, entries: Mapping[UUID, Entry]) -> None:
        """The entries of one kind; what they belong to is there by now."""
        known = _MODELS[kind].objects.in_bulk(list(entries))
        errors: list[FieldError] = []
        created: list[Row] = []
        changed: list[Row] = []
        for entry in entries.values():
            row = known.get(entry.id)
            before = row and _state(row)
            row = row or _MODELS[kind](pk=entry.id)
            errors += _fill(kind, row, entry)
            if before is None:
                created.append(row)
            elif _state(row) != before:
                changed.append(row)
        if errors:
            raise ProblemError(INVALID, errors=errors[:_MOST_ERRORS])
        for row in (*created, *changed):
            row.save()
        self.told.created[kind], self.told.changed[kind] = len(created), len(changed)
        self.told.same[kind] = len(entries) - len(created) - len(changed)
        self.touched[kind] = [row.pk for row in (*created, *changed)]
        audit(self.by, "create", kind, [row.pk for row in created], self.now)
        audit(self.by, "update", kind, [row.pk for row in changed], self.now)

    def services(self) -> ServiceQuerySet:
        """The services that are, or belong to, something that is new or has changed."""
        at = ServiceAtLocation.objects.filter(pk__in=self.touched[hsds.AT_LOCATION])
        ids = {*self.touched[hsds.SERVICE], *at.values_list("service_id", flat=True)}
        near = Service.objects.touching(
            organizations=self.touched[hsds.ORGANIZATION], locations=self.touched[hsds.LOCATION]
        )
        return Service.objects.filter(pk__in={*ids, *near.values_list("pk", flat=True)})


def _fill(kind: str, row: Row, entry: Entry) -> list[FieldError]:
    """Puts an entry into its row. What a column holds now is not in `rest` any more."""
    for name, value in entry.values.items():
        setattr(row, name, value)
    said = {name for name, value in entry.values.items() if value is not None}
    row.rest = {
        name: value for name, value in {**row.rest, **entry.rest}.items() if name not in said
    }
    errors = [*_linked(kind, row, entry)]
    if isinstance(row, Service):
        least, most = row.minimum_age, row.maximum_age
        if least is not None and most is not None and least > most:
            detail = "Not below the minimum_age that is known."
            errors.append(FieldError(f"{entry.pointer}/maximum_age", detail))
    return errors


def _linked(kind: str, row: Row, entry: Entry) -> list[FieldError]:
    errors = []
    for to, must in _LINKS[kind].items():
        id = entry.links.get(to)
        if id is not None and _MODELS[to].objects.filter(pk=id).exists():
            setattr(row, f"{to}_id", id)
        elif must and getattr(row, f"{to}_id") is None:
            errors.append(FieldError(f"{entry.pointer}/{to}", f"Which {to}? It is not known."))
    return errors


def _state(row: Row) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if name != "_state"}
