"""The main job through a running server: a call from the 911 centre on the tablets of its unit.

Tablets are the reference client, the CAD and the desk speak HTTP; nothing here looks into the
database.
"""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

import pytest
from django.utils import timezone

from tests.data import shared_data
from tests.functional.dispatch.street import (
    EIDO,
    Cast,
    Document,
    Held,
    Street,
    call,
    connected,
    on_duty,
    until,
)
from tests.processes import Server
from tests.unit.dispatch.eidos import caution, unit

pytestmark = pytest.mark.django_db(transaction=True)

KNIFE = {"severity": "high", "kind": "weapon", "text": "KNIFE SEEN"}
# A tablet's clock is measured by a request and its answer, which a busy machine makes slow.
CORRECTION = timedelta(seconds=30)
# So many calls have their way timed. A machine that stands still for a moment makes one of them
# slow, or two; most of them are slow only where the way is. On two cores that have six times more
# to do than they can, it takes a tenth of a second.
CALLS = 11
Story = Callable[[Street], Awaitable[None]]


@pytest.fixture
def cast(standing_server: Server) -> Cast:
    return on_duty(CARE21=2, CARE22=1)


@pytest.fixture
def play(standing_server: Server, cast: Cast) -> Callable[[Story], None]:
    """Runs a story with every tablet connected."""
    url = standing_server.url

    def play(story: Story) -> None:
        async def run() -> None:
            async with connected(cast, tablets_at=url, cad_at=url) as street:
                await story(street)

        asyncio.run(run())

    return play


def sample(number: str, *, dispatched: datetime, police_at: datetime) -> Document:
    """The official sample of NENA, with our unit and a police unit on it, and two cautions."""
    path = shared_data("eido", "sample_call_transfer_eido.json")
    eido: Document = json.loads(path.read_text(encoding="utf-8"))
    eido = copy.deepcopy(eido)
    name = f"urn:emergency:uid:incidentid:{number}:bcf.state.pa.us"
    eido["$id"] = name
    eido.setdefault("incidentComponent", {})
    eido["incidentComponent"] = {
        "incidentTypeCommonRegistryText": "WELFARE",
        "incidentStatusCommonRegistryText": ["Active"],
        "updatedByAgencyReference": {"$ref": "state.pa.us"},
        "lastUpdateTimeStamp": dispatched.isoformat(),
        **eido["incidentComponent"],
        "$id": name,
        "internalIncidentId": number,
    }
    ours = unit("care21@care.seattle.wa.us", "Dispatched")
    police = unit(
        "3m21@spd.seattle.gov", "OnScene", emergencyResourceTypeCommonRegistryText="PatrolUnit"
    )
    eido["emergencyResourceComponent"] = [
        {**ours, "lastUpdateTimeStamp": dispatched.isoformat()},
        {**police, "lastUpdateTimeStamp": police_at.isoformat()},
    ]
    eido["cautionComponent"] = [
        caution("caution-1", "DOG IN THE YARD", "low"),
        caution("caution-2", "KNIFE SEEN BY CALLER", "highest"),
    ]
    return eido


