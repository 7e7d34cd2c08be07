from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.db.utils import DatabaseError

from apps.changes import reading
from apps.changes.models import Change, Commit, Item, Member, StoredDocument
from apps.changes.reactions import reacts_to
from apps.changes.services import Document, Event, bind, grant, publish, together
from apps.core.ids import uuid7
from tests.integration.conftest import Elsewhere

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)
AGENCY = frozenset({"agency"})
NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def desk(transactional_db: None) -> UUID:
    """A holder of everything that is in the agency's scope."""
    holder, person = uuid7(), uuid7()
    with transaction.atomic():
        grant(principal=person, scopes=["agency"])
        bind(holder=holder, principal=person)
    return holder


def call(id: UUID | None = None, scopes: frozenset[str] = AGENCY, **body: Any) -> Document:
    return Document("calls", id or uuid7(), scopes, body or {"text": "a call"})


def put(*documents: Document, events: tuple[Event, ...] = ()) -> None:
    with transaction.atomic():
        publish(documents=documents, events=events, now=NOON)


def put_and_fail(*documents: Document, events: tuple[Event, ...] = ()) -> None:
    with transaction.atomic():
        publish(documents=documents, events=events, now=NOON)
        raise ZeroDivisionError


def rows(holder: UUID, collection: str = "calls") -> list[reading.Row]:
    return reading.page(holder=holder, collection=collection, seq=0, doc_id=UUID(int=0), limit=1000)


def test_a_holder_gets_what_is_published_in_its_scope(desk: UUID) -> None:
    document = call(text="at the library", at=NOON)
    put(document, call(scopes=NOBODY))

    (row,) = rows(desk)

    assert (row.id, row.visible, row.rev, row.unreadable) == (document.id, True, 1, False)
    assert row.body() == {"text": "at the library", "at": "2026-03-04T20:00:00Z"}
    assert row.seq == reading.head().seq


def test_each_publication_of_content_counts_the_rev(desk: UUID) -> None:
    document = call(text="one")
    put(document)
    put(call(document.id, text="two"))
    put(Document("calls", document.id, AGENCY))  # who may see it, not what it says

    (row,) = rows(desk)

    assert (row.rev, row.body()) == (2, {"text": "two"})
    assert list(Change.objects.filter(doc_id=document.id).values_list("rev", flat=True)) == [
        1,
        2,
        None,
    ]


class TestTogether:
    def test_all_of_it_is_written_in_one_statement_at_the_end(
        self, desk: UUID, django_assert_num_queries: Any
    ) -> None:
        documents = [call() for _ in range(50)]
        with transaction.atomic(), django_assert_num_queries(1), together(now=NOON):
            for document in documents:
                publish(documents=[document], now=NOON)
        assert {row.id for row in rows(desk)} == {document.id for document in documents}

    def test_a_document_that_is_published_twice_keeps_both_revisions(self, desk: UUID) -> None:
        document = call(text="one")
        with transaction.atomic(), together(now=NOON):
            publish(documents=[document], now=NOON)
            publish(documents=[call(document.id, text="two")], now=NOON)
        (row,) = rows(desk)
        assert (row.rev, row.body()) == (2, {"text": "two"})

    def test_an_exception_drops_all_of_it_and_nothing_is_left_for_the_next(
        self, desk: UUID
    ) -> None:
        def fail() -> None:
            with together(now=NOON):
                publish(documents=[call()], now=NOON)
                raise ZeroDivisionError

        with transaction.atomic(), pytest.raises(ZeroDivisionError):
            fail()
        put(call(text="next"))
        assert [row.body() for row in rows(desk)] == [{"text": "next"}]

    def test_reactions_run_once_all_is_written(self, desk: UUID) -> None:
        seen: list[int] = []

        def look(event: Event, *, now: datetime) -> None:
            seen.append(StoredDocument.objects.filter(collection="calls").count())

        reacts_to("together.tested")(look)
        with transaction.atomic(), together(now=NOON):
            publish(documents=[call()], events=[Event("together.tested", uuid7())], now=NOON)
            publish(documents=[call()], now=NOON)
            assert seen == []
        assert seen == [2]


def test_without_scopes_it_is_sent_again_to_whoever_has_it(desk: UUID) -> None:
    document, hidden = call(), call(scopes=NOBODY)
    put(document, hidden)
    before = reading.head().seq

    put(Document("calls", document.id, None), Document("calls", hidden.id, None))

    (row,) = rows(desk)
    assert (row.id, row.visible, row.rev) == (document.id, True, 1)
    assert row.seq > before
    assert list(Member.objects.values_list("scope", flat=True)) == ["agency"]


def test_who_has_it_is_who_has_it_at_commit(desk: UUID) -> None:
    document = call()
    put(document)
    with transaction.atomic():
        publish(documents=[Document("calls", document.id, NOBODY)], now=NOON)
        publish(documents=[Document("calls", document.id, None)], now=NOON)
    assert [row.visible for row in rows(desk)] == [False]


def test_whoever_loses_a_document_gets_a_tombstone(desk: UUID) -> None:
    document = call()
    put(document)
    put(call(document.id, NOBODY))

    (row,) = rows(desk)

    assert (row.id, row.visible, row.plain, row.unreadable) == (document.id, False, None, False)


def test_what_is_published_for_its_scopes_alone_is_never_sent(desk: UUID) -> None:
    record = uuid7()
    put(Document("incidents", record, AGENCY))

    assert rows(desk, "incidents") == []
    assert Member.objects.get(collection="incidents", doc_id=record).scope == "agency"


