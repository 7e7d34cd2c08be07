"""Every page of the admin, in a real browser: nothing is refused or fails, whoever cannot see well
or has no mouse can use it, by day and by night, and at twice the size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import ConsoleMessage, Page

from apps.accounts.models import Role, User
from apps.audit.acts import Act
from apps.audit.admin import RecordAdmin, RoleAdmin
from apps.core import clock
from apps.dispatch import messages
from apps.dispatch import services as dispatch
from apps.followups.models import FollowUpPlan
from apps.followups.services.plans import new_version
from apps.metrics import services as metrics
from apps.metrics.models import PacketKind
from apps.metrics.periods import Period
from apps.people.models import Encounter
from tests.factories import person
from tests.functional.admin.conftest import Desk
from tests.furnished import furnish
from tests.integration.assignments.conftest import World

AXE = Axe().axe_script
WCAG = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# Contrast costs more than all other rules together. It is judged by itself, by day and by night, of
# texts in colours that were on no page before: `COLOURS` marks them.
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
IN_NEW_COLOURS = {"include": [["[data-new-colours]"]]}
BY_DAY = {"runOnly": WCAG, "rules": {"color-contrast": {"enabled": False}}}
# What is the same everywhere is judged on the first page alone: the sidebar.
BUT_THE_SIDEBAR = {"exclude": [["#nav-sidebar"]]}
DESKTOP = {"width": 1280, "height": 900}
AT_200_PERCENT = {"width": 640, "height": 450}
FIRST_ROW = "#result_list tbody tr:first-child th a"
# Of each text on the page its colour, what it stands on, its size and weight; those that are not
# known yet.
COLOURS = """
known => {
  const inked = new Set(document.querySelectorAll("input, select, textarea"));
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    if (texts.currentNode.data.trim()) inked.add(texts.currentNode.parentElement);
  }
  const found = new Set();
  for (const one of inked) {
    if (!one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    const told = [style.color, style.fontSize, style.fontWeight];
    for (let at = one; at; at = at.parentElement) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(at);
      if (opacity !== "1") told.push(opacity);
      if (backgroundImage !== "none") told.push(backgroundImage);
      if (backgroundColor === "rgba(0, 0, 0, 0)") continue;
      told.push(backgroundColor);
      if (/^(rgb|oklch)\\([^/]*\\)$/.test(backgroundColor)) break;
    }
    one.toggleAttribute("data-new-colours", !known.includes(told.join()));
    if (!known.includes(told.join())) found.add(told.join());
  }
  return [...found];
}
"""
# What can be done with the rows of a list is in sight, however wide the list is.
ACTS_OUT_OF_SIGHT = """
() => [...document.querySelectorAll("#result_list .field-to_do")].some(cell => {
  const list = cell.closest(".wide").getBoundingClientRect();
  return cell.getBoundingClientRect().right > list.right + 1;
})
"""
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31), ZoneInfo("America/Los_Angeles"))
IN_MARCH = "?first=2026-03-01&last=2026-03-31"
STOCK = {"changelist", "add", "change", "history", "delete", "save_view", "forget_view", "do"}
# These answer with a file.
FILES = {"referrals_organization_export"}
# What a supervisor's walk leads to at least, of pages that have no list of their own.
LED_TO = {
    *("accounts_tablet_enrol", "cockpit_assignment_story", "cockpit_encounter_story"),
    *("cockpit_person_story", "dispatch_dispatchrule_dry_run", "dispatch_heldmessage_replay"),
    *("firstaid_lot_recall", "followups_followupplan_preview", "metrics_declined"),
    *("metrics_export", "metrics_figures", "metrics_not_sent", "metrics_packet_make"),
    *("metrics_packet_print", "handover-page", "do"),
}


class Walk:
    """A person who opens page after page, and what was wrong on them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.names: set[str] = set()
        self._seen = 0
        self._size = DESKTOP
        self._colours: dict[str, list[str]] = {"dark": [], "light": []}
        page.add_init_script(AXE)
        page.set_viewport_size(DESKTOP)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._note(f"script: {error}"))

    def open(self, name: str, address: str) -> bool:
        """Whether it answers with a page, which is looked at. Each page comes in the size in which
        the last one was left: to change it costs as much as many a rule."""
        self.names.add(name)
        answer = self.page.goto(address)
        if answer is None or not answer.ok:
            self._note(f"answers {answer and answer.status}")
            return False
        self._seen += 1
        for size in (self._size, AT_200_PERCENT if self._size == DESKTOP else DESKTOP):
            if size != self._size:
                self.page.set_viewport_size(size)
                self._size = size
            if size == DESKTOP:
                self._judge()
                if self.page.evaluate(ACTS_OUT_OF_SIGHT):
                    self._note("the acts of its rows are out of sight")
            elif self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                self._note("scrolls sideways at 200 %")
        return True

    def _judge(self) -> None:
        for scheme, known in self._colours.items():
            self.page.emulate_media(color_scheme=scheme)
            new = self.page.evaluate(COLOURS, known)
            if new:
                self._run(scheme, IN_NEW_COLOURS, CONTRAST)
            known.extend(new)
        where = {"include": [["html"]]} if self._seen == 1 else BUT_THE_SIDEBAR
        self._run("light", where, BY_DAY)

    def _run(self, scheme: str, where: dict[str, Any], options: dict[str, Any]) -> None:
        told = {**options, "resultTypes": ["violations"]}
        found_here = self.page.evaluate("given => axe.run(...given)", [where, told])
        for found in found_here["violations"]:
            at = [node["html"][:160] for node in found["nodes"][:2]]
            self._note(f"{scheme}: {found['id']}: {at}")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._note(f"console: {message.text}")

    def _note(self, what: str) -> None:
        self.wrong.append(f"{self.page.url}: {what}")


