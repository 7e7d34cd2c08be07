from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from apps.audit.services import SYSTEM
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.followups.ids import follow_up_id
from apps.followups.models import FollowUp, FollowUpEvent, FollowUpPlan
from apps.followups.plans import Item, When
from apps.followups.schemas import FOLLOW_UP
from apps.followups.services import writing
from apps.followups.services.writing import make_follow_up
from apps.people.ids import encounter_id
from apps.people.models import Encounter
from tests.factories import EnrolledTablet, person, tablet
from tests.integration.followups.conftest import DAY, HOUR, NOON, Document, Met, shown


def test_a_tablet_makes_a_follow_up_and_both_of_the_crew_have_it(dana: Met) -> None:
    dana.agreed()

    row = dana.follow()

    mine, partners = (shown(one, "follow_ups")[row.pk] for one in dana.world.ours.tablets)
    assert mine == partners
    assert mine["find"][0]["place"] == "Under the ramp"
    assert (mine["state"], mine["owner_id"], mine["flags"]) == ("open", None, [])
    assert [ring["level"] for ring in mine["rings"]] == [1, 2]
    assert row.due_from == NOON + DAY
    assert row.next_at is not None


def test_without_anything_said_it_is_kept_and_nobody_is_reminded(dana: Met) -> None:
    row = dana.follow()

    document = shown(dana.tablet, "follow_ups")[row.pk]
    assert (document["flags"], document["rings"]) == (["no_basis"], [])
    assert row.next_at is None

    dana.agreed()

    document = shown(dana.tablet, "follow_ups")[row.pk]
    assert document["flags"] == []
    assert [ring["level"] for ring in document["rings"]] == [1, 2]


def test_an_attempt_that_reaches_ends_it(dana: Met) -> None:
    dana.agreed()
    row = dana.follow()

    assert dana.tells("attempted", row, now=NOON + DAY, result="reached", way="visit") == []

    row.refresh_from_db()
    assert (row.state, row.outcome, row.ended_at) == ("ended", "reached", NOON + DAY)
    document = shown(dana.tablet, "follow_ups")[row.pk]
    assert [one["event"] for one in document["events"]] == ["attempted"]
    event = FollowUpEvent.objects.get()
    assert shown(dana.tablet, "facts")[event.pk]["result"] == "reached"


def test_a_plan_makes_each_of_its_follow_ups_once(dana: Met) -> None:
    dana.agreed()
    first = made(dana)
    again = made(dana)

    assert first is not None
    assert again == first
    assert (first.owner, first.purpose, first.way) == (None, "after_overdose", "visit")
    document = shown(dana.tablet, "follow_ups")[first.pk]
    assert (document["most_tries"], document["item"]) == (2, "day_1")


def test_one_that_a_tablet_made_by_the_same_item_becomes_the_plans(dana: Met) -> None:
    dana.agreed()
    pk = follow_up_id(dana.encounter, "day_1")
    dana.follow(id=pk, item="day_1", purpose="other", note="By the river.")

    made(dana)

    row = FollowUp.objects.get()
    assert (row.pk, row.item, row.purpose) == (pk, "day_1", "after_overdose")
    assert row.content["note"] == "By the river."
    assert row.due_from == NOON + 2 * DAY


def plan_of(tries: int = 2, retry_hours: float = 1) -> FollowUpPlan:
    """A plan of one line, `day_1`."""
    item = {"code": "day_1", "tries": tries, "retry_hours": retry_hours, "missed_after_hours": 4}
    plan, _ = FollowUpPlan.objects.get_or_create(
        version="one",
        defaults={
            "effective_from": NOON - DAY,
            "definition": {"items": [item]},
            "why": "A test.",
            "made_at": NOON,
        },
    )
    return plan


def made(dana: Met) -> FollowUp | None:
    item = Item(
        code="day_1",
        purpose="after_overdose",
        when=When(outcomes=("met",)),
        after_hours=48,
        window_hours=10,
        way="visit",
        tries=2,
        retry_hours=12,
        missed_after_hours=4,
    )
    row = make_follow_up(
        encounter=Encounter.objects.get(pk=dana.encounter),
        plan=plan_of(),
        item=item,
        due_from=NOON + 2 * DAY,
        due_until=NOON + 2 * DAY + 10 * HOUR,
        by=SYSTEM,
        now=NOON,
    )
    dana.world.commit()
    return row


def told(holder: EnrolledTablet) -> set[UUID]:
    """The events of follow-ups that a tablet has."""
    facts = shown(holder, "facts").items()
    return {id for id, fact in facts if fact["kind"] == "follow_up_event"}


