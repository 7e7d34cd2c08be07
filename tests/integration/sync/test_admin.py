"""The admin of synchronisation: plain words, looks on record, nothing lost to a typing error."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import orjson
import pytest
from django.test import Client

from apps.accounts.models import Role, Tablet, User
from apps.audit.models import Entry
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.admin.ages import age
from apps.sync.models import Conflict, QuarantinedWrite, Version
from tests.factories import NOON, person, tablet, team
from tests.integration.sync.conftest import Pages

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]
SYNC = "/admin/sync/"


class Desk:
    """A supervisor's browser."""

    def __init__(self, user: User) -> None:
        self.user, self.client = user, Client()
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def read(self, path: str, base: str = SYNC) -> str:
        answer = self.client.get(base + path)
        assert answer.status_code == 200, (path, answer.status_code)
        return unescape(answer.content.decode())

    def act(self, path: str, action: str, *rows: Any) -> str:
        form = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
        form |= {"reason": "I have asked them.", "apply": "1"}
        answer = self.client.post(SYNC + path, form, follow=True)
        assert answer.status_code == 200
        return unescape(answer.content.decode())

    def post(self, path: str, **form: str) -> Any:
        form = {"reason": "They told me what they meant.", **form}
        return self.client.post(SYNC + path, form, follow=True)


@pytest.fixture
def way(client: Client) -> Client:
    """How a row came is nothing to the pages that show it: `test_merged` and `test_access` have it
    the same on both ways."""
    return client


@pytest.fixture
def desk(pair: Pair) -> Desk:
    return Desk(person(Role.SUPERVISOR, of=pair[0].of.tablet.team))


@pytest.fixture
def conflict(pair: Pair) -> Conflict:
    mine, theirs = pair
    id = mine.new(title="t")
    theirs.pull()
    mine.save(id, title="Harald")
    theirs.save(id, title="Harold")
    return Conflict.objects.get()


@pytest.fixture
def write(pair: Pair) -> QuarantinedWrite:
    mine, _ = pair
    mine.save(uuid7(), title="refuse", text="Harald <b>")
    return QuarantinedWrite.objects.get()


def looks(row: Any) -> int:
    return Entry.objects.about(row.pk).filter(action="read").count()


@pytest.mark.parametrize("name", ["version", "conflict", "quarantinedwrite"])
def test_pages_are_for_supervisors_and_show_their_teams_alone(
    name: str, pair: Pair, desk: Desk, conflict: Conflict, write: QuarantinedWrite
) -> None:
    assert "0 " not in re.findall(r"\d+ [a-z]+", desk.read(f"{name}/").split("paginator")[1])[0]
    stranger = Desk(person(Role.SUPERVISOR))
    for row in (conflict, write, Version.objects.earliest("pk")):
        if row._meta.model_name == name:
            assert row.pk.hex[-8:] not in stranger.read(f"{name}/")
            assert stranger.client.get(f"{SYNC}{name}/{row.pk}/change/").status_code == 302
            assert desk.client.post(f"{SYNC}{name}/{row.pk}/change/").status_code == 403
    for role in (Role.DISPATCHER, Role.ADMINISTRATOR):
        assert Desk(person(role)).client.get(f"{SYNC}{name}/").status_code == 403


def test_a_record_has_one_name_in_the_audit_log(pair: Pair, desk: Desk, conflict: Any) -> None:
    pair[0].save(uuid7(), title="refuse")
    write = QuarantinedWrite.objects.get()
    desk.read("quarantinedwrite/")
    desk.client.get(f"/api/v1/quarantine/{write.pk}")
    desk.act("quarantinedwrite/", "acknowledge", write)
    assert set(Entry.objects.about(write.pk).values_list("action", "subject_type")) == {
        (action, "quarantined_write") for action in ("quarantine", "read", "acknowledge")
    }


class TestHistory:
    def test_words_are_on_the_page_alone_and_each_look_is_written_down(
        self, desk: Desk, conflict: Conflict
    ) -> None:
        listed = desk.read("version/")
        assert "put together with what others wrote" in listed
        assert "Har" not in listed
        row = Version.objects.get(fate="merged")
        page = desk.read(f"version/{row.pk}/change/")
        assert "Harold" in page
        assert "Harald" in page
        assert looks(row) == 2

    def test_an_id_finds_a_documents_whole_history(
        self, pair: Pair, desk: Desk, conflict: Conflict
    ) -> None:
        pair[0].new(title="another")
        assert "4 versions" in desk.read("version/")
        assert "3 versions" in desk.read(f"version/?q={conflict.doc_id}")


class TestConflicts:
    def test_both_texts_are_on_the_page_alone(self, desk: Desk, conflict: Conflict) -> None:
        listed = desk.read("conflict/")
        assert "title" in listed
        assert "Har" not in listed
        page = desk.read(f"conflict/{conflict.pk}/change/")
        assert page.index("Harald") < page.index("Harold")
        assert looks(conflict) == 2

    @pytest.mark.parametrize(("action", "title"), [("put_back", "Harold"), ("stays", "Harald")])
    def test_are_settled_in_the_list(
        self, pair: Pair, desk: Desk, conflict: Conflict, action: str, title: str
    ) -> None:
        for _ in range(2):
            assert f"{conflict}: done."[1:] in desk.act("conflict/", action, conflict)
        assert pair[0].pull()[str(conflict.doc_id)]["title"] == title
        other = "stays" if action == "put_back" else "put_back"
        assert "Somebody has settled it the other way." in desk.act("conflict/", other, conflict)


