"""What the directory says of a service for this referral: whether it takes the person, is open, has
room. Flags for the responder, never a refusal: whoever is at the door knows better.

The rule is that of the tablet without a network (`directory.fit`); here it is asked once more, with
what the server knows, at the moment when the partner is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.core import clock
from apps.people.models import Person
from apps.referrals.codes import USED_FOR
from apps.referrals.directory import documents
from apps.referrals.directory.fit import Ask, Fit, fit, has_room, is_open, rank
from apps.referrals.models import Capacity, Referral, Service


@dataclass(frozen=True)
class Checked:
    """None: the directory does not say. `flags` are the codes of what is against it, or not known,
    each after `check:`."""

    is_open: bool | None = None
    has_capacity: bool | None = None
    flags: tuple[str, ...] = ()


def check(row: Referral, service_id: UUID | None, *, now: datetime) -> Checked:
    """What the directory says of a service now. Nothing of one that it does not know."""
    service = Service.objects.whole().filter(pk=service_id).first() if service_id else None
    if service is None:
        return Checked()
    capacity = Capacity.objects.latest_of([service.pk]).get(service.pk)
    zone = clock.city()
    body = documents.service(service, capacity, now=now, zone=zone).body
    assert body is not None, "a service is published whole"
    day = now.astimezone(zone).date()
    found = fit(body, Ask(at=now, day=day, person=person_of(row, year=day.year)))
    return Checked(
        is_open=is_open(body, found.place, now),
        has_capacity=has_room(body, now) if capacity else None,
        flags=tuple(f"check:{reason}" for reason in found.reasons),
    )


def fitting(row: Referral, partners: Collection[UUID], *, now: datetime) -> list[UUID]:
    """Those of these partners that have a service for one of the needs that does not refuse this
    person now, the best first."""
    needs = row.content.get("needs") or ()
    uses = {USED_FOR[need] for need in needs if need in USED_FOR}
    rows = (
        Service.objects.whole()
        .offered()
        .filter(organization__partner__in=partners, used_for__in=uses)
    )
    services = list(rows)
    capacities = Capacity.objects.latest_of([one.pk for one in services])
    zone = clock.city()
    day = now.astimezone(zone).date()
    ask = Ask(at=now, day=day, person=person_of(row, year=day.year))
    best: dict[UUID, Fit] = {}
    for one in services:
        body = documents.service(one, capacities.get(one.pk), now=now, zone=zone).body
        assert body is not None, "a service is published whole"
        found, partner = fit(body, ask), one.organization.partner_id
        assert partner is not None, "only those of partners were read"
        if found.answer != "no" and (partner not in best or rank(found) < rank(best[partner])):
            best[partner] = found
    return sorted(best, key=lambda partner: (rank(best[partner]), partner))


def person_of(row: Referral, *, year: int) -> dict[str, Any]:
    """What is known of the person by the names that a service's conditions are about. What is not
    known is left out."""
    person = Person.objects.met_in(row.encounter_id)
    return conditions_of(person.content, year=year) if person else {}


def conditions_of(content: Mapping[str, Any], *, year: int) -> dict[str, Any]:
    """Of a person's record, by the names that conditions are about. Pure.

    >>> conditions_of({"birth_year": 1980, "animals": "a dog"}, year=2026)
    {'age': 46, 'pets': True}
    """
    born, about = content.get("birth_year"), content.get("approximate_age")
    found: dict[str, Any] = {}
    if isinstance(born, int):
        found["age"] = year - born
    elif isinstance(about, int):
        found["age"] = about
    if content.get("sex") in {"9919001", "9919003"}:
        found["sex"] = content["sex"]
    if content.get("animals"):
        found["pets"] = True
    return found
