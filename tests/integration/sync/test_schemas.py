"""An app of yesterday beside one of today: it gets what it knows, and spoils nothing else.

`pages` of the probe has two versions: the second knows `mood`, a place's `floor`, and a `role` of
each of its people.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from apps.accounts import services as accounts
from apps.accounts.models import User
from apps.changes.models import StoredDocument
from apps.changes.reading import Head
from apps.core.ids import uuid7
from apps.sync import checkpoints, projection, registry
from apps.sync.models import Conflict
from tests.factories import NOON, EnrolledTablet, person
from tests.integration.sync.conftest import Pages
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]
Document = dict[str, Any]


class Apps:
    """Two tablets: the first has an app of yesterday, the second one of today."""

    def __init__(self, old: Pages, new: Pages) -> None:
        self.old, self.new = old, new
        self.id = ""


@pytest.fixture
def apps(pair: Pair) -> Apps:
    old, new = pair
    upgraded(old, 1)
    upgraded(new, 2)
    apps = Apps(old, new)
    apps.id = new.new(
        title="t",
        number=1,
        mood="calm",
        place={"street": "Main St", "floor": 3},
        people=[{"id": "a", "name": "Ann", "role": "niece"}],
    )
    old.pull()
    return apps


def upgraded(pages: Pages, version: int) -> None:
    """From now on the tablet's app is of this version."""
    pages.of = _Versioned(pages.of.tablet, pages.of.token, pages.of.instance, version)


class _Versioned(EnrolledTablet):
    def __init__(self, tablet: Any, token: str, instance: UUID, version: int) -> None:
        super().__init__(tablet, token, instance)
        object.__setattr__(self, "version", version)

    @property
    def headers(self) -> dict[str, str]:
        return {**super().headers, "Sync-Schema": str(self.version)}  # type: ignore[attr-defined]


