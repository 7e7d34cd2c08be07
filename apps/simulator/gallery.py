"""Pages of the admin as pictures for the README, taken from a demo that has been played.

It drives a browser by Playwright, which comes with the development dependencies; the simulator
needs it for nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from apps.simulator import team as cast

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM: Final = "/usr/bin/chromium"
WIDTH, HEIGHT = 1280, 860
PATIENCE_MS: Final = 180_000
CITY: Final = ZoneInfo("America/Los_Angeles")  # of the demo's settings


def pages() -> Mapping[str, tuple[str, str | None]]:
    """The pictures by name: a page's address under `/admin/`, and which link is followed there (by
    its selector), if one is. `{today}` in an address is the city's day."""
    first_row = "#result_list tbody tr th a"
    return {
        "admin-assignment": ("assignments/assignment/?state__exact=closed", first_row),
        "admin-follow-up": ("followups/followup/?shown=ended", first_row),
        "admin-figures": ("metrics/packet/figures/?first={today}&last={today}", None),
    }


def live_pages() -> Mapping[str, str]:
    """Pictures by name of pages that show what goes on: their address under `/admin/`."""
    return {"board": "", "desk": "desk/"}


def take_live(*, base_url: str, password: str, folder: Path) -> None:
    """Takes those, each once it shows a crew on scene. To be called while a shift is played."""
    folder.mkdir(parents=True, exist_ok=True)
    with _signed_in(base_url, password) as page:
        for name, address in live_pages().items():
            page.goto(f"{base_url}/admin/{address}")
            on_scene = page.locator("#unit-rows tr.on_scene, #unit-rows tr.contact").first
            on_scene.wait_for(timeout=PATIENCE_MS)
            page.screenshot(path=folder / f"{name}.png")


def take(*, base_url: str, password: str, folder: Path) -> None:
    """Takes the others as a supervisor sees them after a shift. `folder` gets one PNG each."""
    folder.mkdir(parents=True, exist_ok=True)
    today = datetime.now(CITY).date()
    with _signed_in(base_url, password) as page:
        for name, (address, link) in pages().items():
            page.goto(f"{base_url}/admin/{address.format(today=today)}")
            if link is not None:
                page.locator(link).first.click()
                page.wait_for_load_state("load")
            page.screenshot(path=folder / f"{name}.png")


@contextlib.contextmanager
def _signed_in(base_url: str, password: str) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (see the module)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en-US")
        page.goto(f"{base_url}/admin/login/?next=/admin/")
        page.fill("#id_username", cast.SUPERVISORS[0])
        page.fill("#id_password", password)
        page.get_by_role("button", name="Log in").click()
        try:
            yield page
        finally:
            browser.close()
