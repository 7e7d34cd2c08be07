"""The audit log in the stock admin: read by supervisors and administrators, changed by nobody."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.test import Client as Browser

from apps.accounts.models import Role, User
from apps.audit.models import ActorKind, Entry
from apps.audit.services import SYSTEM, Actor, record
from apps.core.ids import uuid7
from tests.factories import NOON, person

pytestmark = pytest.mark.django_db
LIST = "/admin/audit/entry/"


def desk(user: User) -> Browser:
    found = Browser()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def look(actor: Actor) -> UUID:
    """Somebody reads a record of their own."""
    id = uuid7()
    record(actor=actor, action="read", subject_type="incident", subject_ids=[id], now=NOON)
    return id


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.RESPONDER, 302),
        (Role.DISPATCHER, 403),
        (Role.SUPERVISOR, 200),
        (Role.ADMINISTRATOR, 200),
    ],
)
def test_the_log_opens_for_those_who_oversee(role: str, status: int) -> None:
    assert desk(person(role)).get(LIST).status_code == status


def test_people_are_named_and_times_are_the_citys() -> None:
    reader = person()
    look(Actor(ActorKind.USER, reader.pk))
    look(Actor(ActorKind.USER, uuid7()))  # an account that is not here
    look(SYSTEM)
    shown = desk(person(Role.SUPERVISOR)).get(f"{LIST}?action=read").content.decode()
    for text in (reader.display_name, "person ", "Carefield itself", "12:00:00"):
        assert text in shown


def test_an_id_finds_what_was_done_to_a_record_and_by_a_person_or_a_tablet() -> None:
    who, tablet = uuid7(), uuid7()
    subject = look(Actor(ActorKind.TABLET, who, tablet))
    look(SYSTEM)
    reader = desk(person(Role.SUPERVISOR))
    for id in (subject, who, tablet):
        assert "1 audit entry" in reader.get(f"{LIST}?q={id}").content.decode()
    assert "0 audit entries" in reader.get(f"{LIST}?q={uuid7()}").content.decode()


def test_nobody_adds_changes_or_deletes() -> None:
    look(SYSTEM)
    entry = Entry.objects.filter(action="read").get()
    reader = desk(person(Role.ADMINISTRATOR))
    assert reader.get(f"{LIST}{entry.pk}/change/").status_code == 200
    assert reader.post(f"{LIST}{entry.pk}/change/", {"action": "x"}).status_code == 403
    assert reader.get(f"{LIST}add/").status_code == 403
    assert reader.get(f"{LIST}{entry.pk}/delete/").status_code == 403
