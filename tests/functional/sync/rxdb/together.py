"""What the tests with RxDB share, beside their fixtures."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from uuid import UUID

import pytest

from apps.accounts.models import User
from apps.sync import documents
from tests.factories import EnrolledTablet
from tests.functional.dispatch.street import PLAIN, Cast, call
from tests.probe import rooms
from tests.processes import Server
from tests.rxdb.client import PATIENCE, Document, RxTablet

EVERY = {
    "assignments": "pull_only",
    "facts": "append_only",
    "marks": "append_only",
    "notes": "pull_only",
    "pages": "merged",
    "quarantine": "pull_only",
    "reference": "pull_only",
    "signs": "pull_only",
}
PAGES = {"pages": "merged", "quarantine": "pull_only"}
MARKS = {"marks": "append_only", "quarantine": "pull_only"}
VALIDATOR = pytest.mark.parametrize("validate", [False, True], ids=["plain", "validating"])
Pair = tuple[User, User]


def served(server: Server, of: EnrolledTablet, collection: str) -> dict[str, Document]:
    """What any client of this person gets that pulls from the start, by id."""
    request = urllib.request.Request(
        f"{server.url}/api/v1/sync/{collection}/pull?limit=1000", headers=of.headers
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found = json.load(answer)["documents"]
    return {one.pop("id"): one for one in found if not one.pop("_deleted")}


def held(of: RxTablet, collection: str) -> dict[str, Document]:
    return {
        id: {k: v for k, v in one.items() if k != "id"}
        for id, one in of.documents(collection).items()
    }


def given(server: Server, cast: Cast, number: str) -> None:
    """CAD gives a call to CARE21."""
    request = urllib.request.Request(
        server.url + PLAIN,
        json.dumps(call(number)).encode(),
        {"Authorization": f"Bearer {cast.cad_token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status in {200, 201}


def text_of(id: str) -> Any:
    """What holds on the server under a page's id."""
    collection = rooms.PAGES
    present = documents.read(collection, UUID(id)).present
    return present and present.content.get("text")


def wait_for_call(of: RxTablet, number: str) -> Document:
    """The assignment of a call, as soon as it is on a tablet."""
    [found] = of.do(
        "find", collection="assignments", selector={"cad_number": number}, seconds=PATIENCE
    )
    return found