def test_an_eido_goes_in_and_a_timed_handoff_comes_out(play: Callable[[Story], None]) -> None:
    async def story(street: Street) -> None:
        began = timezone.now()
        first, second = street.tablets["CARE21"]

        def minutes_ago(minutes: float) -> datetime:
            return began - timedelta(minutes=minutes)

        await street.post(
            sample("a56e556d871", dispatched=minutes_ago(40), police_at=minutes_ago(30)), EIDO
        )
        both = (first, second)
        screens = [partial(one.call, "a56e556d871") for one in both]
        await until(lambda: all(shown() for shown in screens), "on both tablets")
        assert not street.tablets["CARE22"][0].call("a56e556d871")
        id = first.call("a56e556d871")["id"]
        for held in both:
            document = held.raw[id]
            assert next(iter(document)) == "cautions"
            texts = [one["text"] for one in document["cautions"]]
            assert texts == ["KNIFE SEEN BY CALLER", "DOG IN THE YARD"]
            assert document["needs_ack"]

        # Either of them acknowledges; both screens and the alarm follow.
        second.tablet.tap("acknowledged", id, call_revision=1)
        await until(lambda: not any(shown()["needs_ack"] for shown in screens), "acknowledged")
        assert [shown()["alarm"] for shown in screens] == [None, None]

        # A basement: the taps are made when they are made, and told later.
        first.radio.lose_coverage()
        await until(lambda: not first.tablet.status.live, "the first tablet is cut off")
        tap_at(first, minutes_ago(35), "en_route", id)
        tap_at(first, minutes_ago(28), "on_scene", id)
        tap_at(first, minutes_ago(26), "scene_secured", id, agency="spd", unit="3M21")
        tap_at(first, minutes_ago(25), "contact_made", id)
        release = {"agency": "spd", "unit": "3M21", "decided_by": "care", "care_agreed": True}
        tap_at(first, minutes_ago(20), "police_released", id, **release)
        tap_at(first, minutes_ago(5), "cleared", id, disposition="18")
        assert second.call("a56e556d871")["state"] == "acknowledged"
        first.radio.regain_coverage()
        await until(lambda: all(shown()["state"] == "closed" for shown in screens), "cleared")

        told = await street.desk.get(f"/api/v1/assignments/{id}")
        handoff = told["handoff"]
        assert handoff["scene"] == "secured"
        assert handoff["secured"]["agency"] == "spd"
        police = handoff["police"]
        assert about(police["arrived"]["at"], minutes_ago(30))
        assert about(police["released_at"], minutes_ago(20))
        assert about(handoff["care_cleared_at"], minutes_ago(5))
        assert police["complete"]
        assert abs(police["seconds_given_back"] - 15 * 60) <= CORRECTION.total_seconds()
        [stay] = police["units"][0]["stays"]
        assert (stay["decided_by"], stay["care_agreed"]) == ("care", True)
        people = [str(user.pk) for crew in street.cast.crews.values() for user in crew]
        assert not any(person in json.dumps(handoff) for person in people)
        for shown in screens:
            on_tablet = shown()["handoff"]["police"]
            assert on_tablet["seconds_given_back"] == police["seconds_given_back"]

    play(story)


def tap_at(held: Held, at: datetime, event: str, id: str, **data: Any) -> None:
    """A tap that was made at this time, by a device whose clock was right then and is now."""
    device = held.tablet.device
    device.offset = at - timezone.now()
    held.tablet.tap(event, id, **data)
    device.offset = timedelta(0)


def about(told: str, at: datetime) -> bool:
    return abs(datetime.fromisoformat(told) - at) < CORRECTION


def received(id: str, crew: list[Held]) -> bool:
    """Each of them knows that each has it."""
    return all(held.events(id).count("received") == len(crew) for held in crew)


def test_a_call_is_on_both_tablets_within_a_second_and_over_the_socket(
    play: Callable[[Story], None],
) -> None:
    async def story(street: Street) -> None:
        both = street.tablets["CARE21"]
        await street.in_line("CARE21")
        asked = [held.pulls() for held in both]
        seconds = []
        for number in map(str, range(CALLS)):
            began = time.monotonic()
            id = await street.given(number)
            seconds.append(max(held.came[number, 1] for held in both) - began)
            # The next one comes when nothing else is under way, which it could go along with.
            await until(partial(received, id, both), "both have said that they have it")
        assert median(seconds) < 1
        assert [held.pulls() for held in both] == asked

    play(story)


