"""What tablets hold of a time that the server was put back from: the latest of it stands, in
whatever order they come."""

from __future__ import annotations

from typing import Any

import pytest

from apps.changes.models import StoredDocument
from apps.core.ids import uuid7
from apps.sync.models import Conflict, Version
from tests.integration.sync.conftest import Pages

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]


def held(of: Pages, id: str, rev: int, **fields: Any) -> dict[str, Any]:
    """A document as a tablet hands it over: as it was served at its revision, without a base."""
    return {
        "newDocumentState": {**of.row(id, based=False, **fields)["newDocumentState"], "rev": rev}
    }


@pytest.mark.parametrize("known", [False, True], ids=["lost whole", "here as it was before"])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_latest_stands_whoever_comes_first(pair: Pair, first: int, *, known: bool) -> None:
    mine, theirs = pair
    id = mine.new(title="before") if known else str(uuid7())
    rows = [
        (mine, held(mine, id, 7, title="seven")),
        (theirs, held(theirs, id, 8, title="eight")),
        (mine, held(mine, id, 9, title="nine")),
    ]
    for of, row in [*rows[first:], *rows[:first]]:
        of.push(row)
    page = mine.pull()[id]
    assert (page["title"], page["rev"]) == ("nine", 9)
    assert theirs.pull()[id]["title"] == "nine"
    kept = {kept.kept["title"] for kept in Conflict.objects.all()}
    typed = {"seven", "eight", "nine"} - kept
    assert typed <= {version.content["title"] for version in Version.objects.all()}


def test_what_is_typed_afterwards_goes_on_from_there(pair: Pair) -> None:
    mine, theirs = pair
    id = str(uuid7())
    mine.push(held(mine, id, 9, title="nine"))
    theirs.pull()
    assert theirs.save(id, title="ten") == []
    mine.pull()
    assert mine.believed[id]["rev"] == 10
    assert mine.save(id, title="eleven") == []
    assert not Conflict.objects.exists()


def test_the_same_text_of_a_later_revision_is_later(pair: Pair) -> None:
    mine, theirs = pair
    id = mine.new(title="as before")
    mine.push(held(mine, id, 9, title="as before"))
    theirs.push(held(theirs, id, 8, title="meanwhile"))
    for one in pair:
        assert (one.pull()[id]["title"], one.believed[id]["rev"]) == ("as before", 9)


def test_nobody_lifts_a_document_beyond_all_numbers(pair: Pair) -> None:
    mine, _ = pair
    id = mine.new(title="t")
    mine.push(held(mine, id, 2**63 - 1, title="high"))
    assert StoredDocument.objects.get(collection="pages").rev <= 1_000_001
    assert mine.save(id, title="on") == []
