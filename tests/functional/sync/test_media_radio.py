"""A photo over a radio that cuts connections in the middle of a piece, and beside the records."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from apps.simulator.tablet import media as tablet_media
from apps.simulator.tablet.media import Media
from apps.sync.media.models import MediaFile, MediaUpload
from tests.factories import EnrolledTablet, person, tablet
from tests.functional.sync.cutting import cutting
from tests.integration.sync import pictures
from tests.processes import Processes, Server

pytestmark = pytest.mark.django_db(transaction=True)
LENGTH = 1_000_000


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tablet_media, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(tablet_media, "LONGEST_PAUSE", 0.05)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def serving(django_db_setup: None, folder: Path) -> Iterator[Server]:
    processes = Processes(folder)
    yield processes.server(MEDIA_FOLDER=str(folder / "kept"))
    processes.end()


def media(url: str, of: EnrolledTablet, path: Path | str = ":memory:") -> Media:
    return Media(url, path, lambda: of.token, dice=random.Random(1))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_photo_arrives_whole_over_a_radio_that_cuts_in_mid_piece(
    serving: Server, folder: Path, seed: int
) -> None:
    mine = tablet(person())
    photo = pictures.large(LENGTH)

    async def send() -> tuple[int, int, bytes | None]:
        # A quarter of the photo is the most that one connection ever carries.
        async with cutting(serving.port, seed=seed, most_up=LENGTH // 4, most_down=1500) as radio:
            sender = media(radio.url, mine)
            assert await sender.send(sender.keep(photo))
            assert sender.unsent() == []
            shown = await sender.fetch(sender.keep(photo))
            await sender.close()
            return radio.cuts, sender.sent_bytes, shown

    cuts, sent, shown = asyncio.run(send())
    assert cuts >= 4
    assert sent < 4 * LENGTH  # it goes on where it was, instead of beginning again
    file = MediaFile.objects.get()
    assert shown is not None
    assert (pictures.opened(shown).size, len(shown)) == ((96, 64), file.size)
    assert not MediaUpload.objects.exists()
    assert not list((folder / "kept" / "pieces").iterdir())


def test_a_tablet_that_was_switched_off_goes_on_where_it_was(
    serving: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tablet_media, "LARGEST_PIECE", 100_000)
    mine = tablet(person())
    photo = pictures.large(LENGTH)

    async def send_half() -> None:
        sender = media(serving.url, mine, tmp_path / "photos.sqlite")
        sha256 = sender.keep(photo)
        offset: int | None = 0
        while offset is not None and offset < LENGTH // 2:
            offset = await sender._send_piece(sha256, photo, offset)
        await sender.close()

    async def send_rest() -> int:
        sender = media(serving.url, mine, tmp_path / "photos.sqlite")
        [sha256] = sender.unsent()
        assert await sender.send(sha256)
        await sender.close()
        return sender.sent_bytes

    asyncio.run(send_half())
    assert asyncio.run(send_rest()) == LENGTH // 2


def test_what_the_server_does_not_take_stays_in_sight_and_holds_up_nothing(serving: Server) -> None:
    mine = tablet(person())

    async def send() -> tuple[dict[str, str], list[str]]:
        sender = media(serving.url, mine)
        broken = sender.keep(pictures.jpeg()[:-200])
        good = sender.keep(pictures.jpeg())
        taken = [await sender.send(sha256) for sha256 in sender.unsent()]
        assert taken == [False, True]
        assert await sender.fetch(good) is not None
        assert await sender.fetch(broken) is None
        refused, unsent = sender.refused(), sender.unsent()
        await sender.close()
        assert set(refused) == {broken}
        return refused, unsent

    refused, unsent = asyncio.run(send())
    assert list(refused.values()) == ["broken-picture"]
    assert unsent == []


def test_photos_hold_up_no_pull(serving: Server) -> None:
    """Sixteen at once, more than the server has threads, while a record is asked for. Whatever the
    machine takes for a photo, no pull stands in their line."""
    mine = tablet(person())

    async def play() -> list[int]:
        sender = media(serving.url, mine)
        for number in range(16):
            sender.keep(pictures.jpeg(number, size=(1200, 900)))
        sending = [asyncio.create_task(sender.send(sha)) for sha in sender.unsent()]
        sent = [0]  # photos, as of each pull
        async with httpx2.AsyncClient(base_url=serving.url, timeout=60, trust_env=False) as client:
            while sent[-1] < len(sending):
                answer = await client.get("/api/v1/sync/facts/pull", headers=mine.headers)
                assert answer.status_code == 200
                sent.append(sum(task.done() for task in sending))
        assert all(await asyncio.gather(*sending))
        await sender.close()
        return sent

    sent = asyncio.run(play())
    # In one line with them, the fourth pull would come after most of the photos.
    assert sum(photos < 8 for photos in sent) > 10
    assert MediaFile.objects.count() == 16


def test_a_connection_that_is_cut_in_a_piece_leaves_no_thread_waiting(serving: Server) -> None:
    """A request takes a thread when it has arrived in full."""
    mine = tablet(person())
    head = (
        f"PUT /api/v1/media/{'0' * 64} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {mine.token}\r\nContent-Length: 100000\r\n\r\n"
    )
    open_ones = []
    for _ in range(30):
        line = socket.create_connection(("127.0.0.1", serving.port))
        line.sendall(head.encode() + bytes(1000))
        open_ones.append(line)
    answer = httpx2.get(
        f"{serving.url}/api/v1/sync/facts/pull", headers=mine.headers, timeout=60, trust_env=False
    )
    assert answer.status_code == 200
    for line in open_ones:
        line.close()
    assert not MediaUpload.objects.exists()
