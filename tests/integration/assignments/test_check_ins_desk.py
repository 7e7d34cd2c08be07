"""What the desk sees of a silence, and answers; whether a question can have reached them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from apps.assignments import services
from apps.assignments.models import Alert, Fact
from apps.core import clock
from tests.integration.assignments.conftest import World, shown
from tests.integration.assignments.test_check_ins import (
    DISPATCH,
    DUE,
    SUPERVISORS,
    alerts,
    check_in,
    minutes,
    on_scene,
    owed,
    seen,
    tick,
)

pytestmark = pytest.mark.django_db


class TestAnAnswerOfTheDesk:
    def test_stops_it_and_they_are_asked_again_after_an_interval(self, world: World) -> None:
        row = on_scene(world)
        tick(world, SUPERVISORS)
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.supervisor, now=minutes(23))
        world.commit()
        assert tick(world, DISPATCH) == 0
        assert alerts(world.dispatcher) == []
        tick(world, 43)
        assert owed(world, row)["level"] == 1
        tick(world, 45)
        assert sorted(alerts(world.supervisor)) == [
            ("check_in", 2, "acknowledged"),
            ("check_in", 2, "open"),
        ]

    def test_does_not_say_that_all_was_well(self, world: World) -> None:
        row = on_scene(world)
        tick(world, SUPERVISORS)
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.supervisor, now=minutes(23))
        assert Alert.objects.get().stopped_at is None
        check_in(world, row, 25)
        assert Alert.objects.get().stopped_at == minutes(25)


class TestTheSignal:
    def body(self, world: World) -> dict[str, Any]:
        (found,) = shown(world.supervisor, "alerts").values()
        return found

    def test_is_there_and_nobody_answered(self, world: World) -> None:
        on_scene(world)
        seen(world.ours.tablets[0], 3)  # switched off in the van
        seen(world.ours.tablets[1], SUPERVISORS - 0.2)
        tick(world, SUPERVISORS)
        body = self.body(world)
        assert body["signal"] is None
        assert body["counted"] == {"minutes": 22, "no_signal_s": None}

    def test_was_there_when_they_were_asked(self, world: World) -> None:
        on_scene(world)
        for one in world.ours.tablets:
            seen(one, DUE + 2.6)
        tick(world, DUE + 6)
        assert self.body(world)["signal"] is None

    def test_is_lost_since_the_last_contact_of_any_of_their_tablets(self, world: World) -> None:
        row = on_scene(world)
        data = {"position": {"lat": 47.61, "lon": -122.34}}
        world.tap("contact_made", row, data=data, now=minutes(1))
        seen(world.ours.tablets[0], 3)
        seen(world.ours.tablets[1], 2)
        seen(world.theirs.tablets[0], SUPERVISORS)
        tick(world, 23)
        body = self.body(world)
        assert body["signal"] == {
            "lost_since": "2026-03-04T20:03:00.000Z",
            "position": {"lat": 47.61, "lon": -122.34},
            "place": "3RD AVE / PIKE ST",
        }
        assert body["counted"] == {"minutes": 22, "no_signal_s": 1200}

    def test_is_at_the_calls_place_where_no_tap_says_another(self, world: World) -> None:
        row = on_scene(world)
        for one in world.ours.tablets:
            seen(one, 3)
        tick(world, SUPERVISORS)
        assert self.body(world)["signal"]["position"] == row.incident.details["location"]

    def test_of_a_crew_without_a_tablet_is_lost_since_they_were_heard_of(
        self, world: World
    ) -> None:
        on_scene(world)
        for one in world.ours.tablets:
            seen(one, None)
        tick(world, SUPERVISORS)
        assert self.body(world)["signal"]["lost_since"] == "2026-03-04T20:00:00.000Z"

    def test_is_judged_anew_when_it_rises(self, world: World) -> None:
        on_scene(world)
        for one in world.ours.tablets:
            seen(one, 3)
        tick(world, SUPERVISORS)
        assert self.body(world)["signal"]
        seen(world.ours.tablets[0], DISPATCH - 0.1)
        tick(world, DISPATCH)
        assert self.body(world)["signal"] is None


class TestTheAdmin:
    @pytest.fixture
    def page(self, world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
        monkeypatch.setattr(clock, "now", lambda: minutes(30))

        def read() -> str:
            reader = Browser()
            reader.force_login(
                world.supervisor, backend="django.contrib.auth.backends.ModelBackend"
            )
            address = f"/admin/assignments/alert/{Alert.objects.get().pk}/change/"
            return reader.get(address).content.decode()

        return read

    def test_says_that_nobody_answered(self, world: World, page: Callable[[], str]) -> None:
        on_scene(world)
        seen(world.ours.tablets[0], SUPERVISORS)
        tick(world, SUPERVISORS)
        assert "asked, did not answer" in page()

    def test_takes_the_word_of_the_radio(self, world: World, page: Callable[[], str]) -> None:
        row = on_scene(world)
        tick(world, SUPERVISORS)
        world.tap("assist", row, now=minutes(23))
        reader = Browser()
        reader.force_login(world.dispatcher, backend="django.contrib.auth.backends.ModelBackend")
        tick(world, DISPATCH)
        chosen = [str(pk) for pk in Alert.objects.values_list("pk", flat=True)]
        act = {"action": "all_well", "_selected_action": chosen}
        assert reader.post("/admin/assignments/alert/", act).status_code == 302
        world.commit()
        states = {alert.kind: alert.stopped_at for alert in Alert.objects.all()}
        assert states == {"check_in": minutes(30), "assist": None}
        fact = Fact.objects.get(event="check_in")
        assert (fact.source, fact.author, fact.unit) == ("desk", world.dispatcher, world.ours.unit)

    def test_says_since_when_and_where_there_was_no_signal(
        self, world: World, page: Callable[[], str]
    ) -> None:
        on_scene(world)
        for one in world.ours.tablets:
            seen(one, 3)
        tick(world, SUPERVISORS)
        text = re.sub(r"<[^>]+>|\s+", " ", page())
        assert re.search(r"no signal since +2026-03-04 +12:03:00 +at 3RD AVE / PIKE ST", text)
