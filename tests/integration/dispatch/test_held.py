"""Messages that could not be parsed: the desk sees, mends and replays them, for seven days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client as Browser

from apps.accounts.models import Role, User
from apps.accounts.services import user_actor
from apps.audit.models import Entry
from apps.core import clock
from apps.core.problems import ProblemError
from apps.dispatch import messages, plain, services
from apps.dispatch.cji import WITHHELD
from apps.dispatch.models import HeldMessage, Incident
from apps.dispatch.tasks import expire_held
from tests.factories import person
from tests.integration.dispatch.conftest import CAD, WELFARE_CHECK

pytestmark = pytest.mark.django_db
LIST = "/api/v1/held-messages"


@pytest.fixture
def held(cad: CAD) -> HeldMessage:
    cad.post(messages.PLAIN, {**WELFARE_CHECK, "cad_number": ""})
    return HeldMessage.objects.get()


def desk(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def replay(user: User, held: HeldMessage, body: Any = None) -> Any:
    return desk(user).post(
        f"{LIST}/{held.pk}/replay", orjson.dumps(body or {}), content_type="application/json"
    )


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DISPATCHER])
def test_the_desk_lists_them_without_content_and_reads_one_on_record(
    held: HeldMessage, role: str
) -> None:
    user = person(role)
    listed = desk(user).get(LIST).json()["results"]
    assert [row["id"] for row in listed] == [str(held.pk)]
    assert listed[0]["problems"][0]["pointer"] == "/cad_number"
    assert "content" not in listed[0]
    assert not Entry.objects.filter(action="read").exists()
    one = desk(user).get(f"{LIST}/{held.pk}").json()
    assert orjson.loads(one["content"])["address"] == WELFARE_CHECK["address"]
    entry = Entry.objects.get(action="read")
    assert (entry.subject_type, entry.subject_ids) == ("held_message", [held.pk])
    assert entry.actor_id == user.pk


@pytest.mark.parametrize("broken", [{"cad_number": ""}, None])
def test_they_hold_no_criminal_history(
    cad: CAD, supervisor: User, broken: dict[str, Any] | None
) -> None:
    told = {**WELFARE_CHECK, "narrative": "SHE CRIES. FELONY WARRANT OUT OF KENT, KNIFE"}
    body = orjson.dumps({**told, **(broken or {})})
    answer = cad.post(messages.PLAIN, body if broken else body[:-1])
    assert answer.status_code == 400
    row = HeldMessage.objects.get()
    kept = services.content_of(row).decode()
    assert "WARRANT" not in kept
    assert f"weapon mentioned; {WITHHELD}" in kept
    one = desk(supervisor).get(f"{LIST}/{row.pk}").json()
    assert (one["content"], one["withheld"]) == (kept, 1)
    mended = {**orjson.loads(kept if broken else f"{kept}}}"), "cad_number": "7"}
    assert replay(supervisor, row, {"message": mended}).status_code == 200
    assert Incident.objects.get().withheld_count == 1
    cad.post(messages.PLAIN, body if broken else body[:-1])
    assert HeldMessage.objects.count() == 1


def test_a_mended_message_is_taken_once(held: HeldMessage, supervisor: User) -> None:
    answer = replay(supervisor, held, {"message": WELFARE_CHECK})
    assert answer.status_code == 200, answer.content
    row = Incident.objects.get(cad_number="2026000000001")
    assert answer.json()["id"] == str(row.pk)
    entry = Entry.objects.get(action="replay")
    assert (entry.actor_id, entry.detail) == (supervisor.pk, {"mended": True})
    assert Entry.objects.get(action="create", subject_type="incident").actor_kind == "cad"
    assert replay(supervisor, held, {"message": WELFARE_CHECK}).status_code == 409
    assert desk(supervisor).get(LIST).json()["results"] == []


def test_one_that_still_cannot_be_parsed_stays_held(held: HeldMessage, supervisor: User) -> None:
    as_it_is = replay(supervisor, held)
    assert as_it_is.status_code == 400
    assert as_it_is.json()["errors"][0]["pointer"] == "/cad_number"
    mended = replay(supervisor, held, {"message": {"cad_number": None}})
    assert mended.json()["errors"][0]["pointer"] == "/message/cad_number"
    assert HeldMessage.objects.waiting(clock.now()).count() == 1


def test_one_that_a_newer_version_understands_is_replayed_as_it_is(
    held: HeldMessage, supervisor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tolerant(document: Any) -> Any:
        return plain.parse({**document, "cad_number": "7"})

    monkeypatch.setattr(messages, "_PARSERS", {messages.PLAIN: tolerant})
    assert replay(supervisor, held).status_code == 200
    assert Incident.objects.get().cad_number == "7"


def test_they_are_gone_after_seven_days(held: HeldMessage, supervisor: User) -> None:
    late = held.expires_at + timedelta(seconds=1)
    with pytest.raises(ProblemError):
        services.replay_held(held=held, by=user_actor(supervisor), now=late)
    assert services.expire_held(now=held.expires_at - timedelta(seconds=1)) == 0
    expire_held(period=60)
    assert HeldMessage.objects.count() == 1
    assert services.expire_held(now=late) == 1
    assert not HeldMessage.objects.exists()


def test_nobody_else_sees_them(held: HeldMessage) -> None:
    for user in (person(Role.RESPONDER), person(Role.ADMINISTRATOR)):
        assert desk(user).get(LIST).status_code == 403
        assert not HeldMessage.objects.visible_to(user).exists()
