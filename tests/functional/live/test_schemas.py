"""Sockets of an app of yesterday: frames that it knows, everything again after its update."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction

from apps.changes import scopes
from apps.changes.services import Document, publish
from apps.core.ids import uuid7
from tests.factories import NOON, EnrolledTablet, person, tablet
from tests.probe.client import dialled, joined
from tests.processes import Server


@pytest.fixture
def held() -> EnrolledTablet:
    return tablet(person())


def page(held: EnrolledTablet, **fields: Any) -> str:
    """Publishes a page with a mood, which the first version does not know."""
    user = held.tablet.sign_ins.get(ended_at=None).user
    id = uuid7()
    body = {"id": str(id), "text": "x", "mood": "calm", **fields}
    with transaction.atomic():
        seen_by = frozenset({scopes.responder(user.pk)})
        publish(documents=[Document("pages", id, seen_by, body)], now=NOON)
    return str(id)


def test_two_apps_get_the_same_commit_each_as_it_knows_it(
    shared: Server, held: EnrolledTablet
) -> None:
    other = tablet(held.tablet.sign_ins.get(ended_at=None).user)
    with (
        joined(shared.ws_url, held, schema=1) as old,
        joined(shared.ws_url, other, schema=2) as new,
    ):
        id = page(held)
        old.until(lambda: id in old.documents)
        new.until(lambda: id in new.documents)
        assert "mood" not in old.documents[id]
        assert new.documents[id]["mood"] == "calm"


def test_an_update_brings_new_fields_to_what_is_there(shared: Server, held: EnrolledTablet) -> None:
    id = page(held)
    with joined(shared.ws_url, held, schema=1) as old:
        old.until(lambda: id in old.documents)
        assert "mood" not in old.documents[id]
        at = old.checkpoints["pages"]
    with joined(shared.ws_url, held, schema=2, checkpoints={"pages": at}) as new:
        new.until(lambda: id in new.documents)
        assert new.documents[id]["mood"] == "calm"
        assert new.frames[0]["prev"] == at
        assert new.checkpoints["pages"] != at


@pytest.mark.parametrize("schema", [0, "2", True, 70_000])
def test_a_version_is_a_whole_number(shared: Server, held: EnrolledTablet, schema: object) -> None:
    headers = {"Authorization": f"Bearer {held.token}"}
    with dialled(f"{shared.ws_url}/ws/v1/sync", additional_headers=headers) as client:
        hello = {"type": "hello", "instance": str(held.instance), "schema": schema}
        client.connection.send(json.dumps(hello))
        code, reason = client.closed()
    assert code == 4400
    assert "schema" in reason


def test_an_app_that_is_too_old_is_told_to_update(serve: Any, held: EnrolledTablet) -> None:
    server: Server = serve(OLDEST_SCHEMA_SERVED="2")
    headers = {"Authorization": f"Bearer {held.token}"}
    with dialled(f"{server.ws_url}/ws/v1/sync", additional_headers=headers) as client:
        hello = {"type": "hello", "instance": str(held.instance), "schema": 1}
        client.connection.send(json.dumps(hello))
        assert client.closed() == (4426, "This app is too old for this server.")
    with joined(server.ws_url, held) as client:  # says nothing: it counts as the oldest served
        assert client.welcome["type"] == "welcome"
