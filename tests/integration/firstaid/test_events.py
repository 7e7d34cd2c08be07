"""What partners are told of overdoses: where about and how much, early, and nothing of whom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from apps.changes.models import Change
from apps.firstaid import events
from apps.people.ids import encounter_id
from apps.webhooks import catalogue
from tests.integration.assignments.conftest import World
from tests.integration.firstaid.conftest import Stock, Tablets

pytestmark = pytest.mark.django_db


def reported(encounter: UUID) -> dict[str, Any] | None:
    data = events.overdose(encounter)
    known = catalogue.named("overdose.reported")
    assert known is not None
    if data is not None:
        known.check(data)
    return data


def test_a_dose_is_told_while_the_call_is_open(
    world: World, stock: Stock, tablets: Tablets
) -> None:
    row = world.given()
    tablets.dose(row)
    encounter = encounter_id(row.pk)
    assert Change.objects.filter(event="dose.recorded", subject=encounter).exists()
    data = reported(encounter)
    assert data is not None
    assert (data["provisional"], data["outcome"], data["naloxone"]) == (
        True,
        "Unknown",
        "Single dose",
    )
    for degrees in (data["latitude"], data["longitude"]):
        assert degrees is None or len(degrees.split(".")[1]) == 3, "about 110 metres"
    tablets.dose(row)
    more = reported(encounter)
    assert more is not None
    assert (more["naloxone"], more["overdose_id"]) == ("Multiple doses", data["overdose_id"])


def test_what_was_not_given_is_no_overdose(world: World, stock: Stock, tablets: Tablets) -> None:
    row = world.given()
    tablets.dose(row, withheld="refused")
    assert reported(encounter_id(row.pk)) is None


def test_of_an_encounter_that_is_not_here_nothing_is_told() -> None:
    assert reported(UUID(int=1)) is None
