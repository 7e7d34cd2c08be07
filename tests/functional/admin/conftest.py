"""A real browser at a desk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from tests.browser import Chromium
from tests.factories import PASSWORD
from tests.integration.assignments.conftest import committed_world
from tests.processes import Processes, Server

__all__ = ["committed_world"]


class Desk:
    """A person at the admin, who reads what is on the page, and clicks."""

    def __init__(self, chromium: Chromium, url: str, user: User) -> None:
        self._chromium = chromium
        self.origin = url
        self._url = f"{url}/admin/"
        self._page = chromium.page()
        self.open("")
        self.fill(username=user.username, password=PASSWORD)
        self.press("Log in")

    def open(self, path: str) -> None:
        """Opens a page below /admin/."""
        self._do(lambda page: page.goto(self._url + path))

    def follow(self, text: str) -> None:
        """Clicks the first link with this text, and waits for the page that it leads to."""

        def follow(page: Page) -> None:
            with page.expect_navigation():
                page.get_by_role("link", name=text, exact=True).first.click()

        self._do(follow)

    def filter(self, text: str) -> None:
        """Chooses one of the filters of a list."""
        self._do(lambda page: page.get_by_role("button", name=re.compile("^Filters")).click())
        self.follow(text)

    def press(self, name: str) -> None:
        """Presses a button, and waits for the page that answers."""

        def press(page: Page) -> None:
            with page.expect_navigation():
                page.get_by_role("button", name=name, exact=True).click()

        self._do(press)

    def fill(self, **fields: str) -> None:
        """Types into fields of a form, by their names; chooses where there is a choice."""

        def fill(page: Page) -> None:
            for name, value in fields.items():
                field = page.locator(f"[name={name}]")
                if field.evaluate("field => field.tagName") == "SELECT":
                    field.select_option(label=value)
                else:
                    field.fill(value)

        self._do(fill)

    def act(self, action: str, on: str) -> None:
        """Ticks the rows of a list that show a text, and takes an action on them."""

        def act(page: Page) -> None:
            boxes = self._rows(page, on).locator(".action-select")
            boxes.first.wait_for()  # `all` does not wait for the page
            for box in boxes.all():
                box.check()
            page.locator("select[name=action]").select_option(label=action)
            with page.expect_navigation():
                page.get_by_role("button", name="Run", exact=True).click()

        self._do(act)

    def sees(self, *texts: str) -> None:
        """The page comes to show each of these."""

        def see(page: Page) -> None:
            for text in texts:
                expect(page.locator("body")).to_contain_text(text)

        self._do(see)

    def sees_not(self, *texts: str) -> None:
        def see(page: Page) -> None:
            for text in texts:
                expect(page.locator("body")).not_to_contain_text(text)

        self._do(see)

    def sees_row(self, *texts: str) -> None:
        """One row of the list shows all of these."""

        def see(page: Page) -> None:
            rows = page.locator("#result_list tbody tr")
            for text in texts:
                rows = rows.filter(has_text=text)
            expect(rows).to_have_count(1)

        self._do(see)

    def text_of(self, selector: str) -> str:
        found: str = self._do(lambda page: page.locator(selector).inner_text())
        return found

    def value_of(self, name: str) -> str:
        found: str = self._do(lambda page: page.locator(f"[name={name}]").input_value())
        return found

    def attribute_of(self, selector: str, name: str) -> str:
        found: str = self._do(lambda page: page.locator(selector).get_attribute(name))
        return found

    def count(self, selector: str) -> int:
        found: int = self._do(lambda page: page.locator(selector).count())
        return found

    def close(self) -> None:
        self._do(lambda page: page.context.close())

    def _rows(self, page: Page, text: str) -> Locator:
        return page.locator("#result_list tbody tr").filter(has_text=re.compile(re.escape(text)))

    def _do(self, what: Callable[[Page], Any]) -> Any:
        return self._chromium.do(what, self._page)


@pytest.fixture(scope="package")
def shared(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this package. Redis is emptied between them, and with it goes the
    group in which the server hears the bell of other processes: it joins again at a heartbeat."""
    processes = Processes(tmp_path_factory.mktemp("admin"))
    yield processes.server(HEARTBEAT_SECONDS="0.5")
    processes.end()


@pytest.fixture
def desk_of(
    chromium: Chromium, shared: Server, transactional_db: None
) -> Iterator[Callable[[User], Desk]]:
    """Signs a person in at a browser of their own."""
    desks: list[Desk] = []

    def sign_in(user: User) -> Desk:
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
        desks.append(Desk(chromium, shared.url, user))
        return desks[-1]

    yield sign_in
    for desk in desks:
        desk.close()
