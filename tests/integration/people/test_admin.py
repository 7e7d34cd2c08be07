from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from apps.accounts.models import Role
from apps.accounts.services import user_actor
from apps.audit.models import Entry
from apps.core.ids import uuid7
from apps.people import services
from apps.people.admin.persons import PersonAdmin
from apps.people.ids import encounter_id
from apps.people.models import BrokenGlass, Encounter, Person
from apps.people.safety import mark_of
from tests.factories import NOON, person, team
from tests.integration.assignments.conftest import World
from tests.integration.people.conftest import Writer

pytestmark = pytest.mark.django_db


@pytest.fixture
def met(world: World, writer: Writer) -> UUID:
    """A person whom our crew has met."""
    row, id = world.given(), uuid7()
    note = {"id": str(uuid7()), "text": "Carries a knife for work.", "source": "seen"}
    writer.save("persons", id, given_name="Dana", family_name="Reyes", safety_notes=[note])
    writer.save(
        "encounters",
        encounter_id(row.pk),
        assignment_id=str(row.pk),
        ordinal=1,
        person_id=str(id),
        match="possible",
    )
    return id


@pytest.fixture
def desk(world: World) -> Client:
    client = Client()
    client.force_login(world.supervisor)
    return client


def act(desk: Client, page: str, action: str, id: object, **given: Any) -> str:
    answer = desk.post(
        f"/admin/people/{page}/",
        {"action": action, "_selected_action": [str(id)], **given},
        follow=True,
    )
    assert answer.status_code == 200
    return answer.content.decode()


def listed(desk: Client, safety: str) -> set[UUID]:
    """Who stands in the list of persons whose safety notes want a supervisor."""
    page = desk.get("/admin/people/person/", {"safety": safety})
    return {row.pk for row in page.context["cl"].result_list}


def test_a_supervisor_reads_persons_and_encounters_and_it_is_written_down(
    world: World, met: UUID, desk: Client
) -> None:
    encounter = Encounter.objects.get().pk
    assert "Dana Reyes" in desk.get("/admin/people/person/").content.decode()
    assert "knife" in desk.get(f"/admin/people/person/{met}/change/").content.decode()
    assert "CARE21" in desk.get(f"/admin/people/encounter/{encounter}/change/").content.decode()

    read = Entry.objects.filter(action="read", actor_id=world.supervisor.pk)
    assert met in read.filter(subject_type="person").last().subject_ids
    assert encounter in read.filter(subject_type="encounter").last().subject_ids


def test_the_dispatch_desk_opens_none_of_it(world: World, met: UUID) -> None:
    client = Client()
    client.force_login(world.dispatcher)

    assert client.get("/admin/people/person/").status_code == 403
    assert client.get("/admin/people/brokenglass/").status_code == 403


def test_a_supervisor_of_another_team_sees_nobody(met: UUID) -> None:
    client = Client()
    client.force_login(person(Role.SUPERVISOR, of=team()))

    assert "Dana Reyes" not in client.get("/admin/people/person/").content.decode()


def test_persons_are_merged_and_taken_apart(
    world: World, met: UUID, desk: Client, writer: Writer
) -> None:
    other = uuid7()
    writer.save("persons", other, aliases=["Red"])

    assert "Who are they?" in act(desk, "person", "merge", other)
    why = {"apply": "1", "reason": "They said so."}
    assert "No such person" in act(desk, "person", "merge", other, **why, into=str(uuid7()))
    act(desk, "person", "merge", other, **why, into=str(met))
    assert Person.objects.get(pk=other).merged_into_id == met

    act(desk, "person", "unmerge", other, **why)
    assert Person.objects.get(pk=other).merged_into_id is None


def test_whoever_is_alike_is_merged_from_the_page_that_says_so(
    world: World, met: UUID, desk: Client, writer: Writer
) -> None:
    other = uuid7()
    writer.save("persons", other, given_name="Dana", family_name="Reyes")
    page = desk.get(f"/admin/people/person/{other}/change/").content.decode()
    way = re.search(r'href="([^"]*/do/merge/[^"]*)">Merge into them', page)
    assert way
    asked = desk.get(way[1]).content.decode()
    assert re.search(rf'<option value="{met}" selected>Dana Reyes', asked)

    desk.post(way[1], {"apply": "1", "reason": "They said so.", "into": str(met)})
    assert Person.objects.get(pk=other).merged_into_id == met


