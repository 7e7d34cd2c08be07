"""A server, Node, the radio between them, and who uses it. Server and Node serve all tests here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction

from apps.changes import scopes
from apps.changes.services import grant
from tests.factories import person, team
from tests.functional.dispatch.street import Cast, on_duty
from tests.functional.sync.rxdb.together import (
    Pair,
)
from tests.probe import rooms
from tests.processes import Processes, Server
from tests.rxdb.client import Node, missing
from tests.rxdb.proxy import Proxy


@pytest.fixture(autouse=True, scope="session")
def _node_is_there() -> None:
    if why := missing():
        pytest.skip(why)


@pytest.fixture(autouse=True)
def _committing(transactional_db: None) -> None:
    """What a server is to see must be committed."""


@pytest.fixture(autouse=True)
def _rooms() -> Iterator[None]:
    rooms.install()
    yield
    rooms.remove()


@pytest.fixture(scope="package")
def shared(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    processes = Processes(tmp_path_factory.mktemp("server"))
    yield processes.server(DJANGO_SETTINGS_MODULE="tests.probe.settings", HEARTBEAT_SECONDS="0.5")
    processes.end()


@pytest.fixture(scope="package")
def one_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("node") / "said.txt")
    yield node
    node.end()


@pytest.fixture
def node(one_node: Node) -> Iterator[Node]:
    yield one_node
    one_node.close_all()


@pytest.fixture
def proxy(shared: Server) -> Iterator[Proxy]:
    proxy = Proxy(shared)
    yield proxy
    proxy.end()


@pytest.fixture
def users(transactional_db: None) -> Pair:
    """Two responders who see what their team sees."""
    ours = team()
    people = person(of=ours), person(of=ours)
    for user in people:
        with transaction.atomic():
            grant(principal=user.pk, scopes=[scopes.team(ours.pk)])
    return people


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return on_duty(CARE21=2)
