"""`/readyz` says that nobody hands messages over, once somebody could be sent one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Role
from apps.core import clock
from apps.core.models import Heartbeat
from apps.notify.models import Channel
from apps.notify.readiness import worker
from apps.notify.tasks import hand_over
from apps.referrals.models import PartnerContact
from apps.referrals.services import links
from tests.factories import NOON, partner, person
from tests.integration.notify.conftest import reached_by

pytestmark = pytest.mark.django_db


def test_while_nobody_can_be_sent_anything_no_worker_is_missed() -> None:
    assert worker()


def test_once_one_of_us_can_be_it_is() -> None:
    reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
    assert not worker()


def test_once_a_partner_can_be_it_is() -> None:
    contact = PartnerContact(partner=partner()[1], name="Desk", destination="desk@example.org")
    links.note_contact(contact=contact, by=person(Role.SUPERVISOR), now=NOON)
    assert not worker()


def test_a_task_that_ran_shows_it_for_a_while() -> None:
    reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
    hand_over()
    assert worker()
    Heartbeat.objects.beat("notify", now=clock.now() - timedelta(minutes=5))
    assert not worker()
