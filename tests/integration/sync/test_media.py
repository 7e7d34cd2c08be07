"""Photos and signatures: sent whole or in pieces, kept as pictures alone, refused with a word."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test import Client

from apps.audit.models import Entry
from apps.sync.media import storage
from apps.sync.media.models import MediaFile, MediaUpload
from apps.sync.rotation import rotate_media
from tests.factories import tablet
from tests.integration.sync import pictures
from tests.integration.sync.senders import (
    PIECE,
    Sender,
    address,
    objects,
    sender,
    somebody_waits,
    wait_until,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]


class TestSending:
    def test_whole(self) -> None:
        mine, photo = sender(), pictures.jpeg()
        answer = mine.put(address(photo), photo)
        assert answer.status_code == 201
        served = mine.get(address(photo))
        assert answer.json() == {
            "sha256": address(photo),
            "type": "image/jpeg",
            "width": 96,
            "height": 64,
            "size": len(served.content),
        }
        assert pictures.opened(served.content).size == (96, 64)

    def test_piece_by_piece(self) -> None:
        mine, photo = sender(), pictures.large()
        offsets = []
        for start in range(0, len(photo), PIECE):
            assert mine.head(address(photo))["Upload-Offset"] == str(start)
            offsets.append(mine.piece(photo, start))
        assert [answer.status_code for answer in offsets] == [202, 202, 202, 201]
        assert [answer.json()["offset"] for answer in offsets[:3]] == [50_000, 100_000, 150_000]
        assert offsets[0]["Upload-Offset"] == "50000"
        assert mine.sees(photo)

    def test_a_piece_twice_is_once(self) -> None:
        mine, photo = sender(), pictures.large()
        for start in (0, 0, 50_000, 0, 50_000, 100_000, 150_000):
            assert mine.piece(photo, start).status_code in {201, 202}
        assert mine.sees(photo)

    def test_a_piece_that_overlaps_adds_what_is_new_of_it(self) -> None:
        mine, photo = sender(), pictures.large()
        assert mine.piece(photo, 0, 60_000).json()["offset"] == 60_000
        assert mine.piece(photo, 50_000, 50_000).json()["offset"] == 100_000
        assert mine.piece(photo, 0, len(photo)).status_code == 201
        assert mine.sees(photo)

    def test_a_piece_out_of_order_is_told_where_to_go_on(self) -> None:
        mine, photo = sender(), pictures.large()
        mine.piece(photo, 0)
        early = mine.piece(photo, 100_000)
        assert (early.status_code, early.json()["code"]) == (409, "upload-offset")
        assert early.json()["offset"] == 50_000
        assert early["Upload-Offset"] == "50000"
        never = mine.piece(pictures.large(210_000), 50_000)
        assert (never.status_code, never.json()["offset"]) == (409, 0)
        assert MediaUpload.objects.count() == 1

    def test_the_last_piece_after_a_lost_answer(self, folder: Path) -> None:
        mine, photo = sender(), pictures.large()
        first = mine.send(photo)
        kept = len(objects(folder))
        again = mine.piece(photo, 150_000)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()  # type: ignore[attr-defined]
        assert (MediaFile.objects.count(), len(objects(folder))) == (1, kept)

    def test_asking_without_a_body(self) -> None:
        mine, photo = sender(), pictures.large()
        for asked in (mine.put(address(photo)), mine.put(address(photo), range="bytes */200000")):
            assert (asked.status_code, asked.json()["offset"]) == (409, 0)
        mine.piece(photo, 0)
        assert mine.put(address(photo)).json()["offset"] == 50_000
        mine.send(photo)
        assert mine.put(address(photo)).status_code == 204

    def test_another_total_begins_again(self, folder: Path) -> None:
        mine, photo = sender(), pictures.large()
        mine.put(address(photo), photo[:PIECE], f"bytes 0-49999/{len(photo) + 1}")
        assert mine.send(photo).status_code == 201
        assert {path.parent.name for path in objects(folder)} == {"files"}

    @pytest.mark.parametrize(
        ("range", "body"),
        [
            ("bytes 0-9/10", b"short"),
            ("bytes 0-99/50", bytes(100)),
            ("bytes 9-0/50", b""),
            ("items 0-4/5", b"12345"),
            ("bytes 0-4/*", b"12345"),
            ("bytes 0-99/5000", bytes(100)),  # too small a piece
        ],
    )
    def test_a_range_that_cannot_be(self, range: str, body: bytes) -> None:
        answer = sender().put("0" * 64, body, range)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert not MediaUpload.objects.exists()

    @pytest.mark.parametrize("sha", ["x", "A" * 64, "0" * 63, "0" * 65, "..", "%2e%2e%2fetc"])
    def test_an_address_that_is_none(self, sha: str) -> None:
        for answer in (sender().put(sha, b"x"), sender().get(sha), sender().head(sha)):
            assert answer.status_code == 404

    def test_two_copies_of_a_piece_at_once(self) -> None:
        mine, photo = sender(), pictures.large()
        barrier, answers = threading.Barrier(2), []

        def go() -> None:
            try:
                barrier.wait()
                answers.append(mine.piece(photo, 0, len(photo)).status_code)
            finally:
                connection.close()

        threads = [threading.Thread(target=go) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {200, 201, 503}
        assert 201 in answers
        assert mine.sees(photo)
        assert not MediaUpload.objects.exists()

    def test_different_pieces_at_once_come_one_after_the_other(self, monkeypatch: Any) -> None:
        """A tablet that gave up waiting sends a larger piece while the first one is stored."""
        mine, photo = sender(), pictures.large()
        mine.piece(photo, 0)
        storing, go = threading.Event(), threading.Event()
        put, stored = storage.put, []

        def putting(*given: Any, **named: Any) -> None:
            stored.append(given)
            storing.set()
            assert go.wait(60)
            put(*given, **named)

        def send(length: int) -> None:
            try:
                mine.piece(photo, 50_000, length)
            finally:
                connection.close()

        monkeypatch.setattr(storage, "put", putting)
        threads = [threading.Thread(target=send, args=[length]) for length in (50_000, 60_000)]
        threads[0].start()
        assert storing.wait(60)
        threads[1].start()
        wait_until(lambda: len(stored) > 1 or somebody_waits())
        at_once = len(stored)
        go.set()
        for thread in threads:
            thread.join()
        assert at_once == 1
        assert mine.put(address(photo)).json()["offset"] == 110_000
        assert mine.piece(photo, 110_000, 90_000).status_code == 201
        assert mine.sees(photo)

    def test_too_many_half_sent(self, settings: Any) -> None:
        settings.MEDIA_OPEN_UPLOADS = 2
        mine = sender()
        for length in (200_000, 210_000):
            assert mine.piece(pictures.large(length), 0).status_code == 202
        answer = mine.piece(pictures.large(220_000), 0)
        assert answer.status_code == 429
        assert answer["Retry-After"]
        assert mine.piece(pictures.large(200_000), 50_000).status_code == 202

    def test_nobody_signed_in_sees_nothing(self) -> None:
        photo = pictures.jpeg()
        bare = Sender(Client(), tablet())
        assert bare.put(address(photo), photo).status_code == 201
        assert bare.head(address(photo)).status_code == 404
        assert bare.get(address(photo)).status_code == 403


class TestWhatIsKept:
    def test_nothing_but_the_picture(self) -> None:
        mine, photo = sender(), pictures.jpeg()
        assert b"GPS" in photo
        mine.put(address(photo), photo)
        served = mine.get(address(photo)).content
        for word in (b"own phone", b"kitchen", b"GPS", b"Exif", b"xmp"):
            assert word not in served
        found = pictures.opened(served)
        assert not found.getexif()
        assert "comment" not in found.info

    def test_upright(self) -> None:
        mine, photo = sender(), pictures.jpeg(orientation=6)
        assert mine.put(address(photo), photo).json()["width"] == 64
        found = pictures.opened(mine.get(address(photo)).content).convert("RGB")
        top, bottom = found.getpixel((32, 10)), found.getpixel((32, 85))
        assert isinstance(top, tuple)
        assert isinstance(bottom, tuple)
        assert (top[0] > 150, top[2] > 60) == (True, False)
        assert (bottom[0] > 60, bottom[2] > 150) == (False, True)

    def test_a_signature_keeps_its_transparency(self) -> None:
        mine, drawn = sender(), pictures.signature()
        assert mine.put(address(drawn), drawn).json()["type"] == "image/png"
        served = mine.get(address(drawn)).content
        assert b"signed by" not in served
        found = pictures.opened(served)
        assert (found.mode, found.getpixel((0, 0))) == ("RGBA", (0, 0, 0, 0))
        assert found.getpixel((11, 11)) == (0, 0, 0, 255)

    def test_webp(self) -> None:
        mine, photo = sender(), pictures.webp()
        assert mine.put(address(photo), photo).json()["type"] == "image/webp"

    def test_what_hides_behind_a_picture_is_gone(self) -> None:
        mine = sender()
        photo = pictures.jpeg() + b"PK\3\4<script>alert(1)</script>"
        mine.put(address(photo), photo)
        served = mine.get(address(photo))
        assert b"script" not in served.content
        assert served["Content-Type"] == "image/jpeg"
        assert served["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in served["Content-Security-Policy"]

    def test_only_sealed_and_not_as_it_was_sent(self, folder: Path) -> None:
        mine, photo = sender(), pictures.large()
        mine.piece(photo, 0)
        half = b"".join(path.read_bytes() for path in objects(folder))
        assert half
        assert b"film" not in half
        assert photo[:16] not in half
        mine.send(photo)
        kept = objects(folder)
        assert {path.parent.name for path in kept} == {"files"}
        whole = b"".join(path.read_bytes() for path in kept)
        assert b"JFIF" not in whole
        assert len(whole) < len(photo)
        assert all(path.stat().st_mode & 0o077 == 0 for path in kept)

    def test_pieces_do_not_open_in_another_place(self, folder: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr(storage, "PIECE_BYTES", 100)
        mine, photo = sender(), pictures.jpeg()
        mine.put(address(photo), photo)
        file = MediaFile.objects.get()
        assert file.pieces > 3
        first, second = (folder / storage.file_name(file.blob, n) for n in (0, 1))
        one, two = first.read_bytes(), second.read_bytes()
        for changed in ({first: two, second: one}, {first: one, second: one[:-1]}):
            for path, data in changed.items():
                path.write_bytes(data)
            assert mine.get(address(photo)).status_code == 404
        first.write_bytes(one)
        second.write_bytes(two)
        assert mine.sees(photo)
        assert Entry.objects.filter(action="read", subject_type="media_file").count() == 1

    def test_a_lost_piece_is_no_failure_and_is_mended_by_sending_again(self, folder: Path) -> None:
        mine, photo = sender(), pictures.jpeg()
        mine.put(address(photo), photo)
        for path in objects(folder):
            path.unlink()
        assert mine.get(address(photo)).json()["code"] == "no-media"
        assert mine.put(address(photo), photo).status_code == 201
        assert mine.sees(photo)

    def test_any_storage_of_django_does(self, settings: Any) -> None:
        media = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
        settings.STORAGES = {**settings.STORAGES, "media": media}
        mine, photo = sender(), pictures.large()
        assert mine.send(photo).status_code == 201
        assert mine.sees(photo)
        assert len(storages["media"].listdir("files")[1]) == 1
        assert storages["media"].listdir("pieces")[1] == []

    def test_it_goes_on_where_a_download_broke_off(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(storage, "PIECE_BYTES", 100)
        mine, photo = sender(), pictures.jpeg()
        mine.put(address(photo), photo)
        whole = mine.get(address(photo))
        rest = mine.get(address(photo), Range="bytes=250-", **{"If-Range": whole["ETag"]})
        assert rest.status_code == 206
        assert whole.content[:250] + rest.content == whole.content
        assert rest["Content-Range"] == f"bytes 250-{len(whole.content) - 1}/{len(whole.content)}"
        for headers in ({"Range": "bytes=250-", "If-Range": '"x"'}, {"Range": "bytes=-5"}):
            assert mine.get(address(photo), **headers).content == whole.content

    def test_moves_to_the_newest_key(self, settings: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(storage, "PIECE_BYTES", 100)
        mine, photo = sender(), pictures.jpeg()
        mine.put(address(photo), photo)
        before = mine.get(address(photo)).content
        settings.FIELD_KEYS = {"new1": base64.b64encode(bytes(32)).decode(), **settings.FIELD_KEYS}
        assert (rotate_media(1).done, rotate_media(1).done) == (1, 0)
        settings.FIELD_KEYS = {"new1": settings.FIELD_KEYS["new1"]}
        assert mine.get(address(photo)).content == before
        file = MediaFile.objects.get()
        assert len(objects(Path(storages["media"].location))) == file.pieces  # type: ignore[attr-defined]

    def test_stays_in_no_cache(self) -> None:
        mine, photo = sender(), pictures.jpeg()
        mine.put(address(photo), photo)
        assert mine.get(address(photo))["Cache-Control"] == "private, no-store"


class TestRefused:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not-a-picture"),
            (b"<?xml version='1.0'?><svg/>", "not-a-picture"),
            (pictures.gif(), "not-a-picture"),
            (b"%PDF-1.7", "not-a-picture"),
            (b"PK\3\4", "not-a-picture"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "not-a-picture"),
            (b"\xff\xd8\xff", "broken-picture"),
            (pictures.jpeg()[:-200], "broken-picture"),
            (pictures.signature()[:-40], "broken-picture"),
            (pictures.webp()[:60], "broken-picture"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "broken-picture"),
            (pictures.words_bomb, "broken-picture"),
            (pictures.vast(), "too-large"),
        ],
        ids=lambda one: one if isinstance(one, str) else "",
    )
    def test_with_a_clear_word_and_dropped(
        self, folder: Path, data: bytes | Callable[[], bytes], code: str
    ) -> None:
        mine = sender()
        data = data() if callable(data) else data  # a bomb takes a second to build
        answer = mine.put(address(data), data)
        assert answer.json()["code"] == code
        assert 400 <= answer.status_code < 500
        assert answer["Content-Type"] == "application/problem+json"
        assert objects(folder) == []
        assert not MediaUpload.objects.exists()
        assert not MediaFile.objects.exists()

    def test_a_picture_that_unpacks_to_more_than_it_says_takes_no_more(self) -> None:
        mine, data = sender(), pictures.bomb()
        assert mine.put(address(data), data).json()["width"] == 64

    def test_another_hash(self, folder: Path) -> None:
        mine, photo = sender(), pictures.large()
        wrong = address(photo + b"!")
        assert mine.put(wrong, photo[:PIECE], f"bytes 0-49999/{len(photo)}").status_code == 202
        answer = mine.put(wrong, photo[PIECE:], f"bytes {PIECE}-{len(photo) - 1}/{len(photo)}")
        assert (answer.status_code, answer.json()["code"]) == (400, "wrong-hash")
        assert mine.put(wrong).json()["offset"] == 0
        assert objects(folder) == []
        assert mine.send(photo).status_code == 201

    def test_too_large(self, settings: Any) -> None:
        settings.MEDIA_LARGEST_BYTES = 100_000
        answer = sender().piece(pictures.large(), 0)
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    def test_too_large_for_one_request(self, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
        mine, photo = sender(), pictures.large()
        assert mine.put(address(photo), photo).status_code == 413
        assert mine.send(photo).status_code == 201

    def test_too_many_pixels(self, settings: Any) -> None:
        settings.MEDIA_LARGEST_PIXELS = 96 * 64 - 1
        mine, photo = sender(), pictures.jpeg()
        assert mine.put(address(photo), photo).json()["code"] == "too-large"

    def test_packed_on_the_way(self) -> None:
        answer = sender().put("0" * 64, b"x" * 50, **{"Content-Encoding": "gzip"})
        assert answer.status_code == 400
