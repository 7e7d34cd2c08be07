"""What happens at the same moment on two connections."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from apps.changes.models import ParkedReaction
from apps.core.ids import uuid7
from apps.followups.models import FollowUp, FollowUpEvent, Reminder
from apps.followups.services import reminding
from apps.followups.services.telling import tell
from apps.people.models import Person
from apps.people.services import merge_persons
from tests.integration.assignments.conftest import World
from tests.integration.conftest import Elsewhere
from tests.integration.followups.conftest import DAY, HOUR, NOON, Met, met_elsewhere, shown
from tests.integration.referrals.conftest import met

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dana(committed_world: World) -> Met:
    found = Met(**vars(met(committed_world)))
    found.agreed()
    return found


def fresh(row: FollowUp) -> FollowUp:
    return FollowUp.objects.get(pk=row.pk)


def test_of_two_who_tell_of_one_the_second_finds_what_the_first_has_done(
    dana: Met, elsewhere: Elsewhere
) -> None:
    row = dana.follow()
    other = dana.world.ours.tablets[1]
    at: dict[str, Any] = {"now": NOON + DAY}
    with transaction.atomic():
        assert dana.tells("attempted", row, result="reached", **at) == []
        second = elsewhere.start(lambda: dana.tells("attempted", row, by=other, **at))
        elsewhere.until_waiting(second)

    assert second.result(timeout=60) == []
    assert (fresh(row).outcome, fresh(row).tries) == ("reached", 0)
    late = FollowUpEvent.objects.of([row.pk]).last()
    assert late is not None
    assert shown(other, "facts")[late.pk]["flags"] == ["too_late"]


def test_an_attempt_comes_before_a_reminder_that_is_due(dana: Met, elsewhere: Elsewhere) -> None:
    row = dana.follow()
    due = NOON + DAY
    with transaction.atomic():
        dana.tells("attempted", row, now=due, result="reached")
        assert elsewhere.do(lambda: reminding.remind(now=due)) == 0

    reminding.remind(now=due)
    assert (fresh(row).state, fresh(row).level) == ("ended", 0)
    assert not Reminder.objects.exists(), "nothing is reminded of after its stop"


def test_a_reminder_comes_before_an_attempt(dana: Met, elsewhere: Elsewhere) -> None:
    row = dana.follow()
    due = NOON + DAY
    with transaction.atomic():
        reminding.remind(now=due)
        told = elsewhere.start(lambda: dana.tells("attempted", row, now=due, result="reached"))
        elsewhere.until_waiting(told)

    assert told.result(timeout=60) == []
    assert (fresh(row).state, fresh(row).level) == ("ended", 1)
    assert Reminder.objects.filter(follow_up=row, level=1).exists()


@pytest.fixture
def alba(dana: Met) -> tuple[Met, FollowUp, FollowUp]:
    """Somebody else, with a follow-up of theirs, and Dana's."""
    other = met_elsewhere(dana, person=uuid7())
    other.agreed()
    by = dana.world.theirs.tablets[0]
    return other, other.follow(by=by, purpose="referral"), dana.follow()


def merge(other: Met, dana: Met) -> None:
    persons = [Person.objects.get(pk=one.person) for one in (other, dana)]
    boss = dana.world.supervisor
    merge_persons(person=persons[0], into=persons[1], by=boss, now=NOON + HOUR)


def jailed(other: Met, row: FollowUp) -> None:
    """By the desk, which takes the locks once; a push takes them again before each row."""
    told = {"author": other.world.supervisor, "content": {"result": "in_jail"}}
    tell(follow_up=row, event="attempted", now=NOON + HOUR, **told)


def test_what_is_told_while_two_are_put_together_counts_for_both(
    dana: Met, alba: tuple[Met, FollowUp, FollowUp], elsewhere: Elsewhere
) -> None:
    other, theirs, ours = alba
    with transaction.atomic():
        merge(other, dana)
        told = elsewhere.start(lambda: jailed(other, theirs))
        elsewhere.until_waiting(told)

    told.result(timeout=60)
    assert {fresh(row).state for row in (theirs, ours)} == {"paused"}


def test_two_are_put_together_while_something_is_told_of_one(
    dana: Met, alba: tuple[Met, FollowUp, FollowUp], elsewhere: Elsewhere
) -> None:
    other, theirs, ours = alba
    with transaction.atomic():
        jailed(other, theirs)
        merged = elsewhere.start(lambda: merge(other, dana))
        elsewhere.until_waiting(merged)

    merged.result(timeout=60)
    assert {fresh(row).state for row in (theirs, ours)} == {"paused"}
    assert not ParkedReaction.objects.exists()


def test_what_is_told_while_somebody_says_who_it_was_counts_for_them(
    dana: Met, alba: tuple[Met, FollowUp, FollowUp], elsewhere: Elsewhere
) -> None:
    other, theirs, ours = alba
    by = dana.world.theirs.tablets[0]
    with transaction.atomic():
        other.names(dana.person, by=by, now=NOON + HOUR)
        told = elsewhere.start(lambda: jailed(other, theirs))
        elsewhere.until_waiting(told)

    told.result(timeout=60)
    assert {fresh(row).state for row in (theirs, ours)} == {"paused"}


def test_one_is_made_while_the_person_dies_on_another(dana: Met, elsewhere: Elsewhere) -> None:
    row = dana.follow()
    with transaction.atomic():
        dana.tells("attempted", row, now=NOON + HOUR, result="deceased")
        by = dana.world.ours.tablets[1]
        made = elsewhere.start(lambda: dana.follow(by=by, now=NOON + HOUR, purpose="referral"))
        elsewhere.until_waiting(made)

    assert fresh(made.result(timeout=60)).outcome == "deceased"


def test_an_event_and_its_follow_up_meet(dana: Met, elsewhere: Elsewhere) -> None:
    pk = uuid7()
    with transaction.atomic():
        dana.tells("attempted", pk, now=NOON + HOUR)
        by = dana.world.ours.tablets[1]
        made = elsewhere.start(lambda: dana.follow(id=pk, by=by, now=NOON + HOUR))
        elsewhere.until_waiting(made)
    assert fresh(made.result(timeout=60)).tries == 1

    pk = uuid7()
    with transaction.atomic():
        row = dana.follow(id=pk, purpose="referral")
        told = elsewhere.start(lambda: dana.tells("attempted", pk, by=by, now=NOON + HOUR))
        elsewhere.until_waiting(told)
    assert told.result(timeout=60) == []
    assert fresh(row).tries == 1
