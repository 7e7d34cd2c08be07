from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.probe import rooms


@pytest.fixture(autouse=True)
def _rooms() -> Iterator[None]:
    rooms.install()
    yield
    rooms.remove()