class TestAges:
    def test_what_has_waited_long_is_found(
        self, desk: Desk, conflict: Conflict, write: QuarantinedWrite
    ) -> None:
        for name, row in (("conflict", conflict), ("quarantinedwrite", write)):
            shown = {"open": True, "day": False, "week": False, "settled": False}
            for value, here in shown.items():
                assert (str(row) in desk.read(f"{name}/?open={value}")) == here
            type(row).objects.update(at=clock.now() - timedelta(days=2))  # type: ignore[attr-defined]
            assert str(row) in desk.read(f"{name}/?open=day")
            assert "<strong>2 days</strong>" in desk.read(f"{name}/")
        desk.act("conflict/", "stays", conflict)
        assert str(conflict) in desk.read("conflict/?open=settled")
        assert str(conflict) not in desk.read("conflict/?open=open")

    @pytest.mark.parametrize(
        ("span", "words"),
        [
            (timedelta(seconds=-9), "less than a minute"),
            (timedelta(seconds=119), "1 minute"),
            (timedelta(hours=23, minutes=59), "23 hours"),
            (timedelta(days=9), "9 days"),
        ],
    )
    def test_a_span_is_told_in_words(self, span: timedelta, words: str) -> None:
        assert age(NOON, NOON + span) == words


class TestQuarantine:
    def test_what_was_typed_is_on_the_page_alone(self, desk: Desk, write: QuarantinedWrite) -> None:
        assert "Harald" not in desk.read("quarantinedwrite/")
        answer = desk.client.get(f"{SYNC}quarantinedwrite/{write.pk}/change/").content.decode()
        assert "Harald &lt;b&gt;" in answer
        assert "Not this one." in answer
        assert looks(write) == 2

    def test_is_acknowledged_in_the_list(
        self, pair: Pair, desk: Desk, write: QuarantinedWrite
    ) -> None:
        assert f"{write}: done."[1:] in desk.act("quarantinedwrite/", "acknowledge", write)
        [shown] = pair[0].pull("quarantine").values()
        assert shown["status"] == "acknowledged"
        assert "acknowledged" in desk.read("quarantinedwrite/")

    def test_what_still_is_wrong_is_told_in_the_list_and_stops_no_other(
        self, pair: Pair, desk: Desk
    ) -> None:
        ours = pair[0].of.tablet.team
        late = tablet(of=ours)
        unsigned = Pages(Client(), late)
        unsigned.save(uuid7(), title="t")
        pair[0].save(uuid7(), title="refuse")
        rows = list(QuarantinedWrite.objects.order_by("at"))
        said = desk.act("quarantinedwrite/", "take", *rows)
        for row, words in zip(
            rows, ("/author: Who typed it? Nobody knows.", "/title: Not this one."), strict=True
        ):
            assert f"{row}: {words}"[1:] in said  # a message begins with a capital
        assert QuarantinedWrite.objects.open().count() == 2

    def test_is_corrected_on_a_page_of_its_own_and_taken(
        self, pair: Pair, desk: Desk, write: QuarantinedWrite
    ) -> None:
        mine, theirs = pair
        path = f"quarantinedwrite/{write.pk}/apply/"
        page = desk.read(path)
        assert "Not this one." in page
        assert "Who typed it" not in page
        text = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", page, re.DOTALL)
        assert text
        document = orjson.loads(text[1])
        assert document == {"id": write.doc_id, "title": "refuse", "text": "Harald <b>"}
        fine = orjson.dumps({**document, "title": "fine"}).decode()
        answer = desk.post(path, document=fine)
        assert f"{write}: taken."[1:] in answer.content.decode()
        assert theirs.pull()[write.doc_id]["title"] == "fine"
        assert Version.objects.get().author == mine.of.tablet.sign_ins.get().user
        assert looks(write) == 2  # the page, and the list that follows

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ('{"title": "fine",\n "text": "Harald', "Not JSON at line 2"),
            ('{"title": "fine", "title": "other"}', "title stands there twice."),
            ('["fine"]', "A document is an object"),
            ("[" * 2000, "Not JSON at line 1"),
            ('{"title": "\\ud800"}', "Not JSON at line 1"),
            ('{"title": "refuse"}', "/id: A row keeps its id."),
        ],
    )
    def test_bad_json_is_answered_with_what_to_mend_and_nothing_typed_is_lost(
        self, desk: Desk, write: QuarantinedWrite, typed: str, said: str
    ) -> None:
        answer = desk.post(f"quarantinedwrite/{write.pk}/apply/", document=typed)
        page = unescape(answer.content.decode()).replace("\r\n", "\n")
        assert answer.status_code == 200
        assert said in page
        assert typed in page
        assert QuarantinedWrite.objects.open().count() == 1

    def test_what_the_rules_refuse_is_named_and_nothing_typed_is_lost(
        self, desk: Desk, write: QuarantinedWrite
    ) -> None:
        typed = orjson.dumps({"id": write.doc_id, "title": "refuse", "text": "mended"}).decode()
        answer = desk.post(f"quarantinedwrite/{write.pk}/apply/", document=typed)
        page = unescape(answer.content.decode())
        assert "/title: Not this one." in page
        assert typed in page

    def test_a_number_that_no_computer_holds_is_no_fault_of_ours(
        self, desk: Desk, write: QuarantinedWrite
    ) -> None:
        typed = f'{{"id": "{write.doc_id}", "title": "t", "number": {"9" * 40}}}'
        answer = desk.post(f"quarantinedwrite/{write.pk}/apply/", document=typed)
        assert answer.status_code == 200

    def test_who_typed_it_is_asked_where_nobody_was_signed_in(self) -> None:
        ours = team()
        unsigned = Pages(Client(), tablet(of=ours))
        unsigned.save(uuid7(), title="t")
        write = QuarantinedWrite.objects.get()
        author, another = person(of=ours), person()
        desk = Desk(person(Role.SUPERVISOR, of=ours))
        path = f"quarantinedwrite/{write.pk}/apply/"
        page = desk.read(path)
        assert author.display_name in page
        assert another.display_name not in page
        document = orjson.dumps({"id": write.doc_id, "title": "t"}).decode()
        assert "This field is required." in desk.post(path, document=document).content.decode()
        desk.post(path, document=document, author=str(author.pk))
        assert Version.objects.get().author == author

    def test_nobody_else_opens_the_page(self, write: QuarantinedWrite) -> None:
        path = f"{SYNC}quarantinedwrite/{write.pk}/apply/"
        assert Desk(person(Role.SUPERVISOR)).client.get(path).status_code == 404
        for role in (Role.DISPATCHER, Role.ADMINISTRATOR):
            assert Desk(person(role)).client.get(path).status_code == 403


