"""Versions, conflicts and the quarantine over HTTP: whose they are, and what may be done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.changes import scopes
from apps.changes.services import revoke
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.models import Conflict, QuarantinedWrite, Version
from tests.factories import person, tablet, team
from tests.integration.sync.conftest import Pages

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]
API = "/api/v1/"


def responder(of: Pages) -> User:
    user: User = of.of.tablet.sign_ins.get(ended_at=None).user
    return user


class Asking:
    """Whoever asks: a desk by its session, a tablet by its token."""

    def __init__(self, of: User | Pages) -> None:
        self.client, self.headers = Client(), {}
        if isinstance(of, Pages):
            self.headers = {"Authorization": of.of.headers["Authorization"]}
        else:
            self.client.force_login(of, backend="django.contrib.auth.backends.ModelBackend")

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(API + path, query, headers=self.headers)

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(API + path, body or {}, "application/json", headers=self.headers)

    def rows(self, path: str, **query: Any) -> list[Any]:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.content
        found: list[Any] = answer.json()["results"]
        return found


def supervisor(of: Pages) -> Asking:
    return Asking(person(Role.SUPERVISOR, of=of.of.tablet.team))


@pytest.fixture
def stranger() -> Asking:
    return Asking(person(Role.SUPERVISOR))


@pytest.fixture
def conflict(pair: Pair) -> Conflict:
    mine, theirs = pair
    id = mine.new(title="t")
    theirs.pull()
    mine.save(id, title="mine")
    theirs.save(id, title="theirs")
    return Conflict.objects.get()


def lose_sight(of: Pages) -> None:
    """Its responder sees nothing of the team's any more, and nothing of their own."""
    user = responder(of)
    seen = [scopes.team(of.of.tablet.team_id), scopes.responder(user.pk)]
    with transaction.atomic():
        revoke(principal=user.pk, scopes=seen)


class TestHistory:
    def test_tells_who_saved_what_when_on_which_tablet(
        self, pair: Pair, conflict: Conflict
    ) -> None:
        mine, theirs = pair
        path = f"sync/pages/{conflict.doc_id}/versions"
        rows = supervisor(mine).rows(path)
        assert [row["content"]["title"] for row in rows] == ["theirs", "mine", "t"]
        assert rows[0]["author"] == responder(theirs).display_name
        assert rows[0]["tablet"] == theirs.of.tablet.label
        assert rows[0]["result"]["title"] == "mine"
        assert Asking(mine).rows(path) == rows

    def test_every_look_is_written_down(self, pair: Pair, conflict: Conflict) -> None:
        mine, _ = pair
        first = Version.objects.earliest("pk")
        of_document = Entry.objects.about(conflict.doc_id).filter(action="read")
        before = of_document.count()
        Asking(mine).rows(f"sync/pages/{conflict.doc_id}/versions")
        entry = Entry.objects.about(first.pk).get(action="read", subject_type="version")
        assert (entry.actor_id, entry.tablet_id) == (responder(mine).pk, mine.of.tablet.pk)
        assert of_document.count() == before + 1

    def test_is_for_whoever_may_see_the_document_now(
        self, pair: Pair, conflict: Conflict, stranger: Asking
    ) -> None:
        _, theirs = pair
        path = f"sync/pages/{conflict.doc_id}/versions"
        assert stranger.get(path).status_code == 404
        assert Asking(theirs).get(path).status_code == 200
        lose_sight(theirs)
        assert Asking(theirs).get(path).status_code == 404

    def test_authors_keep_sight_of_their_own_words_that_never_held(self, pair: Pair) -> None:
        mine, theirs = pair
        id = mine.new(text="x")
        theirs.pull()
        theirs.save(id, text="theirs")
        mine.pull()
        mine.save(id, text="mine")
        mine.saves = 1  # put back in time: the same number with another text
        mine.save(id, text="typed again")
        kept = Version.objects.get(fate="kept")
        lose_sight(mine)
        path = f"sync/pages/{id}/versions"
        [row] = Asking(mine).rows(path)
        assert (row["id"], row["content"]["text"]) == (str(kept.pk), "typed again")
        assert Asking(mine).post(f"{path}/{kept.pk}/restore").status_code == 403

    def test_a_version_is_put_back_once_and_again_without_effect(
        self, pair: Pair, conflict: Conflict, stranger: Asking
    ) -> None:
        mine, _ = pair
        path = f"sync/pages/{conflict.doc_id}/versions"
        first = Version.objects.earliest("pk")
        assert stranger.post(f"{path}/{first.pk}/restore").status_code == 404
        for _ in range(2):
            answer = supervisor(mine).post(f"{path}/{first.pk}/restore")
            assert (answer.status_code, answer.json()["title"]) == (200, "t")
        assert Version.objects.filter(fate="restored").count() == 1
        assert mine.pull()[str(conflict.doc_id)]["title"] == "t"

    def test_a_version_is_of_its_own_document(self, pair: Pair, conflict: Conflict) -> None:
        mine, _ = pair
        other = mine.new(title="other")
        first = Version.objects.earliest("pk")
        path = f"sync/pages/{other}/versions/{first.pk}/restore"
        assert supervisor(mine).post(path).status_code == 404

    @pytest.mark.parametrize(
        ("collection", "code"), [("facts", "not-found"), ("nonsense", "unknown-collection")]
    )
    def test_only_what_is_changed_together_has_one(self, collection: str, code: str) -> None:
        answer = Asking(person(Role.SUPERVISOR)).get(f"sync/{collection}/{uuid7()}/versions")
        assert (answer.status_code, answer.json()["code"]) == (404, code)


