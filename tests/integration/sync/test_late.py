"""What is typed on a tablet and arrives when its case has left it: taken, and no copy stays there.

It was never in this holder's list, so no pull would withdraw it: the answer to its push does.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.changes.models import StoredDocument
from apps.core.ids import uuid7
from apps.sync.models import QuarantinedWrite
from tests.factories import person, tablet
from tests.integration.sync.conftest import Pages

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_fact(client: Client) -> None:
    of = tablet(person())
    late, kept = str(uuid7()), str(uuid7())
    rows = [
        {"newDocumentState": {"id": late, "text": "too late", "_deleted": False}},
        {"newDocumentState": {"id": kept, "text": "typed", "_deleted": False}},
    ]

    def push(rows: list[dict[str, Any]]) -> Any:
        address = "/api/v1/sync/marks/push"
        return client.post(address, rows, "application/json", headers=of.headers).json()

    assert push(rows) == [{"id": late, "_deleted": True}]
    assert StoredDocument.objects.filter(collection="marks").count() == 2
    assert not QuarantinedWrite.objects.exists()
    assert push(rows[:1]) == [{"id": late, "_deleted": True}]  # the first answer may be lost


def test_a_document_that_people_change_together(pair: tuple[Pages, Pages]) -> None:
    mine, _ = pair
    page = mine.row(uuid7(), title="too late")
    answer = [{"id": page["newDocumentState"]["id"], "_deleted": True}]
    assert mine.push(page, lose=True) == answer
    assert StoredDocument.objects.filter(collection="pages").count() == 1
    assert not QuarantinedWrite.objects.exists()
    assert mine.push(page) == answer
