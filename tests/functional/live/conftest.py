from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.probe import rooms
from tests.processes import Processes, Server


@pytest.fixture(autouse=True)
def _rooms() -> Iterator[None]:
    rooms.install()
    yield
    rooms.remove()


@pytest.fixture(autouse=True)
def _committing(transactional_db: None) -> None:
    """What a server is to see must be committed."""


@pytest.fixture(scope="module")
def shared(application_rights: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a quick heartbeat, for all tests of a module."""
    processes = Processes(tmp_path_factory.mktemp("shared"))
    yield processes.server(DJANGO_SETTINGS_MODULE="tests.probe.settings", HEARTBEAT_SECONDS="0.5")
    processes.end()


@pytest.fixture
def serve(processes: Processes) -> Callable[..., Server]:
    """Starts a server that knows the probe's collections, with settings of its own."""

    def start(**settings: str) -> Server:
        return processes.server(DJANGO_SETTINGS_MODULE="tests.probe.settings", **settings)

    return start
