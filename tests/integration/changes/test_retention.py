"""Rows of the log go once they were read and are old; what others still need stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from apps.changes import epochs, retention
from apps.changes.models import Change, Commit
from apps.changes.published import Event
from apps.changes.reading import head
from apps.changes.services import publish
from apps.changes.tasks import let_old_go
from apps.core import clock
from apps.core.ids import uuid7
from apps.metrics.models import LogReader
from apps.webhooks.models import Cursor
from tests.factories import NOON, person, tablet
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def readers() -> None:
    """Both are there, and have read nothing."""
    Cursor.objects.update_or_create(name="events", defaults={"seq": 0, "n": 0})
    LogReader.objects.update_or_create(name="figures", defaults={"seq": 0, "n": 0})


def publish_one() -> int:
    """The number of its commit."""
    with transaction.atomic():
        publish(events=[Event("call.came", uuid7())], now=NOON)
    return head().seq


def read(*, events: int, figures: int) -> None:
    """How far the two who follow the log have come: beyond these commits."""
    Cursor.objects.update(seq=events + 1)
    LogReader.objects.update(seq=figures + 1)


def age(days: float) -> None:
    """All commits of until now are so old."""
    with connection.cursor() as cursor:
        cursor.execute("alter table feed_commit disable trigger user")
        cursor.execute("update feed_commit set at = now() - %s", [timedelta(days=days)])
        cursor.execute("alter table feed_commit enable trigger user")


def in_the_log() -> list[int]:
    """The commits of which something is left."""
    ids = Change.objects.filter(event="call.came").values("commit_id")
    return sorted(Commit.objects.filter(id__in=ids).values_list("seq", flat=True))


def test_everybody_who_follows_the_log_is_asked() -> None:
    assert retention.readers().keys() == {"events", "figures"}


def test_what_was_read_and_is_old_goes_and_its_commit_stays() -> None:
    old = [publish_one() for _ in range(3)]
    commits = Commit.objects.count()
    age(91)
    young = publish_one()
    read(events=young, figures=young)
    let_old_go()
    assert in_the_log() == [young]
    assert Commit.objects.count() == commits + 1
    assert Commit.objects.filter(seq__in=old).count() == 3


@pytest.mark.parametrize("slowest", ["events", "figures"])
def test_nothing_goes_beyond_the_slowest_reader(slowest: str) -> None:
    seqs = [publish_one() for _ in range(4)]
    age(400)
    read(**{"events": seqs[-1], "figures": seqs[-1], slowest: seqs[1]})
    retention.let_old_go(now=clock.now())
    assert in_the_log() == seqs[2:]


def test_who_has_not_begun_holds_everything_back() -> None:
    seq = publish_one()
    age(400)
    read(events=seq, figures=seq)
    LogReader.objects.all().delete()
    assert retention.let_old_go(now=clock.now()) == 0
    assert in_the_log() == [seq]


def test_it_goes_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    seqs = [publish_one() for _ in range(5)]
    age(400)
    read(events=seqs[-1], figures=seqs[-1])
    monkeypatch.setattr(retention, "LARGEST_BATCH", 2)
    monkeypatch.setattr(retention, "MOST_BATCHES", 1)
    assert retention.let_old_go(now=clock.now()) == 2
    monkeypatch.setattr(retention, "MOST_BATCHES", 9)
    retention.let_old_go(now=clock.now())
    assert in_the_log() == []


def test_the_last_thirty_days_are_out_of_the_applications_reach() -> None:
    seq = publish_one()
    age(29)
    with connection.cursor() as cursor:
        cursor.execute("select feed_let_go(%s, now(), 1000)", [seq])
        assert cursor.fetchone() == (0,)
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute("select feed_let_go(0, now(), 1000); delete from feed_change")


def test_what_began_a_history_stays() -> None:
    """`new_history` tells by it whether anything was served since."""
    with transaction.atomic():
        epoch = epochs.begin(now=NOON)
    seq = publish_one()
    assert epochs.commits_of(epoch) == 2
    age(400)
    read(events=seq, figures=seq)
    assert retention.let_old_go(now=clock.now())
    assert epochs.commits_of(epoch) == 2


class TestATablet:
    """Whose last page is older than the log."""

    @pytest.fixture(autouse=True)
    def _rooms(self) -> Any:
        rooms.install()
        yield
        rooms.remove()

    def test_goes_on_from_its_checkpoint(self) -> None:
        held = tablet(user := person())
        first = rooms.note("first", to=user)

        def pull(checkpoint: str = "") -> Any:
            query = {"checkpoint": checkpoint} if checkpoint else {}
            answer = Client().get("/api/v1/sync/notes/pull", query, headers=held.headers)
            assert answer.status_code == 200, answer.content
            return answer.json()

        rooms.withdraw(first)
        dropped = pull()
        checkpoint = dropped["checkpoint"]["c"]
        assert [one["_deleted"] for one in dropped["documents"]] in ([True], [])
        pull(checkpoint)  # and the tombstone is forgotten, the checkpoint is not
        age(400)
        read(events=head().seq, figures=head().seq)
        assert retention.let_old_go(now=clock.now())
        assert not Change.objects.filter(kind="doc").exists()
        second = rooms.note("second", to=user)
        assert [one["id"] for one in pull(checkpoint)["documents"]] == [str(second)]
