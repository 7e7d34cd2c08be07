"""Locks are taken in one order, also where more is found once some are held."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Event
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.changes import locks, services
from apps.changes.locks import Lock, Rung, each, hold, take
from apps.core.problems import ProblemError
from apps.dispatch.services import trying
from apps.firstaid.services import watching as spikes
from apps.sync import recovery
from apps.sync.media import naming
from tests.integration.conftest import Elsewhere
from tests.lockorder import watching

FIRST, SECOND = UUID(int=1), UUID(int=2)


@pytest.fixture(autouse=True)
def in_order() -> None:
    """Here locks are taken in other orders, to see what comes of it."""


def ready(elsewhere: Elsewhere, *wanted: Lock) -> Event:
    """Another transaction holds these until the event is set."""
    held, go = Event(), Event()

    @transaction.atomic
    def work() -> None:
        take(wanted)
        held.set()
        assert go.wait(60)

    elsewhere.start(work)
    assert held.wait(60)
    return go


def test_no_two_classes_of_locks_are_one() -> None:
    """Whoever has the one would wait for whoever has the other."""
    numbers = [*locks._CLASSES.values(), locks.DOCUMENT_LOCK, 7301, *_elsewhere()]
    assert len(numbers) == len(set(numbers))


def _elsewhere() -> Iterable[int]:
    """Of the rooms that have a class of their own."""
    return (
        services._HOLDER_LOCK,
        trying._TRIAL_LOCK,
        spikes._WATCH_LOCK,
        recovery._LOCK,
        naming._MEDIA_LOCK,
    )


def test_rows_are_locked_by_the_room_that_has_them() -> None:
    with pytest.raises(ValueError, match="known already"):
        locks.register_rows(Rung.ARRIVALS, lambda ids: None)


@pytest.mark.django_db(transaction=True)
class TestTake:
    def test_from_top_to_bottom_whatever_the_order_in_which_it_is_named(
        self, elsewhere: Elsewhere
    ) -> None:
        """It waits for the upper one, and holds nothing below it meanwhile."""
        upper, lower = Lock(Rung.ARRIVALS, SECOND), Lock(Rung.PERSONS, FIRST)
        go = ready(elsewhere, upper)
        both = elsewhere.start(transaction.atomic(lambda: take([lower, upper])))
        elsewhere.until_waiting(both)
        with transaction.atomic():
            take([lower])
        go.set()
        both.result(60)

    def test_within_a_rung_by_key(self, elsewhere: Elsewhere) -> None:
        go = ready(elsewhere, Lock(Rung.ARRIVALS, FIRST))
        both = each(Rung.ARRIVALS, [SECOND, FIRST])
        taken = elsewhere.start(transaction.atomic(lambda: take(both)))
        elsewhere.until_waiting(taken)
        with transaction.atomic():
            take([Lock(Rung.ARRIVALS, SECOND)])
        go.set()
        taken.result(60)


@pytest.mark.django_db(transaction=True)
class TestHold:
    def test_what_is_found_under_the_locks_is_taken_with_them_in_order(
        self, elsewhere: Elsewhere
    ) -> None:
        """It lets go of the lower one, and waits for the upper one without it."""
        lower, upper = Lock(Rung.ARRIVALS, SECOND), Lock(Rung.ARRIVALS, FIRST)
        go = ready(elsewhere, upper)
        named = iter([{lower}, {lower, upper}, {lower, upper}])
        held = elsewhere.start(transaction.atomic(lambda: hold(lambda: next(named))))
        elsewhere.until_waiting(held)
        with transaction.atomic():
            take([lower])
        go.set()
        held.result(60)
        assert not list(named)

    def test_who_finds_more_each_time_is_told_that_too_much_goes_on(self, db: None) -> None:
        more = iter(range(100))
        with transaction.atomic(), pytest.raises(ProblemError) as raised:
            hold(lambda: each(Rung.PERSONS, [UUID(int=next(more))]))
        assert raised.value.status_code == 503

    def test_what_is_held_is_not_taken_again_unless_it_was_let_go(self) -> None:
        lock = Lock(Rung.PERSONS, FIRST)
        with transaction.atomic():
            turn = transaction.savepoint()
            with transaction.atomic():
                take([lock])
            with CaptureQueriesContext(connection) as statements:
                take([lock])
            assert len(statements) == 0
            transaction.savepoint_commit(turn)
            with transaction.atomic():
                take([Lock(Rung.PERSONS, SECOND)])
                transaction.set_rollback(True)
            with CaptureQueriesContext(connection) as statements:
                hold(lambda: each(Rung.PERSONS, [FIRST, SECOND]))
            assert len(statements) == 3


@pytest.mark.django_db(transaction=True)
class TestTheWatch:
    """What all tests of this folder rest on: it sees what is taken out of order."""

    def test_sees_a_rung_above_and_a_key_before(self) -> None:
        with watching() as watch, transaction.atomic():
            take(each(Rung.RECORDS, [SECOND]))
            take(each(Rung.RECORDS, [FIRST]))
            take(each(Rung.PERSONS, [FIRST]))
            take(each(Rung.ENCOUNTERS, [FIRST]))
        assert watch.breaches == ["RECORDS after RECORDS", "ENCOUNTERS after PERSONS"]

    def test_takes_what_is_held_for_held_and_what_was_rolled_back_for_let_go(self) -> None:
        with watching() as watch, transaction.atomic():
            take(each(Rung.ARRIVALS, [FIRST]))
            turn = transaction.savepoint()
            take(each(Rung.PERSONS, [SECOND]))
            transaction.savepoint_rollback(turn)
            take(each(Rung.PERSONS, [FIRST]))
            take(each(Rung.ARRIVALS, [FIRST]))
        assert watch.breaches == []
