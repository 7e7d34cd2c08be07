"""Photos from tablets that are lost, or that nobody is signed in on: nothing taken is lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.media import retention
from apps.sync.media.models import MediaFile, MediaUpload
from apps.sync.models import QuarantinedWrite
from apps.sync.services import quarantine
from apps.sync.services.applying import apply_quarantined
from tests.factories import NOON, person
from tests.integration.sync import pictures
from tests.integration.sync.senders import Pair, address, desk, of, responder, sender
from tests.integration.sync.test_access import push

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]


@pytest.fixture(params=["lost", "nobody"])
def away(request: Any, pair: Pair) -> Pair:
    """The first of the two tablets is lost, or its sign-in has ended."""
    tablet = pair[0].of.tablet
    pair[0].row(uuid7(), author_id=str(responder(pair[0]).pk))
    if request.param == "lost":
        accounts.mark_lost(tablet=tablet, by=SYSTEM, now=clock.now())
    else:
        accounts.sign_out(tablet=tablet, by=SYSTEM, now=clock.now())
    return pair


def author_of(pair: Pair) -> Any:
    return pair[0].of.tablet.sign_ins.get().user


@pytest.mark.parametrize("first", ["photo", "document"])
def test_is_seen_with_the_document_that_lies_in_quarantine(away: Pair, first: str) -> None:
    mine, _ = away
    author, photo = author_of(away), pictures.large()
    row = mine.row(uuid7(), title="t", photos=[address(photo)], author_id=str(author.pk))
    if first == "document":
        push(mine, row, to="pages")
    assert of(mine).head(address(photo)).status_code == 404
    assert of(mine).send(photo).status_code == 201
    if first == "photo":
        assert not desk(Role.SUPERVISOR, mine).sees(photo)
        push(mine, row, to="pages")
    assert QuarantinedWrite.objects.get().author == author
    assert desk(Role.SUPERVISOR, mine).sees(photo)
    assert of(mine).get(address(photo)).status_code == 403
    assert Entry.objects.get(action="upload").tablet_id == mine.of.tablet.pk


def test_and_with_the_document_once_that_is_taken(away: Pair) -> None:
    mine, theirs = away
    author, photo = author_of(away), pictures.jpeg()
    row = mine.row(uuid7(), title="t", photos=[address(photo)], author_id=str(author.pk))
    push(mine, row, to="pages")
    of(mine).put(address(photo), photo)
    by = person(Role.SUPERVISOR, of=mine.of.tablet.team)
    apply_quarantined(write=QuarantinedWrite.objects.get(), by=by, now=NOON)
    assert of(theirs).sees(photo)


def test_waits_for_a_supervisor_to_say_who_took_it(away: Pair) -> None:
    """Of a text that does not name who typed it: until then the photo is named by nobody."""
    mine, theirs = away
    author, photo = author_of(away), pictures.jpeg()
    push(mine, mine.row(uuid7(), title="t", photos=[address(photo)]), to="pages")
    of(mine).put(address(photo), photo)
    now = clock.now()
    for days in (1, 30, 60):
        retention.sweep(now=now + timedelta(days=days))
    by = person(Role.SUPERVISOR, of=mine.of.tablet.team)
    write = QuarantinedWrite.objects.get()
    apply_quarantined(write=write, by=by, author=author, now=NOON)
    assert of(theirs).sees(photo)


def test_and_goes_once_nobody_waits_for_it(away: Pair) -> None:
    mine, _ = away
    photo = pictures.jpeg()
    push(mine, mine.row(uuid7(), title="t", photos=[address(photo)]), to="pages")
    of(mine).put(address(photo), photo)
    by = person(Role.SUPERVISOR, of=mine.of.tablet.team)
    quarantine.acknowledge(write=QuarantinedWrite.objects.get(), by=by, now=NOON)
    now = clock.now()
    for days in (1, 30):
        retention.sweep(now=now + timedelta(days=days))
    assert not MediaFile.objects.exists()


def test_to_hand_in_is_no_way_to_see(away: Pair) -> None:
    """Neither for who had the tablet, nor for who names it and never had it."""
    mine, theirs = away
    photo = pictures.jpeg()
    of(mine).put(address(photo), photo)
    theirs.new(photos=[address(photo)])
    assert not of(theirs).sees(photo)
    assert not sender(author_of(away)).sees(photo)


def test_goes_on_where_it_was(away: Pair) -> None:
    mine, theirs = away
    photo = pictures.large()
    of(mine).piece(photo, 0)
    assert of(mine).put(address(photo)).json()["offset"] == 50_000
    assert of(theirs).head(address(photo))["Upload-Offset"] == "0"
    assert of(mine).piece(photo, 0).status_code == 202
    assert MediaUpload.objects.count() == 1


def test_of_a_lost_tablet_so_much_and_no_more(pair: Pair, settings: Any, folder: Path) -> None:
    mine, _ = pair
    accounts.mark_lost(tablet=mine.of.tablet, by=SYSTEM, now=clock.now())
    settings.LOST_TABLET_BYTES = 300_000
    assert of(mine).send(pictures.large(200_000)).status_code == 201
    answer = of(mine).piece(pictures.large(200_001), 0)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert not MediaUpload.objects.exists()
    assert MediaFile.objects.count() == 1
    settings.LOST_TABLET_ROWS = 1
    assert of(mine).put(address(pictures.jpeg()), pictures.jpeg()).status_code == 413


def test_a_compromised_one_can_do_nothing(pair: Pair) -> None:
    mine, _ = pair
    accounts.mark_compromised(tablet=mine.of.tablet, by=SYSTEM, now=clock.now())
    photo = pictures.jpeg()
    for answer in (of(mine).put(address(photo), photo), of(mine).head(address(photo))):
        assert answer.status_code == 401
    assert not MediaFile.objects.exists()


def test_who_was_shown_not_here_yet_is_told_when_it_comes(pair: Pair) -> None:
    mine, theirs = pair
    photo = pictures.jpeg()
    id = mine.new(title="t", photos=[address(photo)])
    _, at = _pull(theirs, None)
    assert _pull(theirs, at) == ([], at)
    of(mine).put(address(photo), photo)
    again, at = _pull(theirs, at)
    assert [d["id"] for d in again] == [id]
    assert of(theirs).sees(photo)
    # The same once more is no news, nor is a photo that came before its document.
    of(mine).put(address(photo), photo)
    assert _pull(theirs, at) == ([], at)
    first = pictures.jpeg(2)
    of(mine).put(address(first), first)
    assert _pull(theirs, at) == ([], at)


def test_nobody_is_told_of_what_they_still_do_not_see(pair: Pair) -> None:
    mine, theirs = pair
    photo = pictures.jpeg()
    mine.new(title="t", photos=[address(photo)])
    _, at = _pull(theirs, None)
    assert sender().put(address(photo), photo).status_code == 201  # a stranger's
    assert _pull(theirs, at) == ([], at)


def _pull(of: Any, at: str | None) -> tuple[list[Any], str]:
    path = "/api/v1/sync/pages/pull" + (f"?checkpoint={at}" if at else "")
    body = of.client.get(path, headers=of.of.headers).json()
    return body["documents"], body["checkpoint"]["c"]