def test_a_body_is_sealed_at_rest(desk: UUID) -> None:
    document = call(text="at the library")
    put(document)

    stored = bytes(StoredDocument.objects.get(doc_id=document.id).body)

    assert b"library" not in stored


def test_a_transaction_that_is_rolled_back_leaves_nothing(desk: UUID) -> None:
    before = (reading.head(), Change.objects.count(), Item.objects.count())

    with pytest.raises(ZeroDivisionError):
        put_and_fail(call(), events=(Event("call.came", uuid7()),))

    assert (reading.head(), Change.objects.count(), Item.objects.count()) == before
    assert not StoredDocument.objects.exists()


def test_a_savepoint_that_is_rolled_back_takes_its_part_along(desk: UUID) -> None:
    kept, dropped, later = call(), call(), call()
    with transaction.atomic():
        publish(documents=[kept], now=NOON)
        with pytest.raises(ZeroDivisionError):
            put_and_fail(dropped)
        publish(documents=[later], now=NOON)

    assert {row.id for row in rows(desk)} == {kept.id, later.id}
    assert len({row.seq for row in rows(desk)}) == 1


def test_a_first_publication_in_a_savepoint_that_is_rolled_back(desk: UUID) -> None:
    kept = call()
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError):
            put_and_fail(call())
        publish(documents=[kept], now=NOON)

    assert [row.id for row in rows(desk)] == [kept.id]


def test_one_transaction_is_one_commit_and_keeps_the_order_of_its_changes(desk: UUID) -> None:
    one, two = sorted([call(), call()], key=lambda document: document.id)
    with transaction.atomic():
        publish(documents=[two, one], events=[Event("calls.came", one.id)], now=NOON)
        publish(documents=[call(two.id, NOBODY)], now=NOON)

    last = Commit.objects.latest("seq")
    changes = Change.objects.filter(commit_id=last.id).order_by("n")
    assert [(change.kind, change.doc_id or change.subject) for change in changes] == [
        ("doc", one.id),
        ("doc", two.id),
        ("event", one.id),
        ("doc", two.id),
    ]
    assert [row.id for row in rows(desk) if row.visible] == [one.id]


def test_a_reaction_sees_the_rows_and_publishes_in_the_same_commit(desk: UUID) -> None:
    answer = uuid7()

    @reacts_to("question.asked")
    def reply(event: Event, *, now: datetime) -> None:
        assert StoredDocument.objects.filter(doc_id=event.subject).exists()
        publish(
            documents=[call(answer)], events=[Event("question.answered", event.subject)], now=now
        )

    heard = []

    @reacts_to("question.answered")
    def hear(event: Event, *, now: datetime) -> None:
        heard.append((event.subject, now))

    question = call()
    put(question, events=(Event("question.asked", question.id),))

    assert heard == [(question.id, NOON)]
    assert {row.id for row in rows(desk)} == {question.id, answer}
    assert len({row.seq for row in rows(desk)}) == 1


def test_a_reaction_that_must_succeed_rolls_the_publisher_back(desk: UUID) -> None:
    @reacts_to("trap.set", must_succeed=True)
    def fail(event: Event, *, now: datetime) -> None:
        raise ZeroDivisionError

    before = reading.head()
    with pytest.raises(ZeroDivisionError):
        put(call(), events=(Event("trap.set", uuid7()),))

    assert reading.head() == before
    assert rows(desk) == []


def test_publishing_belongs_in_a_transaction(transactional_db: None) -> None:
    with pytest.raises(TransactionManagementError):
        publish(documents=[call()], now=NOON)


def test_publishing_nothing_is_nothing(desk: UUID) -> None:
    before = reading.head()
    put()
    assert reading.head() == before


def test_a_publication_has_a_largest_size(desk: UUID) -> None:
    before = reading.head()
    with pytest.raises(ValueError, match="At most 500"):
        put(*[call() for _ in range(501)])
    assert reading.head() == before

    put(*[call() for _ in range(500)])
    assert len(rows(desk)) == 500


def test_a_document_is_published_once_in_a_call(desk: UUID) -> None:
    document = call()
    with pytest.raises(ValueError, match="twice"):
        put(document, document)


def test_a_publisher_with_an_older_snapshot_is_refused(desk: UUID) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set transaction isolation level repeatable read")
        with pytest.raises(DatabaseError, match="READ COMMITTED"):
            put(call())


def test_of_two_publishers_of_a_document_the_later_commit_wins(
    desk: UUID, elsewhere: Elsewhere
) -> None:
    document = call(text="first")
    put(document)

    with transaction.atomic():
        publish(documents=[call(document.id, text="second")], now=NOON)
        other = elsewhere.start(lambda: put(call(document.id, NOBODY, text="third")))
        elsewhere.until_waiting(other)
    other.result(timeout=60)

    (row,) = rows(desk)
    assert not row.visible
    assert StoredDocument.objects.get(doc_id=document.id).rev == 3


def test_two_publishers_of_the_same_documents_do_not_deadlock(
    desk: UUID, elsewhere: Elsewhere
) -> None:
    documents = [call() for _ in range(20)]
    backwards = [call(document.id) for document in reversed(documents)]

    def many(some: list[Document]) -> None:
        for _ in range(30):
            put(*some)

    for work in [
        elsewhere.start(lambda: many(documents)),
        elsewhere.start(lambda: many(backwards)),
    ]:
        work.result(timeout=60)

    assert {row.rev for row in rows(desk)} == {60}
