from __future__ import annotations

import pytest

from apps.accounts.models import Partner
from apps.audit.services import SYSTEM
from apps.referrals.events import cases as events
from apps.referrals.models import ConsentRecipient, Way
from apps.referrals.services.disclosures import disclose_to_partner
from apps.webhooks import catalogue
from apps.webhooks.catalogue import Lane
from tests.integration.referrals.conftest import NOON, Case

pytestmark = pytest.mark.django_db


def test_a_task_goes_to_its_partner_alone(case: Case, shelter: Partner, clinic: Partner) -> None:
    row = case.refer(shelter, clinic, note="Dana can walk.")
    task = row.tasks.get(partner=shelter)

    assert events.whose_task(task.pk) == {shelter.pk}
    told = events.task(task.pk)
    assert told
    assert (told["status"], told["number"]) == ("requested", row.number)
    catalogue.named("referral.requested").check(told)  # type: ignore[union-attr]
    assert "Dana" not in str(told)


def test_what_was_never_sent_is_not_told(case: Case, shelter: Partner) -> None:
    case.asks(shelter)

    assert events.task(case.asks(shelter).pk) is None


def test_a_revocation_names_what_was_read_on_the_consent(
    case: Case, shelter: Partner, clinic: Partner
) -> None:
    consent = case.consent(shelter, clinic)
    task = case.asks(shelter)
    disclose_to_partner(task=task, way=Way.API, actor=SYSTEM, now=NOON)
    case.tell("consent_revocation", consent_id=str(consent.pk))

    read, unread = (ConsentRecipient.objects.get(partner=partner) for partner in (shelter, clinic))
    assert events.whose_revocation(read.pk) == {shelter.pk}
    told = [events.revocation(one.pk) for one in (read, unread)]
    assert [one and one["task_ids"] for one in told] == [[str(task.pk)], []]


def test_what_must_not_wait_waits_for_nothing() -> None:
    urgent = {one.name for one in catalogue.every_type() if one.lane == Lane.URGENT}

    assert {"consent.revoked", "referral.cancelled"} <= urgent
