"""What CAD has back of our units: their statuses in EIDO's words, and no place."""

from __future__ import annotations

from uuid import UUID

import pytest

from apps.assignments import events
from apps.assignments.codes import PROGRESSED
from apps.assignments.models import Fact
from apps.changes.models import Change
from apps.webhooks import catalogue
from tests.integration.assignments.conftest import World

pytestmark = pytest.mark.django_db


def told() -> list[UUID]:
    return list(
        Change.objects.filter(event=PROGRESSED).order_by("n").values_list("subject", flat=True)
    )


def test_a_tap_is_a_status_of_the_unit_on_the_incident_that_cad_knows(world: World) -> None:
    row = world.given()
    before = len(told())
    world.tap("en_route", row)
    world.tap("on_scene", row)
    world.tap("scene_secured", row, data={"by": "care"})
    en_route, on_scene = told()[before:]
    data = events.status(on_scene)
    assert data is not None
    known = catalogue.named("assignment.status_changed")
    assert known is not None
    known.check(data)
    assert data["secondaryUnitStatusRegistryText"] == ["OnScene"]
    assert data["primaryUnitStatusRegistryText"] == "NotAvailable"
    assert data["incidentTrackingId"] == row.incident.cad_number
    assert data["unitCallSign"] == row.unit.call_sign
    assert known.key(en_route) == known.key(on_scene) == row.pk, "told in order"


def test_cad_is_not_told_what_it_told(world: World) -> None:
    world.given()
    ours = set(Fact.objects.exclude(source="cad").values_list("pk", flat=True))
    assert set(told()) <= ours
    by_cad = Fact.objects.filter(source="cad").values_list("pk", flat=True)
    assert not set(by_cad) & set(told())


def test_a_unit_that_has_left_is_available(world: World) -> None:
    row = world.given()
    world.tap("cleared", row, data={"disposition": "1"})
    newest = told()[-1]
    data = events.status(newest)
    assert data is not None
    assert data["primaryUnitStatusRegistryText"] == "Available"


def test_what_is_not_here_is_not_told() -> None:
    assert events.status(UUID(int=1)) is None