class TestTypedTogether:
    def test_two_who_add_places_and_words_lose_nothing(self, dana: Met) -> None:
        dana.agreed()
        row = dana.follow(note="Ask about the shelter.")
        base = {k: v for k, v in dana.believed[str(row.pk)].items() if k != "id"}
        by_day = {"id": str(uuid7()), "place": "Library, 4th floor", "hours": "10:00-17:00"}
        by_night = {"id": str(uuid7()), "place": "Bus stop at Pike"}
        hers, his = dana.world.ours.tablets

        dana.save("follow_ups", row.pk, by=hers, **{**base, "find": [*base["find"], by_day]})
        dana.believed[str(row.pk)] = {"id": str(row.pk), **base}
        note = "Please ask about the shelter."
        typed = {**base, "find": [*base["find"], by_night], "note": note}
        dana.save("follow_ups", row.pk, by=his, **typed)

        row.refresh_from_db()
        places = [one["place"] for one in row.content["find"]]
        assert places == ["Under the ramp", "Library, 4th floor", "Bus stop at Pike"]
        assert row.content["note"] == note

    def test_its_window_is_typed_once(self, dana: Met) -> None:
        dana.agreed()
        row = dana.follow()

        dana.save("follow_ups", row.pk, first_from=iso(NOON + 9 * DAY))

        row.refresh_from_db()
        assert (row.due_from, row.occasion) == (NOON + DAY, 1)

    def test_what_a_tablet_types_over_the_plans_words_does_not_count(self, dana: Met) -> None:
        dana.agreed()
        row = made(dana)
        assert row is not None
        dana.believed[str(row.pk)] = shown(dana.tablet, "follow_ups")[row.pk]

        [answer] = dana.save("follow_ups", row.pk, purpose="other", note="By the river.")

        assert (answer["purpose"], answer["note"]) == ("after_overdose", "By the river.")


class TestOdd:
    TYPED: ClassVar[list[tuple[Document, list[str]]]] = [
        ({"purpose": "tea"}, ["unknown_code"]),
        ({"way": "pigeon"}, ["unknown_code"]),
        ({"way": 7}, ["bad_field"]),
        ({"first_from": "9999-12-31T23:59:59Z"}, ["bad_field"]),
        ({"first_from": "0001-01-01T00:00:00+14:00"}, ["bad_field"]),
        ({"first_from": "tomorrow"}, ["bad_field"]),
        ({"first_until": iso(NOON)}, ["bad_field"]),
        ({"first_until": "9999-12-31T23:59:59Z"}, ["bad_field"]),
        ({"note": "x" * 30_000}, ["bad_field"]),
        ({"find": "under the ramp"}, ["bad_field"]),
        ({"colour": "green"}, ["bad_field"]),
        ({"first_from": None, "first_until": None, "purpose": None, "find": None}, []),
    ]

    def test_a_detail_is_flagged_and_costs_nothing(self, dana: Met) -> None:
        dana.agreed()
        for typed, flags in self.TYPED:
            pk = uuid7()

            dana.save("follow_ups", pk, **dana.typed(**typed))

            row = FollowUp.objects.get(pk=pk)
            assert (row.flags, row.state) == (flags, "open"), typed
            assert NOON < row.due_from <= row.due_until < NOON + 30 * DAY, typed
            assert row.next_at is not None
            document = shown(dana.tablet, "follow_ups")[pk]
            Draft202012Validator(FOLLOW_UP).validate(document)

    def test_a_place_that_does_not_fit_costs_no_other(self, dana: Met) -> None:
        good = {"id": str(uuid7()), "place": "Under the ramp"}
        places = [good, {"place": "x" * 30_000}, "somewhere", {"place": 5}]

        dana.save("follow_ups", uuid7(), **dana.typed(find=places))

        row = FollowUp.objects.get()
        assert (row.content["find"], row.flags) == ([good], ["bad_field", "no_basis"])

    def test_it_may_come_before_its_call_and_its_encounter(self, dana: Met) -> None:
        call = uuid7()
        here = {"assignment_id": str(call), "encounter_id": str(encounter_id(call))}

        row = dana.follow(**here)

        assert row.team == dana.world.team


class TestRefused:
    def refused(self, dana: Met, **typed: object) -> str:
        by = typed.pop("by", None)
        [answer] = dana.save("follow_ups", uuid7(), by=by, **dana.typed(**typed))  # type: ignore[arg-type]
        assert answer["sync_status"] == "quarantined"
        assert not FollowUp.objects.exists()
        return str(answer["sync_errors"][0])

    def test_of_no_call(self, dana: Met) -> None:
        assert "/assignment_id" in self.refused(dana, assignment_id=None)

    def test_of_no_encounter_of_its_call(self, dana: Met) -> None:
        assert "/encounter_id" in self.refused(dana, encounter_id=str(uuid7()))

    def test_by_whoever_was_not_on_the_crew(self, dana: Met) -> None:
        stranger = tablet(person())

        assert "/assignment_id" in self.refused(dana, by=stranger)

    def test_one_more_than_anybody_is_looked_for(
        self, dana: Met, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writing, "MOST_OF_AN_ENCOUNTER", 1)
        dana.follow()

        [answer] = dana.save("follow_ups", uuid7(), **dana.typed())

        assert answer["sync_status"] == "quarantined"
        assert FollowUp.objects.count() == 1

    def test_it_stays_with_its_encounter(self, dana: Met) -> None:
        row = dana.follow()
        second = str(encounter_id(dana.assignment.pk, 2))

        [answer] = dana.save("follow_ups", row.pk, encounter_id=second)

        assert answer["sync_status"] == "quarantined"
        row.refresh_from_db()
        assert row.encounter_id == dana.encounter

    def test_who_does_not_see_it_cannot_change_it(self, dana: Met) -> None:
        row = dana.follow()

        answers = dana.save("follow_ups", row.pk, by=tablet(person()), note="mine now")

        assert answers == []  # a tombstone: they have none
        row.refresh_from_db()
        assert row.content.get("note") is None
