"""A supervisor changes the plan, sees what it would have made, and writes down a try, in a real
browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.services import user_actor
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.followups.models import FollowUp, FollowUpPlan
from apps.followups.services.agreements import Word, record_agreement
from apps.followups.services.plans import load_plans, new_version
from apps.people.ids import encounter_id
from tests.factories import NOON
from tests.functional.admin.conftest import Desk
from tests.integration.assignments.conftest import World


@pytest.fixture
def world(committed_world: World) -> World:
    """An hour ago somebody was met who agrees to be followed up."""
    load_plans(by=SYSTEM, now=NOON)
    call, then = committed_world.given(), clock.now() - timedelta(hours=1)
    for event in ("acknowledged", "en_route", "on_scene", "contact_made"):
        committed_world.tap(event, call, now=then)
    committed_world.tap("cleared", call, now=then, data={"disposition": "18"})
    encounter, by = encounter_id(call.pk), committed_world.supervisor
    word = Word(uuid7(), call.pk, encounter, "agreed", then)
    record_agreement(word=word, by=by, actor=user_actor(by), now=then)
    return committed_world


def test_a_plan_is_changed_and_a_try_written_down(
    world: World, desk_of: Callable[..., Desk]
) -> None:
    desk = desk_of(world.supervisor)
    desk.follow("Follow-up plans")
    desk.sees_row("2026-first")
    desk.act("New version from this", on="2026-first")
    desk.fill(version="2026-sooner", **{"item-0-code": "Sooner", "item-0-after_hours": "20"})
    for _ in range(5):
        desk.press("Remove follow-up 2")
    desk.sees("What it asks for: 1 follow-up")
    desk.press("Try on the last month, save nothing")
    desk.sees("Something is wrong with follow-up 1.", "A short name: a-z, 0-9 and _")
    assert desk.value_of("item-0-after_hours") == "20"
    desk.fill(**{"item-0-code": "sooner"})
    desk.press("Try on the last month, save nothing")
    desk.sees("This version would have made 1 follow-up, instead of 3.", "not saved yet")
    desk.press("Save")
    desk.sees_row("2026-sooner", world.supervisor.display_name)
    (item,) = FollowUpPlan.objects.get(version="2026-sooner").definition["items"]
    assert (item["code"], item["after_hours"]) == ("sooner", 20)
    desk.follow("on the last month")
    desk.sees("This version would have made 1 follow-up, instead of 3.")

    row = FollowUp.objects.get(item="check_24h")
    desk.open("followups/followup/")
    desk.sees_row(str(row), "See how they are", "the team")
    desk.follow(str(row))
    desk.sees("plan 2026-first, check_24h", "The person agrees", "nobody who is known")
    desk.follow("Record a try")
    desk.fill(result="Left word with somebody who knows them", note="Their sister was there.")
    desk.press("Record a try")
    desk.sees("Tried: Left word with somebody who knows them", "Their sister was there.")
    row.refresh_from_db()
    assert (row.tries, row.occasion) == (1, 2)


def test_a_plan_is_made_by_keyboard_alone_and_at_twice_the_size(
    world: World, desk_of: Callable[..., Desk]
) -> None:
    """What is typed is in the field that a press leads to, and Return removes nothing."""
    draft = new_version(of=FollowUpPlan.objects.get(), by=world.supervisor, now=clock.now())
    desk = desk_of(world.supervisor)

    def walk(page: Page) -> list[str]:
        wrong: list[str] = []
        page.on("console", lambda told: wrong.append(told.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.set_viewport_size({"width": 640, "height": 450})
        page.goto(f"{desk.origin}/admin/followups/followupplan/{draft.pk}/change/")
        _press(page, "Add a follow-up")
        for typed in ("twice", "Tab", "Tab", " "):  # its name, what for, how the call ended
            page.keyboard.press(typed) if typed in {"Tab", " "} else page.keyboard.type(typed)
        expect(page.locator("[name=item-6-code]")).to_have_value("twice")
        expect(page.locator("[name=item-6-outcomes]").first).to_be_checked()
        for field in ("after_hours", "window_hours", "tries", "retry_hours", "missed_after_hours"):
            page.locator(f"[name=item-6-{field}]").focus()
            page.keyboard.type("9")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="What it asks for")).to_contain_text("7 follow-ups")
        _press(page, "Remove follow-up 7")
        expect(page.locator("#rows")).to_be_focused()
        _press(page, "Try on the last month, save nothing")
        expect(page.locator("#preview")).to_be_focused()
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append("scrolls sideways")
        return wrong

    assert desk._do(walk) == []
    draft.refresh_from_db()
    assert [one["code"] for one in draft.definition["items"]][6:] == ["twice"]


def _press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
