from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client

from apps.changes import scopes
from apps.changes.services import grant
from apps.core.ids import uuid7
from tests.factories import EnrolledTablet, person, tablet, team
from tests.probe import rooms

Document = dict[str, Any]


@pytest.fixture(autouse=True)
def _rooms() -> Iterator[None]:
    rooms.install()
    yield
    rooms.remove()


class Pages:
    """A tablet that changes pages, as plainly as a client can: what it believes the server holds is
    what it was last served, or what it last sent."""

    def __init__(self, client: Client, of: EnrolledTablet) -> None:
        self.client = client
        self.of = of
        self.saves = 0
        self.believed: dict[str, Document] = {}

    def row(self, id: UUID | str, *, based: bool = True, **fields: Any) -> Document:
        """The next save of a page as it is pushed: what is believed, with these fields changed."""
        self.saves += 1
        known = self.believed.get(str(id))
        document = {
            **(known or {"id": str(id)}),
            **fields,
            "editor": str(self.of.instance),
            "edit_no": self.saves,
            "_deleted": fields.get("_deleted", False),
        }
        return {"newDocumentState": document} | (
            {"assumedMasterState": known} if known and based else {}
        )

    def push(self, *rows: Document, lose: bool = False) -> list[Document]:
        """Sends versions, and takes over what comes back. `lose`: the answer does not arrive."""
        answer = self.client.post(
            "/api/v1/sync/pages/push", list(rows), "application/json", headers=self.of.headers
        )
        assert answer.status_code == 200, answer.content
        found: list[Document] = answer.json()
        if not lose:
            for row in rows:
                self.believed[row["newDocumentState"]["id"]] = row["newDocumentState"]
            self._take(found)
        return found

    def save(self, id: UUID | str, *, lose: bool = False, **fields: Any) -> list[Document]:
        """Changes fields of a page and sends it."""
        return self.push(self.row(id, **fields), lose=lose)

    def new(self, **fields: Any) -> str:
        """Begins a page; its id."""
        id = str(uuid7())
        assert self.save(id, **fields) == []
        return id

    def pull(self, collection: str = "pages") -> dict[str, Document]:
        """Everything the tablet may see, by id, from the start."""
        answer = self.client.get(
            f"/api/v1/sync/{collection}/pull?limit=1000", headers=self.of.headers
        )
        documents = answer.json()["documents"]
        if collection == "pages":
            self._take(documents)
        return {d["id"]: d for d in documents if not d["_deleted"]}

    def _take(self, documents: list[Document]) -> None:
        for document in documents:
            if document["_deleted"]:
                self.believed.pop(document["id"], None)
            else:
                self.believed[document["id"]] = document


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """Where the photos of this test are."""
    options = {"location": str(tmp_path)}
    media = {"BACKEND": "apps.sync.media.storage.DurableStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "media": media}
    return tmp_path


@pytest.fixture
def pair(client: Client) -> tuple[Pages, Pages]:
    """Two tablets whose responders see what their team sees."""
    ours = team()
    people = person(of=ours), person(of=ours)
    for user in people:
        with transaction.atomic():
            grant(principal=user.pk, scopes=[scopes.team(ours.pk)])
    first, second = (Pages(client, tablet(user, of=ours)) for user in people)
    return first, second