class TestConflicts:
    def test_come_to_the_author_and_the_supervisors(
        self, pair: Pair, conflict: Conflict, stranger: Asking
    ) -> None:
        mine, theirs = pair
        [row] = supervisor(mine).rows("conflicts")
        assert (row["won"], row["kept"]) == ({"title": "mine"}, {"title": "theirs"})
        assert (row["fields"], row["status"]) == (["title"], "open")
        assert Asking(theirs).rows("conflicts") == [row]
        assert stranger.rows("conflicts") == []
        assert Entry.objects.about(conflict.pk).filter(action="read").count() == 2

    @pytest.mark.parametrize(("choice", "title"), [("kept", "theirs"), ("stays", "mine")])
    def test_are_settled_once(
        self, pair: Pair, conflict: Conflict, choice: str, title: str
    ) -> None:
        mine, theirs = pair
        path = f"conflicts/{conflict.pk}/settle"
        for _ in range(2):
            answer = Asking(theirs).post(path, {"choice": choice})
            assert (answer.status_code, answer.json()["status"]) == (200, choice)
        assert mine.pull()[str(conflict.doc_id)]["title"] == title
        other = "stays" if choice == "kept" else "kept"
        assert supervisor(mine).post(path, {"choice": other}).status_code == 409
        assert supervisor(mine).rows("conflicts", open="true") == []
        entry = Entry.objects.about(conflict.pk).get(action=f"settle-{choice}")
        assert entry.tablet_id == theirs.of.tablet.pk

    def test_are_settled_by_nobody_else_and_in_no_third_way(
        self, pair: Pair, conflict: Conflict, stranger: Asking
    ) -> None:
        path = f"conflicts/{conflict.pk}/settle"
        assert stranger.post(path, {"choice": "kept"}).status_code == 404
        answer = supervisor(pair[0]).post(path, {"choice": "both"})
        assert answer.json()["errors"][0]["pointer"] == "/choice"

    def test_are_found_by_age(self, pair: Pair, conflict: Conflict) -> None:
        desk = supervisor(pair[0])
        assert desk.rows("conflicts", older_than_hours="24") == []
        Conflict.objects.update(at=clock.now() - timedelta(hours=25))
        assert len(desk.rows("conflicts", older_than_hours="24", open="true")) == 1
        assert desk.rows("conflicts", collection="facts") == []
        answer = desk.get("conflicts", older_than_hours="long")
        assert answer.json()["errors"][0]["pointer"] == "/older_than_hours"


