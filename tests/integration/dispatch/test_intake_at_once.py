"""Messages that arrive in the same moment, each in a transaction of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from apps.audit.models import Entry
from apps.changes.models import Change
from apps.dispatch.models import Incident, IncidentUnit, Unit
from apps.dispatch.services import drafts
from tests.integration.dispatch.conftest import CAD, at, care, police

pytestmark = pytest.mark.django_db(transaction=True)


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Runs each in a thread with a connection of its own; their results, in order."""
    results: list[Any] = [None] * len(acts)

    def run(index: int, act: Callable[[], Any]) -> None:
        try:
            results[index] = act()
        except BaseException as error:  # noqa: BLE001  (raised again in the test's own thread)
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@pytest.fixture
def both_find_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two looks for a row end before either goes on to insert."""
    barrier = threading.Barrier(2)
    looks = iter(range(2))
    lock = drafts.lock

    def look(where: Any) -> Any:
        found = lock(where)
        if next(looks, None) is not None:
            barrier.wait(60)
        return found

    monkeypatch.setattr("apps.dispatch.services.intake.lock", look)


@pytest.mark.usefixtures("both_find_nothing")
def test_two_first_messages_make_one_incident(cad: CAD, unit: Unit) -> None:
    results = together(
        lambda: cad.tell(units=[care()]),
        lambda: cad.tell(updated_at=at(1), units=[police()], cautions=[{"text": "has a knife"}]),
    )
    assert sorted(received.created for received in results) == [False, True]
    row = Incident.objects.get()
    assert {one.call_sign for one in row.units.all()} == {"CARE-21", "3M21"}
    assert row.details["cautions"][0]["text"] == "has a knife"
    assert Change.objects.filter(event="incident.received").count() == 1
    assert Entry.objects.filter(action="create", subject_type="incident").count() == 1


@pytest.mark.usefixtures("both_find_nothing")
def test_the_same_first_message_twice_at_once_is_told_once(cad: CAD, unit: Unit) -> None:
    results = together(*[lambda: cad.tell(units=[care(), police()])] * 2)
    assert sorted(received.created for received in results) == [False, True]
    assert IncidentUnit.objects.count() == 2
    assert Change.objects.filter(event__startswith="incident.").count() == 1


def test_many_updates_at_once_lose_nothing(cad: CAD) -> None:
    cad.tell()

    def telling(number: int) -> Callable[[], Any]:
        return lambda: cad.tell(
            updated_at=at(number),
            narrative=[{"at": at(number), "text": f"NOTE {number}"}],
            units=[police(f"3M{number}", minutes=number)],
        )

    together(*(telling(number) for number in range(1, 7)))
    row = Incident.objects.get()
    assert len(row.details["narrative"]) == 7
    assert row.units.count() == 6
    assert Unit.objects.filter(call_sign="3M3").count() == 1


def test_both_sides_of_a_merge_at_once_end_in_one_merge(cad: CAD) -> None:
    cad.tell(cad_number="1", cautions=[{"text": "has a knife"}])
    cad.tell(cad_number="2")
    together(
        lambda: cad.tell(
            cad_number="1", updated_at=at(1), merges=[{"kind": "REPLACED", "cad_number": "2"}]
        ),
        lambda: cad.tell(
            cad_number="2", updated_at=at(1), merges=[{"kind": "REPLACING", "cad_number": "1"}]
        ),
    )
    assert Incident.objects.get(cad_number="1").merged_into == Incident.objects.get(cad_number="2")
    assert Change.objects.filter(event="incident.merged").count() == 1


def test_the_row_lock_leaves_foreign_keys_alone(cad: CAD) -> None:
    """FOR UPDATE would deadlock with the deferred checks of rows that point to the incident."""
    with connection.execute_wrapper(_refuse_plain_locks):
        cad.tell()
        cad.tell(updated_at=at(1), units=[police()])


def _refuse_plain_locks(execute: Any, sql: str, *rest: Any) -> Any:
    assert "FOR UPDATE" not in sql
    return execute(sql, *rest)
