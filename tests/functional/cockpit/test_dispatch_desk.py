"""What the dispatch desk tells for a unit, in a real browser; tablets on their sockets hear it."""

from __future__ import annotations

from apps.assignments.models import Alert, Assignment, Fact
from apps.audit.models import Entry
from tests.functional.cockpit.conftest import PageOf
from tests.integration.assignments.conftest import World, events
from tests.integration.cockpit.owed import HARMLESS
from tests.probe.client import SocketClient, joined
from tests.processes import Server


def stands(tablet: SocketClient, state: str) -> bool:
    """The one call on this tablet has come to this state."""
    return [call["state"] for call in tablet.documents.values()] == [state]


def test_what_is_heard_by_radio_is_told_for_the_unit(
    world: World, shared: Server, page_of: PageOf
) -> None:
    row = world.given()
    page = page_of(world.dispatcher)
    page.open("desk/")
    crew = world.ours.tablets[0]
    with joined(shared.ws_url, crew, checkpoints={"assignments": None}) as tablet:
        page.sees("#unit-rows tr", "CARE21", "not acknowledged")
        page.press("Acknowledge")
        page.sees("#unit-rows td.state", "Acknowledged")
        page.press("En route")
        page.sees("#unit-rows td.state", "En route")  # its button says the same
        page.press("On scene")
        tablet.until(lambda: stands(tablet, "on_scene"))
        page.press("Emergency")
        page.sees("#urgent-rows li", "emergency", "CARE21")
        page.press("Acknowledge: emergency CARE21")
        page.sees_no("#urgent-rows li")
        page.expand("Clear")
        page.choose("Disposition", "18")
        page.press("Clear")
        tablet.until(lambda: stands(tablet, "closed"))
        page.sees("#unit-rows tr", "CARE21", "Available")
    told = events(row, source="desk")
    assert told == ["acknowledged", "en_route", "on_scene", "emergency", "cleared"]
    assert {fact.author_id for fact in Fact.objects.filter(source="desk")} == {world.dispatcher.pk}
    assert all(not fact.flags for fact in Fact.objects.filter(source="desk"))
    assert Alert.objects.get().acknowledged_by == world.dispatcher
    assert Entry.objects.filter(action="record", actor_id=world.dispatcher.pk).count() == 5


def test_a_call_is_given_to_another_unit_and_reaches_its_tablet(
    world: World, shared: Server, page_of: PageOf
) -> None:
    row = world.given()
    page = page_of(world.supervisor)
    page.open("desk/")
    with (
        joined(shared.ws_url, world.ours.tablets[0], checkpoints={"assignments": None}) as ours,
        joined(shared.ws_url, world.theirs.tablets[0], checkpoints={"assignments": None}) as theirs,
    ):
        ours.until(lambda: ours.has(row.pk))
        page.sees("#unit-rows tr", "CARE21", "not acknowledged")
        page.expand("Give to another unit")
        page.choose("Unit", "CARE22: Available")
        page.fill("Reason", "they are nearer")
        page.press("Give")
        theirs.until(lambda: theirs.has(row.pk))
        ours.until(lambda: not ours.has(row.pk))
    page.sees("#unit-rows tr", "CARE22", "Assigned")
    assert Entry.objects.filter(action="reassign", actor_id=world.supervisor.pk).exists()


def test_a_call_that_nobody_was_sent_to_is_given_away(world: World, page_of: PageOf) -> None:
    fit = world.call(units=[], exclusions=HARMLESS)
    world.call(units=[], exclusions={**HARMLESS, "violence": "yes"})
    page = page_of(world.dispatcher)
    page.open("desk/")
    page.sees("#waiting-rows tr", str(fit.cad_number))
    page.press(f"Assign {fit.cad_number}")  # no unit is chosen
    page.sees("#waiting-rows .told", "UUID")
    page.choose("Unit", "CARE21: Available")
    page.press(f"Assign {fit.cad_number}")
    page.sees("#unit-rows tr", "CARE21", "Assigned", str(fit.cad_number))
    page.sees_no("#waiting-rows tr")
    assert Assignment.objects.get().given_by == world.dispatcher
    page.forgive("status of 400")


def test_an_act_whose_answer_is_lost_is_done_once(world: World, page_of: PageOf) -> None:
    row = world.given()
    page = page_of(world.dispatcher)
    page.open("desk/")
    page.sees("#unit-rows tr", "CARE21", "not acknowledged")
    page.lose_answers("**/facts")
    page.press("On scene")
    page.sees("#unit-rows .told", "Press again: it is done once")
    page.press("On scene")
    page.sees("#unit-rows tr", "CARE21", "On scene")
    assert events(row, source="desk") == ["on_scene"]
    page.forgive("ERR_FAILED", "status of 504", "net::")
