from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker

from apps.changes import scopes
from apps.changes.services import grant
from apps.core.ids import uuid7
from apps.sync.gathered import PUSHES
from tests import kept
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


def request_of(of: EnrolledTablet, rows: Any, to: str = "pages", **headers: str) -> ASGIRequest:
    """A push as it comes from a server."""
    body = orjson.dumps(rows)
    given = {"host": "testserver", "content-length": str(len(body)), **of.headers, **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/api/v1/sync/{to}/push",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
    }
    return ASGIRequest(scope, BytesIO(body))


class GatheredClient(Client):
    """Its pushes go the way that gathered ones go, and the ordinary way where they have to."""

    def post(self, path: str, data: Any = None, *args: Any, **options: Any) -> Any:
        *_, collection, verb = path.split("/")
        if verb == "push" and not isinstance(data, bytes):
            request = request_of(SimpleNamespace(headers=options["headers"]), data, collection)
            if PUSHES.admits(request):
                [answer] = PUSHES.answer([request])
                if answer is not None:
                    answer.json = lambda: orjson.loads(answer.content)
                    return answer
        return super().post(path, data, *args, **options)


@pytest.fixture(params=["alone", "gathered"])
def way(request: pytest.FixtureRequest, client: Client) -> Client:
    """Whatever holds for a push holds on both ways that it can go."""
    return client if request.param == "alone" else GatheredClient()


def _two_tablets() -> list[EnrolledTablet]:
    ours = team()
    people = person(of=ours), person(of=ours)
    for user in people:
        with transaction.atomic():
            grant(principal=user.pk, scopes=[scopes.team(ours.pk)])
    return [tablet(user, of=ours) for user in people]


@pytest.fixture(scope="session")
def kept_tablets(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> list[EnrolledTablet] | None:
    """Two tablets whose rows are kept for all tests; None where that cannot be."""
    with django_db_blocker.unblock():
        if not kept.possible():
            return None
        made = _two_tablets()
        kept.keep("tablets")
    return made


@pytest.fixture
def pair(kept_tablets: list[EnrolledTablet] | None, db: None, way: Client) -> tuple[Pages, Pages]:
    """Two tablets whose responders see what their team sees."""
    if kept_tablets is not None:
        kept.put("tablets")
    first, second = deepcopy(kept_tablets) or _two_tablets()
    return Pages(way, first), Pages(way, second)
