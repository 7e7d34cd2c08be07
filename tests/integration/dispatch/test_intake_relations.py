"""Incidents that CAD merges, splits and links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.changes.published import Event
from apps.dispatch import services
from apps.dispatch.models import IncidentLink, Unit
from tests.factories import NOON
from tests.integration.dispatch.conftest import (
    CAD,
    at,
    care,
    incident,
    names,
    police,
    state,
)

pytestmark = pytest.mark.django_db


class TestMerge:
    def test_moves_hazards_notes_and_units_to_the_one_that_stays(
        self, cad: CAD, unit: Unit, heard: list[Event]
    ) -> None:
        cad.tell(
            units=[care()],
            cautions=[{"text": "has a knife"}],
            narrative=[{"at": at(0), "text": "FIRST CALLER"}],
        )
        cad.tell(cad_number="2", narrative=[{"at": at(1), "text": "SECOND CALLER"}])
        heard.clear()
        cad.tell(
            cad_number="2",
            updated_at=at(2),
            merges=[{"kind": "REPLACING", "cad_number": "2026000000001"}],
        )
        old, new = incident(), incident("2")
        assert (old.status, old.merged_into) == ("merged", new)
        assert new.status == "active"
        assert [c["text"] for c in new.details["cautions"]] == ["has a knife"]
        assert {n["text"] for n in new.details["narrative"]} >= {"FIRST CALLER", "SECOND CALLER"}
        assert new.units.get().unit == unit
        assert new.call_revision == 2
        assert [(event.name, event.subject) for event in heard] == [
            ("incident.merged", old.pk),
            ("incident.updated", new.pk),
        ]

    def test_told_by_the_one_that_goes_is_the_same(self, cad: CAD, heard: list[Event]) -> None:
        cad.tell()
        cad.tell(cad_number="2")
        cad.tell(
            updated_at=at(2), event="merge", statuses=["Closed"],
            merges=[{"kind": "REPLACED", "cad_number": "2"}],
        )  # fmt: skip
        assert incident().merged_into == incident("2")
        assert "incident.closed" not in names(heard)

    def test_into_one_that_has_not_come_begins_it(
        self, cad: CAD, unit: Unit, heard: list[Event]
    ) -> None:
        cad.tell(units=[care()], cautions=[{"text": "has a knife"}])
        cad.tell(updated_at=at(1), merges=[{"kind": "REPLACED", "cad_number": "2"}])
        new = incident("2")
        assert incident().merged_into == new
        assert new.details["cautions"][0]["text"] == "has a knife"
        assert new.units.get().unit == unit
        assert "known only from another incident" in new.flags
        assert names(heard) == ["incident.received", "incident.merged", "incident.received"]
        received = cad.tell(cad_number="2", updated_at=at(2), address="4TH AVE / PINE ST")
        assert not received.created
        assert incident("2").details["address"] == "4TH AVE / PINE ST"
        assert incident("2").details["cautions"][0]["text"] == "has a knife"

    def test_of_one_that_has_not_come_waits_for_it(self, cad: CAD) -> None:
        cad.tell(merges=[{"kind": "REPLACING", "cad_number": "2"}])
        cad.tell(cad_number="2", cautions=[{"text": "has a knife"}])
        assert incident("2").status == "merged"
        assert incident().details["cautions"][0]["text"] == "has a knife"
        assert incident().call_revision == 2

    def test_passes_on_what_is_told_of_the_old_number(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(cad_number="2", merges=[{"kind": "REPLACING", "cad_number": "2026000000001"}])
        cad.tell(updated_at=at(3), event="close", cautions=[{"text": "has a knife"}])
        assert incident().status == "merged"
        assert incident("2").status == "active"
        assert incident("2").details["cautions"][0]["text"] == "has a knife"

    def test_passes_on_the_units_that_are_told_of_the_old_number(
        self, cad: CAD, unit: Unit
    ) -> None:
        cad.tell(merges=[{"kind": "REPLACING", "cad_number": "2"}])
        late = {"cad_number": "2", "units": [care(), police()]}
        cad.tell(**late)
        assert incident("2").merged_into == incident()
        sent = {row.call_sign: row for row in incident().units.all()}
        assert sent["CARE-21"].unit == unit
        assert set(sent["3M21"].times) == {"Dispatched"}
        before = state()
        assert not cad.tell(**late).changed
        assert state() == before

    def test_passes_a_unit_on_that_is_told_without_a_status(self, cad: CAD, unit: Unit) -> None:
        cad.tell(merges=[{"kind": "REPLACING", "cad_number": "2"}])
        cad.tell(cad_number="2", units=[{"call_sign": "CARE21"}])
        assert incident().units.get().unit == unit

    def test_adds_what_is_told_of_a_unit_that_is_there_already(self, cad: CAD, unit: Unit) -> None:
        cad.tell(
            units=[care(), police(status="OnScene", minutes=3)],
            merges=[{"kind": "REPLACING", "cad_number": "2"}],
        )
        units = [care(status="EnRoute", minutes=2), police(status="Cleared", minutes=6)]
        cad.tell(cad_number="2", updated_at=at(6), units=units)
        rows = {row.call_sign: row for row in incident().units.all()}
        assert (rows["CARE-21"].status, rows["CARE-21"].detached_at) == ("EnRoute", None)
        assert set(rows["3M21"].times) == {"OnScene", "Cleared"}

    @pytest.mark.parametrize(
        "left", [care(status="Cleared", minutes=5), {**care(minutes=5), "active": False}]
    )
    def test_ends_no_unit_of_ours_that_leaves_the_old_number(
        self, cad: CAD, unit: Unit, left: dict[str, Any]
    ) -> None:
        cad.tell(units=[care()], merges=[{"kind": "REPLACING", "cad_number": "2"}])
        cad.tell(cad_number="2", units=[care()])
        cad.tell(cad_number="2", updated_at=at(5), units=[left])
        assert incident("2").units.get().detached_at is not None
        assert incident().units.get().detached_at is None

    def test_brings_nobody_back_whom_a_desk_took_off_since(self, cad: CAD, unit: Unit) -> None:
        cad.tell(units=[care()])
        cad.tell(cad_number="2", units=[care(status="EnRoute", minutes=1)])
        services.detach_unit(incident=incident(), unit=unit, now=NOON + timedelta(minutes=3))
        merge = [{"kind": "REPLACING", "cad_number": "2"}]
        cad.tell(updated_at=at(4), merges=merge)
        row = incident().units.get()
        assert set(row.times) == {"Dispatched", "EnRoute"}
        assert row.detached_at is not None
        late = care(status="OnScene", minutes=2)
        cad.tell(cad_number="2", updated_at=at(2), units=[late])
        assert incident().units.get().detached_at is not None
        cad.tell(cad_number="2", updated_at=at(5), units=[care(status="Staging", minutes=5)])
        assert incident().units.get().detached_at is None

    def test_is_undone_by_a_reopen_and_not_done_again_by_a_repeat(self, cad: CAD) -> None:
        cad.tell()
        merge = {"kind": "REPLACING", "cad_number": "2026000000001"}
        cad.tell(cad_number="2", updated_at=at(1), merges=[merge])
        cad.tell(updated_at=at(2), event="reopen")
        assert (incident().status, incident().merged_into) == ("active", None)
        cad.tell(cad_number="2", updated_at=at(3), merges=[merge])
        assert incident().status == "active"

    def test_in_a_circle_is_not_done(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(cad_number="2", merges=[{"kind": "REPLACING", "cad_number": "2026000000001"}])
        cad.tell(updated_at=at(2), merges=[{"kind": "REPLACING", "cad_number": "2"}])
        assert incident().status == "merged"
        assert incident("2").status == "active"
        assert "merge contradicts an earlier one, not done" in incident("2").flags


class TestLinks:
    def test_and_splits_are_kept_and_told(self, cad: CAD, heard: list[Event]) -> None:
        cad.tell()
        cad.tell(
            updated_at=at(1),
            links=[{"kind": "RELATED", "cad_number": "7", "reason": "same person"}],
            merges=[{"kind": "SPLIT", "cad_number": "8"}],
        )
        rows = {row.kind: row for row in IncidentLink.objects.all()}
        assert rows["RELATED"].reason == "same person"
        assert rows["SPLIT"].cad_number == "8"
        assert incident().status == "active"
        assert names(heard) == ["incident.received", "incident.linked"]

    def test_end_by_unlink(self, cad: CAD) -> None:
        cad.tell(links=[{"kind": "PARENT", "cad_number": "7"}])
        cad.tell(updated_at=at(1), links=[{"kind": "UNLINK", "cad_number": "7"}])
        assert [row.kind for row in IncidentLink.objects.all()] == ["UNLINK"]
        cad.tell(updated_at=at(2), links=[{"kind": "CHILD", "cad_number": "7"}])
        assert [row.kind for row in IncidentLink.objects.all()] == ["CHILD"]
