"""Later messages about an incident: in any order, without losing a hazard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.changes.published import Event
from apps.dispatch import plain, services
from apps.dispatch.models import Incident, Unit
from tests.factories import NOON
from tests.integration.dispatch.conftest import (
    CAD,
    at,
    care,
    incident,
    names,
    police,
)

pytestmark = pytest.mark.django_db


class TestUpdate:
    def test_leaves_what_it_does_not_speak_of(self, cad: CAD) -> None:
        cad.tell()
        services.receive(
            call=_bare(updated_at=at(1), final_call_type="--CRISIS COMPLAINT - GENERAL"),
            client=cad.client,
            now=NOON,
        )
        row = incident()
        assert row.details["address"] == "3RD AVE / PIKE ST"
        assert row.final_call_type == "CRISIS COMPLAINT - GENERAL"
        assert row.common_type == "MNTL"
        assert len(row.details["narrative"]) == 1

    def test_that_was_overtaken_adds_and_overwrites_nothing(
        self, cad: CAD, heard: list[Event]
    ) -> None:
        cad.tell(updated_at=at(5), address="4TH AVE / PINE ST")
        cad.tell(
            updated_at=at(1),
            premise="bus stop",
            narrative=[{"at": at(1), "text": "HE HAS A DOG"}],
            cautions=[{"text": "dog bites", "severity": "high"}],
            units=[police()],
        )
        row = incident()
        assert row.details["address"] == "4TH AVE / PINE ST"
        assert "older value not taken: address" in row.flags
        assert row.details["premise"] == "bus stop"
        assert [note["text"] for note in row.details["narrative"]][-1] == "HE HAS A DOG"
        assert row.details["cautions"][0]["text"] == "dog bites"
        assert row.units.get().call_sign == "3M21"
        assert names(heard) == ["incident.received", "incident.updated"]

    def test_that_fills_a_gap_is_taken_however_old(self, cad: CAD) -> None:
        cad.tell(updated_at=at(5), address="", location=None)
        cad.tell(updated_at=at(1))
        assert incident().details["address"] == "3RD AVE / PIKE ST"

    def test_never_drops_a_caution(self, cad: CAD) -> None:
        cad.tell(cautions=[{"text": "has a knife", "severity": "low", "kind": "weapon"}])
        cad.tell(updated_at=at(1), cautions=[])
        cad.tell(updated_at=at(2), cautions=[{"text": "Has a KNIFE!", "severity": "highest"}])
        cad.tell(updated_at=at(3), cautions=[{"text": "steep stairs", "severity": "normal"}])
        assert [(c["text"], c["severity"]) for c in incident().details["cautions"]] == [
            ("has a knife", "highest"),
            ("steep stairs", "normal"),
        ]
        assert next(iter(incident().details)) == "cautions"

    @pytest.mark.parametrize(
        ("members", "changed"),
        [
            ({"address": "4TH AVE / PINE ST"}, ["address"]),
            ({"cautions": [{"text": "has a knife"}]}, ["weapon"]),
            ({"cautions": [{"text": "threatened a nurse"}]}, ["violence"]),
            ({"exclusions": {"weapon": "yes"}}, ["weapon"]),
            ({"statuses": ["NewLocation"]}, ["location"]),
            ({"location": {"lat": 47.6117, "lon": -122.3381}}, ["location"]),
            ({"location": {"lat": 47.6100, "lon": -122.3381}}, None),
            ({"cautions": [{"text": "steep stairs", "kind": "premise"}]}, None),
            ({"address": "3rd Ave/Pike St"}, None),
            ({"narrative": [{"at": at(1), "text": "SHE STOOD UP"}]}, None),
            ({"priority_text": "2"}, None),
        ],
    )
    def test_asks_for_a_new_acknowledgement_when_it_is_material(
        self, cad: CAD, members: dict[str, Any], changed: list[str] | None
    ) -> None:
        cad.tell()
        cad.tell(updated_at=at(1), **members, now=NOON + timedelta(minutes=1))
        row = incident()
        assert row.call_revision == (2 if changed else 1)
        revisions = row.details["revisions"]
        assert [one["changed"] for one in revisions] == ([changed] if changed else [])
        cad.tell(updated_at=at(1), **members)
        assert incident().call_revision == (2 if changed else 1)

    def test_keeps_the_former_address_in_sight(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(updated_at=at(1), address="4TH AVE / PINE ST")
        assert [one["value"] for one in incident().details["alternates"]] == ["3RD AVE / PIKE ST"]

    def test_of_the_address_alone_leaves_no_coordinates_of_the_former_one(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(updated_at=at(5), address="4TH AVE / PINE ST", location=None)
        place = incident().details["location"]
        assert (place["address"], place["lat"], place["lon"]) == ("4TH AVE / PINE ST", None, None)
        cad.tell(updated_at=at(6), address="4TH AVE / PINE ST")
        assert incident().details["location"]["lat"] == 47.6097

    def test_of_the_address_leaves_open_what_was_said_of_the_former_premises(
        self, cad: CAD, loaded: None
    ) -> None:
        cad.tell(premise_type="street")
        assert incident().evaluation["exclusions"]["residence"] == "no"
        cad.tell(updated_at=at(5), address="4TH AVE / PINE ST", location=None)
        assert incident().evaluation["exclusions"]["residence"] == "unknown"
        cad.tell(updated_at=at(6), address="4TH AVE / PINE ST", premise_type="street")
        assert incident().evaluation["exclusions"]["residence"] == "no"

    def test_is_evaluated_anew(self, cad: CAD, loaded: None) -> None:
        cad.tell()
        assert incident().verdict == "eligible"
        cad.tell(updated_at=at(1), cautions=[{"text": "threatened a nurse"}])
        assert incident().verdict == "not_eligible"
        assert "violence" in incident().evaluation["text"]


ASSAULT = "ASLT - CRITICAL (NO SHOOTINGS)"


class TestTheEvaluation:
    """Is of what was known while the call could be given."""

    def test_of_a_call_that_nobody_was_sent_to_stands_when_it_is_closed(
        self, cad: CAD, loaded: None
    ) -> None:
        cad.tell()
        cad.tell(updated_at=at(9), event="close", final_call_type=ASSAULT)
        row = incident()
        assert (row.final_call_type, row.verdict) == (ASSAULT, "eligible")
        assert row.evaluation["text"].startswith("eligible: welfare check")
        assert list(Incident.objects.eligible_not_sent()) == [row]
        assert row.verdict_now == row.evaluation["now"]["verdict"] == "not_eligible"
        cad.tell(updated_at=at(12), cautions=[{"text": "has a knife"}])
        assert incident().verdict == "eligible"

    def test_of_one_that_is_heard_of_when_it_is_over_is_by_its_initial_type(
        self, cad: CAD, loaded: None
    ) -> None:
        cad.tell(event="close", final_call_type=ASSAULT)
        assert (incident().verdict, incident().verdict_now) == ("eligible", "not_eligible")

    def test_of_a_dispatch_stands_whatever_the_crew_finds(
        self, cad: CAD, unit: Unit, loaded: None
    ) -> None:
        cad.tell(units=[care()], final_call_type=ASSAULT)
        assert incident().verdict == "eligible"
        cad.tell(updated_at=at(4), cautions=[{"text": "threatened a nurse"}])
        cad.tell(updated_at=at(30), units=[care(status="Cleared", minutes=30)])
        cad.tell(updated_at=at(31), event="close")
        assert (incident().verdict, incident().verdict_now) == ("eligible", "not_eligible")

    def test_is_by_all_that_is_known_when_a_unit_is_sent(
        self, cad: CAD, unit: Unit, loaded: None
    ) -> None:
        cad.tell()
        cad.tell(updated_at=at(1), final_call_type=ASSAULT)
        assert incident().verdict == "not_eligible"
        danger = [{"text": "threatened a nurse"}]
        cad.tell(updated_at=at(2), final_call_type="SERVICE - WELFARE CHECK")
        assert incident().verdict == "eligible"
        cad.tell(updated_at=at(3), units=[care()], cautions=danger)
        assert incident().verdict == "not_eligible"
        assert "now" not in incident().evaluation

    def test_is_made_anew_for_a_call_that_opens_again(self, cad: CAD, loaded: None) -> None:
        cad.tell()
        cad.tell(updated_at=at(9), event="close", final_call_type=ASSAULT)
        cad.tell(updated_at=at(12), event="reopen")
        assert incident().verdict == "not_eligible"
        assert "now" not in incident().evaluation


def _bare(**members: Any) -> Any:
    return plain.parse({"cad_number": "2026000000001", "agency_id": "spd.seattle.gov", **members})


class TestStatus:
    @pytest.mark.parametrize(("event", "status"), [("cancel", "cancelled"), ("close", "closed")])
    def test_ends_and_reopens(self, cad: CAD, heard: list[Event], event: str, status: str) -> None:
        cad.tell()
        cad.tell(updated_at=at(1), event=event)
        assert incident().status == status
        assert incident().closed_at == NOON + timedelta(minutes=1)
        cad.tell(updated_at=at(2), event="reopen")
        assert (incident().status, incident().closed_at) == ("active", None)
        assert names(heard) == ["incident.received", f"incident.{status}", "incident.reopened"]

    def test_of_an_older_message_does_not_close_what_was_reopened(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(updated_at=at(2), event="reopen")
        cad.tell(updated_at=at(1), event="close")
        assert incident().status == "active"
        assert "older value not taken: status" in incident().flags

    def test_of_an_overtaken_message_counts_where_nothing_newer_told_one(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(updated_at=at(2), narrative=[{"at": at(2), "text": "MORE"}])
        cad.tell(updated_at=at(1), event="cancel")
        assert incident().status == "cancelled"

    def test_of_a_first_message_is_told_after_its_coming(
        self, cad: CAD, heard: list[Event]
    ) -> None:
        cad.tell(event="close")
        assert incident().status == "closed"
        assert names(heard) == ["incident.received", "incident.closed"]


class TestAUnitSentAfterTheEnd:
    @pytest.mark.parametrize("event", ["close", "cancel"])
    def test_begins_the_call_again(
        self, cad: CAD, unit: Unit, heard: list[Event], event: str
    ) -> None:
        cad.tell()
        cad.tell(updated_at=at(5), event=event)
        heard.clear()
        cad.tell(updated_at=at(9), units=[care(minutes=8)])
        row = incident()
        assert (row.status, row.closed_at) == ("active", None)
        assert "a unit was sent after the end, taken as re-opened" in row.flags
        assert names(heard) == ["incident.updated", "incident.reopened"]
        cad.tell(updated_at=at(10), event="close")
        assert incident().status == "closed"

    @pytest.mark.parametrize(
        "late",
        [
            {"updated_at": at(4), "units": [care(minutes=4)]},
            {"updated_at": at(9), "units": [care(minutes=4)]},
            {"updated_at": at(9), "units": [police(minutes=8)]},
            {"updated_at": at(9), "event": "close", "units": [care(minutes=8)]},
            {"updated_at": at(9), "units": [care(status="Transporting", minutes=8)]},
        ],
        ids=["before", "sent before", "police", "over", "goes on"],
    )
    def test_is_nobody_who_was_sent_before_or_is_not_ours(
        self, cad: CAD, unit: Unit, late: dict[str, Any]
    ) -> None:
        cad.tell()
        cad.tell(updated_at=at(5), event="close")
        cad.tell(**late)
        assert incident().status == "closed"

    def test_under_a_number_that_was_merged(self, cad: CAD, unit: Unit) -> None:
        cad.tell()
        cad.tell(cad_number="2", merges=[{"kind": "REPLACING", "cad_number": "2026000000001"}])
        cad.tell(cad_number="2", updated_at=at(5), event="close")
        cad.tell(updated_at=at(9), units=[care(minutes=8)])
        assert (incident().status, incident("2").status) == ("merged", "active")
