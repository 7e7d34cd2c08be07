"""What tablets tell of follow-ups: taken once, whatever is odd about it."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from apps.accounts.models import User
from apps.audit.services import SYSTEM
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.dispatch import services as dispatch
from apps.followups import codes
from apps.followups.models import FollowUp, FollowUpEvent
from apps.followups.schemas import EVENT
from apps.followups.services import telling
from apps.sync.models import QuarantinedWrite
from tests.factories import person, tablet
from tests.integration.followups.conftest import DAY, HOUR, NOON, Document, Met, shown
from tests.integration.followups.test_writing import plan_of, told


@pytest.fixture
def row(dana: Met) -> FollowUp:
    dana.agreed()
    return dana.follow()


@pytest.mark.parametrize("event", codes.EVENTS)
def test_every_event_is_taken_from_a_tablet_and_shown(dana: Met, row: FollowUp, event: str) -> None:
    assert dana.tells(event, row, now=NOON + DAY) == []

    fact = FollowUpEvent.objects.get()
    assert (fact.event, fact.author) == (event, dana.world.ours.people[0])
    document = shown(dana.tablet, "facts")[fact.pk]
    Draft202012Validator(EVENT).validate(document)
    assert document["flags"] == []
    assert [one["event"] for one in shown(dana.tablet, "follow_ups")[row.pk]["events"]] == [event]
    # What one of them has is on no other tablet.
    theirs = event in {"taken", "acknowledged"}
    assert (row.pk in shown(dana.world.ours.tablets[1], "follow_ups")) != theirs


# What is told, its flags, and what of it is used.
ODD: list[tuple[Document, list[str], Document]] = [
    ({"result": "vanished"}, ["unknown_code"], {"result": "vanished"}),
    ({"result": 7}, ["bad_field"], {}),
    ({"note": "x" * 30_000}, ["bad_field"], {}),
    ({"next_from": "9999-12-31T23:59:59Z"}, ["bad_field"], {}),
    ({"next_from": "0001-01-01T00:00:00Z"}, ["bad_field"], {}),
    ({"next_until": ["soon"]}, ["bad_field"], {}),
    ({"at": "0001-01-01T00:00:00+14:00"}, ["bad_field"], {}),
    ({"to": str(uuid7())}, ["bad_field"], {}),
    ({"colour": "green"}, ["bad_field"], {}),
    ({"device_time": "9999-12-31T23:59:59-14:00"}, ["bad_field"], {}),
]


def test_what_is_odd_is_kept_and_flagged_and_counts_as_a_try(dana: Met, row: FollowUp) -> None:
    FollowUp.objects.filter(pk=row.pk).update(plan=plan_of(tries=99), item="day_1")

    for tries, (content, flags, kept) in enumerate(ODD, 1):
        now = NOON + tries * DAY
        assert dana.tells("attempted", row, now=now, **content) == []

        fact = FollowUpEvent.objects.order_by("order").last()
        assert fact is not None
        assert (fact.flags, fact.content) == (flags, kept)
        if not kept:
            assert fact.unread is not None
            assert fact.unread.keys() == content.keys()
        row.refresh_from_db()
        assert (row.tries, row.due_from) == (tries, now + HOUR)


def test_a_time_that_no_clock_can_have_told_is_when_it_came(dana: Met, row: FollowUp) -> None:
    for at in ("9999-01-01T00:00:00Z", "0001-01-02T00:00:00Z", iso(NOON + 2 * DAY)):
        dana.tells("snoozed", row, now=NOON + DAY, at=at)

    document = shown(dana.tablet, "follow_ups")[row.pk]
    assert {one["at"] for one in document["events"]} == {iso(NOON + DAY)}


def test_a_repeat_changes_nothing_and_another_word_under_its_id_is_refused(
    dana: Met, row: FollowUp
) -> None:
    pk = str(uuid7())
    same: dict[str, Any] = {
        "id": pk, "counter": 7, "follow_up_id": str(row.pk), "event": "attempted",
    }  # fmt: skip
    for _ in range(2):
        assert dana.tell("follow_up_event", now=NOON + DAY, **same) == []
    row.refresh_from_db()
    assert row.tries == 1

    dana.tell("follow_up_event", now=NOON + DAY, **same | {"event": "ended"})

    assert FollowUpEvent.objects.get().event == "attempted"
    assert QuarantinedWrite.objects.filter(doc_id=pk).exists()


@pytest.mark.parametrize("wrong", [{"event": "eaten"}, {"event": None}, {"follow_up_id": "x"}])
def test_what_nobody_could_use_is_refused(dana: Met, row: FollowUp, wrong: Document) -> None:
    event = {"follow_up_id": str(row.pk), "event": "attempted", **wrong}

    [answer] = dana.tell("follow_up_event", **event)

    assert answer["sync_status"] == "quarantined"


class TestWhoseBusinessItIs:
    def test_a_strangers_it_is_not(self, dana: Met, row: FollowUp) -> None:
        stranger = tablet(person())

        [answer] = dana.tells("attempted", row, by=stranger, result="deceased")

        assert answer["sync_status"] == "quarantined"
        assert not FollowUpEvent.objects.exists()

    def test_a_stranger_who_was_first_does_not_count(self, dana: Met) -> None:
        dana.agreed()
        pk = uuid7()
        dana.tells("attempted", pk, by=tablet(person()), result="deceased")

        row = dana.follow(id=pk, now=NOON + HOUR)

        assert (row.state, FollowUpEvent.objects.count()) == ("open", 1)

    def test_it_is_theirs_who_crewed_a_unit_of_the_team_also_afterwards(
        self, dana: Met, row: FollowUp
    ) -> None:
        theirs = dana.world.theirs
        dispatch.leave_crew(user=theirs.people[0], by=SYSTEM, now=NOON + DAY)
        dana.world.commit()

        assert dana.tells("attempted", row, by=theirs.tablets[0], now=NOON + DAY) == []

        row.refresh_from_db()
        assert row.tries == 1

    @pytest.mark.parametrize("event", ["taken", "acknowledged"])
    def test_who_has_left_the_team_does_not_take_it_in_hand(
        self, dana: Met, row: FollowUp, event: str
    ) -> None:
        gone = dana.world.theirs
        dispatch.leave_crew(user=gone.people[0], by=SYSTEM, now=NOON + DAY)
        User.objects.filter(pk=gone.people[0].pk).update(team=person().team)
        dana.world.commit()

        [answer] = dana.tells(event, row, by=gone.tablets[0], now=NOON + DAY)

        assert answer["sync_status"] == "quarantined"
        assert dana.tells("attempted", row, by=gone.tablets[0], now=NOON + DAY) == []
        row.refresh_from_db()
        assert row.owner is None

    def test_nobody_tells_of_it_without_end(
        self, dana: Met, row: FollowUp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(telling, "MOST_EVENTS", 2)
        for of in (row, uuid7()):
            answers = [dana.tells("snoozed", of, until=iso(NOON + HOUR)) for _ in range(3)]
            assert [bool(one) for one in answers] == [False, False, True]

    def test_who_told_it_takes_it_back_and_a_supervisor_and_nobody_else(
        self, dana: Met, row: FollowUp
    ) -> None:
        dana.tells("attempted", row, now=NOON + DAY, result="reached")
        reached = str(FollowUpEvent.objects.get().pk)

        [answer] = dana.tells(
            "withdrawn", row, by=dana.world.ours.tablets[1], now=NOON + DAY, event_id=reached
        )
        assert answer["sync_status"] == "quarantined"

        boss = tablet(dana.world.supervisor)
        assert dana.tells("withdrawn", row, by=boss, now=NOON + DAY, event_id=reached) == []
        row.refresh_from_db()
        assert row.state == "open"

    def test_it_is_given_to_somebody_of_the_team(self, dana: Met, row: FollowUp) -> None:
        theirs = dana.world.theirs

        dana.tells("taken", row, to=str(theirs.people[0].pk))

        row.refresh_from_db()
        assert row.owner == theirs.people[0]
        assert row.pk in shown(theirs.tablets[0], "follow_ups")
        assert row.pk not in shown(dana.world.ours.tablets[1], "follow_ups")


def test_what_is_told_after_the_end_is_flagged_until_the_end_is_taken_back(
    dana: Met, row: FollowUp
) -> None:
    dana.tells("attempted", row, now=NOON + DAY, result="reached")
    first = FollowUpEvent.objects.get()
    dana.tells("attempted", row, now=NOON + DAY + HOUR / 2, result="not_reached")
    late = FollowUpEvent.objects.get(content__isnull=False, order__gt=first.order)
    assert shown(dana.tablet, "facts")[late.pk]["flags"] == ["too_late"]

    dana.tells("withdrawn", row, now=NOON + DAY + HOUR / 2, event_id=str(first.pk))

    assert shown(dana.tablet, "facts")[late.pk]["flags"] == []
    row.refresh_from_db()
    assert (row.state, row.tries) == ("open", 1)


def test_one_that_came_early_counts_once_its_follow_up_is_here(dana: Met) -> None:
    dana.agreed()
    pk = uuid7()
    dana.tells("attempted", pk, result="not_reached")
    [early] = told(dana.tablet)
    assert shown(dana.tablet, "facts")[early]["flags"] == ["not_here_yet"]
    assert not told(dana.world.ours.tablets[1])

    row = dana.follow(id=pk, now=NOON + HOUR)

    assert (row.tries, row.due_from) == (1, NOON + DAY)
    assert told(dana.tablet) == told(dana.world.ours.tablets[1]) == {early}
    assert shown(dana.tablet, "facts")[early]["flags"] == []
