from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from apps.accounts.models import User
from apps.changes.models import Item
from tests.factories import EnrolledTablet
from tests.probe import rooms
from tests.probe.client import SocketClient, joined
from tests.processes import Processes, Server


@pytest.fixture(autouse=True)
def _rooms() -> Iterator[None]:
    rooms.install()
    yield
    rooms.remove()


@pytest.fixture(autouse=True)
def _committing(transactional_db: None) -> None:
    """What a server is to see must be committed."""


@pytest.fixture(scope="package")
def shared(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a quick heartbeat, for all tests of this package."""
    processes = Processes(tmp_path_factory.mktemp("shared"))
    yield processes.server(DJANGO_SETTINGS_MODULE="tests.probe.settings", HEARTBEAT_SECONDS="0.5")
    processes.end()


@pytest.fixture(scope="package")
def rechecking(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that looks up the rights of its sockets every second."""
    processes = Processes(tmp_path_factory.mktemp("rechecking"))
    yield processes.server(
        DJANGO_SETTINGS_MODULE="tests.probe.settings", SOCKET_RECHECK_SECONDS="1"
    )
    processes.end()


@pytest.fixture
def serve(processes: Processes) -> Callable[..., Server]:
    """Starts a server that knows the probe's collections, with settings of its own."""

    def start(**settings: str) -> Server:
        return processes.server(DJANGO_SETTINGS_MODULE="tests.probe.settings", **settings)

    return start


@contextlib.contextmanager
def taking_part(server: Server, held: EnrolledTablet, user: User) -> Iterator[SocketClient]:
    """A socket that takes part in the rounds for certain, where others may still be catching up: as
    soon as it does, the server forgets what its checkpoints say that the tablet has dropped."""
    gone = rooms.note("gone", to=user)
    with joined(server.ws_url, held) as client:
        client.until(lambda: client.has(gone))
        rooms.withdraw(gone)
        stays = rooms.note("stays", to=user)
        client.until(lambda: client.has(stays) and not client.has(gone))
    known = dict.fromkeys(client.welcome["collections"]) | client.checkpoints
    tombstone = Item.objects.filter(holder=held.instance, doc_id=gone)
    with joined(server.ws_url, held, checkpoints=known) as client:
        client.until(lambda: not tombstone.exists())
        yield client
