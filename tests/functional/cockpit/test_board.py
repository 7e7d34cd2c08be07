"""The live board, in a real browser, over the real socket."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Page, WebSocketRoute, expect

from apps.accounts import services as accounts
from apps.accounts.models import Role
from apps.assignments import services as assignments
from apps.assignments.models import Assignment
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.dispatch import services as dispatch
from tests import axe
from tests.factories import person, team
from tests.functional.cockpit.conftest import Cad, PageOf
from tests.integration.assignments.conftest import World
from tests.probe.client import joined
from tests.processes import Processes, Server


def test_a_call_comes_onto_the_board_by_itself(world: World, cad: Cad, page_of: PageOf) -> None:
    page = page_of(world.supervisor)
    first = world.ours.people[0].display_name
    page.sees("#unit-rows tr", "CARE21", "Available", first)
    page.sees("#unit-rows tr", "CARE22", "Available")
    page.sees("#no-awaiting", "Every call is acknowledged")

    number = cad.call(world)
    page.sees("#unit-rows tr", "CARE21", "Assigned", "not acknowledged", "3RD AVE / PIKE ST")
    page.sees("#awaiting-rows tr", "CARE21", number, "second responder in 0:")
    page.sees("#place-rows li", number, "beat M3")
    page.sees("#map .mark.call", "C")
    page.sees("#map .mark.unit", "CARE21")

    row = world.assignment()
    world.acknowledge(row)
    page.sees("#unit-rows tr", "CARE21", "Acknowledged")
    page.sees_no("#awaiting-rows tr")
    dispatch.leave_crew(user=world.theirs.people[0], by=SYSTEM, now=clock.now())
    page.sees("#unit-rows tr", "CARE22", "No crew")
    page.press(f"{number}, SERVICE - WELFARE CHECK")
    page.sees(".leaflet-popup", number, "assignment")
    page.press("Close popup")
    cad.call(world, cad_number=number, address="7TH AVE / JAMES ST")
    page.press(f"{number}, SERVICE - WELFARE CHECK: 7TH AVE / JAMES ST, beat M3")
    page.sees(".leaflet-popup", "7TH AVE / JAMES ST")


def test_a_call_for_help_is_seen_heard_and_answered(
    world: World, shared: Server, page_of: PageOf
) -> None:
    row = world.given()
    page = page_of(world.dispatcher)
    page.sees("#sound-told", "Sound is off")
    page.press("Switch sound on")
    page.sees("#sound-told", "Sound is on")
    assert page.tones() is None
    crew = world.ours.tablets[0]
    with joined(shared.ws_url, crew, checkpoints={"facts": None}) as tablet:
        position = {"lat": 47.61, "lon": -122.33}
        world.tap("emergency", row, now=clock.now(), data={"position": position})
        page.sees("#urgent-rows li", "emergency", "CARE21", "3RD AVE / PIKE ST")
        page.sees("#unit-rows tr.help", "CARE21", "CALLS FOR HELP")
        page.sees("#cried", "emergency, CARE21")
        page.hears_a_tone()

        page.press("Acknowledge: emergency CARE21")
        page.sees_no("#urgent-rows li")

        def answered() -> bool:
            calls = [d for d in tablet.documents.values() if d.get("event") == "emergency"]
            alert = calls[0]["alert"] if calls else {}
            return bool(alert.get("acknowledged_by") == world.dispatcher.display_name)

        tablet.until(answered)


def test_a_call_for_help_that_came_late_says_so_and_rings(world: World, page_of: PageOf) -> None:
    row = world.given()
    page = page_of(world.dispatcher)
    page.press("Switch sound on")
    page.sees("#sound-told", "Sound is on")
    now = clock.now()
    made = world.document("emergency", row, now=now - timedelta(days=2))
    world.push(made, now=now)
    page.sees("#urgent-rows li.urgent", "emergency", "came 48 h 00 min later", "for ")
    page.sees("#cried", "came 48 h 00 min later")
    page.hears_a_tone()
    page.open("desk/")
    page.sees("#urgent-rows li.urgent", "came 48 h 00 min later")


def test_a_number_that_waits_is_settled_from_the_board(
    world: World, cad: Cad, page_of: PageOf
) -> None:
    number = cad.call(world, units=[world.status("Dispatched", of="CARE22", at=clock.now())])
    id = uuid7()
    now = clock.now()
    assert world.tap("opened", id, now=now, data={"entry": "on_view"}) == []
    row = Assignment.objects.get(pk=id)
    page = page_of(world.supervisor)
    page.sees('#board[data-state="live"]')
    page.sees_no("#numbers")
    by = world.ours.people[0]
    assignments.link(assignment=row, cad_number=number, by=by, now=now)
    page.sees("#number-rows li", f"CAD number {number}: waits to be confirmed", by.display_name)
    page.sees("#unit-rows tr", "CARE21", f"no CAD number ({number} to be confirmed)")
    page.open("")
    page.sees("#tile-numbers .count", "1")
    page.follow("confirm or refuse it")
    page.sees("#content", number, "Confirm the CAD number")
    page.open("")
    waiting = Assignment.objects.get(pk=id)
    assignments.confirm_link(assignment=waiting, by=world.supervisor, now=clock.now())
    page.sees("#unit-rows tr", "CARE21", number)
    page.sees_no("#numbers")


def test_a_page_is_visibly_stale_and_comes_back_by_itself(
    world: World, processes: Processes, page_of: PageOf
) -> None:
    server = processes.server(HEARTBEAT_SECONDS="0.5")
    page = page_of(world.supervisor, url=server.url)
    page.sees('#board[data-state="live"]')
    page.sees_no("#stale")
    server.stop()
    page.sees('#board[data-state="stale"]')
    page.sees("#stale", "may be out of date")
    faded = "every => every.map(one => Number(getComputedStyle(one).opacity))"
    opacities = page.do(lambda page: page.locator(".live").evaluate_all(faded))
    assert len(opacities) == 2, "what is live, and the map"
    assert max(opacities) < 1
    world.given()  # meanwhile
    server.start()
    page.sees('#board[data-state="live"]')
    page.sees("#unit-rows tr", "CARE21", "Assigned")
    page.sees_no("#stale")
    page.forgive("ERR_CONNECTION_REFUSED", "WebSocket")


def test_a_session_that_ends_shows_nothing_and_asks_to_sign_in_again(
    world: World, page_of: PageOf
) -> None:
    world.given()
    page = page_of(world.supervisor)
    page.sees("#unit-rows tr", "CARE21")
    page.sees("#place-rows li:first-child", "3RD AVE / PIKE ST")
    page.sees("#tile-reviews", "Reviews waiting")
    world.supervisor.is_active = False
    accounts.save_user(user=world.supervisor, by=SYSTEM, now=clock.now())
    page.sees('#board[data-state="signed-out"]')
    page.sees("#stale", "You are signed out", "Sign in again")
    held = "#unit-rows tr, #awaiting-rows tr, #place-rows li, #map .mark, #tile-reviews"
    page.do(lambda page: expect(page.locator(held)).to_have_count(0))
    page.sees_no(".live")


def test_a_page_that_is_too_old_says_so_and_dials_no_more(world: World, page_of: PageOf) -> None:
    dialled: list[str] = []

    def refuse(socket: WebSocketRoute) -> None:
        dialled.append(socket.url)
        socket.close(code=4426)

    page = page_of(world.supervisor)
    page.open("password_change/")  # the board that came with signing in may not dial any more
    page.do(lambda page: page.route_web_socket(re.compile("/ws/"), refuse))
    page.open("")
    page.sees('#board[data-state="old-page"]')
    page.sees("#stale", "newer than this page", "Reload this page")
    assert len(dialled) == 1


def test_each_sees_their_own(world: World, page_of: PageOf) -> None:
    """A supervisor of another team sees nothing of this one, a dispatcher none of its debts."""
    row = world.given()
    stranger = page_of(person(Role.SUPERVISOR, of=team("North")))
    stranger.sees('#board[data-state="live"]')
    dispatcher = page_of(world.dispatcher)
    dispatcher.sees("#unit-rows tr", "CARE21", str(row.incident.cad_number))
    dispatcher.sees("#tile-held", "Held CAD messages")
    dispatcher.sees_no("#tile-reviews")
    stranger.sees("#tile-reviews", "Reviews waiting")
    stranger.sees_no("#unit-rows tr")
    stranger.sees_no("#awaiting-rows tr")


def test_no_violation_of_access_rules_by_day_and_night_and_on_a_tablet(
    world: World, page_of: PageOf
) -> None:
    axe.needed()
    world.tap("emergency", world.given())
    for options in ({"color_scheme": "light"}, {"color_scheme": "dark"}):
        page = page_of(world.supervisor, viewport={"width": 820, "height": 1180}, **options)
        for path, place in (("", "#tile-reviews"), ("desk/", "#unit-rows tr.help")):
            page.open(path)
            page.sees(place)
            page.sees("#urgent-rows li", "emergency")
            assert page.violations() == []


def test_nothing_is_cut_off_at_twice_the_size(world: World, page_of: PageOf) -> None:
    world.tap("emergency", world.given())
    page = page_of(world.supervisor, viewport={"width": 640, "height": 480})
    for path in ("", "desk/"):
        page.open(path)
        page.sees("#urgent-rows li", "emergency")

        def width(page: Page) -> bool:
            wide = "document.getElementById('board').scrollWidth <= innerWidth"
            return bool(page.evaluate(wide))

        assert page.do(width)


def test_the_map_and_its_list_are_reached_by_keys(world: World, page_of: PageOf) -> None:
    row = world.given()
    page = page_of(world.supervisor)
    page.sees("#place-rows li", str(row.incident.cad_number))

    def by_keys(page: Page) -> None:
        page.locator("#place-rows button").first.focus()
        page.keyboard.press("Enter")
        page.locator(".leaflet-popup").wait_for()

    page.do(by_keys)
