"""Follow-ups by the plan: made once an encounter is over, whatever is told of it first, where the
person wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from apps.accounts.models import Partner
from apps.accounts.services import user_actor
from apps.audit.services import SYSTEM
from apps.changes.models import ParkedReaction
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.followups.ids import follow_up_id
from apps.followups.models import FollowUp, FollowUpPlan, MissingAgreement
from apps.followups.services.agreements import Word, record_agreement
from apps.followups.services.planning import follow_encounter
from apps.followups.services.plans import load_plans, new_version, save_plan
from apps.people.ids import encounter_id, record_id
from tests.integration.followups.conftest import DAY, HOUR, NOON, Met, dana, world
from tests.integration.referrals.conftest import shelter

__all__ = ["dana", "shelter", "world"]

pytestmark = pytest.mark.django_db

CHECKS = ["check_24h", "check_72h", "check_7d"]
CLEARED = NOON + timedelta(minutes=40)
Step = Callable[[Met], Any]


@pytest.fixture(autouse=True)
def _plan(db: None) -> Iterator[None]:
    """The plan that is shipped; and no reaction failed unseen."""
    load_plans(by=SYSTEM, now=NOON)
    yield
    assert list(ParkedReaction.objects.values_list("reaction", "error")) == []


def contact(met: Met, now: datetime = NOON) -> None:
    for event in ("acknowledged", "en_route", "on_scene", "contact_made"):
        assert met.world.tap(event, met.assignment, now=now) == []


def cleared(met: Met, now: datetime = CLEARED, event: str = "cleared") -> None:
    data = {"disposition": "18"} if event == "cleared" else {}
    assert met.world.tap(event, met.assignment, now=now, data=data) == []


def says(met: Met, basis: str, *, now: datetime = CLEARED, **told: Any) -> list[Any]:
    place = {"assignment_id": str(met.assignment.pk), "encounter_id": str(met.encounter)}
    return met.tell("follow_up_agreement", basis=basis, now=now, **place, **told)


def agrees(met: Met, now: datetime = CLEARED) -> None:
    assert says(met, "agreed", now=now, ways=["visit"], words="After noon.") == []


def place(met: Met) -> dict[str, str]:
    return {"assignment_id": str(met.assignment.pk), "encounter_id": str(met.encounter)}


def writes(met: Met, now: datetime = CLEARED, **fields: Any) -> None:
    note = record_id(met.encounter, "case_note")
    met.save("case_notes", note, now=now, **place(met), **fields)


def dose(met: Met, now: datetime = CLEARED) -> None:
    document = {"id": str(uuid7()), **place(met), "given_at": NOON.isoformat(), "counter": 1}
    assert met.push("naloxone_doses", document, now=now) == []


def reason(
    met: Met, *, until: date, now: datetime = CLEARED, said_at: datetime | None = None
) -> None:
    by = met.world.supervisor
    word = Word(
        id=uuid7(),
        assignment_id=met.assignment.pk,
        encounter_id=met.encounter,
        basis="clinician",
        said_at=said_at or now,
        ends_on=until,
        content={"reason": "Tried to die two days ago."},
    )
    record_agreement(word=word, by=by, actor=user_actor(by), now=now)
    met.world.commit()


def made(met: Met) -> list[str]:
    rows = FollowUp.objects.of_encounters([met.encounter]).exclude(item="")
    return sorted(rows.values_list("item", flat=True))


def ends(met: Met) -> set[str | None]:
    return set(FollowUp.objects.values_list("outcome", flat=True))


class TestWhatIsMade:
    def test_by_the_plan_once_the_call_is_over(self, dana: Met) -> None:
        contact(dana)
        agrees(dana)
        assert made(dana) == []
        cleared(dana)

        assert made(dana) == sorted(CHECKS)
        row = FollowUp.objects.get(item="check_72h")
        assert row.pk == follow_up_id(dana.encounter, "check_72h")
        assert (row.due_from, row.due_until) == (NOON + 72 * HOUR, NOON + 96 * HOUR)
        assert (row.team, row.owner, row.purpose) == (dana.world.team, None, "check_in")
        assert row.plan == FollowUpPlan.objects.get()

    def test_the_same_in_whatever_order_it_is_told(self, dana: Met, shelter: Partner) -> None:
        contact(dana)
        steps: dict[str, Step] = {
            "agreement": agrees,
            "dose": dose,
            "referral": lambda met: met.refer(shelter, now=CLEARED),
            "closing": cleared,
        }
        for order in turned(steps):
            with put_back():
                for name in order:
                    steps[name](dana)
                assert made(dana) == sorted([*CHECKS, "after_dose", "after_referral"]), order
                windows = FollowUp.objects.values_list("item", "due_from")
                assert dict(windows)["after_referral"] == CLEARED + 96 * HOUR, order

    def test_a_note_says_how_it_ended(self, dana: Met) -> None:
        contact(dana)
        agrees(dana)
        writes(dana, outcome="refused")
        cleared(dana)
        assert made(dana) == []

    def test_of_nobody_who_was_found_where_the_person_had_agreed_before(self, dana: Met) -> None:
        contact(dana)
        agrees(dana)
        cleared(dana)
        call = dana.world.given()
        again = encounter_id(call.pk)
        named = {"assignment_id": str(call.pk), "ordinal": 1, "person_id": str(dana.person)}
        later = CLEARED + 2 * HOUR
        dana.save("encounters", again, now=later, match="confirmed", **named)
        for event in ("acknowledged", "en_route", "on_scene", "unable_to_locate"):
            assert dana.world.tap(event, call, now=later) == []

        [row] = FollowUp.objects.of_encounters([again])
        assert row.item == "look_again"
        assert row.due_from == later + DAY
        assert not MissingAgreement.objects.filter(encounter_id=again).exists()

    def test_nothing_for_who_is_not_known(self, dana: Met) -> None:
        call = dana.world.given()
        for event in ("acknowledged", "en_route", "on_scene", "unable_to_locate"):
            assert dana.world.tap(event, call, now=NOON) == []
        assert not FollowUp.objects.exists()
        assert not MissingAgreement.objects.exists()

    def test_by_the_version_in_force_at_the_end(self, dana: Met) -> None:
        shorter = new_version(of=FollowUpPlan.objects.get(), by=dana.world.supervisor, now=NOON)
        shorter.effective_from = NOON + timedelta(minutes=20)
        shorter.definition = {"items": shorter.definition["items"][:1]}
        save_plan(plan=shorter, by=dana.world.supervisor, now=NOON)
        contact(dana)
        agrees(dana)
        cleared(dana)
        assert made(dana) == ["check_24h"]
        assert FollowUp.objects.get().plan == shorter

    def test_without_a_plan_nothing(self, dana: Met) -> None:
        FollowUpPlan.objects.all().delete()
        contact(dana)
        agrees(dana)
        cleared(dana)
        assert made(dana) == []

    def test_again_makes_nothing(self, dana: Met) -> None:
        contact(dana)
        agrees(dana)
        cleared(dana)
        assert follow_encounter(encounter_id=dana.encounter, now=CLEARED + HOUR) == []
        assert FollowUp.objects.count() == 3

    def test_what_was_told_late_makes_no_burst(self, dana: Met) -> None:
        contact(dana)
        cleared(dana)
        agrees(dana, now=NOON + 80 * HOUR)
        assert made(dana) == ["check_72h", "check_7d"]

    def test_one_that_a_tablet_made_offline_is_that_of_the_plan(self, dana: Met) -> None:
        contact(dana)
        agrees(dana)
        pk = follow_up_id(dana.encounter, "check_24h")
        dana.follow(id=pk, item="check_24h", note="Bring socks.")
        cleared(dana)
        row = FollowUp.objects.get(pk=pk)
        assert (row.item, row.first_from) == ("check_24h", NOON + DAY)
        assert row.content["note"] == "Bring socks."
        assert made(dana) == sorted(CHECKS)


class TestOnWhatItRests:
    def test_nobody_is_followed_up_who_was_not_asked(self, dana: Met) -> None:
        contact(dana)
        cleared(dana)
        assert made(dana) == []
        [row] = MissingAgreement.objects.open()
        assert (row.encounter_id, row.items) == (dana.encounter, CHECKS)
        assert row.ended_at == CLEARED

        agrees(dana)
        assert made(dana) == sorted(CHECKS)
        assert not MissingAgreement.objects.open().exists()

    def test_nor_who_refused(self, dana: Met) -> None:
        contact(dana)
        says(dana, "refused")
        cleared(dana)
        assert made(dana) == []
        assert not MissingAgreement.objects.open().exists()

    def test_a_refusal_ends_what_was_made(self, dana: Met) -> None:
        contact(dana)
        agrees(dana)
        cleared(dana)
        says(dana, "refused", now=CLEARED + HOUR)
        assert ends(dana) == {"no_basis"}

        says(dana, "agreed", now=CLEARED + 2 * HOUR)
        assert ends(dana) == {None}

    def test_a_clinicians_reason_opens_until_its_day(self, dana: Met) -> None:
        contact(dana)
        says(dana, "refused")
        cleared(dana)
        reason(dana, until=date(2026, 3, 8), now=CLEARED + HOUR)
        assert made(dana) == sorted(CHECKS)
        assert ends(dana) == {None}

    @pytest.mark.parametrize("year", [1, 2036, 9999])
    def test_a_clock_that_is_far_off_gives_no_reason_a_later_end(
        self, dana: Met, year: int
    ) -> None:
        said_at = datetime(year, 12, 31, tzinfo=UTC) if year > 1 else datetime(1, 1, 1, tzinfo=UTC)
        with pytest.raises(ProblemError) as refused:
            reason(dana, until=date(max(year, 2027), 12, 31), said_at=said_at)
        assert [one.pointer for one in refused.value.errors] == ["/ends_on"]
        reason(dana, until=date(2026, 3, 20), said_at=said_at)

    def test_a_day_that_is_over_opens_nothing(self, dana: Met) -> None:
        contact(dana)
        cleared(dana)
        reason(dana, until=date(2026, 3, 4))
        FollowUp.objects.all().delete()
        follow_encounter(encounter_id=dana.encounter, now=NOON + 2 * DAY)
        assert made(dana) == []

    def test_who_declined_a_follow_up_is_not_followed_up_after_the_next_call(
        self, dana: Met
    ) -> None:
        contact(dana)
        agrees(dana)
        cleared(dana)
        first = FollowUp.objects.get(item="check_24h")
        declined = NOON + 25 * HOUR
        assert dana.tells("attempted", first, result="declined", way="visit", now=declined) == []

        call, later = dana.world.given(), declined + HOUR
        again = encounter_id(call.pk)
        named = {"assignment_id": str(call.pk), "ordinal": 1, "person_id": str(dana.person)}
        dana.save("encounters", again, now=later, match="confirmed", **named)
        for event in ("acknowledged", "en_route", "on_scene", "contact_made"):
            assert dana.world.tap(event, call, now=later) == []
        assert dana.world.tap("cleared", call, now=later, data={"disposition": "18"}) == []
        assert not FollowUp.objects.of_encounters([again]).exists()
        assert not MissingAgreement.objects.filter(encounter_id=again).exists()


def test_the_plan_comes_with_the_reference_data_and_once(db: None) -> None:
    FollowUpPlan.objects.all().delete()
    call_command("load_reference", verbosity=0)
    call_command("load_reference", verbosity=0)
    assert FollowUpPlan.objects.get().version == "2026-first"


def turned(steps: dict[str, Step]) -> list[list[str]]:
    """Orders in which each step is the first once, and the last; and all the other way round."""
    names = list(steps)
    return [*(names[n:] + names[:n] for n in range(len(names))), names[::-1]]


@contextmanager
def put_back() -> Iterator[None]:
    """What is told inside is rolled back at its end."""
    point = transaction.savepoint()
    yield
    transaction.savepoint_rollback(point)
