"""Who does what with several persons, calls and notes at once waits for others, and never in a
circle: docs/adr/0030."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from apps.accounts.auth import session_of
from apps.assignments.models import Assignment
from apps.assignments.services.linking import confirm_link
from apps.changes.locks import Lock, Rung, take
from apps.changes.models import ParkedReaction
from apps.core.ids import uuid7
from apps.dispatch.models import Incident
from apps.followups.models import FollowUp
from apps.people.ids import record_id
from apps.sync import registry
from apps.sync.push import Row, push
from apps.sync.registry import Contact
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import World
from tests.integration.conftest import Elsewhere
from tests.integration.followups.visits import LATER, Visit, people, world
from tests.lockorder import watching

__all__ = ["people", "world"]

pytestmark = pytest.mark.django_db(transaction=True)


def pushes(world: World, by: EnrolledTablet, *facts: dict[str, Any]) -> Callable[[], Any]:
    return lambda: world.push(*facts, by=by, now=LATER)


def race(elsewhere: Elsewhere, held: list[Lock], *works: Callable[[], Any]) -> list[Any]:
    """Lets each of these come to the first of the locks that it will take of `held`, and then
    lets go of all: who takes them in different orders has one each by then."""
    with transaction.atomic():
        take(held)
        started = []
        for number, work in enumerate(works, 1):
            started.append(elsewhere.start(work))
            elsewhere.until_waiting(started[-1], number)
    return [one.result(60) for one in started]


def test_two_calls_with_the_same_persons_end_at_once(
    world: World, people: list[UUID], elsewhere: Elsewhere
) -> None:
    """The crews have met them in different orders."""
    ours, theirs = Visit(world, world.ours, people), Visit(world, world.theirs, people[::-1])
    held = [Lock(Rung.PERSONS, one) for one in people]
    closings = [pushes(world, one.by, one.cleared()) for one in (ours, theirs)]
    assert race(elsewhere, held, *closings) == [[], []]
    assert not ParkedReaction.objects.exists()
    assert FollowUp.objects.filter(assignment_id=ours.met.assignment.pk).exists()


def test_two_tablets_each_tell_of_two_calls_with_the_same_persons(
    world: World, people: list[UUID], elsewhere: Elsewhere
) -> None:
    """In one push each. What follows from the first call is locked with what follows from the
    second."""
    ours = [Visit(world, world.ours, [one]) for one in people]
    theirs = [Visit(world, world.theirs, [one]) for one in people[::-1]]
    held = [Lock(Rung.PERSONS, one) for one in people]
    closings = [
        pushes(world, calls[0].by, *(one.cleared() for one in calls)) for calls in (ours, theirs)
    ]
    assert race(elsewhere, held, *closings) == [[], []]
    assert not ParkedReaction.objects.exists()


def test_so_they_do_where_a_row_beside_is_refused(
    world: World, people: list[UUID], elsewhere: Elsewhere
) -> None:
    """Then each row has a savepoint of its own, and what follows from it waits for the others."""
    ours = [Visit(world, world.ours, [one]) for one in people]
    theirs = [Visit(world, world.theirs, [one]) for one in people[::-1]]
    held = [Lock(Rung.PERSONS, one) for one in people]
    closings = [
        pushes(
            world,
            calls[0].by,
            calls[0].cleared(),
            calls[0].tapped("no such thing"),
            calls[1].cleared(),
        )
        for calls in (ours, theirs)
    ]
    answers = race(elsewhere, held, *closings)
    assert [[one["sync_status"] for one in answer] for answer in answers] == [["quarantined"]] * 2
    assert not ParkedReaction.objects.exists()
    for one in (*ours, *theirs):
        one.met.assignment.refresh_from_db()
        assert one.met.assignment.closing == "cleared"


def test_two_tablets_each_say_who_was_met_in_two_encounters(
    world: World, people: list[UUID], elsewhere: Elsewhere
) -> None:
    """A push takes the persons of all its rows at once."""
    calls = [Visit(world, crew, people[:1]) for crew in (world.ours, world.theirs)]

    def both(of: Visit, named: list[UUID]) -> Callable[[], Any]:
        def work() -> None:
            rows = [
                {
                    "id": str(of.encounter(ordinal)),
                    **of.place,
                    "ordinal": ordinal,
                    "person_id": str(person),
                }
                for ordinal, person in enumerate(named, 2)
            ]
            pushed_together(of, "encounters", rows)

        return work

    held = [Lock(Rung.PERSONS, one) for one in people]
    race(elsewhere, held, both(calls[0], people), both(calls[1], people[::-1]))
    assert not ParkedReaction.objects.exists()


def test_two_tablets_each_begin_two_notes_on_the_same_calls(
    world: World, people: list[UUID], elsewhere: Elsewhere
) -> None:
    calls = [Visit(world, world.ours, people) for _ in range(2)]
    partner = world.ours.tablets[1]

    def begins(by: EnrolledTablet, ordinal: int, of: list[Visit]) -> Callable[[], Any]:
        rows = [
            {
                "id": str(record_id(one.encounter(ordinal), "case_note")),
                **one.place,
                "encounter_id": str(one.encounter(ordinal)),
                "summary": "Calm.",
            }
            for one in of
        ]
        return lambda: pushed_together(calls[0], "case_notes", rows, by=by)

    held = [Lock(Rung.RECORDS, one.met.assignment.pk) for one in calls]
    works = [begins(calls[0].by, 1, calls), begins(partner, 2, calls[::-1])]
    race(elsewhere, held, *works)


def test_a_desk_confirms_a_number_while_its_call_is_tapped(
    world: World, elsewhere: Elsewhere
) -> None:
    """Whoever taps has the incident's row, and then wants the assignment's."""
    row = began(world)
    Assignment.objects.filter(pk=row.pk).update(
        link_number="260000099", link_by=world.ours.people[0], link_at=NOON
    )
    row.refresh_from_db()
    with transaction.atomic():
        Incident.objects.select_for_update(no_key=True).get(pk=row.incident_id)
        confirmed = elsewhere.start(
            lambda: confirm_link(assignment=row, by=world.dispatcher, now=LATER)
        )
        elsewhere.until_waiting(confirmed)
        Assignment.objects.select_for_update(no_key=True).get(pk=row.pk)
    assert confirmed.result(60).link_number == ""


def test_a_fact_that_comes_with_its_assignment_begins_anew_from_the_incident(
    world: World, elsewhere: Elsewhere
) -> None:
    """It has waited for what orders arrivals, and finds the assignment that it came before."""
    pk = uuid7()
    told = world.document("on_scene", pk)

    def early() -> tuple[list[Any], list[str]]:
        with watching() as watch:
            return world.push(told), watch.breaches

    with transaction.atomic():
        began(world, pk)
        waits = elsewhere.start(early)
        elsewhere.until_waiting(waits)
    assert waits.result(60) == ([], [])
    assert Assignment.objects.get(pk=pk).state == "on_scene"


def began(world: World, pk: UUID | None = None) -> Assignment:
    """A call that our crew began itself."""
    pk = pk or uuid7()
    by = world.ours.tablets[1]
    assert world.tap("opened", pk, by=by, data={"entry": "on_view", "note": "A man asks."}) == []
    return Assignment.objects.get(pk=pk)


def pushed_together(
    of: Visit, name: str, rows: list[dict[str, Any]], *, by: EnrolledTablet | None = None
) -> None:
    """Several documents in one push, all taken."""
    by = by or of.by
    for row in rows:
        row |= {"editor": str(by.instance), "edit_no": random.getrandbits(30)}
    collection = registry.get(name)
    assert collection
    contact = Contact(session_of(by.tablet), by.instance, 0, 50)
    told = [Row(row["id"], row, None) for row in rows]
    answers = push(collection=collection, contact=contact, rows=told, now=LATER)
    assert not any(b"sync_status" in one for one in answers)