def test_a_weapon_told_later_asks_for_a_new_acknowledgement(play: Callable[[Story], None]) -> None:
    async def story(street: Street) -> None:
        first, second = street.tablets["CARE21"]
        id = await street.given("1")
        first.tablet.tap("acknowledged", id, call_revision=1)
        await until(lambda: not second.call("1")["needs_ack"], "acknowledged")

        await street.post(call("1", cautions=[KNIFE]))
        for held in (first, second):
            await until(lambda held=held: held.call("1")["needs_ack"], "asked again")
            shown = held.call("1")
            assert (shown["id"], shown["call_revision"]) == (id, 2)
            assert shown["cautions"][0]["text"] == "KNIFE SEEN"

        # An acknowledgement of what was shown before is none of what is shown now.
        first.tablet.tap("acknowledged", id, call_revision=1)
        await until(lambda: second.events(id).count("acknowledged") == 2, "the old one is told")
        assert second.call("1")["needs_ack"]
        second.tablet.tap("acknowledged", id, call_revision=2)
        await until(lambda: not first.call("1")["needs_ack"], "acknowledged anew")

        # A message without the caution does not take it back.
        await street.post(call("1", narrative=[{"text": "CALLER HAS LEFT"}]))
        await until(lambda: first.call("1")["narrative"], "the note")
        assert first.call("1")["cautions"][0]["text"] == "KNIFE SEEN"
        assert not first.call("1")["needs_ack"]

    play(story)


def test_a_call_given_to_another_unit_leaves_and_arrives_with_its_history(
    play: Callable[[Story], None],
) -> None:
    async def story(street: Street) -> None:
        old, [new] = street.tablets["CARE21"], street.tablets["CARE22"]
        id = await street.given("1")
        old[0].tablet.tap("acknowledged", id, call_revision=1)
        old[1].tablet.tap("en_route", id)
        await until(lambda: old[0].call("1")["state"] == "en_route", "en route")
        before = old[0].events(id)
        away = old[1]
        away.radio.lose_coverage()

        body = {"unit": street.unit("CARE22"), "reason": "nearer"}
        await street.desk.post(f"/api/v1/assignments/{id}/reassign", body)
        await until(lambda: new.call("1"), "at the new unit")
        await until(lambda: not old[0].call("1"), "gone from the old unit")
        await until(lambda: not old[0].events(id), "its facts are gone too")
        await until(lambda: "reassigned" in new.events(id), "with its history")
        assert new.events(id)[: len(before)] == before
        shown = new.call("1")
        assert (shown["id"], shown["unit"]["call_sign"]) == (id, "CARE22")
        assert shown["former_units"] == [street.unit("CARE21")]
        assert shown["needs_ack"], "nobody of this unit has seen it"

        # The one that was away still has it, and loses it at its next contact.
        assert away.call("1")
        away.radio.regain_coverage()
        await until(lambda: not away.call("1") and not away.events(id), "gone at the next contact")

    play(story)


def test_what_cad_does_with_a_call_changes_one_and_the_same_assignment(
    play: Callable[[Story], None],
) -> None:
    async def story(street: Street) -> None:
        both = street.tablets["CARE21"]

        async def shows(number: str, **members: Any) -> None:
            """On both tablets, and still the assignment that it was."""

            def so() -> bool:
                return all(
                    one.call(number).items() >= {"id": id, **members}.items() for one in both
                )

            await until(so, f"{number} with {members}")

        id = await street.given("1")
        await street.post(call("1", event="cancel"))
        await shows("1", state="closed", incident_status="cancelled")
        assert both[0].call("1")["closing"]["kind"] == "cancelled"

        await street.post(call("1", event="reopen"))
        await shows("1", incident_status="active", needs_ack=True)
        assert both[0].call("1")["state"] != "closed"

        split = {"kind": "SPLIT", "cad_number": "2"}
        await street.post(call("1", event="split", merges=[split]))
        await shows("1", links=[split])

        # Another event turns out to be the same: the assignment goes on under its number.
        await street.post(call("3", to="CARE22"))
        replaced = {"kind": "REPLACED", "cad_number": "3"}
        await street.post(call("1", event="merge", merges=[replaced]))
        await shows("3")
        assert not both[0].call("1")
        assert "on_scene" not in both[0].events(id)
        both[0].tablet.tap("on_scene", id)
        await shows("3", state="on_scene")

    play(story)
