"""Rotating field keys: rows move to the newest key, append-only rows keep theirs and still open."""

from __future__ import annotations

import base64
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.changes.models import StoredDocument
from apps.changes.services import Document, publish
from apps.core.crypto import key_id_of
from apps.core.ids import uuid7
from apps.dispatch.models import Incident
from tests.factories import NOON
from tests.integration.core.test_fields import ADDRESS, incident, stored

pytestmark = pytest.mark.django_db


def test_rows_are_sealed_again_once(settings: object) -> None:
    rows = [incident() for _ in range(5)]
    out = StringIO()
    call_command("new_field_key", stdout=out)
    name, _, secret = out.getvalue().strip().partition(":")
    assert len(base64.b64decode(secret)) == 32
    settings.FIELD_KEYS = {name: secret, **settings.FIELD_KEYS}  # type: ignore[attr-defined]
    out = StringIO()
    call_command("rotate_field_keys", "--batch", "2", stdout=out)
    assert "dispatch.Incident: 5 sealed" in out.getvalue()
    assert {key_id_of(stored(row)) for row in rows} == {name}
    settings.FIELD_KEYS = {name: secret}  # type: ignore[attr-defined]
    assert Incident.objects.all()[0].details["address"] == ADDRESS
    out = StringIO()
    call_command("rotate_field_keys", stdout=out)
    assert "dispatch.Incident: 0 sealed" in out.getvalue()


def test_append_only_tables_are_passed_over() -> None:
    out = StringIO()
    call_command("rotate_field_keys", stdout=out)
    assert "assignments.Fact: append-only, keeps its keys" in out.getvalue()


def test_documents_of_the_feed_move_too_and_keep_their_revision(settings: object) -> None:
    document = Document("assignments", uuid7(), frozenset({"agency"}), {"id": "x"})
    publish(documents=[document], now=NOON)
    out = StringIO()
    call_command("new_field_key", stdout=out)
    name, _, secret = out.getvalue().strip().partition(":")
    settings.FIELD_KEYS = {name: secret, **settings.FIELD_KEYS}  # type: ignore[attr-defined]
    call_command("rotate_field_keys", stdout=(out := StringIO()))
    assert "documents: 1 sealed again" in out.getvalue()
    row = StoredDocument.objects.get(doc_id=document.id)
    assert (key_id_of(bytes(row.body)), row.rev) == (name, 1)


def test_a_row_that_no_key_opens_holds_up_no_other_and_is_told(settings: object) -> None:
    rows = [incident() for _ in range(3)]
    with connection.cursor() as cursor:
        altered = "update dispatch_incident set details = details || 'x' where id = %s"
        cursor.execute(altered, [rows[0].pk])
    call_command("new_field_key", stdout=(out := StringIO()))
    name, _, secret = out.getvalue().strip().partition(":")
    settings.FIELD_KEYS = {name: secret, **settings.FIELD_KEYS}  # type: ignore[attr-defined]

    with pytest.raises(CommandError, match="1 do not open"):
        call_command("rotate_field_keys", stdout=(out := StringIO()))
    assert "dispatch.Incident: 2 sealed again, 1 do not open" in out.getvalue()
    assert {key_id_of(stored(row)) for row in rows[1:]} == {name}
