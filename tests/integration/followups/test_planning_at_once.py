"""What asks for a follow-up, and the end of its call, at the same moment on two connections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Event

import pytest
from django.db import transaction

from apps.audit.services import SYSTEM
from apps.followups.models import FollowUp, FollowUpAgreement
from apps.followups.services.plans import load_plans
from apps.people.ids import encounter_id
from tests.integration.conftest import Elsewhere
from tests.integration.followups.conftest import NOON, Met, committed_world, met_elsewhere
from tests.integration.followups.test_planning import (
    CHECKS,
    agrees,
    cleared,
    contact,
    dose,
    made,
    says,
)
from tests.integration.referrals.conftest import World, met

__all__ = ["committed_world"]

pytestmark = pytest.mark.django_db(transaction=True)

LATER = NOON + timedelta(hours=1)


def meanwhile(
    elsewhere: Elsewhere, first: Callable[[], object], second: Callable[[], object]
) -> None:
    """Does the second while the first is done and not committed; it has to wait."""
    told, go_on = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            first()
            told.set()
            assert go_on.wait(60)

    held = elsewhere.start(hold)
    assert told.wait(60)
    other = elsewhere.start(second)
    elsewhere.until_waiting(other)
    go_on.set()
    held.result(60)
    other.result(60)


def test_nothing_is_made_once_a_refusal_on_another_call_has_committed(
    committed_world: World, elsewhere: Elsewhere
) -> None:
    load_plans(by=SYSTEM, now=NOON)
    dana = Met(**vars(met(committed_world)))
    contact(dana)
    agrees(dana)
    cleared(dana)
    other = met_elsewhere(dana, person=dana.person, now=LATER)
    by = committed_world.theirs.tablets[0]
    meanwhile(
        elsewhere,
        lambda: says(other, "refused", by=by, now=LATER),
        lambda: dose(dana, now=LATER),
    )
    assert FollowUpAgreement.objects.count() == 2
    assert "check_24h" in made(dana)
    assert "after_dose" not in made(dana)


def test_who_is_met_while_the_call_ends_is_followed_up(
    committed_world: World, elsewhere: Elsewhere
) -> None:
    load_plans(by=SYSTEM, now=NOON)
    dana = Met(**vars(met(committed_world)))
    contact(dana)
    second = encounter_id(dana.assignment.pk, 2)
    here = {"assignment_id": str(dana.assignment.pk)}
    told = {"encounter_id": str(second), "basis": "agreed"}
    assert dana.tell("follow_up_agreement", now=LATER, **here, **told) == []
    meanwhile(
        elsewhere,
        lambda: dana.save("encounters", second, now=LATER, ordinal=2, **here),
        lambda: cleared(dana, now=LATER),
    )
    items = FollowUp.objects.of_encounters([second]).values_list("item", flat=True)
    assert set(items) == set(CHECKS)
