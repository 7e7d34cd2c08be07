"""Who sees a photo: with the documents that name it, and nobody by anything else. When it goes."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from apps.accounts import services as accounts
from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.media import api, naming, retention, storage
from apps.sync.media.models import MediaClaim, MediaFile, MediaReference, MediaUpload
from apps.sync.models import Choice, Conflict, QuarantinedWrite, Version
from apps.sync.services import versions
from tests.factories import NOON, person, tablet
from tests.integration.sync import pictures
from tests.integration.sync.conftest import Pages
from tests.integration.sync.senders import (
    Pair,
    address,
    desk,
    objects,
    of,
    responder,
    sender,
)
from tests.integration.sync.test_access import push
from tests.probe import rooms

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]


class TestWhoSees:
    def test_at_first_who_has_sent_it(self, pair: Pair) -> None:
        mine, theirs = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        assert of(mine).sees(photo)
        assert not of(theirs).sees(photo)
        assert not desk(Role.SUPERVISOR, mine).sees(photo)

    def test_then_who_sees_a_document_that_names_it(self, pair: Pair) -> None:
        mine, theirs = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        id = mine.new(photos=[address(photo)])
        assert of(mine).sees(photo)
        assert of(theirs).sees(photo)
        assert desk(Role.SUPERVISOR, mine).sees(photo)
        assert not desk(Role.DISPATCHER, mine).sees(photo)
        assert not sender().sees(photo)
        rooms.withdraw(UUID(id), collection="pages")
        assert not of(mine).sees(photo)
        assert not of(theirs).sees(photo)

    def test_named_before_it_is_here(self, pair: Pair) -> None:
        mine, theirs = pair
        photo = pictures.large()
        mine.new(photos=[address(photo)])
        assert of(theirs).get(address(photo)).json()["code"] == "no-media"
        of(mine).send(photo)
        assert of(theirs).sees(photo)
        assert not MediaClaim.objects.exists()

    @pytest.mark.parametrize("first", ["photo", "document"])
    def test_sent_after_the_tablet_was_handed_on(self, pair: Pair, first: str) -> None:
        """Who took it has gone; the next one's sign-in sends it, and their page."""
        mine, theirs = pair
        photo, author = pictures.jpeg(), responder(mine)
        mine.new(title="before")  # the tablet is known as theirs
        nobody_of_the_team = person()
        accounts.sign_in(tablet=mine.of.tablet, user=nobody_of_the_team, now=clock.now())
        row = mine.row(uuid7(), title="t", photos=[address(photo)], author_id=str(author.pk))
        if first == "photo":
            of(mine).put(address(photo), photo)
        push(mine, row, to="pages")
        if first == "document":
            assert not of(theirs).sees(photo)
            of(mine).put(address(photo), photo)
        assert of(theirs).sees(photo)

    def test_named_by_what_is_recorded_once(self, pair: Pair) -> None:
        mine, _ = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        mark = {"id": str(uuid7()), "text": "x", "photos": [address(photo)]}
        answer = mine.client.post(
            "/api/v1/sync/marks/push",
            [{"newDocumentState": mark}],
            "application/json",
            headers=mine.of.headers,
        )
        assert answer.json() == []
        assert desk(Role.SUPERVISOR, mine).sees(photo)
        assert not MediaClaim.objects.exists()

    def test_no_longer_when_the_document_names_it_no_more(self, pair: Pair) -> None:
        mine, theirs = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        id = mine.new(photos=[address(photo)])
        assert mine.save(id, photos=[]) == []
        assert not of(mine).sees(photo)
        assert not of(theirs).sees(photo)
        # An earlier version is put back by somebody who has never seen the photo.
        first = Version.objects.filter(doc_id=id).order_by("rev").first()
        assert first is not None
        versions.restore(
            version=first, by=person(Role.SUPERVISOR, of=mine.of.tablet.team), now=NOON
        )
        assert of(theirs).sees(photo)

    def test_a_deleted_document_names_nothing(self, pair: Pair) -> None:
        mine, _ = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        id = mine.new(photos=[address(photo)])
        assert mine.push(mine.row(id, _deleted=True)) == []
        assert not of(mine).sees(photo)
        assert not MediaReference.objects.filter(named=True).exists()

    def test_refused_documents_show_theirs_to_author_and_supervisors(self, pair: Pair) -> None:
        mine, _ = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        mine.save(uuid7(), title="refuse", photos=[address(photo)])
        assert QuarantinedWrite.objects.exists()
        assert of(mine).sees(photo)
        assert desk(Role.SUPERVISOR, mine).sees(photo)
        assert not sender().sees(photo)
        assert MediaFile.objects.named().exists()

    def test_a_refused_document_of_any_shape_is_kept(self, pair: Pair) -> None:
        mine, _ = pair
        for photos in (7, {"sha256": []}, [None, {"x": 1}, ["y"]], "z" * 64):
            mine.save(uuid7(), title="refuse", photos=photos)
        assert QuarantinedWrite.objects.count() == 4
        assert not MediaReference.objects.exists()

    def test_what_lost_in_a_conflict_can_be_put_back_with_its_photo(self, pair: Pair) -> None:
        mine, theirs = pair
        mine_has, theirs_has = pictures.jpeg(1), pictures.jpeg(2)
        of(mine).put(address(mine_has), mine_has)
        of(theirs).put(address(theirs_has), theirs_has)
        id = mine.new(title="t", photos=[])
        theirs.pull()
        mine.save(id, photos=[address(mine_has)])
        theirs.save(id, photos=[address(theirs_has)])
        assert of(theirs).sees(theirs_has)
        boss = person(Role.SUPERVISOR, of=mine.of.tablet.team)
        conflict = Conflict.objects.get()
        versions.settle_conflict(conflict=conflict, choice=Choice.KEPT, by=boss, now=NOON)
        assert mine.pull()[id]["photos"] == [address(theirs_has)]
        assert of(mine).sees(theirs_has)

    def test_put_back_before_it_is_here(self, pair: Pair) -> None:
        """A supervisor who never had the photo puts back the text that names it."""
        mine, theirs = pair
        photo = pictures.jpeg()
        id = mine.new(title="t", photos=[])
        theirs.pull()
        mine.save(id, photos=[address(pictures.jpeg(2))])
        theirs.save(id, photos=[address(photo)])
        boss = person(Role.SUPERVISOR, of=mine.of.tablet.team)
        versions.settle_conflict(
            conflict=Conflict.objects.get(), choice=Choice.KEPT, by=boss, now=NOON
        )
        of(theirs).put(address(photo), photo)
        named = MediaReference.objects.filter(sha256=bytes.fromhex(address(photo)))
        assert set(named.values_list("collection", "proven")) == {
            *(("pages", True), ("quarantine", True)),
        }
        assert of(mine).sees(photo)

    def test_reading_is_on_record(self, pair: Pair) -> None:
        mine, _ = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        of(mine).get(address(photo))
        file = MediaFile.objects.get()
        sent, read = Entry.objects.about(file.pk).order_by("at", "id")
        assert (sent.action, read.action) == ("upload", "read")
        assert read.actor_id == responder(mine).pk
        assert read.tablet_id == mine.of.tablet.pk

    def test_no_entry_no_picture(self, pair: Pair, monkeypatch: Any) -> None:
        mine, _ = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)

        def fails(**_: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(api, "record", fails)
        mine.client.raise_request_exception = False
        assert of(mine).get(address(photo)).status_code == 500


class TestNoOracle:
    def test_a_stranger_cannot_tell_what_is_here(self, pair: Pair) -> None:
        mine, _ = pair
        here, nowhere = pictures.large(), pictures.large(210_000)
        of(mine).send(here)
        stranger = sender()
        for ask in (stranger.get, stranger.head, stranger.put):
            one, other = ask(address(here)), ask(address(nowhere))
            assert one.status_code == other.status_code
            assert one.content == other.content
            assert one["Upload-Offset"] == other["Upload-Offset"] == "0"
        said: dict[str, list[Any]] = {}
        for data in (here, nowhere):
            for start in range(0, len(data), 70_000):
                answer = stranger.piece(data, start, 70_000)
                answer_body = {**answer.json(), "sha256": "", "total": 0}
                said.setdefault(address(data), []).append((answer.status_code, answer_body))
        assert said[address(here)] == said[address(nowhere)]
        assert stranger.sees(here)
        assert MediaFile.objects.count() == 2

    def test_a_stranger_does_not_see_what_another_has_sent_so_far(self, pair: Pair) -> None:
        mine, theirs = pair
        photo = pictures.large()
        of(mine).piece(photo, 0)
        assert of(theirs).head(address(photo))["Upload-Offset"] == "0"
        assert of(theirs).piece(photo, 50_000).status_code == 409

    def test_to_name_a_file_is_no_way_to_see_it(self, pair: Pair) -> None:
        mine, _ = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        mine.new(photos=[address(photo)])
        stranger = Pages(mine.client, tablet(person()))
        stranger.new(photos=[address(photo)])
        assert not of(stranger).sees(photo)
        # Also when it comes again.
        of(mine).put(address(photo), photo)
        assert not of(stranger).sees(photo)
        # Until they send it themselves.
        assert of(stranger).put(address(photo), photo).status_code == 201
        assert of(stranger).sees(photo)

    def test_nor_to_have_seen_it_once(self, pair: Pair) -> None:
        mine, theirs = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        id = mine.new(photos=[address(photo)])
        assert of(theirs).sees(photo)
        rooms.withdraw(UUID(id), collection="pages")
        theirs.new(photos=[address(photo)])
        assert not of(theirs).sees(photo)


class TestAtOnce:
    def test_named_while_its_last_piece_is_looked_into(self, pair: Pair, monkeypatch: Any) -> None:
        """The document's transaction has named it and is not committed when the file is kept."""
        mine, theirs = pair
        photo = pictures.jpeg()
        named, sent = threading.Event(), threading.Event()
        lock = naming.lock

        def locking(names: Any) -> None:
            if threading.current_thread().name == "sending":
                assert named.wait(60)
                sent.set()  # it now waits for the one that names it
            lock(names)

        monkeypatch.setattr(naming, "lock", locking)

        def send() -> None:
            try:
                of(mine).put(address(photo), photo)
            finally:
                connection.close()

        sending = threading.Thread(target=send, name="sending")
        note = naming.note

        def noting(**given: Any) -> None:
            note(**given)
            named.set()
            assert sent.wait(60)

        monkeypatch.setattr(naming, "note", noting)
        sending.start()
        mine.new(photos=[address(photo)])
        sending.join()
        assert of(theirs).sees(photo)


class TestRetention:
    LATER = timedelta(days=8)

    @pytest.fixture
    def sent(self, pair: Pair) -> tuple[Pages, bytes]:
        mine, _ = pair
        photo = pictures.jpeg()
        of(mine).put(address(photo), photo)
        return mine, photo

    def _at(self) -> Any:
        return MediaFile.objects.get().made_at

    def test_what_no_document_names_goes(self, sent: tuple[Pages, bytes], folder: Path) -> None:
        mine, photo = sent
        at = self._at()
        retention.sweep(now=at + timedelta(days=6))
        assert of(mine).sees(photo)
        for _ in range(2):
            retention.sweep(now=at + self.LATER)
        assert not of(mine).sees(photo)
        assert not MediaFile.objects.exists()
        assert objects(folder) == []
        assert Entry.objects.filter(action="purge").count() == 1

    def test_what_a_document_names_stays(self, sent: tuple[Pages, bytes]) -> None:
        mine, photo = sent
        at = self._at()
        mine.new(photos=[address(photo)])
        for days in (8, 400):
            retention.sweep(now=at + timedelta(days=days))
        assert of(mine).sees(photo)
        assert MediaFile.objects.get().unnamed_since is None

    def test_it_goes_some_days_after_the_last_document(
        self, sent: tuple[Pages, bytes], folder: Path
    ) -> None:
        mine, photo = sent
        at = self._at()
        first, second = (mine.new(photos=[address(photo)]) for _ in range(2))
        retention.sweep(now=at + timedelta(days=100))
        mine.save(first, photos=[])
        retention.sweep(now=at + timedelta(days=200))
        assert of(mine).sees(photo)
        rooms.withdraw(UUID(second), collection="pages")
        retention.sweep(now=at + timedelta(days=300))
        assert not of(mine).sees(photo)
        assert objects(folder)
        retention.sweep(now=at + timedelta(days=306))
        assert objects(folder)
        retention.sweep(now=at + timedelta(days=308))
        assert objects(folder) == []
        assert of(mine).put(address(photo), photo).status_code == 201

    def test_a_half_sent_file_that_was_given_up_goes(self, folder: Path) -> None:
        mine, photo = sender(), pictures.large()
        mine.piece(photo, 0)
        at = MediaUpload.objects.get().moved_at
        retention.sweep(now=at + timedelta(days=6))
        assert mine.piece(photo, 50_000).status_code == 202
        assert MediaUpload.objects.get().moved_at > at
        retention.sweep(now=at + self.LATER)
        assert objects(folder) == []
        assert mine.put(address(photo)).json()["offset"] == 0

    def test_what_a_broken_off_process_left_goes(
        self, sent: tuple[Pages, bytes], folder: Path
    ) -> None:
        mine, photo = sent
        mine.new(photos=[address(photo)])
        for name in (storage.file_name(uuid7(), 0), storage.piece_name(uuid7(), 3)):
            storage.put(name, b"x", bound_to="x")
        (folder / "files" / f"{uuid7()}.1.part").write_bytes(b"x")
        at = self._at()
        retention.sweep(now=at)
        assert len(objects(folder)) == 4
        retention.sweep(now=at + timedelta(days=2))
        assert len(objects(folder)) == 1
        assert of(mine).sees(photo)

    def test_what_somebody_names_while_it_is_swept_stays(
        self, sent: tuple[Pages, bytes], monkeypatch: Any
    ) -> None:
        mine, photo = sent
        lock = naming.lock

        def locking(names: Any) -> None:
            monkeypatch.setattr(naming, "lock", lock)
            name = threading.Thread(target=self._name, args=(mine, photo))
            name.start()
            name.join()
            lock(names)

        monkeypatch.setattr(naming, "lock", locking)
        retention.sweep(now=self._at() + self.LATER)
        assert of(mine).sees(photo)

    @staticmethod
    def _name(mine: Pages, photo: bytes) -> None:
        mine.new(photos=[address(photo)])
        connection.close()
