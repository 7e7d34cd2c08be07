"""A partner agency without a system: somebody at a desk opens what the mail brings, in a browser.

A link comes; they ask for a code, which comes by mail too, type it with their name, read what is
needed, and answer on the page. Forms are filled in as they stand there, hidden fields and all.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

import httpx2

from apps.simulator.mailbox import Box, taken
from apps.simulator.pace import Pace
from apps.simulator.radio import certificates

LOOK_SECONDS: Final = 0.25
CODE_SECONDS: Final = 60.0
NAME: Final = "front desk"
_LINK: Final = re.compile(r"https?://\S+/r/\S+/")
_CODE: Final = re.compile(r"\b(\d{6})\b is your code")


class NoPage(Exception):
    """The page is not the one that was expected: the referral was called off, say."""


@dataclass
class FrontDesk:
    """One partner. `name` is its account's; `say` is told of each answer, in words without a name
    of anybody. `answered`: link -> verbs that the page has thanked for."""

    name: str
    box: Box
    pace: Pace
    say: Callable[[str, str], None]
    answered: dict[str, list[str]] = field(default_factory=dict)
    at_work: int = 0
    _codes: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def run(self) -> None:
        """Opens every link that comes, until cancelled. One after the other: one desk, one code."""
        links: asyncio.Queue[str] = asyncio.Queue()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._open(links))
            while True:
                for mail in taken(self.box):
                    if found := _LINK.search(mail.text):
                        self.at_work += 1
                        links.put_nowait(found.group())
                    elif code := _CODE.search(mail.text):
                        self._codes.put_nowait(code[1])
                await asyncio.sleep(LOOK_SECONDS)

    async def _open(self, links: asyncio.Queue[str]) -> None:
        while True:
            link = await links.get()
            try:
                await self.pace.minutes(1, 6)
                async with _browser() as browser:
                    await self._answer(link, browser)
            except NoPage:
                self.say("partner", f"{self.name}: the link opens nothing any more")
            finally:
                self.at_work -= 1

    async def _answer(self, link: str, browser: httpx2.AsyncClient) -> None:
        page = await _get(browser, link)
        while not self._codes.empty():  # for a link that opened nothing after all
            self._codes.get_nowait()
        page = await _send(browser, page, ending="code")
        async with asyncio.timeout(CODE_SECONDS):
            code = await self._codes.get()
        page = await _send(browser, page, ending="enter", code=code, name=NAME)
        verbs = ("decline",) if self.pace.happens(0.2) else ("accept", "attended", "served")
        for verb in verbs:
            address = next((one for one in page.links if one.endswith(f"/say/{verb}")), None)
            if address is None:
                raise NoPage
            page = await _get(browser, address)
            more = {"reason_code": "full"} if verb == "decline" else {}
            page = await _send(browser, page, ending=verb, **more)
            if f"taken={verb}" not in page.address:
                raise NoPage
            self.answered.setdefault(link, []).append(verb)
            self.say("partner", f"{self.name} (by link): {verb}")
            await self.pace.minutes(2, 15)


class _Page(HTMLParser):
    """What can be followed and sent on a page."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[str] = []
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(urljoin(self.address, has.get("href", "")))
        elif tag == "form":
            self.forms.append((urljoin(self.address, has.get("action") or self.address), {}))
        elif tag == "input" and self.forms and "name" in has:
            if has.get("type") == "checkbox":
                return
            if has.get("type") != "radio" or "checked" in has:
                self.forms[-1][1][has["name"]] = has.get("value", "")


@asynccontextmanager
async def _browser() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        verify=certificates(), timeout=30, trust_env=False, follow_redirects=True
    ) as client:
        yield client


async def _get(browser: httpx2.AsyncClient, address: str) -> _Page:
    return _page(await browser.get(address))


async def _send(browser: httpx2.AsyncClient, page: _Page, *, ending: str, **typed: str) -> _Page:
    """Fills in and sends the page's form that goes to an address of this ending."""
    for action, fields in page.forms:
        if action.rstrip("/").endswith(ending):
            headers = {"Referer": page.address}
            return _page(await browser.post(action, data={**fields, **typed}, headers=headers))
    raise NoPage


def _page(answer: httpx2.Response) -> _Page:
    if answer.status_code != 200:
        raise NoPage
    return _Page(str(answer.url), answer.text)