class TestTablets:
    def declare(self, of: Pages, **unsent: Any) -> None:
        body = {"unsent": unsent, "refused": {}, "at": clock.now().isoformat()}
        answer = of.client.put(
            "/api/v1/sync/outbox", body, "application/json", headers=of.of.headers
        )
        assert answer.status_code == 204

    def test_the_list_says_how_each_is(
        self, pair: Pair, desk: Desk, write: QuarantinedWrite, conflict: Conflict
    ) -> None:
        mine, theirs = pair
        self.declare(mine, facts={"count": 7, "oldest_at": "2026-03-04T12:03:11-08:00"})
        Tablet.objects.filter(pk=theirs.of.tablet.pk).update(
            last_seen_at=NOON, clock_offset_ms=-3 * 3600 * 1000
        )
        page = desk.read("tablet/", base="/admin/accounts/")
        text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
        for words in (
            "in contact",
            "no contact since 2026-03-04 12:00:00",
            "3 h 0 min slow: wrong",
            "7 , the oldest from 2026-03-04",
            "never said",
        ):
            assert words in text
        for name, row in (("quarantinedwrite", write), ("conflict", conflict)):
            address = f"{name}/?tablet__id__exact={row.tablet_id}&open=open"
            assert f"{SYNC}{address}" in page
            assert str(row) in desk.read(address)

    @pytest.mark.parametrize("look", ["unsent", "refused", "quiet", "day"])
    def test_those_to_look_at_are_found(self, pair: Pair, desk: Desk, look: str) -> None:
        mine, theirs = pair
        for of in pair:
            self.declare(of)
        assert "0 tablets" in desk.read(f"tablet/?look={look}", base="/admin/accounts/")
        match look:
            case "unsent":
                self.declare(mine, facts={"count": 1})
            case "refused":
                mine.client.put(
                    "/api/v1/sync/outbox",
                    {"refused": {"facts": {"count": 1}}, "at": NOON.isoformat()},
                    "application/json",
                    headers=mine.of.headers,
                )
            case _:
                Tablet.objects.filter(pk=mine.of.tablet.pk).update(last_seen_at=NOON)
        page = desk.read(f"tablet/?look={look}", base="/admin/accounts/")
        assert mine.of.tablet.label in page
        assert f">{theirs.of.tablet.label}<" not in page

    def test_the_page_says_it_by_kind(self, pair: Pair, desk: Desk) -> None:
        mine, _ = pair
        self.declare(mine, facts={"count": 7}, pages={"count": 2})
        page = desk.read(f"tablet/{mine.of.tablet.pk}/change/", base="/admin/accounts/")
        assert "<td>facts</td><td>7</td>" in page
        assert "<td>pages</td><td>2</td>" in page
        assert mine.of.tablet.sign_ins.get().user.display_name in page

    def test_another_teams_tablet_has_no_page(self, desk: Desk) -> None:
        other = tablet()
        answer = desk.client.get(f"/admin/accounts/tablet/{other.tablet.pk}/change/")
        assert answer.status_code == 302
