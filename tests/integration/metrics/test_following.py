"""What figures are counted from follows the change log, and can be made anew."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from apps.assignments.models import Fact
from apps.assignments.records import look_at
from apps.casenotes.models import RecordKind
from apps.core.clock import iso
from apps.firstaid import codes
from apps.metrics import services
from apps.metrics.models import DispatchFigures, HandoffFigures, LogReader
from apps.metrics.periods import Period
from apps.metrics.services.counting import declined_of, figures_of
from tests.integration.casenotes.conftest import MET, Crew, World, after

pytestmark = pytest.mark.django_db

THAT_DAY = Period(date(2026, 3, 4), date(2026, 3, 4), ZoneInfo("America/Los_Angeles"))


def row_of(crew: Crew) -> DispatchFigures:
    return DispatchFigures.objects.get(pk=crew.call.pk)


def police(world: World, status: str, at: float, *, active: bool = True) -> dict[str, Any]:
    return world.status(status, at=after(at), of="2K21", active=active)


def played(world: World, crew: Crew) -> None:
    """A call with police, met after ten minutes, ended after an hour; police left in between."""
    number = crew.call.incident.cad_number
    world.call(number=number, units=[world.status("Dispatched"), police(world, "Dispatched", 10)])
    world.call(number=number, now=after(500), units=[police(world, "Arrived", 500)])
    world.tap("acknowledged", crew.call, now=after(60))
    world.tap("on_scene", crew.call, now=after(600))
    world.tap("contact_made", crew.call, now=after(660))
    world.call(number=number, now=after(1800), units=[police(world, "Cleared", 1800, active=False)])
    crew.cleared(world, now=after(3600))


def test_a_dispatch_is_counted_as_its_timeline_tells_it(world: World, crew: Crew) -> None:
    played(world, crew)
    assert services.follow_log() > 0
    row = row_of(crew)
    assert (row.entry_kind, row.beat, row.closing, row.disposition) == (
        *("dual_911", "M3"),
        *("cleared", "18"),
    )
    assert (row.acknowledged_at, row.on_scene_at, row.contact_at, row.closed_at) == tuple(
        map(after, (60, 600, 660, 3600))
    )
    assert (row.met, row.encounters, row.record) == (True, 1, "")
    handoff = HandoffFigures.objects.get(pk=crew.call.incident_id)
    assert (handoff.took_over, handoff.police_units, handoff.police_known) == (True, 1, 1)
    assert handoff.police_seconds == 1800


def test_a_note_that_is_signed_later_is_counted_later(world: World, crew: Crew) -> None:
    crew.met(world)
    crew.first.write(crew.call, **MET)
    crew.cleared(world, now=after(60))
    services.follow_log()
    assert row_of(crew).record == ""
    crew.first.sign(crew.call, now=after(90))
    services.follow_log()
    assert row_of(crew).record == RecordKind.FULL


def test_a_dose_is_counted_and_what_was_withdrawn_or_is_no_naloxone_is_not(
    world: World, crew: Crew
) -> None:
    crew.met(world)
    dose = {
        "assignment_id": str(crew.call.pk),
        "given_by": codes.CARE,
        "given_at": iso(after(30)),
        "counter": 1,
    }
    ids = [str(uuid4()) for _ in range(4)]
    for place, (id, more) in enumerate(
        [
            (ids[0], {}),
            (ids[1], {"given_by": "police"}),
            (ids[2], {"corrects": ids[0], "withdrawn": True}),
            (ids[3], {"drug": "7806"}),
        ]
    ):
        edit = {"editor": str(crew.first.tablet.instance), "edit_no": 500 + place}
        assert crew.first.push("naloxone_doses", {**dose, **more, **edit, "id": id}) == []
        services.follow_log()
        row = row_of(crew)
        assert (row.doses, row.naloxone) == [(1, 1), (1, 2), (0, 1), (0, 1)][place]


def test_a_correction_after_the_end_is_counted(world: World, crew: Crew) -> None:
    crew.met(world)
    crew.cleared(world, now=after(60))
    services.follow_log()
    arrived = Fact.objects.of(crew.call.pk).get(event="on_scene")
    told = {"corrects": str(arrived.pk), "time": iso(after(-5)), "reason": "wrong_time"}
    world.tap("corrected", crew.call, now=after(120), data=told)
    services.follow_log()
    assert row_of(crew).on_scene_at == after(-5)


def test_read_up_to_the_head_there_is_nothing_to_do(world: World, crew: Crew) -> None:
    assert services.follow_log() > 0
    assert services.follow_log() == 0


def test_a_long_log_is_read_batch_by_batch(
    world: World, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.metrics.services.following.LARGEST_BATCH", 1)
    played(world, crew)
    assert services.follow_log() > 1
    assert row_of(crew).closing == "cleared"
    assert LogReader.objects.count() == 1


def test_one_that_cannot_be_read_holds_up_no_other(
    world: World, crew: Crew, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = world.given()
    broken = crew.call.incident_id

    def refuse(row: Any) -> Any:
        if row.incident_id == broken:
            raise ValueError("a secret of the record")
        return look_at(row)

    monkeypatch.setattr("apps.metrics.services.following.look_at", refuse)
    services.follow_log()
    assert not DispatchFigures.objects.filter(pk=crew.call.pk).exists()
    assert DispatchFigures.objects.filter(pk=other.pk).exists()
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        "figures of an incident cannot be made: ValueError"
    ]


def test_all_of_it_can_be_made_anew(
    world: World, crew: Crew, capsys: pytest.CaptureFixture[str]
) -> None:
    played(world, crew)
    world.given()
    services.follow_log()
    before = list(DispatchFigures.objects.order_by("pk").values())
    DispatchFigures.objects.all().delete()
    HandoffFigures.objects.all().delete()
    call_command("rebuild_figures")
    assert capsys.readouterr().out == "2 incidents counted anew.\n"
    assert list(DispatchFigures.objects.order_by("pk").values()) == before


def test_a_dispatch_that_goes_with_a_merged_incident_is_counted_there_alone(
    world: World, crew: Crew
) -> None:
    gone, into = crew.call.incident, world.call(units=[])
    services.follow_log()
    assert HandoffFigures.objects.filter(pk=gone.pk).exists()
    relation = {"kind": "REPLACED", "cad_number": into.cad_number}
    world.call(number=gone.cad_number, now=after(60), merges=[relation], event="merge")
    services.follow_log()
    assert row_of(crew).incident_id == into.pk
    assert [one.pk for one in HandoffFigures.objects.all()] == [into.pk]


def test_figures_of_a_day(world: World, crew: Crew) -> None:
    played(world, crew)
    off = world.given()
    world.tap("declined", off, now=after(30), data={"agency": "care", "reason": "too_far"})
    services.follow_log()
    told = figures_of(THAT_DAY)
    assert (told["dispatches"].value, told["response"].value) == (2, 10.0)
    assert (told["contact"].numerator, told["contact"].denominator) == (1, 1)
    assert told["police_minutes"].value == 30
    assert {name: one.numerator for name, one in told["outcomes"].parts.items()} == {
        "cleared": 1,
        "declined": 1,
    }
    assert declined_of(THAT_DAY) == {"care:too_far": 1}
    yesterday = Period(date(2026, 3, 3), date(2026, 3, 3), THAT_DAY.zone)
    assert figures_of(yesterday)["dispatches"].value == 0
