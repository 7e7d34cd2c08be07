"""The codes agree with the registries they are taken from, and with each other."""

from __future__ import annotations

import json

import pytest

from apps.assignments import codes
from apps.assignments.timeline.fields import FIELDS
from tests.data import shared_data


def registry(name: str) -> dict[str, str]:
    registries = json.loads(shared_data("eido", "eido_registries.json").read_text("utf-8"))
    return {row["value"]: row["description"] for row in registries[name]}


def test_every_eido_status_stands_in_the_registry() -> None:
    known = registry("Secondary Unit Status-Common")
    used = {status for kind in codes.EVENTS.values() for status in kind.eido}
    used |= {status for statuses in codes.UNIT_STATUSES.values() for status in statuses}
    assert used <= set(known)


def test_the_dispositions_are_those_of_apco() -> None:
    known = json.loads(shared_data("code_lists.json").read_text("utf-8"))
    apco = {
        row["value"]: row["description"] for row in known["apco_disposition_codes_1_111_2_2018"]
    }
    assert set(apco) == codes.DISPOSITION_CODES
    assert {code: apco[code] for code in codes.DISPOSITIONS} == codes.DISPOSITIONS


def test_every_event_says_what_its_data_may_hold() -> None:
    assert set(FIELDS) == set(codes.EVENTS)


@pytest.mark.parametrize(
    "event",
    [
        *("received", "acknowledged", "en_route", "staged", "on_scene", "scene_secured"),
        *("contact_made", "unable_to_locate", "police_released", "scene_unsafe", "transporting"),
        *("arrived_destination", "cleared", "cancelled", "declined", "assist", "emergency"),
        *("opened", "check_in", "corrected"),
    ],
)
def test_whatever_happens_in_the_field_is_a_tap(event: str) -> None:
    assert "tablet" in codes.EVENTS[event].told_by


def test_safety_reasons_are_reasons() -> None:
    assert set(codes.DECLINE_REASONS) >= codes.SAFETY_REASONS


def test_sources_of_events_are_sources() -> None:
    assert {source for kind in codes.EVENTS.values() for source in kind.told_by} == set(
        codes.SOURCES
    )


@pytest.mark.parametrize(
    ("eido", "status"),
    [
        (["Dispatched"], "dispatched"),
        (["EnRoute", "Dispatched"], "en_route"),
        (["OnScene"], "arrived"),
        (["Cleared", "OnScene"], "cleared"),
        (["Arrived", "Hospital"], None),
        (["EnRoute", "AlternateLocation"], None),
        (["EnRoute", "Staging"], "en_route"),
        (["Arrived", "Staging"], "staged"),
        (["AssignmentCancelled"], "cancelled"),
        (["Meal"], None),
        ([], None),
    ],
)
def test_the_status_of_another_agencys_unit(eido: list[str], status: str | None) -> None:
    assert codes.unit_status(eido) == status


@pytest.mark.parametrize(
    ("eido", "event"),
    [
        (["AcknowledgedTransmission"], "acknowledged"),
        (["EnRoute"], "en_route"),
        (["EnRoute", "AlternateLocation"], None),
        (["Staging"], "staged"),
        (["EnRoute", "Staging"], "en_route"),
        (["Arrived", "Staging"], "staged"),
        (["OnScene"], "on_scene"),
        (["Arrived"], "on_scene"),
        (["PatientContact", "OnScene"], "contact_made"),
        (["Transporting"], "transporting"),
        (["Transporting", "Hospital"], "transporting"),
        (["Transporting", "EnRoute"], "transporting"),
        (["Arrived", "Hospital"], "arrived_destination"),
        (["Arrived", "AlternateLocation"], "arrived_destination"),
        (["Hospital"], "arrived_destination"),
        (["Cleared"], "cleared"),
        (["AssignmentCancelled", "Cleared"], "cancelled"),
        (["Meal"], None),
        ([], None),
    ],
)
def test_the_event_of_a_care_units_status(eido: list[str], event: str | None) -> None:
    assert codes.own_unit_event(eido) == event
