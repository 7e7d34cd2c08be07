from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Partner
from apps.core.ids import uuid7
from apps.people import services as people
from apps.people.models import Person
from apps.referrals.models import ReferralTask, Service
from apps.referrals.services.directory import set_capacity
from tests.integration.referrals.conftest import NOON, Case
from tests.integration.referrals.directory import a_shelter, imported

pytestmark = pytest.mark.django_db
NIGHT = NOON + timedelta(hours=9)


def asked_for(case: Case, service: Service, **more: Any) -> ReferralTask:
    """The task of a referral that names the service alone."""
    pk = uuid7()
    asked = [{"id": str(pk), "service_id": str(service.pk)}]
    here = {"assignment_id": str(case.assignment.pk), "encounter_id": str(case.encounter)}
    case.save("referrals", uuid7(), asked=asked, needs=["homelessness"], **here, **more)
    return ReferralTask.objects.get(pk=pk)


@pytest.fixture
def service(case: Case, shelter: Partner) -> Service:
    row = a_shelter(case.world.commit, of=shelter)
    row.used_for = "shelter"
    row.save()
    return row


def test_a_service_names_its_partner(case: Case, shelter: Partner, service: Service) -> None:
    task = asked_for(case, service)

    assert (task.partner, task.service_id) == (shelter, service.pk)


def test_what_is_against_it_is_flagged_and_it_is_sent(case: Case, service: Service) -> None:
    task = asked_for(case, service)

    assert "check:closed" in task.flags
    assert (task.status, task.open_said) == ("requested", False)


def test_whom_it_does_not_take_is_flagged(case: Case, service: Service) -> None:
    case.save("persons", case.person, birth_year=2012)

    assert "check:too_young" in asked_for(case, service, now=NIGHT).flags


def test_what_is_known_of_whom_they_were_merged_into_counts(case: Case, service: Service) -> None:
    known = uuid7()
    case.save("persons", known, birth_year=2012)
    one, other = (Person.objects.get(pk=pk) for pk in (case.person, known))
    people.merge_persons(person=one, into=other, by=case.world.supervisor, now=NOON)

    assert "check:too_young" in asked_for(case, service, now=NIGHT).flags


def test_what_was_told_of_its_room_is_remembered(
    case: Case, shelter: Partner, service: Service
) -> None:
    set_capacity(
        service_id=service.pk, status="no-capacity", by=shelter, now=NIGHT - timedelta(minutes=5)
    )

    task = asked_for(case, service, now=NIGHT)
    assert "check:full" in task.flags
    assert task.capacity_said is False


def test_whose_service_fits_is_offered_first(
    case: Case, shelter: Partner, clinic: Partner, service: Service
) -> None:
    third = Partner.objects.create(name="A drop-in that is closed for good")
    case.consent(clinic, shelter, third)
    task = case.asks(clinic, now=NIGHT)
    case.say("decline", task, said_by="Lee", reason_code="full", now=NIGHT)

    offers = case.on_tablet(task.referral)["offers"]
    assert [one["partner"] for one in offers] == [shelter.name, third.name]


def test_a_service_of_nobody_who_works_with_us_asks_nobody(case: Case, shelter: Partner) -> None:
    imported()
    service = a_shelter(case.world.commit)
    pk = uuid7()
    here = {"assignment_id": str(case.assignment.pk), "encounter_id": str(case.encounter)}
    asked = [{"id": str(uuid7()), "service_id": str(service.pk)}]
    case.save("referrals", pk, asked=asked, **here)

    assert not ReferralTask.objects.exists()
