"""What the other rooms tell of an encounter, as the rules of notes count it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.casenotes.known import known_of
from apps.casenotes.models import Review
from apps.core.ids import uuid7
from tests.integration.casenotes.conftest import MET, NOON, Crew, World, place, saves

pytestmark = pytest.mark.django_db
REFUSED, OXYGEN = {"withheld": "8801019"}, {"drug": "7806"}


def dose(crew: Crew, **told: Any) -> None:
    editor, number = str(crew.first.tablet.instance), next(saves)
    document = {
        "id": str(uuid7()),
        "assignment_id": str(crew.call.pk),
        "device_time": NOON.isoformat(),
        "counter": number,
        "editor": editor,
        "edit_no": number,
    }
    assert crew.first.push("naloxone_doses", {**document, **told}) == []


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ([], (0, 0)),
        ([{}], (1, 0)),
        ([{}, {"given_by": "bystander"}], (2, 0)),
        ([REFUSED], (0, 1)),
        ([OXYGEN], (0, 1)),
        ([{}, REFUSED, OXYGEN], (1, 2)),
    ],
)
def test_a_dose_is_naloxone_that_was_given_and_the_rest_is_aid(
    world: World, crew: Crew, told: list[dict[str, Any]], counted: tuple[int, int]
) -> None:
    crew.met(world)
    for one in told:
        dose(crew, **one)
    found = known_of(crew.call, [place(crew.call)[0]], now=NOON)
    assert (found.doses, found.aid) == counted


@pytest.mark.parametrize(("told", "asked"), [({}, True), (REFUSED, False), (OXYGEN, False)])
def test_a_note_is_reviewed_for_naloxone_that_was_given_alone(
    world: World, crew: Crew, told: dict[str, Any], asked: bool
) -> None:
    crew.met(world)
    dose(crew, **told)
    crew.first.write(crew.call, **MET)
    assert crew.first.sign(crew.call) == []
    assert any("dose" in row.reasons for row in Review.objects.all()) is asked
