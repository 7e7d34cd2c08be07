"""A real browser. Debian's Chromium is driven by Playwright; where it is missing, tests skip.

Without a window of its own where that is installed (`chromium-headless-shell`): the same engine for
three quarters of the processor's time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

PATIENCE_MS: Final = 60_000
_PROGRAMS: Final = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))


def program() -> Path:
    """The browser that is installed here; the test is skipped where none is."""
    for one in _PROGRAMS:
        if one.exists():
            return one
    pytest.skip(f"{_PROGRAMS[-1]} is not here: pages are not tried in a real browser")


class Chromium:
    """One browser for all tests of a process, in a thread of its own: Playwright keeps an event
    loop running in the thread that it is used in, where Django refuses to touch the database."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chromium")
        self._playwright: Playwright
        self._browser: Browser
        self.do(self._start, program())

    def do(self, what: Callable[..., Any], *args: Any) -> Any:
        """Runs something in the browser's thread."""
        return self._thread.submit(what, *args).result()

    def page(self, **options: Any) -> Page:
        """A page with nothing remembered: another person's browser."""
        page: Page = self.do(lambda: self._browser.new_context(**options).new_page())
        self.do(page.set_default_timeout, PATIENCE_MS)
        return page

    def close(self) -> None:
        self.do(self._stop)
        self._thread.shutdown()

    def _start(self, program: Path) -> None:
        self._playwright = sync_playwright().start()
        options = ["--no-sandbox", "--disable-dev-shm-usage"]
        self._browser = self._playwright.chromium.launch(executable_path=program, args=options)
        expect.set_options(timeout=PATIENCE_MS)

    def _stop(self) -> None:
        self._browser.close()
        self._playwright.stop()
