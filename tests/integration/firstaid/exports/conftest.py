"""What the tests of exports share: calls that are over, with what was given on them."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import pytest

from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.audit.services import SYSTEM, Actor
from apps.core.ids import uuid7
from apps.firstaid import codes
from apps.firstaid.exports import services
from apps.firstaid.exports.services import Tally
from apps.firstaid.models import FirstAidLog, NaloxoneDose, OverdoseAnswer
from apps.people.ids import encounter_id
from apps.people.models import Encounter, EncounterQuerySet
from tests.factories import NOON
from tests.integration.assignments.conftest import World, after

_orders = itertools.count(1_000_000)


def encounter_of(row: Assignment) -> Encounter:
    """The encounter that the timeline has opened."""
    return Encounter.objects.get(pk=encounter_id(row.pk))


def over(world: World, *, disposition: str | None = "18", **call: Any) -> Assignment:
    """A call on which somebody was met, and that is over."""
    row = world.given(**call)
    taps = ("en_route", "on_scene", "contact_made")
    for minute, event in enumerate(taps, 1):
        world.tap(event, row, now=after(60 * minute))
    world.tap(
        "cleared", row, now=after(600), data={"disposition": disposition} if disposition else {}
    )
    row.refresh_from_db()
    return row


def dose(
    row: Assignment | None,
    by: User | None = None,
    *,
    of: Encounter | None = None,
    corrects: NaloxoneDose | None = None,
    **data: Any,
) -> NaloxoneDose:
    """A dose that was tapped five minutes after the call."""
    usual = {"drug": codes.NALOXONE, "dose": 4, "dose_unit": codes.MILLIGRAMS,
             "route": codes.INTRANASAL, "given_by": codes.CARE}  # fmt: skip
    former = corrects.pk if corrects else None
    return _act(NaloxoneDose, row, by, {**usual, **data}, of=of, corrects=former)


def aid(
    row: Assignment, by: User | None = None, *, of: Encounter | None = None, **data: Any
) -> FirstAidLog:
    return _act(FirstAidLog, row, by, data, of=of)


def answer(
    row: Assignment,
    question: str,
    answer: str,
    *,
    about: NaloxoneDose | None = None,
    of: Encounter | None = None,
) -> OverdoseAnswer:
    asked = {"question": question, "dose_id": about.pk if about else None}
    return _act(OverdoseAnswer, row, None, {"answer": answer}, of=of, **asked)


def _act(
    model: Any,
    row: Assignment | None,
    by: User | None,
    data: Any,
    *,
    of: Encounter | None = None,
    **more: Any,
) -> Any:
    act = model(
        id=uuid7(),
        assignment_id=row.pk if row else None,
        encounter_id=of.pk if of else None,
        author=by,
        order=next(_orders),
        device_time=after(300),
        clock_offset_ms=0,
        received_at=after(301),
        source="tablet",
        data=data,
        **more,
    )
    act.save(force_insert=True)
    return act


def xml(
    rows: EncounterQuerySet | None = None,
    *,
    actor: Actor = SYSTEM,
    now: datetime = NOON,
    tally: Tally | None = None,
    narrative: bool = False,
) -> bytes:
    """The whole document of these encounters, of all if none are named."""
    return b"".join(
        services.export_nemsis(
            rows=Encounter.objects.all() if rows is None else rows,
            actor=actor,
            now=now,
            tally=Tally() if tally is None else tally,
            narrative=narrative,
        )
    )


@pytest.fixture
def pages_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "PAGE", 2)