class TestQuarantine:
    @pytest.fixture
    def write(self, pair: Pair) -> QuarantinedWrite:
        mine, _ = pair
        mine.save(uuid7(), title="refuse", text="Harald")
        return QuarantinedWrite.objects.get()

    def test_the_list_names_rows_and_the_page_alone_shows_what_was_typed(
        self, pair: Pair, write: QuarantinedWrite, stranger: Asking
    ) -> None:
        mine, _ = pair
        for asking in (supervisor(mine), Asking(mine)):
            [row] = asking.rows("quarantine", open="true")
            assert (row["status"], row["problems"][0]["pointer"]) == ("open", "/title")
            assert "Harald" not in str(row)
            whole = asking.get(f"quarantine/{write.pk}").json()
            assert (whole["content"]["text"], whole["base"]) == ("Harald", None)
        assert stranger.rows("quarantine") == []
        assert stranger.get(f"quarantine/{write.pk}").status_code == 404
        assert Entry.objects.about(write.pk).filter(action="read").count() == 4

    def test_is_acknowledged_once(
        self, pair: Pair, write: QuarantinedWrite, stranger: Asking
    ) -> None:
        mine, _ = pair
        path = f"quarantine/{write.pk}/acknowledge"
        assert stranger.post(path).status_code == 404
        desk = supervisor(mine)
        for _ in range(2):
            answer = desk.post(path)
            assert (answer.status_code, answer.json()["status"]) == (200, "acknowledged")
        assert Entry.objects.about(write.pk).filter(action="acknowledge").count() == 1
        assert desk.post(f"quarantine/{write.pk}/apply").status_code == 409

    def test_is_applied_corrected_once(
        self, pair: Pair, write: QuarantinedWrite, stranger: Asking
    ) -> None:
        mine, theirs = pair
        path = f"quarantine/{write.pk}/apply"
        document = {"id": write.doc_id, "title": "fine", "text": "Harald"}
        assert stranger.post(path, {"document": document}).status_code == 404
        desk = supervisor(mine)
        for _ in range(2):
            answer = desk.post(path, {"document": document})
            assert (answer.status_code, answer.json()["status"]) == (200, "applied")
        assert theirs.pull()[write.doc_id]["text"] == "Harald"
        assert Version.objects.get().author == responder(mine)

    def test_what_still_is_wrong_is_named_within_the_request_and_the_row_stays_open(
        self, pair: Pair, write: QuarantinedWrite
    ) -> None:
        desk, path = supervisor(pair[0]), f"quarantine/{write.pk}/apply"
        bodies: list[Any] = [
            None,
            {"document": {"id": write.doc_id, "title": "refuse"}},
            {"document": {"id": str(uuid7()), "title": "fine"}},
            {"document": "text"},
            {"document": {"id": write.doc_id}, "author": str(responder(pair[1]).pk)},
        ]
        pointers = ["/document/title", "/document/title", "/document/id", "/document", "/author"]
        for body, pointer in zip(bodies, pointers, strict=True):
            answer = desk.post(path, body)
            assert answer.status_code == 400, body
            assert answer.json()["errors"][0]["pointer"] == pointer
        assert QuarantinedWrite.objects.open().count() == 1

    def test_a_supervisor_names_the_author_where_nobody_was_signed_in(self) -> None:
        ours = team()
        unsigned = Pages(Client(), tablet(of=ours))
        id = uuid7()
        assert unsigned.save(id, title="t") == [{"id": str(id), "_deleted": True}]
        write = QuarantinedWrite.objects.get()
        assert write.author is None
        desk, path = supervisor(unsigned), f"quarantine/{write.pk}/apply"
        assert desk.post(path).json()["errors"][0]["pointer"] == "/author"
        another = person()
        answer = desk.post(path, {"author": str(another.pk)})
        assert answer.json()["errors"][0]["pointer"] == "/author"
        author = person(of=ours)
        assert desk.post(path, {"author": str(author.pk)}).status_code == 200
        assert Version.objects.get(doc_id=UUID(str(id))).author == author
