from __future__ import annotations

import logging
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.utils import InternalError

from apps.changes import reading
from apps.changes.models import Item, StoredDocument
from apps.changes.services import Document, Event, bind, forget, grant, publish
from apps.core.ids import uuid7
from apps.live import news
from tests.integration.conftest import Elsewhere

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)
FIRST = UUID(int=0)
AGENCY = frozenset({"agency"})
NOBODY: frozenset[str] = frozenset()


def new_desk() -> UUID:
    holder = uuid7()
    with transaction.atomic():
        grant(principal=holder, scopes=["agency"])
        bind(holder=holder, principal=holder)
    return holder


@pytest.fixture
def desk(transactional_db: None) -> UUID:
    return new_desk()


def put(
    *ids: UUID, scopes: frozenset[str] = AGENCY, text: str = "text", collection: str = "calls"
) -> None:
    documents = [Document(collection, id, scopes, {"text": text}) for id in ids or [uuid7()]]
    with transaction.atomic():
        publish(documents=documents, now=NOON)


def page(holder: UUID, seq: int = 0, doc_id: UUID = FIRST, limit: int = 100) -> list[reading.Row]:
    return reading.page(holder=holder, collection="calls", seq=seq, doc_id=doc_id, limit=limit)


def spoil(id: UUID) -> None:
    StoredDocument.objects.filter(doc_id=id).update(body=b"\x01never sealed by anybody, this")


def test_pages_follow_each_other_without_gap_or_repeat(desk: UUID) -> None:
    for _ in range(3):
        put(*[uuid7() for _ in range(3)])
    put(collection="facts")

    found, seq, doc_id = [], 0, FIRST
    while rows := page(desk, seq, doc_id, limit=2):
        found += rows
        seq, doc_id = rows[-1].seq, rows[-1].id

    assert len({row.id for row in found}) == len(found) == 9
    assert [(row.seq, row.id) for row in found] == sorted((row.seq, row.id) for row in found)


def test_a_snapshot_stands_still_while_others_publish(desk: UUID, elsewhere: Elsewhere) -> None:
    with reading.snapshot():
        before = reading.head()
        elsewhere.do(put)
        assert (reading.head(), page(desk)) == (before, [])
        with reading.snapshot():  # inside another it is the same one
            assert reading.head() == before

    assert reading.head().seq == before.seq + 1
    assert len(page(desk)) == 1


def test_nothing_is_written_in_a_snapshot(desk: UUID) -> None:
    with pytest.raises(InternalError, match="read-only"), reading.snapshot():
        put()


def test_in_a_transaction_a_snapshot_reads_what_it_has_written(desk: UUID) -> None:
    with transaction.atomic():
        publish(events=[Event("call.came", uuid7())], now=NOON)
        before = reading.head()
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")
        with reading.snapshot():
            assert reading.head().seq == before.seq + 1


def test_the_head_before_anything_was_published(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("truncate feed_commit")

    assert reading.head() == reading.BEGINNING


def test_a_document_that_does_not_open_is_flagged_and_stops_nothing(
    desk: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = sorted([uuid7(), uuid7()])
    put(good, bad)
    spoil(bad)

    with caplog.at_level(logging.ERROR):
        rows = page(desk)

    assert [(row.id, row.unreadable) for row in rows] == [(good, False), (bad, True)]
    with pytest.raises(ValueError, match="no readable"):
        rows[1].body()
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert str(bad) not in caplog.text


def test_a_body_moved_to_another_document_does_not_open(desk: UUID) -> None:
    one, other = uuid7(), uuid7()
    put(one, other)
    moved = StoredDocument.objects.get(doc_id=one).body
    StoredDocument.objects.filter(doc_id=other).update(body=moved)

    assert {row.id: row.unreadable for row in page(desk)} == {one: False, other: True}


def test_tombstones_go_once_their_holder_has_passed_them(desk: UUID) -> None:
    early, late, kept = uuid7(), uuid7(), uuid7()
    put(early, late, kept)
    put(early, scopes=NOBODY)
    put(late, scopes=NOBODY)
    passed = Item.objects.get(doc_id=late).seq

    assert forget(holder=desk, collection="calls", before=passed) == 1
    assert {row.id for row in page(desk)} == {late, kept}
    assert forget(holder=desk, collection="calls", before=passed) == 0


def test_forgetting_is_a_transaction_of_its_own(desk: UUID) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        forget(holder=desk, collection="calls", before=1)


def test_pages_and_news_are_ranges_of_an_index(desk: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into feed_item select md5((g / 400)::text)::uuid, 'calls', "
            "md5(g::text)::uuid, g, true from generate_series(1, 20000) g"
        )
        cursor.execute("analyze feed_item")
        cursor.execute("explain " + news._NEWS, [19_900, 1000, 19_900, []])
        since = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("explain select * from feed_page(%s, 'calls', 100, %s, 100)", [desk, desk])
        page = "\n".join(row[0] for row in cursor.fetchall())

    assert "feed_item_news" in since
    assert "feed_item_page" in page
    assert "Seq Scan on feed_item" not in since + page
