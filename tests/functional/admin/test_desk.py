"""A shift at the desk, in a real browser on a running server, with tablets on their sockets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import orjson
import pytest
import segno

from apps.accounts.models import Role, Tablet
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.clock import city
from apps.core.ids import uuid7
from apps.dispatch import messages
from apps.dispatch import services as dispatch
from apps.dispatch.models import DispatchRule
from apps.live.messages import Code
from apps.simulator.tablet.emergency import banner
from tests.factories import NOON, EnrolledTablet, person, tablet
from tests.functional.admin.conftest import Desk
from tests.integration.assignments.conftest import World
from tests.probe.client import SocketClient, joined
from tests.processes import Server

DeskOf = Callable[..., Desk]
ASKED = ("weapon", "violence", "residence", "business", "encampment", "drug_use", "medical")
HARMLESS = dict.fromkeys((*ASKED, "confrontational", "minor"), "no")


@pytest.fixture
def world(committed_world: World) -> World:
    dispatch.load_reference(by=SYSTEM, now=NOON)
    return committed_world


def held(client: SocketClient, collection: str) -> list[dict[str, Any]]:
    """What a tablet has of a collection."""
    ids = {d["id"] for f in client.frames if f["collection"] == collection for d in f["documents"]}
    return [document for id, document in client.documents.items() if id in ids]


def only(client: SocketClient, **fields: Any) -> bool:
    """The tablet holds one assignment, and it says this."""
    documents = held(client, "assignments")
    return len(documents) == 1 and fields.items() <= documents[0].items()


def on_assignments(server: Server, of: EnrolledTablet) -> Any:
    return joined(server.ws_url, of, checkpoints={"assignments": None})


def test_a_call_that_was_not_sent_is_given_moved_and_called_off(
    world: World, shared: Server, desk_of: DeskOf
) -> None:
    fit = world.call(units=[], exclusions=HARMLESS)
    world.call(units=[], exclusions={**HARMLESS, "violence": "yes"})
    desk = desk_of(world.supervisor)
    with (
        on_assignments(shared, world.ours.tablets[0]) as ours,
        on_assignments(shared, world.theirs.tablets[0]) as theirs,
    ):
        desk.follow("Calls")
        desk.filter("eligible, not sent")
        desk.sees_row(str(fit.cad_number), "eligible, not sent")
        assert desk.count("#result_list tbody tr") == 1

        desk.act("Assign a CARE unit", on=str(fit.cad_number))
        desk.fill(unit="CARE21: available")
        desk.press("Assign a CARE unit")
        desk.sees("done.", "0 incidents")
        ours.until(lambda: only(ours, cad_number=fit.cad_number, override=None))

        desk.open("assignments/assignment/")
        desk.sees_row(str(fit.cad_number), "CARE21", "awaited")
        desk.act("Reassign to another unit", on="CARE21")
        desk.sees("Which unit takes over?", str(fit.cad_number))
        desk.fill(unit="CARE22: available", reason="they are nearer")
        desk.press("Reassign to another unit")
        theirs.until(lambda: only(theirs, cad_number=fit.cad_number))
        ours.until(lambda: not held(ours, "assignments"))

        desk.act("Call off", on="CARE22")
        desk.fill(reason="the person has gone home")
        desk.press("Call off")
        theirs.until(lambda: only(theirs, state="closed"))
        assert held(theirs, "assignments")[0]["closing"]["kind"] == "cancelled"
        desk.follow(str(fit.cad_number))
        desk.sees("Given to another unit", "they are nearer", "the person has gone home")


def test_against_the_rules_a_reason_is_asked_for_on_the_same_page(
    world: World, shared: Server, desk_of: DeskOf
) -> None:
    unfit = world.call(units=[], exclusions={**HARMLESS, "violence": "yes"})
    desk = desk_of(world.dispatcher)
    with on_assignments(shared, world.ours.tablets[1]) as client:
        desk.open("dispatch/incident/")
        desk.act("Assign a CARE unit", on=str(unfit.cad_number))
        desk.fill(unit="CARE21: available")
        desk.press("Assign a CARE unit")
        desk.sees(f"{unfit.cad_number}, not eligible", "Say why")
        assert not held(client, "assignments")

        desk.fill(reason="the officer asks for CARE")
        desk.press("Assign a CARE unit")
        desk.sees("done.")
        client.until(lambda: only(client, cad_number=unfit.cad_number))
        (document,) = held(client, "assignments")
        assert document["override"]["reason"] == "the officer asks for CARE"
        assert document["override"]["by"] == world.dispatcher.display_name


def test_an_emergency_is_answered_and_the_tablet_shows_by_whom(
    world: World, shared: Server, desk_of: DeskOf
) -> None:
    row = world.given()
    desk = desk_of(world.supervisor)
    crew = world.ours.tablets[0]
    with joined(shared.ws_url, crew, checkpoints={"facts": None}) as client:
        assert world.tap("emergency", row, now=clock.now()) == []

        def shown() -> list[dict[str, Any]]:
            return [f for f in held(client, "facts") if f["event"] == "emergency"]

        client.until(shown)
        assert shown()[0]["alert"]["state"] == "open"
        desk.follow("Alerts")
        desk.filter("awaited")
        desk.sees_row("emergency", "CARE21", "awaited")
        desk.act("Acknowledge", on="emergency")
        desk.sees("0 alerts", f"acknowledged by {world.supervisor.display_name}")

        client.until(lambda: shown()[0]["alert"]["state"] == "acknowledged")
        by = shown()[0]["alert"]["acknowledged_by"]
        told = banner(tapped_at=clock.now(), now=clock.now(), acknowledged_by=by)
        assert told.text == f"ACKNOWLEDGED BY {world.supervisor.display_name.upper()}"


def test_a_tablet_is_enrolled_by_a_code_shown_once_and_shut_out_at_once(
    world: World, shared: Server, desk_of: DeskOf
) -> None:
    desk = desk_of(world.supervisor)
    desk.follow("Tablets")
    desk.follow("Enrol a tablet")
    desk.fill(label="CARE 21 spare", reason="The one of before is broken.")
    desk.press("Make a code")
    code = desk.text_of("#code")
    drawn = segno.make(code, micro=False).svg_inline(scale=6)
    assert desk.attribute_of("#content svg path", "d") in drawn

    body = {"code": code, "claim": str(uuid7())}
    answer = httpx2.post(f"{shared.url}/api/v1/enrol", json=body, timeout=60, trust_env=False)
    assert answer.status_code in {200, 201}
    desk.open("accounts/tablet/enrol/")
    desk.sees_not(code)

    row = Tablet.objects.get(label="CARE 21 spare")
    mine = EnrolledTablet(row, answer.json()["token"], uuid7())
    with joined(shared.ws_url, mine, checkpoints={"reference": None}) as client:
        desk.open("accounts/tablet/")
        desk.sees_row("CARE 21 spare", "active")
        desk.act("Shut out: token, sign-in and sockets end at once", on="CARE 21 spare")
        desk.fill(reason="It was stolen.")
        desk.press("Shut out: token, sign-in and sockets end at once")
        desk.sees_row("CARE 21 spare", "retired")
        assert client.closed()[0] == Code.CREDENTIAL


def test_a_shift_is_started_and_a_unit_handed_over_with_its_calls(
    world: World, shared: Server, desk_of: DeskOf
) -> None:
    row = world.given()
    comer, second = person(of=world.team), person(of=world.team)
    theirs = tablet(comer)
    desk = desk_of(world.supervisor)
    desk.open("dispatch/shift/add/")
    yesterday = clock.now().astimezone(city()) - timedelta(days=1)
    start = yesterday.replace(hour=12, minute=0, second=0)  # the clock shows every noon once
    desk.fill(
        starts_at_0=f"{start:%Y-%m-%d}",
        starts_at_1=f"{start:%H:%M:%S}",
        ends_at_0=f"{start + timedelta(days=2):%Y-%m-%d}",
        ends_at_1="22:00:00",
    )
    desk.press("Save")
    desk.sees(f"{start:%Y-%m-%d %H:%M:%S}")

    with (
        on_assignments(shared, theirs) as coming,
        on_assignments(shared, world.ours.tablets[0]) as leaving,
    ):
        leaving.until(lambda: only(leaving, id=str(row.pk)))
        assert not held(coming, "assignments")
        desk.open("dispatch/unit/?agency=care")
        desk.follow("Hand over")
        desk.sees("Who is on it from now on?", "CARE21", f"{start:%a %Y-%m-%d %H:%M}")
        desk.fill(first=comer.display_name, second=second.display_name, reason="They come on.")
        desk.press("Hand over")
        desk.sees_row("CARE21", f"{comer.display_name}, {second.display_name}")
        coming.until(lambda: only(coming, id=str(row.pk)))
        leaving.until(lambda: not held(leaving, "assignments"))


def test_a_new_version_of_a_rule_is_tried_on_past_calls(world: World, desk_of: DeskOf) -> None:
    world.call(units=[], exclusions=HARMLESS)
    desk = desk_of(person(Role.ADMINISTRATOR))
    desk.follow("Dispatch rules")
    desk.act("New version from this", on="2025-solo")
    desk.fill(version="2027-longer", hours_to="23:30")
    desk.press("Try on past calls, save nothing")
    desk.sees(
        "2027-longer on past calls", "This change would have sent CARE to", "nothing is saved"
    )
    assert not DispatchRule.objects.filter(version="2027-longer").exists()

    desk.open("dispatch/dispatchrule/")
    desk.follow("2025-solo-draft-1")
    desk.fill(version="2027-longer", hours_to="23:30")
    desk.press("Save")
    desk.sees_row("2027-longer")
    rule = DispatchRule.objects.get(version="2027-longer")
    assert rule.definition["hours"] == {"from": "12:00", "to": "23:30"}

    reader = desk_of(world.supervisor)
    reader.open(f"dispatch/dispatchrule/{rule.pk}/change/")
    reader.sees("12:00 to 23:30", "Man Down Check, Welfare Check")
    reader.open(f"dispatch/dispatchrule/{rule.pk}/dry-run/")
    reader.sees("Calls from", "In place of")


def test_a_message_that_nobody_could_read_is_mended_and_taken(
    world: World, shared: Server, desk_of: DeskOf
) -> None:
    message = {
        "cad_number": "26000999001",
        "received_at": "2026-03-04T12:00:00-08:00",
        "updated_at": "2026-03-04T12:00:00-08:00",
        "initial_call_type": "SERVICE - WELFARE CHECK",
        "address": "2ND AVE / UNION ST",
    }
    dispatch.hold_message(
        client=world.client,
        path=messages.PLAIN,
        content_type="application/json",
        body=orjson.dumps({**message, "cad_number": ""}),
        errors=[("/cad_number", "give the CAD event number")],
        now=clock.now(),
    )
    desk = desk_of(world.dispatcher)
    desk.follow("Messages held back")
    desk.sees("/cad_number", "give the CAD event number")
    desk.sees_not("2ND AVE")
    desk.follow("Mend and replay")
    desk.sees("give the CAD event number")
    assert orjson.loads(desk.value_of("message"))["address"] == message["address"]
    desk.press("Replay")
    desk.sees("/cad_number: ")
    desk.fill(message=orjson.dumps(message).decode())
    desk.press("Replay")
    desk.sees("Taken: 26000999001")
    desk.follow("26000999001")
    desk.sees("2ND AVE / UNION ST")
