"""A story in a real browser: by day and night, at twice the size, and on paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from apps.accounts.models import User
from tests.functional.admin.conftest import Desk
from tests.integration.assignments.conftest import World
from tests.integration.cockpit.stories.conftest import Told, everything, fill

# What stands on the paper and is not the story.
BESIDE_IT = """
() => [...document.querySelectorAll("body *")]
  .filter(one => getComputedStyle(one).display !== "none" && one.innerText?.trim())
  .filter(one => !one.closest(".story") && !one.querySelector(".story"))
  .map(one => one.tagName)
"""
CUT = """
() => [...new Set([...document.querySelectorAll(".story-moment")]
  .map(one => getComputedStyle(one).breakInside))]
"""
# The rules of the sheets' edges, as the browser has read them.
EDGES = """
() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
  .flatMap(rule => rule instanceof CSSMediaRule ? [...rule.cssRules] : [rule])
  .filter(rule => rule instanceof CSSPageRule).map(rule => rule.cssText).join(" ")
"""
HEADINGS = "() => [...document.querySelectorAll('.story :is(h2, h3)')].map(one => one.tagName)"
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LISTEN = """
window.heard = [];
addEventListener("error", event => heard.push(event.message), true);
addEventListener("securitypolicyviolation", event => heard.push(event.violatedDirective));
"""
HEARD = "() => window.heard"
SHEETS = re.compile(rb"/Type\s*/Page\b")


@pytest.fixture
def told(committed_world: World) -> Told:
    return everything(committed_world)


def test_a_story_is_read_at_any_size_and_goes_onto_paper_whole(
    told: Told, desk_of: Callable[[User], Desk]
) -> None:
    supervisor = told.world.supervisor
    fill(told, 120)
    desk = desk_of(supervisor)
    desk._do(_listen)
    desk.open(f"story/assignment/{told.assignment}/")
    desk.sees("What is open", "Dose given", "Message: a follow-up is due")
    assert _asked(desk, HEADINGS) == [*["H2"] * 4, "H3"]

    for scheme in ("light", "dark"):
        desk._do(partial(Page.emulate_media, color_scheme=scheme))
        for width in (1280, 640, 320):  # as it is, at 200 %, at 400 %
            desk._do(partial(Page.set_viewport_size, viewport_size=_size(width)))
            assert _asked(desk, TOO_WIDE) <= 0, (scheme, width)

    desk._do(partial(Page.emulate_media, media="print"))
    assert _asked(desk, BESIDE_IT) == []
    assert _asked(desk, CUT) == ["avoid"]
    edges = _asked(desk, EDGES)
    assert "counter(page)" in edges
    for each_sheet in ("Confidential", str(told.assignment), supervisor.display_name):
        assert each_sheet in edges
    for paper in ("A4", "Letter"):
        pdf = desk._do(partial(Page.pdf, format=paper))
        assert 5 < len(SHEETS.findall(pdf)) < 20
    assert _asked(desk, HEARD) == []


def _listen(page: Page) -> None:
    """What the page complains of is kept in it."""
    page.add_init_script(LISTEN)


def _asked(desk: Desk, script: str) -> Any:
    return desk._do(partial(Page.evaluate, expression=script))


def _size(width: int) -> ViewportSize:
    return {"width": width, "height": 800}
