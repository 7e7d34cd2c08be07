"""A refused text is shown to its author's other tablets without what their validator refuses."""

from __future__ import annotations

import jsonschema
import pytest

from apps.core.ids import uuid7
from apps.sync.models import QuarantinedWrite
from tests.integration.sync.conftest import Pages
from tests.integration.sync.test_access import mark, push
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]


def test_fields_beyond_the_schema_are_in_the_quarantine_alone(pair: Pair) -> None:
    mine, _ = pair
    id = str(uuid7())
    place = {"street": "Pine", "cellar": "no such field"}
    [answer] = mine.save(id, title="refuse", place=place, surprise="typed")
    assert answer["surprise"] == "typed"  # the tablet that typed it keeps it in sight
    shown = mine.pull()[id]
    assert shown["title"] == "refuse"
    assert shown["place"] == {"street": "Pine"}
    assert "surprise" not in shown
    assert shown["sync_status"] == "quarantined"
    assert (shown["editor"], shown["edit_no"]) == (str(mine.of.instance), 1)
    closed = {**rooms.PAGE_SCHEMA, "additionalProperties": False}
    extra = {"rev", "sync_status", "sync_errors", "_deleted"}
    jsonschema.validate({k: v for k, v in shown.items() if k not in extra}, closed)
    kept = QuarantinedWrite.objects.get().content
    assert (kept["surprise"], kept["place"]) == ("typed", place)
    [row] = mine.pull("quarantine").values()
    assert row["content"]["surprise"] == "typed"


def test_of_facts_too(pair: Pair) -> None:
    mine, _ = pair
    row = mark(text="refuse", surprise="typed")
    push(mine, row)
    [shown] = mine.pull("marks").values()
    assert shown["text"] == "refuse"
    assert "surprise" not in shown
    assert QuarantinedWrite.objects.get().content["surprise"] == "typed"
