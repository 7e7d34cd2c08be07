from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction

from apps.changes import parking, reactions
from apps.changes.models import ParkedReaction, StoredDocument
from apps.changes.parking import FIRST_RETRY, LONGEST_RETRY, retry_parked
from apps.changes.published import Document, Event
from apps.changes.reactions import reacts_to
from apps.changes.services import publish
from apps.core.ids import uuid7
from tests.factories import NOON

AGENCY = frozenset({"agency"})


class Trap:
    """A reaction that publishes a document, and then fails as long as it is set."""

    def __init__(self) -> None:
        self.set = True
        self.heard: list[UUID] = []

    def __call__(self, event: Event, *, now: object) -> None:
        self.heard.append(event.subject)
        publish(
            documents=[Document("calls", event.subject, AGENCY, {"text": "by reaction"})], now=NOON
        )
        if self.set:
            raise ValueError("Jane Roe, 3rd and Pike")


@pytest.fixture
def trap(monkeypatch: pytest.MonkeyPatch) -> Trap:
    monkeypatch.setattr(reactions, "_registered", {})
    trap = Trap()

    def spring(event: Event, *, now: object) -> None:
        trap(event, now=now)

    reacts_to("trap.sprung")(spring)
    return trap


def publish_one() -> tuple[UUID, UUID]:
    """A document, and an event that the trap hears: their ids."""
    written, subject = uuid7(), uuid7()
    with transaction.atomic():
        publish(
            documents=[Document("calls", written, AGENCY, {"text": "by the writer"})],
            events=[Event("trap.sprung", subject)],
            now=NOON,
        )
    return written, subject


@pytest.mark.django_db(transaction=True)
class TestAReactionThatFails:
    def test_leaves_what_the_writer_wrote_and_nothing_of_its_own(self, trap: Trap) -> None:
        written, subject = publish_one()

        assert set(StoredDocument.objects.values_list("doc_id", flat=True)) == {written}
        row = ParkedReaction.objects.get()
        assert (row.event, row.subject, row.attempts) == ("trap.sprung", subject, 0)
        assert row.due_at == NOON + FIRST_RETRY

    def test_is_remembered_by_the_kind_of_its_error_alone(
        self, trap: Trap, caplog: pytest.LogCaptureFixture
    ) -> None:
        publish_one()

        assert ParkedReaction.objects.get().error == "ValueError"
        assert "Roe" not in caplog.text

    def test_is_tried_again_when_it_is_due_and_goes_once_it_has_succeeded(self, trap: Trap) -> None:
        _, subject = publish_one()
        trap.set = False

        assert retry_parked(now=NOON) == 0  # not due yet
        assert retry_parked(now=NOON + FIRST_RETRY) == 1

        assert StoredDocument.objects.filter(doc_id=subject).exists()
        assert not ParkedReaction.objects.exists()

    def test_comes_later_and_later_but_always_again(self, trap: Trap) -> None:
        publish_one()
        waits = []
        for _ in range(14):
            due_at = ParkedReaction.objects.get().due_at
            assert retry_parked(now=due_at) == 0
            waits.append(ParkedReaction.objects.get().due_at - due_at)

        assert waits == sorted(waits)
        assert waits[0] == FIRST_RETRY
        assert waits[-1] == LONGEST_RETRY
        assert ParkedReaction.objects.get().attempts == 14

    def test_is_one_row_however_often_its_event_comes(self, trap: Trap) -> None:
        _, subject = publish_one()
        with transaction.atomic():
            publish(events=[Event("trap.sprung", subject)], now=NOON + timedelta(minutes=1))

        assert ParkedReaction.objects.get().due_at == NOON + timedelta(minutes=1) + FIRST_RETRY

    def test_is_counted_before_it_runs(self, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that kills its process is not at once there again."""
        publish_one()
        seen: list[int] = []
        retry = parking._retry

        def look(pk: object, now: object) -> int:
            seen.append(ParkedReaction.objects.get().attempts)
            return retry(pk, NOON)

        monkeypatch.setattr(parking, "_retry", look)
        retry_parked(now=NOON + FIRST_RETRY)

        assert seen == [1]

    def test_is_claimed_by_one_of_two_ticks_that_have_read_the_same_list(self, trap: Trap) -> None:
        publish_one()
        pk, due_at = ParkedReaction.objects.get().pk, NOON + FIRST_RETRY

        assert parking._count(pk, due_at) is True
        assert parking._count(pk, due_at) is False

    def test_runs_once_where_two_ticks_find_it(self, trap: Trap) -> None:
        publish_one()
        trap.set = False
        trap.heard.clear()
        together = threading.Barrier(2)

        def tick() -> None:
            together.wait()
            try:
                retry_parked(now=NOON + FIRST_RETRY)
            finally:
                connection.close()

        ticks = [threading.Thread(target=tick) for _ in range(2)]
        for one in ticks:
            one.start()
        for one in ticks:
            one.join()

        assert len(trap.heard) == 1
