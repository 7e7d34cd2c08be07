"""Exports from the admin's page of encounters."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.changes import scopes
from apps.changes.services import Document, publish
from tests.factories import NOON, person
from tests.integration.assignments.conftest import World
from tests.integration.firstaid.exports.conftest import dose, encounter_of, over

PAGE = "/admin/people/encounter/"
DOSES = "/admin/firstaid/naloxonedose/"


def ticked(user: Any, action: str, *ids: Any, page: str = PAGE, follow: bool = False) -> Any:
    desk = Browser()
    desk.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return desk.post(page, {"action": action, "_selected_action": list(ids)}, follow=follow)


def test_ticked_encounters_are_a_file_and_audited(world: World) -> None:
    first, _ = over(world), over(world)
    answer = ticked(world.supervisor, "export_nemsis", encounter_of(first).pk)
    text = b"".join(answer.streaming_content)
    assert text.count(b"<PatientCareReport ") == 1
    entry = Entry.objects.get(action="export")
    assert (entry.actor_id, entry.subject_ids) == (world.supervisor.pk, [encounter_of(first).pk])


def test_ticked_overdoses(world: World) -> None:
    row = over(world)
    dose(row)
    answer = ticked(world.supervisor, "export_odmap", encounter_of(row).pk)
    assert b"Single dose" in b"".join(answer.streaming_content)


def test_the_encounters_of_ticked_doses(world: World) -> None:
    """One dose names its encounter, the other only its call; the third call is not ticked."""
    first, second, other = (over(world) for _ in range(3))
    doses = [dose(first, of=encounter_of(first)), dose(second)]
    dose(other)
    ids = [row.pk for row in doses]
    team = frozenset({scopes.team(world.team.pk)})
    told = [Document("naloxone_doses", id, team, {"id": str(id)}) for id in ids]
    publish(documents=told, now=NOON)
    world.commit()
    answer = ticked(world.supervisor, "export_encounters", *ids, page=DOSES)
    assert b"".join(answer.streaming_content).count(b"<PatientCareReport ") == 2
    assert set(Entry.objects.get(action="export").subject_ids) == {
        encounter_of(row).pk for row in (first, second)
    }


def test_of_an_open_call_the_page_says_why_there_is_no_file(world: World) -> None:
    row = world.given()
    world.tap("contact_made", row)
    answer = ticked(world.supervisor, "export_nemsis", encounter_of(row).pk, follow=True)
    assert "None of their calls is over." in answer.content.decode()


@pytest.mark.parametrize("action", ["export_nemsis", "export_odmap"])
def test_nobody_exports_what_they_do_not_see(world: World, action: str) -> None:
    row = over(world)
    dose(row)
    for user in (person(Role.SUPERVISOR), world.dispatcher, world.ours.people[0]):
        answer = ticked(user, action, encounter_of(row).pk)
        assert b"Single dose" not in b"".join(answer)
        assert not Entry.objects.filter(action="export").exists()
