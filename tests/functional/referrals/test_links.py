"""A signed link on a running server: opened by a mail scanner that posts every form, and by whoever
has a small telephone whose browser runs no script."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any, Literal
from urllib.parse import urljoin

import httpx2
import pytest
from django.core import mail
from playwright.sync_api import Page

from apps.accounts import services as accounts
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.referrals.models import (
    Disclosure,
    LinkCode,
    LinkSession,
    PartnerContact,
    ReferralAnswer,
    ReferralTask,
)
from apps.referrals.services import links
from tests.browser import Chromium
from tests.integration.assignments.conftest import World, committed_world
from tests.integration.referrals.conftest import NOON, met
from tests.probe.client import joined
from tests.processes import Server

__all__ = ["committed_world"]

pytestmark = pytest.mark.django_db(transaction=True)

# Of a relative luminance (WCAG 2.2, 1.4.3) of the text and of what is behind it, what is too wide
# or too small to be tapped, and fields without a label.
_LOOK = """() => {
  const lum = (rgb) => { const [r, g, b] = rgb.match(/\\d+/g).map(Number).map(v => {
    v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (c !== 'rgba(0, 0, 0, 0)') return c; } return 'rgb(255, 255, 255)'; };
  const found = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push('wider than the screen: ' + wide);
  for (const e of document.querySelectorAll('body *')) {
    const s = getComputedStyle(e);
    if (!e.innerText || s.display === 'none') continue;
    const [a, b] = [lum(s.color), lum(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push('contrast: ' + e.tagName);
    if (parseFloat(s.fontSize) < 16) found.push('small: ' + e.tagName);
  }
  for (const e of document.querySelectorAll('button, .act'))
    if (e.getBoundingClientRect().height < 44) found.push('hard to tap: ' + e.innerText);
  for (const e of document.querySelectorAll('input, select, textarea'))
    if (e.type !== 'hidden' && !e.labels.length) found.push('no label: ' + e.name);
  if (!document.title || !document.documentElement.lang) found.push('no title or language');
  if (document.querySelectorAll('h1').length !== 1) found.push('not one h1');
  return found;
}"""


def sent(pattern: str) -> str:
    """What stands in the last message that fits."""
    found = [re.search(pattern, str(one.body)) for one in mail.outbox]
    return [one.group() for one in found if one][-1]


@pytest.fixture
def task(committed_world: World) -> ReferralTask:
    case = met(committed_world)
    _, shelter = accounts.create_partner(name="Shelter", by=SYSTEM, now=NOON)
    desk = PartnerContact(partner=shelter, name="Desk", destination="desk@shelter.example.org")
    links.note_contact(contact=desk, by=committed_world.supervisor, now=NOON)
    case.consent(shelter, now=clock.now())
    task = case.asks(shelter, now=clock.now())
    assert links.send_due(now=clock.now()) == 1
    return task


class Forms(HTMLParser):
    """The links and forms of a page, each field filled in."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(has.get("href", ""))
        elif tag == "form":
            self.forms.append((has.get("method", "get"), has.get("action", ""), {}))
        elif self.forms and tag in {"input", "textarea", "select"} and "name" in has:
            self.forms[-1][2][has["name"]] = has.get("value") or "123456"


def test_a_mail_scanner_that_opens_and_posts_everything_gets_nowhere(
    standing_server: Server, task: ReferralTask
) -> None:
    start = standing_server.url + sent(r"/r/\S+")
    waiting, seen = [start, *(f"{start}say/{verb}" for verb in ("accept", "served"))], set()
    with httpx2.Client(follow_redirects=True, timeout=60, trust_env=False) as scanner:
        while waiting:
            address = waiting.pop(0)
            if address in seen or not address.startswith(standing_server.url):
                continue
            seen.add(address)
            page = Forms()
            page.feed(scanner.get(address).text)
            waiting += [urljoin(address, one) for one in page.links]
            for method, action, fields in page.forms:
                answer = scanner.request(method, urljoin(address, action), data=fields)
                assert "Dana" not in answer.text
                waiting.append(str(answer.url))
    assert any(address.endswith("/enter") for address in seen)

    links.send_due(now=clock.now())
    assert LinkCode.objects.exists()  # it went as far as it can
    assert not ReferralAnswer.objects.exists()
    assert not LinkSession.objects.exists()
    assert not Disclosure.objects.exists()


class Telephone:
    """Somebody with a small screen, and no script."""

    def __init__(self, chromium: Chromium) -> None:
        size: Any = {"width": 320, "height": 568}
        self._chromium = chromium
        self._page = chromium.page(java_script_enabled=False, viewport=size)

    def open(self, address: str) -> None:
        self._do(lambda page: page.goto(address))

    def fill(self, **fields: str) -> None:
        def fill(page: Page) -> None:
            for label, value in fields.items():
                page.get_by_label(label.replace("_", " ")).fill(value)

        self._do(fill)

    def press(self, name: str) -> None:
        self._go("button", name)

    def follow(self, name: str) -> None:
        self._go("link", name)

    def _go(self, role: Literal["button", "link"], name: str) -> None:
        """Each leads to a page, which is there before anybody looks at it."""

        def go(page: Page) -> None:
            with page.expect_navigation():
                page.get_by_role(role, name=name, exact=True).click()

        self._do(go)

    def back(self) -> None:
        self._do(lambda page: page.go_back())

    def text(self) -> str:
        """What the page shows; it is fit to be used."""
        assert self._do(lambda page: page.evaluate(_LOOK)) == []
        found: str = self._do(lambda page: page.locator("body").inner_text())
        return found

    def close(self) -> None:
        self._do(lambda page: page.context.close())

    def _do(self, what: Any) -> Any:
        return self._chromium.do(what, self._page)


def test_somebody_answers_on_a_small_telephone_without_scripts(
    standing_server: Server, committed_world: World, task: ReferralTask, chromium: Chromium
) -> None:
    phone = Telephone(chromium)
    tablet = committed_world.ours.tablets[0]
    with joined(standing_server.ws_url, tablet) as held:
        held.until(lambda: held.has(task.referral_id))
        phone.open(standing_server.url + sent(r"/r/\S+"))
        assert "A referral waits for your answer" in phone.text()
        phone.press("Send the code")
        links.send_due(now=clock.now())
        assert "Dana" not in phone.text()
        phone.fill(Code=sent(r"\d{6}"), Your_name="Kim, front desk")
        phone.press("Open the referral")
        assert "Dana" in phone.text()

        phone.follow("Decline")
        phone.press("Decline")
        assert "Say why" in phone.text()
        phone.follow("Back to the referral")
        phone.follow("Accept")
        assert "Your own case number" in phone.text()
        phone.press("Accept")
        assert "Taken: accepts" in phone.text()

        def answers() -> list[tuple[str, str, str]]:
            [one] = held.documents[str(task.referral_id)]["tasks"]
            return [(said["verb"], said["way"], said["by"]) for said in one["answers"]]

        held.until(lambda: answers() == [("accept", "link", "Kim, front desk")])

        phone.back()
        phone.press("Accept")
        assert "Taken: accepts" in phone.text() or "has changed since" in phone.text()
        phone.follow("Served")
        phone.press("Served")
        assert "Thank you" in phone.text()
        held.until(lambda: held.documents[str(task.referral_id)]["status"] == "completed")
        phone.back()
        assert "opens nothing" in phone.text()
    phone.close()
    assert ReferralAnswer.objects.filter(verb="served").count() == 1
