"""What tests of running processes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import Chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One browser for all tests of a process; each page is another person's."""
    chromium = Chromium()
    yield chromium
    chromium.close()
