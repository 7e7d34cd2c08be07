"""Exports over the API: who gets what, and what is asked for in which words."""

from __future__ import annotations

import logging
from typing import Any

import orjson
import pytest
from django.test import Client as Browser
from lxml import etree

from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.firstaid import codes
from apps.people import parts
from tests.factories import person
from tests.integration.assignments.conftest import World
from tests.integration.firstaid.exports.conftest import dose, encounter_of, over

PERIOD = {"since": "2026-03-04T00:00:00-08:00", "until": "2026-03-05T00:00:00-08:00"}
NEMSIS = "{http://www.nemsis.org}"


def post(user: User, what: str, body: dict[str, Any], **headers: str) -> Any:
    browser = Browser()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser.post(
        f"/api/v1/exports/{what}",
        orjson.dumps(body),
        content_type="application/json",
        headers=headers or None,
    )


def content(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_a_period_is_a_file_that_nobody_keeps(world: World) -> None:
    row = over(world)
    answer = post(world.supervisor, "nemsis", PERIOD, Accept="application/xml")
    [number] = etree.fromstring(content(answer)).iter(NEMSIS + "eRecord.01")
    assert number.text == str(encounter_of(row).pk)
    assert answer["Content-Type"] == "application/xml"
    assert answer["Content-Disposition"] == 'attachment; filename="encounters.xml"'
    assert answer["Cache-Control"] == "private, no-store"


def test_encounters_are_named_in_the_body(world: World) -> None:
    rows = [over(world) for _ in range(2)]
    body = {"encounters": [str(encounter_of(rows[0]).pk)]}
    text = content(post(world.supervisor, "nemsis", body))
    assert str(encounter_of(rows[0]).pk).encode() in text
    assert str(encounter_of(rows[1]).pk).encode() not in text
    entry = Entry.objects.get(action="export")
    assert (entry.actor_id, entry.subject_ids) == (
        world.supervisor.pk,
        [encounter_of(rows[0]).pk],
    )


def test_another_teams_encounters_are_not_there(world: World) -> None:
    row = over(world)
    dose(row)
    stranger = person(Role.SUPERVISOR)
    named = {"encounters": [str(encounter_of(row).pk)]}
    for body in (PERIOD, named):
        answer = post(stranger, "nemsis", body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert content(post(stranger, "odmap", PERIOD)).count(b"\r\n") == 1
    assert post(stranger, "naloxone-improved", PERIOD).json()["encounters"] == 0
    assert not Entry.objects.filter(action="export").exists()


@pytest.mark.parametrize("what", ["nemsis", "odmap", "naloxone-improved"])
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/since"),
        ({"since": "yesterday", "until": PERIOD["until"]}, "/since"),
        ({"since": PERIOD["until"], "until": PERIOD["since"]}, "/until"),
    ],
)
def test_a_period_that_is_none_is_named(
    world: World, what: str, body: dict[str, Any], pointer: str
) -> None:
    answer = post(world.supervisor, what, body)
    assert answer.status_code == 400
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


def test_the_report_is_of_a_season_at_most(world: World) -> None:
    body = {"since": "2026-01-01T00:00:00Z", "until": "2026-04-04T00:00:00Z"}
    answer = post(world.supervisor, "naloxone-improved", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/until")


def test_the_report_names_itself_a_proxy(world: World) -> None:
    dose(over(world), response=codes.IMPROVED)
    found = post(world.supervisor, "naloxone-improved", PERIOD).json()
    assert found["improved"] == 1
    assert "proxy" in found["name"]


def test_a_narrative_leaves_where_it_was_asked_for_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    said = "The man with the grey dog."
    monkeypatch.setattr(parts, "_parts", {"note": lambda _: {"state": "signed", "narrative": said}})
    over(world)
    with caplog.at_level(logging.DEBUG):
        assert said.encode() not in content(post(world.supervisor, "nemsis", PERIOD))
        text = content(post(world.supervisor, "nemsis", {**PERIOD, "narrative": True}))
    assert said.encode() in text
    assert said not in caplog.text
    details = Entry.objects.filter(action="export").order_by("pk").values_list("detail", flat=True)
    assert [detail["narrative"] for detail in details] == [False, True]
    assert said not in str(list(Entry.objects.values_list("detail", flat=True)))