def pull(
    of: Pages, collection: str = "pages", checkpoint: str = "", **headers: str
) -> tuple[list[Document], str]:
    answer = of.client.get(
        f"/api/v1/sync/{collection}/pull",
        {"checkpoint": checkpoint},
        headers={**of.of.headers, **headers},
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return body["documents"], body["checkpoint"]["c"]


class TestAnOldApp:
    def test_gets_no_field_that_it_does_not_know(self, apps: Apps) -> None:
        document = apps.old.believed[apps.id]
        assert "mood" not in document
        assert document["place"] == {"street": "Main St"}
        assert document["people"] == [{"id": "a", "name": "Ann"}]
        assert (document["title"], document["rev"], document["_deleted"]) == ("t", 1, False)

    def test_keeps_what_its_schema_leaves_open(self, apps: Apps) -> None:
        apps.new.save(apps.id, log=[{"id": "x", "anything": {"at": "all"}}])
        assert apps.old.pull()[apps.id]["log"] == [{"id": "x", "anything": {"at": "all"}}]

    def test_erases_nothing_that_it_does_not_know(self, apps: Apps) -> None:
        assert apps.old.save(apps.id, title="by the old") == []
        found = apps.new.pull()[apps.id]
        assert (found["title"], found["mood"]) == ("by the old", "calm")
        assert found["place"] == {"street": "Main St", "floor": 3}
        assert found["people"] == [{"id": "a", "name": "Ann", "role": "niece"}]

    def test_changes_an_object_and_leaves_in_it_what_it_does_not_know(self, apps: Apps) -> None:
        people = [{"id": "a", "name": "Anna"}, {"id": "b", "name": "Bo"}]
        assert apps.old.save(apps.id, place={"street": "Pike St"}, people=people) == []
        found = apps.new.pull()[apps.id]
        assert found["place"] == {"street": "Pike St", "floor": 3}
        assert found["people"] == [
            {"id": "a", "name": "Anna", "role": "niece"},
            {"id": "b", "name": "Bo"},
        ]
        assert not Conflict.objects.exists()

    def test_types_on_without_a_pull_between(self, apps: Apps) -> None:
        for title in ("one", "two", "one"):
            assert apps.old.save(apps.id, title=title) == []
        assert apps.new.pull()[apps.id]["place"] == {"street": "Main St", "floor": 3}
        assert not Conflict.objects.exists()

    def test_types_on_after_a_lost_answer_and_takes_nothing_back(self, apps: Apps) -> None:
        apps.old.save(apps.id, place={"street": "Pike St"}, lose=True)
        apps.new.pull()
        apps.new.save(apps.id, place={"street": "Oak St", "floor": 3})
        apps.old.save(apps.id, place={"street": "Pike St"}, title="typed on")
        found = apps.new.pull()[apps.id]
        assert found["place"] == {"street": "Oak St", "floor": 3}
        assert found["title"] == "typed on"
        assert not Conflict.objects.exists()

    def test_merges_with_a_new_one(self, apps: Apps) -> None:
        apps.new.save(apps.id, mood="upset", number=7, place={"street": "Main St", "floor": 9})
        [answer] = apps.old.save(apps.id, title="by the old")
        assert (answer["title"], answer["number"]) == ("by the old", 7)
        assert "mood" not in answer
        assert answer["place"] == {"street": "Main St"}
        found = apps.new.pull()[apps.id]
        assert (found["title"], found["mood"]) == ("by the old", "upset")
        assert found["place"]["floor"] == 9
        assert not Conflict.objects.exists()

    def test_is_answered_with_its_whole_text_where_that_was_refused(self, apps: Apps) -> None:
        [answer] = apps.old.save(apps.id, title="refuse", of_its_own="kept")
        assert (answer["sync_status"], answer["of_its_own"]) == ("quarantined", "kept")

    def test_is_what_says_nothing_of_its_version(self, apps: Apps) -> None:
        client, of = apps.old.client, apps.old.of
        headers = {**of.headers}
        del headers["Sync-Schema"]
        [document] = client.get("/api/v1/sync/pages/pull", headers=headers).json()["documents"]
        assert "mood" not in document

    def test_gets_documents_that_are_valid_under_the_schema_of_its_version(
        self, apps: Apps
    ) -> None:
        schema = apps.old.client.get(
            "/api/v1/schemas/pages?version=1", headers=apps.old.of.headers
        ).json()
        assert schema["$id"] == "urn:carefield:schema:pages:1"
        closed = {**schema, "properties": {**schema["properties"], "rev": {}, "_deleted": {}}}
        closed["additionalProperties"] = False
        jsonschema.validate(apps.old.believed[apps.id], closed)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(apps.new.pull()[apps.id], closed)


class TestAnUpgrade:
    def test_brings_new_fields_to_documents_that_are_there(self, apps: Apps) -> None:
        documents, checkpoint = pull(apps.old)
        assert pull(apps.old, checkpoint=checkpoint) == ([], checkpoint)
        upgraded(apps.old, 2)
        [document], newer = pull(apps.old, checkpoint=checkpoint)
        assert (document["id"], document["mood"]) == (apps.id, "calm")
        assert pull(apps.old, checkpoint=newer) == ([], newer)
        assert documents

    def test_brings_what_was_withdrawn_meanwhile(self, apps: Apps) -> None:
        _, checkpoint = pull(apps.old)
        rooms.withdraw(UUID(apps.id), collection="pages")
        upgraded(apps.old, 2)
        [tombstone], _ = pull(apps.old, checkpoint=checkpoint)
        assert tombstone == {"id": apps.id, "_deleted": True}

    def test_has_to_be_pulled_before_a_digest_is_taken(self, apps: Apps) -> None:
        _, checkpoint = pull(apps.old)
        path = f"/api/v1/sync/pages/digest?checkpoint={checkpoint}"
        taken = apps.old.client.get(path, headers=apps.old.of.headers)
        assert (taken.status_code, taken.json()["count"]) == (200, 1)
        upgraded(apps.old, 2)
        answer = apps.old.client.get(path, headers=apps.old.of.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "pull-first")

    def test_leaves_collections_alone_that_have_not_changed(self, apps: Apps) -> None:
        rooms.note("n", to=responder(apps.old))
        _, checkpoint = pull(apps.old, "notes")
        upgraded(apps.old, 2)
        assert pull(apps.old, "notes", checkpoint) == ([], checkpoint)

    def test_is_not_undone_by_another_history(self, apps: Apps) -> None:
        """The place that was presented is judged, not the start that is read from."""
        foreign = checkpoints.sign(
            checkpoints.Position(Head(10**6, 7), uuid7()),
            holder=apps.old.of.instance,
            collection="pages",
            schema=1,
        )
        upgraded(apps.old, 2)
        answer = apps.old.client.get(
            "/api/v1/sync/pages/pull", {"checkpoint": foreign}, headers=apps.old.of.headers
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "another-history")

    def test_of_the_server_alone_needs_nothing(self, apps: Apps) -> None:
        """An app that is newer than the server gets what the server has."""
        upgraded(apps.new, 9)
        assert apps.new.pull()[apps.id]["mood"] == "calm"


class TestAnAppThatIsTooOld:
    @pytest.fixture(autouse=True)
    def _too_old(self, apps: Apps, settings: Any) -> None:
        settings.OLDEST_SCHEMA_SERVED = 2

    def test_is_served_nothing_and_told_what_to_do(self, apps: Apps) -> None:
        answer = apps.old.client.get("/api/v1/sync/pages/pull", headers=apps.old.of.headers)
        assert answer.status_code == 426
        body = answer.json()
        assert (body["code"], body["oldest_schema"]) == ("upgrade-required", 2)
        assert "Update the app" in body["advice"]
        assert answer["Content-Type"] == "application/problem+json"

    def test_can_hand_over_what_was_typed(self, apps: Apps) -> None:
        assert apps.old.save(apps.id, title="typed on an old app") == []
        found = apps.new.pull()[apps.id]
        assert (found["title"], found["mood"]) == ("typed on an old app", "calm")

    def test_gets_everything_again_after_the_update(self, apps: Apps) -> None:
        apps.old.save(apps.id, title="typed on an old app")
        upgraded(apps.old, 2)
        assert apps.old.pull()[apps.id]["mood"] == "calm"

    def test_is_not_what_says_nothing_of_its_version(self, apps: Apps) -> None:
        headers = {**apps.old.of.headers}
        del headers["Sync-Schema"]
        answer = apps.old.client.get("/api/v1/sync/pages/pull", headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize("said", ["", "0", "two", "1.0", "-1", "99999999", "1 2"])
def test_a_version_is_a_whole_number(pair: Pair, said: str) -> None:
    headers = {**pair[0].of.headers, "Sync-Schema": said}
    answer = pair[0].client.get("/api/v1/sync/pages/pull", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize("version", ["0", "x", "3", ""])
def test_a_schema_is_asked_for_by_a_version_that_there_was(pair: Pair, version: str) -> None:
    path = f"/api/v1/schemas/pages?version={version}"
    answer = pair[0].client.get(path, headers=pair[0].of.headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/version")


def test_todays_schema_is_the_default(pair: Pair) -> None:
    answer = pair[0].client.get("/api/v1/schemas/pages", headers=pair[0].of.headers).json()
    assert answer["$id"] == "urn:carefield:schema:pages:2"
    assert "mood" in answer["properties"]


def test_me_tells_the_versions(pair: Pair, settings: Any) -> None:
    settings.OLDEST_SCHEMA_SERVED = 2
    me = pair[0].client.get("/api/v1/me", headers=pair[0].of.headers).json()
    assert (me["schema_version"], me["oldest_schema"]) == (2, 2)
    assert (me["collections"]["pages"], me["collections"]["notes"]) == (2, 1)


class TestACollectionAndAKindOfTomorrow:
    """Both came with the third version."""

    @pytest.fixture(autouse=True)
    def _tomorrow(self) -> Iterator[None]:
        registry.register(
            registry.Collection("posters", "pull_only", "tablet", rooms.SCHEMA, version=3)
        )
        registry.register_fact_kind("vote", schema=rooms.SCHEMA, push=rooms.mark, version=3)
        yield
        registry.unregister("posters")
        registry.unregister_fact_kind("vote")

    def test_are_not_there_for_an_app_of_today(self, pair: Pair) -> None:
        upgraded(pair[0], 2)
        answer = pair[0].client.get("/api/v1/sync/posters/pull", headers=pair[0].of.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-collection")
        headers = pair[0].of.headers
        schemas = [
            pair[0].client.get(f"/api/v1/schemas/facts?version={v}", headers=headers).json()
            for v in (2, 3)
        ]
        assert ["vote" in one["properties"]["kind"]["enum"] for one in schemas] == [False, True]

    def test_a_fact_of_a_kind_it_does_not_know_is_a_stub_until_the_update(self, pair: Pair) -> None:
        mine, theirs = pair
        upgraded(mine, 2)
        upgraded(theirs, 3)
        fact = {"id": str(uuid7()), "kind": "vote", "text": "yes"}
        answer = theirs.client.post(
            "/api/v1/sync/facts/push",
            [{"newDocumentState": fact}],
            "application/json",
            headers=theirs.of.headers,
        )
        assert answer.json() == []
        [stub], checkpoint = pull(mine, "facts")
        assert stub == {
            "id": fact["id"],
            "rev": 1,
            "sync_status": "newer",
            "_deleted": False,
        }
        upgraded(mine, 3)
        [whole], _ = pull(mine, "facts", checkpoint)
        assert whole["text"] == "yes"


def test_what_cannot_be_read_is_flagged_for_an_old_app_too(apps: Apps) -> None:
    StoredDocument.objects.filter(doc_id=apps.id).update(body=b"nonsense")
    assert apps.old.pull()[apps.id]["sync_status"] == "unreadable"


def test_an_old_app_is_purged_like_any_other(apps: Apps) -> None:
    _, checkpoint = pull(apps.old)
    accounts.sign_in(tablet=apps.old.of.tablet, user=person(), now=NOON)
    assert pull(apps.old, checkpoint=checkpoint)[0] == [{"id": apps.id, "_deleted": True}]


def test_current_clients_get_the_stored_bytes() -> None:
    """The fast path: nothing is parsed for them."""
    pages = registry.get("pages")
    assert pages is not None
    assert projection.current(pages, 2)
    assert not projection.current(pages, 1)


def responder(of: Pages) -> User:
    user: User = of.of.tablet.sign_ins.get(ended_at=None).user
    return user
