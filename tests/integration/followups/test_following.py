"""What becomes known of a person counts for all their follow-ups; nobody is left without one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.accounts import services as accounts
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.models import ParkedReaction
from apps.core.ids import uuid7
from apps.dispatch import services as dispatch
from apps.followups.models import FollowUp, FollowUpEvent
from apps.followups.services import following, reminding
from apps.followups.services.telling import tell
from apps.people.models import Person
from apps.people.services import merge_persons, unmerge_person
from apps.sync.push import Row
from tests.factories import tablet
from tests.integration.assignments.conftest import crew
from tests.integration.followups.conftest import DAY, HOUR, NOON, Met, met_elsewhere, shown
from tests.pushing import pushed


def fresh(row: FollowUp) -> FollowUp:
    return FollowUp.objects.get(pk=row.pk)


@pytest.fixture
def two(dana: Met) -> tuple[Met, FollowUp, FollowUp]:
    """Two follow-ups of Dana, made on two calls of two units."""
    dana.agreed()
    other = met_elsewhere(dana, person=dana.person)
    by = dana.world.theirs.tablets[0]
    return other, dana.follow(), other.follow(by=by, purpose="referral")


class TestOfThePerson:
    @pytest.mark.parametrize("result", ["declined", "deceased"])
    def test_a_decline_and_a_death_end_all(
        self, dana: Met, two: tuple[Met, FollowUp, FollowUp], result: str
    ) -> None:
        _, first, second = two

        dana.tells("attempted", first, now=NOON + DAY, result=result)

        for row in (first, second):
            assert (fresh(row).state, fresh(row).outcome) == ("ended", result)
            assert shown(dana.world.theirs.tablets[0], "follow_ups")[second.pk]["state"] == "ended"

    @pytest.mark.parametrize(("result", "why"), [("in_jail", "jail"), ("in_hospital", "hospital")])
    def test_jail_and_hospital_pause_all_until_they_are_out(
        self, dana: Met, two: tuple[Met, FollowUp, FollowUp], result: str, why: str
    ) -> None:
        other, first, second = two

        dana.tells("attempted", first, now=NOON + DAY, result=result)

        assert {fresh(row).paused_for for row in (first, second)} == {why}
        assert {fresh(row).next_at for row in (first, second)} == {None}

        by = dana.world.theirs.tablets[0]
        other.tells("resumed", second, by=by, now=NOON + 3 * DAY)

        assert {fresh(row).state for row in (first, second)} == {"open"}
        assert fresh(first).due_from == NOON + 3 * DAY

    def test_what_was_told_by_mistake_is_taken_back_for_all(
        self, dana: Met, two: tuple[Met, FollowUp, FollowUp]
    ) -> None:
        _, first, second = two
        dana.tells("attempted", first, now=NOON + DAY, result="deceased")
        told = FollowUpEvent.objects.get(event="attempted")

        dana.tells("withdrawn", first, now=NOON + DAY + HOUR, event_id=str(told.pk))

        assert {fresh(row).state for row in (first, second)} == {"open"}
        assert fresh(second).next_at is not None

    def test_met_on_another_call_is_enough(self, dana: Met) -> None:
        dana.agreed()
        row = dana.follow()
        later = dana.follow(first_from="2026-03-12T20:00:00Z", first_until=None)
        other = met_elsewhere(dana, person=dana.person, now=NOON + DAY)
        by = dana.world.theirs.tablets[0]
        assert fresh(row).state == "open", "nobody has met them yet"

        dana.world.tap("contact_made", other.assignment, by=by, now=NOON + DAY + HOUR)

        assert (fresh(row).outcome, fresh(row).ended_at) == ("met", NOON + DAY + HOUR)
        assert fresh(later).state == "open", "that one is for next week"

    def test_somebody_who_is_only_possibly_the_same_is_somebody_else(self, dana: Met) -> None:
        dana.agreed()
        row = dana.follow()
        other = met_elsewhere(dana, person=dana.person, match="possible", now=NOON + DAY)
        by = dana.world.theirs.tablets[0]
        dana.world.tap("contact_made", other.assignment, by=by, now=NOON + DAY)
        assert fresh(row).state == "open"

        other.names(dana.person, "confirmed", by=by, now=NOON + DAY + HOUR)
        assert fresh(row).outcome == "met"

        other.names(dana.person, "possible", by=by, now=NOON + DAY + 2 * HOUR)
        assert fresh(row).state == "open", "it was not they"

    def test_a_refusal_ends_them_and_another_word_opens_them_again(self, dana: Met) -> None:
        dana.agreed()
        row = dana.follow()

        dana.agreed("refused", at=NOON + HOUR)
        assert (fresh(row).state, fresh(row).outcome) == ("ended", "no_basis")

        dana.agreed(at=NOON + 2 * HOUR)
        assert (fresh(row).state, fresh(row).occasion) == ("open", 2)

    def test_a_clinicians_reason_ends_with_its_day_by_the_clock(self, dana: Met) -> None:
        dana.agreed("clinician", ends_on=date(2026, 3, 4))
        row = dana.follow()
        midnight = NOON + 12 * HOUR
        assert fresh(row).next_at == midnight

        following.restate(follow_up_ids=[row.pk], now=midnight)

        assert (fresh(row).outcome, fresh(row).ended_at) == ("no_basis", midnight)


class TestPutTogether:
    def test_of_two_for_one_purpose_the_younger_ends_until_they_are_taken_apart(
        self, dana: Met
    ) -> None:
        dana.agreed()
        elder = dana.follow()
        other = met_elsewhere(dana, person=uuid7())
        by = dana.world.theirs.tablets[0]
        other.agreed()
        younger = other.follow(by=by, now=NOON + HOUR)
        asks = other.follow(by=by, now=NOON + HOUR, purpose="referral")
        persons = [Person.objects.get(pk=one.person) for one in (other, dana)]
        boss = dana.world.supervisor

        merge_persons(person=persons[0], into=persons[1], by=boss, now=NOON + 2 * HOUR)
        dana.world.commit()

        assert (fresh(elder).state, fresh(asks).state) == ("open", "open")
        assert fresh(younger).outcome == "merged"

        unmerge_person(person=persons[0], by=boss, now=NOON + 3 * HOUR)
        dana.world.commit()

        assert (fresh(younger).state, fresh(younger).next_at is not None) == ("open", True)
        assert not ParkedReaction.objects.exists()

    def test_what_was_told_of_the_one_counts_for_the_other_while_they_are_one(
        self, dana: Met
    ) -> None:
        dana.agreed()
        row = dana.follow()
        other = met_elsewhere(dana, person=uuid7())
        other.agreed()
        by = dana.world.theirs.tablets[0]
        others = other.follow(by=by, purpose="referral")
        other.tells("attempted", others, by=by, now=NOON + HOUR, result="in_jail")
        alba, ada = (Person.objects.get(pk=one.person) for one in (other, dana))
        boss = dana.world.supervisor
        assert fresh(row).state == "open"

        merge_persons(person=alba, into=ada, by=boss, now=NOON + 2 * HOUR)
        assert fresh(row).paused_for == "jail"

        unmerge_person(person=alba, by=boss, now=NOON + 3 * HOUR)
        assert (fresh(row).state, fresh(others).state) == ("open", "paused")

    def test_two_that_come_in_one_push_are_taken_and_the_clock_ends_the_younger(
        self, dana: Met
    ) -> None:
        dana.agreed()
        other = met_elsewhere(dana, person=uuid7())
        alba, ada = (Person.objects.get(pk=one.person) for one in (other, dana))
        boss = dana.world.supervisor
        merge_persons(person=alba, into=ada, by=boss, now=NOON)
        small, large = sorted((uuid7(), uuid7()))
        typed = {str(large): dana.typed(), str(small): other.typed()}
        stamp = {"editor": str(dana.tablet.instance)}
        rows = [
            Row(pk, {"id": pk, **fields, **stamp, "edit_no": number}, None)
            for number, (pk, fields) in enumerate(typed.items(), 1_000)
        ]
        boss_of_both = tablet(boss)

        commits = dana.world.commit
        assert pushed(boss_of_both, "follow_ups", rows, commits=commits, now=NOON) == []
        assert {row.state for row in FollowUp.objects.all()} == {"open"}
        assert fresh(FollowUp(pk=large)).next_at == NOON

        reminding.remind(now=NOON)
        assert fresh(FollowUp(pk=large)).outcome == "merged"
        assert fresh(FollowUp(pk=small)).state == "open"


class TestHandedOver:
    def test_it_is_the_teams_again_when_its_owners_shift_ends(self, dana: Met) -> None:
        world = dana.world
        dana.agreed()
        row = dana.follow()
        dana.tells("taken", row)
        assert fresh(row).owner == world.ours.people[0]
        assert row.pk not in shown(world.theirs.tablets[0], "follow_ups")

        for one in world.ours.people:
            dispatch.leave_crew(user=one, by=SYSTEM, now=NOON + 10 * HOUR)
        world.commit()

        assert fresh(row).owner is None
        assert row.pk in shown(world.theirs.tablets[0], "follow_ups")
        last = FollowUpEvent.objects.of([row.pk]).last()
        assert last is not None
        assert (last.event, last.author) == ("released", None)
        entry = Entry.objects.filter(subject_ids=[row.pk], action="record").last()
        assert entry is not None
        assert entry.actor_kind == "system"

    def test_one_that_goes_on_after_its_owner_has_left_is_the_teams(self, dana: Met) -> None:
        world = dana.world
        dana.agreed()
        row = dana.follow()
        dana.tells("taken", row)
        dana.tells("attempted", row, now=NOON + HOUR, result="reached")
        for one in world.ours.people:
            dispatch.leave_crew(user=one, by=SYSTEM, now=NOON + 2 * HOUR)
        slip = str(FollowUpEvent.objects.get(event="attempted").pk)

        dana.tells("withdrawn", row, now=NOON + 3 * HOUR, event_id=slip)

        assert (fresh(row).state, fresh(row).owner) == ("open", None)
        assert row.pk in shown(world.theirs.tablets[0], "follow_ups")
        assert not ParkedReaction.objects.exists()

    def test_who_changes_to_another_unit_keeps_it(self, dana: Met) -> None:
        world, mine = dana.world, dana.world.ours.people[0]
        dana.agreed()
        row = dana.follow()
        dana.tells("taken", row)
        shift = mine.crews.get().shift

        dispatch.join_crew(
            user=mine, unit=world.theirs.unit, shift=shift, by=SYSTEM, now=NOON + HOUR
        )

        assert fresh(row).owner == mine

    def test_who_leaves_the_service_has_nothing_left(self, dana: Met) -> None:
        dana.agreed()
        row = dana.follow()
        dana.tells("taken", row)
        mine = dana.world.ours.people[0]
        mine.is_active = False

        accounts.save_user(user=mine, by=SYSTEM, now=NOON + HOUR)

        assert fresh(row).owner is None

    def test_a_supervisor_who_took_it_from_the_desk_keeps_it(self, dana: Met) -> None:
        world = dana.world
        dana.agreed()
        row = dana.follow()
        boss = world.supervisor
        shift = world.ours.people[0].crews.get().shift
        dispatch.join_crew(user=boss, unit=world.ours.unit, shift=shift, by=SYSTEM, now=NOON)
        dispatch.leave_crew(user=boss, by=SYSTEM, now=NOON + HOUR)
        tell(follow_up=row, event="taken", author=boss, now=NOON + 2 * HOUR)

        for one in world.ours.people:
            dispatch.leave_crew(user=one, by=SYSTEM, now=NOON + 3 * HOUR)

        assert fresh(row).owner == boss

    def test_a_supervisor_who_leaves_the_service_gives_it_back_too(self, dana: Met) -> None:
        dana.agreed()
        row = dana.follow()
        boss = dana.world.supervisor
        tell(follow_up=row, event="taken", author=boss, now=NOON)
        boss.is_active = False

        accounts.save_user(user=boss, by=SYSTEM, now=NOON + HOUR)

        assert fresh(row).owner is None

    def test_a_unit_that_is_new_has_what_nobody_has(self, dana: Met) -> None:
        world = dana.world
        dana.agreed()
        row = dana.follow()
        shift = world.ours.people[0].crews.get().shift

        third = crew("CARE23", world.team, shift, size=1)
        world.commit()

        assert row.pk in shown(third.tablets[0], "follow_ups")
        assert dana.person in shown(third.tablets[0], "persons")


def test_one_that_has_ended_leaves_its_tablets_with_what_was_told_of_it(dana: Met) -> None:
    dana.agreed()
    row = dana.follow()
    other = dana.world.theirs.tablets[0]
    dana.tells("attempted", row, now=NOON + DAY, result="reached")
    assert fresh(row).next_at == fresh(row).leaves_at == NOON + DAY + HOUR
    assert row.pk in shown(other, "follow_ups")
    assert dana.person in shown(other, "persons")

    following.restate(follow_up_ids=[row.pk], now=NOON + DAY + HOUR)
    dana.world.commit()

    for one in (dana.tablet, other):
        assert row.pk not in shown(one, "follow_ups")
        assert "follow_up_event" not in {fact["kind"] for fact in shown(one, "facts").values()}
    assert dana.person not in shown(other, "persons"), "their record has left with it"
    assert row.pk in shown(dana.world.supervisor, "follow_ups")
    assert fresh(row).next_at is None
    assert fresh(row).kept_for == []


def test_doing_it_once_more_changes_nothing(dana: Met) -> None:
    dana.agreed()
    row = dana.follow()
    dana.tells("attempted", row, now=NOON + DAY, result="not_reached")
    before = {name: getattr(fresh(row), name) for name in ("occasion", "due_from", "next_at")}
    rev = shown(dana.tablet, "follow_ups")[row.pk]

    for _ in range(2):
        following.restate(follow_up_ids=[row.pk], now=NOON + DAY)

    assert {name: getattr(fresh(row), name) for name in before} == before
    assert shown(dana.tablet, "follow_ups")[row.pk] == rev


def test_nobody_has_a_number_that_falls(dana: Met) -> None:
    dana.agreed()
    row = dana.follow()
    dana.tells("attempted", row, now=NOON + DAY, result="not_reached")
    told = FollowUpEvent.objects.get(event="attempted")
    assert fresh(row).occasion == 2

    dana.tells("withdrawn", row, now=NOON + DAY, event_id=str(told.pk))
    assert (fresh(row).occasion, fresh(row).due_from) == (3, NOON + DAY)

    dana.tells("attempted", row, now=NOON + DAY + timedelta(minutes=5), result="not_reached")
    assert (fresh(row).occasion, fresh(row).tries) == (4, 1)
