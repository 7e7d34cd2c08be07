"""What the tests of stories share: a call on which everything happened that can."""

from __future__ import annotations

import itertools
from copy import deepcopy
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from apps.accounts.models import User
from apps.assignments import services as assignments
from apps.assignments.models import Alert, Fact, FactSource
from apps.audit.services import SYSTEM
from apps.casenotes.models import CaseNote
from apps.core.ids import uuid7
from apps.followups.models import FollowUp
from apps.notify.models import Channel, ContactPoint, Level, Topic
from apps.notify.services import Notice, save_contact_point, tell_all
from apps.referrals.models import Consent, ReferralTask
from tests import kept
from tests.factories import NOON
from tests.integration.assignments.conftest import World, after, begun, world
from tests.integration.casenotes.conftest import MET
from tests.integration.casenotes.conftest import Writer as NoteWriter
from tests.integration.firstaid.conftest import Tablets, stocked
from tests.integration.followups.conftest import Met
from tests.integration.referrals.conftest import met, partner

__all__ = ["NOON", "World", "after", "world"]

MINUTE = timedelta(minutes=1)


@dataclass
class Told:
    """A call on which our crew met Dana, with something of every room: a signed note with an
    addendum, a dose, first aid, a referral that was declined, a consent, a follow-up with a try, a
    message, an alert that somebody answered."""

    world: World
    dana: Met
    note: UUID
    dose: UUID
    aid: UUID
    task: ReferralTask
    consent: Consent
    follow_up: FollowUp
    alert: Alert

    @property
    def assignment(self) -> UUID:
        return self.dana.assignment.pk


def everything(world: World) -> Told:
    """The call, as tablets, partners and supervisors tell of it."""
    dana = Met(**vars(met(world)))
    call = dana.assignment
    for minutes, event in enumerate(("acknowledged", "en_route", "on_scene", "contact_made"), 1):
        world.tap(event, call, now=after(60 * minutes), data={"call_revision": 1})
    world.tap("police_released", call, now=after(300), data={"unit": "1K21"})
    world.tap("emergency", call, now=after(310))
    [alert] = Alert.objects.all()
    assignments.acknowledge_alert(alert=alert, by=world.supervisor, now=after(320))
    stocked(world)
    tablets = Tablets(world)
    dose = tablets.dose(call, encounter_id=dana.encounter, now=after(400))
    aid = tablets.aid(call, encounter_id=dana.encounter, now=after(410), note="Cold hands.")
    shelter = partner("Pioneer Square Shelter")
    consent = dana.consent(shelter, now=after(500))
    task = dana.asks(shelter, now=after(510), note="Needs a bed tonight.")
    dana.say("decline", task, said_by="Front desk", reason_code="full", now=after(600))
    here = {"assignment_id": str(call.pk), "encounter_id": str(dana.encounter)}
    said = {"basis": "agreed", "words": "After noon."}
    assert dana.tell("follow_up_agreement", now=after(610), **here, **said) == []
    follow_up = dana.follow(now=after(620))
    dana.tells("attempted", follow_up, now=after(700), result="not_reached", way="phone")
    write(world, dana, now=after(800))
    tell_of(follow_up, world.ours.people[0])
    world.commit()
    follow_up.refresh_from_db()
    note = CaseNote.objects.get(assignment_id=call.pk)
    return Told(world, dana, note.pk, dose, aid, task, consent, follow_up, alert)


def write(world: World, of: Met, *, now: datetime) -> None:
    """The crew writes and signs the note of a call, and adds to it."""
    writer = NoteWriter(world, world.ours.tablets[0])
    writer.write(of.assignment, now=now, **MET)
    world.tap("cleared", of.assignment, now=now + MINUTE, data={"disposition": "18"})
    assert writer.sign(of.assignment, now=now + 2 * MINUTE) == []
    assert writer.add(of.assignment, "She came back.", now=now + 3 * MINUTE) == []


def tell_of(follow_up: FollowUp, user: User) -> None:
    """Somebody is told by e-mail that it is due."""
    point = ContactPoint(
        user=user, channel=Channel.EMAIL, from_level=Level.OWNER, address="crew@care.example"
    )
    save_contact_point(point=point, by=SYSTEM, now=NOON)
    notice = Notice(
        user_id=user.pk,
        channel=Channel.EMAIL,
        topic=Topic.FOLLOW_UP,
        subject_id=follow_up.pk,
        level=Level.OWNER,
        key="told",
        due_at=after(1200),
    )
    tell_all(notices=[notice], now=after(1200))


@pytest.fixture(scope="session")
def kept_told(
    kept_world: dict[str, Any] | None, django_db_blocker: DjangoDbBlocker
) -> dict[str, Any] | None:
    """As `kept_world`, of everything that was told."""
    if kept_world is None:
        return None
    with django_db_blocker.unblock():
        made = everything(begun(kept_world, lambda: None))
        kept.keep("told")
    return {one.name: getattr(made, one.name) for one in fields(made) if one.name != "world"}


@pytest.fixture
def told(world: World, kept_told: dict[str, Any] | None) -> Told:
    if kept_told is None:
        return everything(world)
    kept.put("told")
    world.numbers = itertools.count(100)  # of further calls
    found = Told(world, **deepcopy(kept_told))
    found.dana.world = world
    return found


@pytest.fixture
def desk(world: World) -> Client:
    """The team's supervisor, signed in."""
    return signed_in(world.supervisor)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, of: str, id: UUID, **asked: Any) -> str:
    """A story as its reader sees it."""
    answer = client.get(f"/admin/story/{of}/{id}/", asked)
    assert answer.status_code == 200
    return answer.content.decode()


def fill(told: Told, count: int) -> None:
    """So many facts more on a call, as they would be stored."""
    world = told.world
    rows = [
        Fact(
            id=uuid7(),
            assignment_id=told.assignment,
            event="staged",
            received_at=NOON + timedelta(seconds=n),
            device_time=NOON + timedelta(seconds=n),
            device=world.ours.tablets[0].instance,
            counter=10_000 + n,
            source=FactSource.TABLET,
            author=world.ours.people[0],
            unit=world.ours.unit,
            data={},
        )
        for n in range(count)
    ]
    Fact.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into feed_member (scope, collection, doc_id)"
            " select 'team:' || %s, 'facts', id from unnest(%s::uuid[]) id",
            [str(world.team.pk), [row.pk for row in rows]],
        )
