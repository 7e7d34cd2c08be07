"""Supervisors and dispatchers before a live page, whose scripts may say nothing on the console."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Route, expect

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.clock import iso
from apps.dispatch import services as dispatch
from tests import axe
from tests.browser import Chromium
from tests.factories import NOON, PASSWORD
from tests.integration.assignments.conftest import World, committed_world
from tests.processes import Processes, Server

__all__ = ["committed_world"]

HEARTBEAT_SECONDS = 0.5


@dataclass
class Cad:
    """The 911 centre's machine, which posts calls to the running server."""

    token: str
    url: str
    numbers: Iterator[int]

    def call(self, world: World, **members: Any) -> str:
        """A new call, by HTTP, with our unit unless something else is said. Its CAD number."""
        now = clock.now()
        number = f"27{next(self.numbers):09}"
        body = {
            "cad_number": number,
            "agency_id": "spd.seattle.gov",
            "received_at": iso(now),
            "updated_at": iso(now),
            "initial_call_type": "SERVICE - WELFARE CHECK",
            "address": "3RD AVE / PIKE ST",
            "location": {"lat": 47.6097, "lon": -122.3381},
            "beat": "M3",
            "units": [world.status("Dispatched", at=now)],
            **members,
        }
        answer = httpx2.post(
            f"{self.url}/api/v1/dispatch/incidents",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
            trust_env=False,
        )
        assert answer.status_code in {200, 201}, answer.text
        return number


class LivePage:
    """A person's page below /admin/; what its console says that is an error is kept."""

    def __init__(self, chromium: Chromium, url: str, user: User, **options: Any) -> None:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
        self.errors: list[str] = []
        self._chromium = chromium
        self._url = f"{url}/admin/"
        self._page = chromium.page(**options)
        self.do(self._listen)
        self.open("")
        self.do(self._sign_in, user.username)

    def do(self, what: Callable[..., Any], *args: Any) -> Any:
        """Runs something with the page, in the browser's thread."""
        return self._chromium.do(what, self._page, *args)

    def open(self, path: str) -> None:
        self.do(lambda page: page.goto(self._url + path))

    def sees(self, selector: str, *texts: str) -> None:
        """One place comes to show all of these."""

        def see(page: Page) -> None:
            found: Locator = page.locator(selector)
            for text in texts:
                found = found.filter(has_text=text)
            expect(found).to_have_count(1)

        self.do(see)

    def sees_no(self, selector: str) -> None:
        """Nothing like it is shown."""
        self.do(lambda page: expect(page.locator(f"{selector}:visible")).to_have_count(0))

    def press(self, name: str) -> None:
        """Presses the button of this name, and stays on the page."""
        self.do(lambda page: page.get_by_role("button", name=name, exact=True).click())

    def follow(self, name: str) -> None:
        """Follows the link of this name."""

        def go(page: Page) -> None:
            with page.expect_navigation():
                page.get_by_role("link", name=name, exact=True).click()

        self.do(go)

    def expand(self, summary: str) -> None:
        """Opens what is folded up behind these words."""
        self.do(lambda page: page.locator("summary").filter(has_text=summary).click())

    def choose(self, label: str, option: str) -> None:
        """Chooses, by value or by words, in the one choice of this name that is shown."""
        self.do(
            lambda page: (
                page.get_by_label(label, exact=True).locator("visible=true").select_option(option)
            )
        )

    def fill(self, label: str, text: str) -> None:
        self.do(
            lambda page: page.get_by_label(label, exact=True).locator("visible=true").fill(text)
        )

    def lose_answers(self, address: str) -> None:
        """The server gets the next such request, and the page does not get the answer."""

        def lose(route: Route) -> None:
            route.fetch()
            route.abort()

        self.do(lambda page: page.route(address, lose, times=1))

    def tones(self) -> str | None:
        """How many tones the page has played to their end, as it marks them; None: none."""
        found: str | None = self.do(lambda page: page.locator("html").get_attribute("data-tones"))
        return found

    def hears_a_tone(self) -> None:
        played = re.compile("[1-9]")
        self.do(lambda page: expect(page.locator("html")).to_have_attribute("data-tones", played))

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA on the page as it is."""
        found: list[str] = self.do(axe.violations, "#board")
        return found

    def forgive(self, *words: str) -> None:
        """What the browser says itself of a server that a test has stopped."""
        self.errors = [one for one in self.errors if not any(word in one for word in words)]

    def close(self) -> None:
        self.do(lambda page: page.context.close())

    def _listen(self, page: Page) -> None:
        def said(message: ConsoleMessage) -> None:
            own = not message.location.get("url", "").endswith("/favicon.ico")  # the browser asks
            if own and message.type in {"error", "warning"}:
                self.errors.append(f"{message.text} {message.location.get('url', '')}")

        def thrown(error: Error) -> None:
            self.errors.append(str(error))

        page.on("console", said)
        page.on("pageerror", thrown)

    def _sign_in(self, page: Page, username: str) -> None:
        page.locator("[name=username]").fill(username)
        page.locator("[name=password]").fill(PASSWORD)
        with page.expect_navigation():
            page.locator("form [type=submit]").click()


PageOf = Callable[..., LivePage]


@pytest.fixture(scope="package")
def shared(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    processes = Processes(tmp_path_factory.mktemp("cockpit"))
    yield processes.server(HEARTBEAT_SECONDS=str(HEARTBEAT_SECONDS))
    processes.end()


@pytest.fixture
def world(committed_world: World) -> World:
    dispatch.load_reference(by=SYSTEM, now=NOON)
    return committed_world


@pytest.fixture
def cad(shared: Server, world: World) -> Cad:
    token, _ = accounts.create_client(name="CAD over HTTP", by=SYSTEM, now=NOON)
    return Cad(token, shared.url, world.numbers)


@pytest.fixture
def page_of(
    chromium: Chromium, shared: Server, transactional_db: None
) -> Iterator[Callable[..., LivePage]]:
    """Signs a person in at a browser of their own. No page may have complained at the end."""
    pages: list[LivePage] = []

    def sign_in(user: User, *, url: str = shared.url, **options: Any) -> LivePage:
        pages.append(LivePage(chromium, url, user, **options))
        return pages[-1]

    yield sign_in
    for page in pages:
        page.close()
    assert [page.errors for page in pages if page.errors] == []
