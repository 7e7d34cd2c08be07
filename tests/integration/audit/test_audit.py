"""The audit log takes entries, and takes nothing back."""

from __future__ import annotations

import pytest
from django.db import Error, connection, transaction

from apps.audit.models import ActorKind, Entry
from apps.audit.services import SYSTEM, Act, Actor, record, record_all
from apps.core.ids import uuid7
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_did_what_to_which_records() -> None:
    who, tablet, first, second = uuid7(), uuid7(), uuid7(), uuid7()
    actor = Actor(ActorKind.TABLET, who, tablet)
    record(actor=actor, action="read", subject_type="x", subject_ids=[first, second], now=NOON)
    entry = Entry.objects.about(second).get()
    assert (entry.actor_id, entry.tablet_id, entry.at) == (who, tablet, NOON)
    assert entry.subject_ids == [first, second]


def test_nothing_read_is_nothing_written() -> None:
    record_all([Act(SYSTEM, "read", "x", [])], now=NOON)
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    "statement", ["update audit_entry set action = 'x'", "delete from audit_entry"]
)
def test_the_table_refuses_changes_even_by_its_owner(statement: str) -> None:
    record(actor=SYSTEM, action="read", subject_type="x", subject_ids=[uuid7()], now=NOON)
    with pytest.raises(Error, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


def test_an_entry_rolls_back_with_the_act_it_tells_of() -> None:
    with transaction.atomic():
        record(actor=SYSTEM, action="read", subject_type="x", subject_ids=[uuid7()], now=NOON)
        transaction.set_rollback(True)
    assert not Entry.objects.exists()
