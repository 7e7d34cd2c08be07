"""What happens at the same moment on two connections."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from apps.accounts.models import Partner
from apps.audit.services import SYSTEM
from apps.people.ids import encounter_id
from apps.referrals.models import Consent, ReferralTask, Way
from apps.referrals.services import clocks
from apps.referrals.services.answers import Said, answer
from apps.referrals.services.consents import revoke_consent
from apps.referrals.services.disclosures import disclose_to_partner
from tests.integration.assignments.conftest import World, committed_world
from tests.integration.conftest import Elsewhere
from tests.integration.referrals.conftest import NOON, Case, met, partner

__all__ = ["committed_world"]

pytestmark = pytest.mark.django_db(transaction=True)
DUE = NOON + timedelta(minutes=10)


@pytest.fixture
def case(committed_world: World) -> Case:
    return met(committed_world)


@pytest.fixture
def shelter(case: Case) -> Partner:
    return partner("Pioneer Square Shelter")


def accept(task: ReferralTask) -> None:
    said = Said(verb="accept", key="1", way=Way.API, actor=SYSTEM, said_by="Kim", said_at=DUE)
    answer(task=task, said=said, now=DUE)


def task_of(pk: UUID) -> ReferralTask:
    return ReferralTask.objects.get(pk=pk)


def test_an_answer_comes_before_a_reminder_that_is_due(
    case: Case, shelter: Partner, elsewhere: Elsewhere
) -> None:
    task = case.asks(shelter)
    with transaction.atomic():
        accept(task)
        tick = elsewhere.start(lambda: clocks.remind_due(now=DUE))
        elsewhere.until_waiting(tick)

    assert tick.result(timeout=60) == 0
    assert (task_of(task.pk).awaits, task_of(task.pk).clock_step) == ("outcome", 0)


def test_a_reminder_comes_before_an_answer(
    case: Case, shelter: Partner, elsewhere: Elsewhere
) -> None:
    task = case.asks(shelter)
    with transaction.atomic():
        assert clocks.remind_due(now=DUE) == 1
        answered = elsewhere.start(lambda: accept(task_of(task.pk)))
        elsewhere.until_waiting(answered)

    answered.result(timeout=60)
    assert (task_of(task.pk).status, task_of(task.pk).clock_step) == ("accepted", 0)


def test_nothing_is_told_on_a_consent_whose_revocation_comes_first(
    case: Case, shelter: Partner, elsewhere: Elsewhere
) -> None:
    consent: Consent = case.consent(shelter)
    task = case.asks(shelter)
    user = case.world.ours.people[0]

    def read() -> dict[str, Any]:
        asked = disclose_to_partner(task=task_of(task.pk), way=Way.API, actor=SYSTEM, now=NOON)
        return asked.document

    assert "person" in read()
    with transaction.atomic():
        revoke_consent(consent=consent, by=user, actor=SYSTEM, now=NOON)
        reading = elsewhere.start(read)
        elsewhere.until_waiting(reading)

    assert "person" not in reading.result(timeout=60)


def test_two_calls_of_one_person_ask_one_partner_once(
    case: Case, shelter: Partner, elsewhere: Elsewhere
) -> None:
    other = met_again(case)
    with transaction.atomic():
        first = case.asks(shelter)
        second = elsewhere.start(lambda: other.asks(shelter, by=case.world.theirs.tablets[0]))
        elsewhere.until_waiting(second)

    row = second.result(timeout=60)
    assert (row.status, row.duplicate_of) == ("draft", first.pk)


def met_again(case: Case) -> Case:
    """Another call, of another unit, on which the same person was met."""
    world, tablet = case.world, case.world.theirs.tablets[0]
    call = world.call(units=[world.status("Dispatched", of="CARE22")])
    assignment = world.assignment(call, world.theirs.unit)
    other = Case(world, assignment, encounter_id(assignment.pk), case.person)
    here = {"assignment_id": str(assignment.pk), "ordinal": 1}
    named = {"person_id": str(case.person), "match": "confirmed"}
    other.save("encounters", other.encounter, by=tablet, **here, **named)
    return other
