"""A call for help is heard whoever is signed in, or nobody, and whatever assignment it names."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import Role
from apps.assignments.models import Alert, Assignment, Fact
from apps.audit.services import SYSTEM
from apps.sync.models import QuarantinedWrite, TakenWrite
from apps.sync.services.applying import apply_quarantined
from tests.factories import person, tablet
from tests.integration.assignments.conftest import World, after, shown
from tests.integration.conftest import Elsewhere

pytestmark = pytest.mark.django_db


def sign_out(world: World) -> None:
    accounts.sign_out(tablet=world.ours.tablets[0].tablet, by=SYSTEM, now=after(5))
    world.commit()


@pytest.mark.parametrize("event", ["emergency", "assist", "scene_unsafe"])
def test_nobody_is_signed_in(world: World, event: str) -> None:
    sign_out(world)
    made = world.document(event, None, data={"position": {"lat": 47.6, "lon": -122.3}})
    for _ in range(2):
        assert world.push(made, now=after(10)) == []
    alert = Alert.objects.get()
    assert (alert.kind, alert.level, alert.unit) == (event, 3, world.ours.unit)
    fact = Fact.objects.get(pk=made["id"])
    assert (fact.author, fact.unit, fact.assignment_id) == (None, world.ours.unit, None)
    for desk in (world.supervisor, world.dispatcher):
        told = shown(desk, "alerts")[alert.pk]
        assert (told["unit"], told["author_name"]) == ("CARE21", "")
    assert not QuarantinedWrite.objects.exists()


def test_nobody_is_signed_in_and_it_is_on_the_units_own_assignment(world: World) -> None:
    row = world.given()
    sign_out(world)
    assert world.tap("emergency", row, now=after(10)) == []
    alert = Alert.objects.get(kind="emergency")
    assert alert.assignment_id == row.pk
    assert shown(world.dispatcher, "alerts")[alert.pk]["address"]
    # Nothing else is taken from nobody.
    [answer] = world.tap("en_route", row, now=after(11))
    assert answer["_deleted"]
    assert QuarantinedWrite.objects.get().content["event"] == "en_route"


def test_nobody_is_signed_in_and_its_author_is_named(world: World) -> None:
    author = world.ours.people[0]
    sign_out(world)
    assert world.tap("emergency", None, now=after(10), author_id=str(author.pk)) == []
    assert Fact.objects.get().author == author
    assert shown(world.dispatcher, "alerts")[Alert.objects.get().pk]["author_name"]


@pytest.mark.parametrize("name", ["R. Ortega", "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11", 7, [1]])
def test_an_author_that_cannot_be_is_no_reason_to_refuse(world: World, name: Any) -> None:
    world.tap("emergency", None, now=after(10), author_id=name)
    alert = Alert.objects.get()
    assert (alert.unit, Fact.objects.get().author) == (world.ours.unit, None)
    assert not QuarantinedWrite.objects.exists()


def test_a_tablet_that_nobody_ever_had(world: World) -> None:
    fresh = tablet(of=world.team)
    assert world.tap("emergency", None, by=fresh, now=after(10)) == []
    assert Alert.objects.get().unit is None
    assert shown(world.dispatcher, "alerts")


def test_on_another_units_assignment(world: World, elsewhere: Elsewhere) -> None:
    """It is a call of its author's own; what it named is kept beside it."""
    other = world.theirs
    row = world.assignment(world.call(units=[world.status("Dispatched", of="CARE22")]), other.unit)
    stranger = tablet(person())
    for by, unit in ((world.ours.tablets[0], world.ours.unit), (stranger, None)):
        made = world.document("emergency", row, by=by, now=after(10))
        for _ in range(2):
            assert world.push(made, by=by, now=after(10)) == []
        TakenWrite.objects.all().delete()  # as where the ledger was lost and the fact was not
        assert world.push(made, by=by, now=after(10)) == []
        fact = Fact.objects.get(pk=made["id"])
        assert (fact.assignment_id, fact.unit) == (None, unit)
        assert fact.unread == {"assignment_id": str(row.pk)}
        assert fact.author is not None
        alert = Alert.objects.get(fact_id=fact.pk)
        assert (alert.assignment_id, alert.level) == (None, 3)
        told = shown(world.dispatcher, "alerts")[alert.pk]
        assert (told["address"], told["author_name"]) == ("", fact.author.display_name)
    assert not QuarantinedWrite.objects.exists()
    [answer] = world.tap("en_route", row, by=stranger, now=after(11))
    assert answer["sync_errors"]
    assert Assignment.objects.get(pk=row.pk).state == "assigned"


def test_of_a_lost_tablet_is_not_heard(world: World) -> None:
    """Whoever has found it could call the police to any place."""
    lost = world.ours.tablets[0]
    accounts.mark_lost(tablet=lost.tablet, by=SYSTEM, now=after(5))
    lost.tablet.refresh_from_db()
    [answer] = world.tap("emergency", None, now=after(10))
    assert answer["_deleted"]
    assert not Alert.objects.exists()
    assert QuarantinedWrite.objects.get().content["event"] == "emergency"


def test_that_lies_in_quarantine_is_heard_when_a_supervisor_takes_it(world: World) -> None:
    lost = world.ours.tablets[0]
    accounts.mark_lost(tablet=lost.tablet, by=SYSTEM, now=after(5))
    lost.tablet.refresh_from_db()
    world.tap("emergency", None, now=after(10))
    write = QuarantinedWrite.objects.get()
    by = person(Role.SUPERVISOR, of=world.team)
    world.commit()
    apply_quarantined(write=write, by=by, author=world.ours.people[0], now=after(20))
    assert Alert.objects.get().unit == world.ours.unit