class Pages:
    """The pages of a model that a role may open, from its list to the acts on its first row."""

    def __init__(self, model: type, page: RoleAdmin[Any], user: User) -> None:
        self.page = page
        self.stem = f"{model._meta.app_label}_{model._meta.model_name}"
        seen, self.changes = page.VIEW | page.CHANGE, user.role in page.CHANGE
        # An administrator does not open what a supervisor has.
        if user.role == Role.ADMINISTRATOR and Role.SUPERVISOR in seen:
            seen = frozenset()
        self.opens = user.role in seen

    def lists(self) -> Iterator[tuple[str, str]]:
        """The form for a new row, and pages of its own."""
        if self.changes:
            yield self.of("add")
        if self.opens:
            for name, is_of_a_row in self._own():
                if not is_of_a_row:
                    yield name, reverse(f"admin:{name}") + IN_MARCH

    def of_a_row(self, pk: UUID) -> Iterator[tuple[str, str]]:
        """The pages of its own that are of a row, and its story."""
        for name, is_of_a_row in self._own():
            if is_of_a_row:
                yield name, reverse(f"admin:{name}", args=[pk])
        if isinstance(self.page, RecordAdmin) and self.page.STORY:
            name = self.page.STORY
            yield name.removeprefix("admin:"), reverse(name, args=[pk])

    def of(self, suffix: str) -> tuple[str, str]:
        name = f"{self.stem}_{suffix}"
        return name, reverse(f"admin:{name}")

    def _own(self) -> Iterator[tuple[str, bool]]:
        for one in self.page.get_urls():
            name = one.name or ""
            if name and name not in FILES | {f"{self.stem}_{stock}" for stock in STOCK}:
                yield name, bool(one.pattern.converters)


def shape_of(act: Act) -> tuple[Any, ...]:
    """What the page of an act is made of. All have one template and differ in their fields: one of
    each set of widgets is looked at. A form that is made for its rows is a shape of its own."""
    if act.form_for:
        return (act.label,)
    return tuple(sorted({type(one.widget).__name__ for one in act.form.base_fields.values()}))


@pytest.fixture
def world(committed_world: World) -> World:
    """With a packet, a plan that can be edited, and a message that nobody could read."""
    furnish(committed_world)
    by, now = committed_world.supervisor, clock.now()
    metrics.follow_log()
    metrics.make_packet(kind=PacketKind.HEARING, period=MARCH, by=by, now=MARCH.ends)
    new_version(of=FollowUpPlan.objects.earliest("effective_from"), by=by, now=now)
    dispatch.hold_message(
        client=committed_world.client,
        path=messages.PLAIN,
        content_type="application/json",
        body=b"{}",
        errors=[("/cad_number", "give the CAD event number")],
        now=now,
    )
    return committed_world


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.SUPERVISOR])
def test_nothing_is_wrong_on_any_page(
    role: Role, world: World, desk_of: Callable[[User], Desk]
) -> None:
    user = world.supervisor if role == Role.SUPERVISOR else person(role)
    desk = desk_of(user)
    known = [
        Pages(model, page, user)
        for model, page in admin.site._registry.items()
        if isinstance(page, RoleAdmin)
    ]
    encounters = list(Encounter.objects.visible_to(user)[:1])

    def walk(page: Page) -> Walk:
        walked, shapes = Walk(page), set()

        def go(name: str, address: str) -> bool:
            return walked.open(name, f"{desk.origin}{address}")

        go("index", reverse("admin:index"))
        for pages in known:
            if pages.opens and go(*pages.of("changelist")) and page.locator(FIRST_ROW).count():
                first = page.locator(FIRST_ROW).get_attribute("href") or ""
                go(f"{pages.stem}_change", first)
                acts = page.locator("ul.object-tools a[href*='/do/']")
                for way in [one.get_attribute("href") or "" for one in acts.all()]:
                    shape = shape_of(pages.page.acts[PurePosixPath(way).name])
                    if shape not in shapes:
                        shapes.add(shape)
                        go("do", way)
                pk = re.search(r"/([0-9a-f-]{36})/change/", first)
                for one in pages.of_a_row(UUID(pk[1])) if pk else ():
                    go(*one)
            for one in pages.lists():
                go(*one)
        if role == Role.SUPERVISOR:
            go("handover-page", reverse("handover-page", args=[encounters[0].pk]))
        return walked

    walked: Walk = desk._do(walk)
    assert walked.wrong == []
    assert role != Role.SUPERVISOR or walked.names >= LED_TO
