"""Exports from the admin's page of encounters."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from apps.accounts.models import Role
from apps.audit.models import Entry
from tests.factories import person
from tests.integration.assignments.conftest import World
from tests.integration.firstaid.exports.conftest import dose, encounter_of, over

PAGE = "/admin/people/encounter/"


def ticked(user: Any, action: str, *ids: Any, follow: bool = False) -> Any:
    desk = Browser()
    desk.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return desk.post(PAGE, {"action": action, "_selected_action": list(ids)}, follow=follow)


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
