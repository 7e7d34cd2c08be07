"""What reactions lock of follow-ups, on the rungs of docs/adr/0030."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Q

from apps.assignments.locks import locks_of_arrivals
from apps.changes.locks import Lock, Rung, each
from apps.changes.published import Event
from apps.dispatch.models import CrewMember, Unit
from apps.followups.models import FollowUp
from apps.followups.records import locks_of
from apps.people.ids import encounter_id
from apps.people.locks import calls_of
from apps.people.models import Encounter


def locks_of_all(events: Sequence[Event]) -> set[Lock]:
    """Of what has happened to assignments, encounters, persons and follow-ups: all that is known of
    whoever was met. One circle for all of them."""
    of: dict[str, set[UUID]] = {}
    for event in events:
        of.setdefault(event.name.partition(".")[0], set()).add(event.subject)
    calls, persons = of.pop("assignment", set()), of.pop("person", set())
    made = {event.subject for event in events if event.name == "follow_up.reopened"}
    encounters = set[UUID]().union(*of.values()) - made
    met = Encounter.objects.filter(assignment_id__in=calls).values_list("pk", flat=True)
    # The first one may be opened by what has happened.
    circle = locks_of(
        follow_ups=made,
        encounters={*encounters, *met, *map(encounter_id, calls)},
        persons=persons,
    )
    every = calls | (calls_of(encounters) if encounters else set())
    return circle | locks_of_arrivals(every) | each(Rung.PLANS, every)


def locks_of_shown(events: Sequence[Event]) -> set[Lock]:
    """Of assignments that others have now."""
    return locks_of_arrivals(_subjects(events))


def locks_of_kept(events: Sequence[Event]) -> set[Lock]:
    """Of encounters that others keep now."""
    return locks_of_arrivals(calls_of(_subjects(events)))


def locks_of_units(events: Sequence[Event]) -> set[Lock]:
    """Of units whose crews have changed."""
    return _locks_of_units(_subjects(events), ())


def locks_of_users(events: Sequence[Event]) -> set[Lock]:
    """Of people who do not work here any more, and of the units that they leave by that."""
    gone = _subjects(events)
    left = CrewMember.objects.on_duty().filter(user__in=gone).values_list("unit", flat=True)
    return _locks_of_units(set(left), gone)


def _subjects(events: Iterable[Event]) -> set[UUID]:
    return {event.subject for event in events}


def _locks_of_units(units: Iterable[UUID], users: Iterable[UUID]) -> set[Lock]:
    """What the teams of these units may come to see or do, what whoever was on them has in hand,
    and what these people have."""
    ids = list(units)
    crews = CrewMember.objects.filter(unit__in=ids).values("user")
    teams = Unit.objects.filter(pk__in=ids).values("team")
    shown = FollowUp.objects.on_tablets().of_everyone().filter(team__in=teams)
    held = FollowUp.objects.open().filter(Q(owner__in=crews) | Q(owner__in=list(users)))
    found = {*shown.values_list("pk", flat=True), *held.values_list("pk", flat=True)}
    return locks_of(follow_ups=found) if found else set()