def test_whose_names_are_shown_beside_somebody_is_written_down(
    world: World, met: UUID, desk: Client, writer: Writer
) -> None:
    other = uuid7()
    writer.save("persons", other, given_name="Dana", family_name="Reyes")
    written = Entry.objects.filter(action="offer", actor_id=world.supervisor.pk)
    assert not written.exists()
    for number, way in enumerate(
        (
            f"/admin/people/person/{other}/change/",
            f"/admin/people/person/{other}/do/merge/",
            f"/api/v1/people/{other}",
        )
    ):
        assert "Reyes" in desk.get(way).content.decode()
        entry = written.latest("at", "id")
        assert (entry.subject_ids, entry.detail) == ([met], {"to": str(other)})
        assert written.count() == number + 1


def test_a_merge_with_nobody_is_asked_for_again(met: UUID, desk: Client) -> None:
    asked = act(desk, "person", "merge", met, apply="1", reason="They said so.")
    assert "Say who they are." in asked


def test_only_notes_that_are_there_are_offered_in_their_words(met: UUID, desk: Client) -> None:
    asked = act(desk, "person", "review", met)
    told = "Carries a knife for work. (Seen by the responder, no date, holds)"
    assert f">{told}</option>" in asked
    nameless = Person(content={"aliases": ["Red"]}, created_by=met)
    page = desk.get(f"/admin/people/person/{met}/change/").content.decode()
    assert "A safety note stands" in page
    assert not PersonAdmin.acts["review"].offered(nameless)


def test_the_browser_keeps_nobodys_name(met: UUID, desk: Client) -> None:
    """A message waits for the next page in a cookie, which is signed and not sealed."""
    note = mark_of(Person.objects.get(pk=met).content["safety_notes"][0])
    given = {"action": "review", "_selected_action": [str(met)], "apply": "1", "note": note}
    given["reason"] = "I know them."
    answer = desk.post("/admin/people/person/", given)

    assert "messages" in answer.cookies
    told = [str(message) for message in get_messages(answer.wsgi_request)]
    assert told == [f"{Person.objects.get(pk=met)}: done."]


def test_a_safety_note_is_looked_at(world: World, met: UUID, desk: Client) -> None:
    note = Person.objects.get(pk=met).content["safety_notes"][0]
    why = {"apply": "1", "note": mark_of(note), "reason": "I know them."}
    assert met in listed(desk, "unread")

    act(desk, "person", "review", met, **why)

    assert Person.objects.get(pk=met).safety_reviews[0]["note"] == note["id"]
    assert "It stands" in desk.get(f"/admin/people/person/{met}/change/").content.decode()
    assert met not in listed(desk, "unread")

    act(desk, "person", "end_note", met, **why)

    assert [one["verdict"] for one in Person.objects.get(pk=met).safety_reviews] == ["ended"]
    page = desk.get(f"/admin/people/person/{met}/change/").content.decode()
    assert "Ended by a supervisor" in page
    assert "A safety note holds no longer" not in page


def test_a_note_that_is_over_is_said_to_be_and_found(
    world: World, met: UUID, desk: Client, writer: Writer
) -> None:
    assert met not in listed(desk, "expired")
    note = {**Person.objects.get(pk=met).content["safety_notes"][0], "expires_on": "2020-01-01"}
    writer.save("persons", met, safety_notes=[note])

    assert met in listed(desk, "expired")
    page = desk.get(f"/admin/people/person/{met}/change/").content.decode()
    assert "<td>Expired</td>" in page
    assert "expired)</option>" in act(desk, "person", "review", met)


def test_a_note_that_was_written_otherwise_meanwhile_is_asked_for_again(
    world: World, met: UUID, desk: Client, writer: Writer
) -> None:
    note = Person.objects.get(pk=met).content["safety_notes"][0]
    writer.save("persons", met, safety_notes=[{**note, "text": "Harmless."}])

    asked = act(desk, "person", "review", met, apply="1", note=mark_of(note), reason="I know.")

    assert ">Harmless." in asked
    assert Person.objects.get(pk=met).safety_reviews == []


def test_who_broke_the_glass_is_reviewed(world: World, met: UUID, desk: Client) -> None:
    stranger = world.theirs.people[0]
    glass = services.break_glass(
        person=Person.objects.get(pk=met),
        reason="Collapsed before us.",
        by=stranger,
        actor=user_actor(stranger),
        now=NOON,
    )
    world.commit()
    assert "Collapsed before us." in desk.get("/admin/people/brokenglass/").content.decode()

    asked = act(desk, "brokenglass", "ask", glass.pk, apply="1", reason="Whom did you meet?")
    assert "They gave no address for messages: ask them yourself." in asked
    act(desk, "brokenglass", "was_justified", glass.pk, apply="1", reason="I asked them.")

    assert BrokenGlass.objects.get().justified is True
