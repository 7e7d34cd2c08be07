"""One shift being played: the CAD posts calls, crews work them, the radio does what it likes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from apps.dispatch.calls import Caution
from apps.simulator import team as cast
from apps.simulator.agency import Agency
from apps.simulator.cad import CAD
from apps.simulator.calls import CARE, SPD, Call, new_call
from apps.simulator.checkins import CheckIns, Lapse
from apps.simulator.city import CAUTIONS, PLACES
from apps.simulator.crew import Crew
from apps.simulator.desk import Desk
from apps.simulator.digests import Digests
from apps.simulator.figures import Figures
from apps.simulator.frontdesk import FrontDesk
from apps.simulator.pace import Pace
from apps.simulator.radio import CLEAR, Conditions, Radio
from apps.simulator.rounds import Rounds
from apps.simulator.street import Scene, Street
from apps.simulator.tablet.tablet import Tablet
from apps.simulator.tablet.wire import NoAnswer, Refused, ShutOut

# So long the crews go on following people up once the calls are over.
DAYS_HOURS = 72.0
LOOK_SECONDS = 0.2
# Real seconds between a supervisor's looks at what records are owed.
DEBTS_SECONDS = 4.0


@dataclass(frozen=True)
class Plan:
    """What is played. Seconds are real ones, minutes are those of the work. `days_scale`: how much
    faster than the clock the days between a call and its follow-ups go by.

    `calls` ends the shift after so many (None: never). `calls_every` is the pause between two.
    Every `dead_zone_every` seconds some tablet has no coverage for `dead_zone_seconds`; every
    `cut_every` seconds some tablet's socket is cut (0: never). `lapses`: what happens to the first
    crews, one each, at their first scene.
    """

    scale: float
    days_scale: float
    calls: int | None = None
    calls_every: tuple[float, float] = (2.0, 6.0)
    crews: int = 6
    conditions: Conditions = CLEAR
    dead_zone_every: float = 0.0
    dead_zone_seconds: tuple[float, float] = (10.0, 20.0)
    cut_every: float = 0.0
    on_views: bool = True
    lapses: tuple[Lapse, ...] = ()


@dataclass
class Shift:
    """The cast of one run, connected. `under_way` and `at_work` say what is still to do; `days` is
    how fast the days go by in which people are followed up."""

    plan: Plan
    base_url: str
    figures: Figures
    tablets: list[Tablet]
    radios: dict[str, Radio]
    crews: list[Crew]
    rounds: list[Rounds]
    check_ins: list[CheckIns]
    desks: list[Desk]
    cad: CAD
    agencies: list[Agency]
    front_desks: list[FrontDesk]
    digests: list[Digests]
    pace: Pace
    days: Pace
    dice: random.Random
    street: Street
    _load: dict[str, int] = field(default_factory=dict)
    under_way: int = 0  # calls that were posted and have not ended
    owed: int | None = None  # records, as the supervisor's list had them last
    _calm: bool = False
    _rested: bool = False
    _number: int = 0

    @property
    def dispatcher(self) -> Desk:
        return self.desks[-1]

    @property
    def supervisor(self) -> Desk:
        return self.desks[0]

    @property
    def over(self) -> bool:
        """The calls are over, the days after them have passed, and nobody is out any more."""
        return self.calls_over and self._rested and not self.following_up

    @property
    def following_up(self) -> int:
        """Follow-ups that a crew has in hand at this moment."""
        return sum(rounds.at_work for rounds in self.rounds)

    @property
    def calls_over(self) -> bool:
        """Every call of the plan was posted and has ended, and the crews have nothing to do."""
        posted = self.plan.calls is not None and self._number >= self.plan.calls
        return posted and not self.under_way and not self.at_work and not self.asked

    @property
    def at_work(self) -> int:
        """Crews that have something to do."""
        return sum(not crew.idle for crew in self.crews)

    @property
    def asked(self) -> int:
        """What agencies are at work on, and what tablets show that nobody has answered yet."""
        at_work = sum(agency.at_work for agency in self.agencies)
        at_work += sum(desk.at_work for desk in self.front_desks)
        waiting = {
            task["id"]
            for tablet in self.tablets
            for referral in tablet.store.documents("referrals")
            for task in referral.get("tasks") or ()
            if task["awaits"] == "answer"
        }
        return at_work + len(waiting)

    async def play(self) -> None:
        """Everything at once, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for tablet in self.tablets:
                group.create_task(tablet.run())
            for crew in self.crews:
                group.create_task(crew.run())
            for rounds in self.rounds:
                group.create_task(rounds.run())
            for check_ins in self.check_ins:
                group.create_task(check_ins.run())
            for digests in self.digests:
                group.create_task(digests.run())
            for desk in self.desks:
                group.create_task(desk.run())
            for agency in self.agencies:
                group.create_task(agency.run())
            for front_desk in self.front_desks:
                group.create_task(front_desk.run())
            group.create_task(self._records_are_asked_for())
            group.create_task(self._calls_come(group))
            group.create_task(self._days_pass())
            group.create_task(self._dead_zones())
            group.create_task(self._cut_sockets())

    async def ask_for_records(self) -> int:
        """The supervisor looks at the list of what is owed, and reminds the crews; how many."""
        owed = await self.supervisor.pages("/api/v1/casenotes/debts")
        debts = [debt for debt in owed if debt["owed"] == "record"]
        for crew in self.crews:
            crew.is_reminded(debt for debt in debts if debt["unit"] == crew.call_sign)
        self.owed = len(debts)
        return self.owed

    async def _records_are_asked_for(self) -> None:
        while True:
            try:
                await self.ask_for_records()
            except (Refused, ShutOut):  # their session is over
                self.owed = None
            await asyncio.sleep(DEBTS_SECONDS)

    def calm(self) -> None:
        """From now on the radio is good everywhere."""
        self._calm = True
        for radio in self.radios.values():
            radio.conditions = CLEAR
            radio.regain_coverage()

    async def _days_pass(self) -> None:
        """Three days after the last call nobody takes on anything more."""
        while not self.calls_over:  # noqa: ASYNC110  (many things make it true)
            await asyncio.sleep(LOOK_SECONDS)
        self.figures.say("follow_up", f"the calls are over; {DAYS_HOURS:g} hours go by")
        await self.days.hours(DAYS_HOURS, DAYS_HOURS)
        for rounds in self.rounds:
            rounds.rest()
        self._rested = True

    # --- the 911 centre ---

    async def _calls_come(self, group: asyncio.TaskGroup) -> None:
        start = datetime.now(UTC)
        while self.plan.calls is None or self._number < self.plan.calls:
            self._number += 1
            number = f"{start:%Y%m%d%H%M%S}{self._number:05}"
            self.under_way += 1
            group.create_task(self._event(new_call(number, self.dice)))
            await asyncio.sleep(self.dice.uniform(*self.plan.calls_every))
        for crew in self.crews:
            crew.on_views = False

    async def _event(self, call: Call) -> None:
        """One call from the first message to the last."""
        scene = self.street.scene(call.number)
        scene.police = "" if self.pace.happens(0.15) else self.dice.choice(cast.POLICE)
        care = None if self.pace.happens(0.08) else self._least_busy()
        if scene.police:
            call.set_status(scene.police, SPD, "Dispatched")
        if care:
            call.set_status(care, CARE, "Dispatched")
            self._load[care] = self._load.get(care, 0) + 1
        self.figures.has_posted(call.number, care=care is not None)
        sent = care or "no CARE unit"
        self.figures.say("call", f"{sent}: {call.story.initial_type}, {call.place.address}")
        try:
            await self.cad.tell(call)
            await self._goes_on(call, scene, care)
        finally:
            self.under_way -= 1
            if care:
                self._load[care] -= 1

    async def _goes_on(self, call: Call, scene: Scene, care: str | None) -> None:
        await self.pace.minutes(0.5, 3)
        if care and self.pace.happens(0.06):
            call.status, call.event = "Cancelled", "cancel"
            call.note("RP CALLED BACK, HELP NO LONGER NEEDED")
            await self.cad.tell(call)
            return
        if scene.police:
            call.set_status(scene.police, SPD, "EnRoute")
        self._picture_changes(call)
        await self.cad.tell(call)
        if care and self.pace.happens(0.03):
            await self._give_away(call)
        await self.pace.minutes(2, 8)
        if scene.police:
            call.set_status(scene.police, SPD, "OnScene")
            scene.police_arrived.set()
            await self.cad.tell(call)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(90 * 60 / self.pace.scale):
                    await self._left(scene, care)
            call.set_status(scene.police, SPD, "Cleared")
            await self.cad.tell(call)
        if care:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(180 * 60 / self.pace.scale):
                    await scene.care_left.wait()
            await self.pace.minutes(1, 3)
        call.final_type = call.story.final_type
        call.status, call.event = "Closed", "close"
        await self.cad.tell(call)

    @staticmethod
    async def _left(scene: Scene, care: str | None) -> None:
        """Until the police may leave: released by CARE, or CARE has left."""
        if not care:
            return
        ways = [
            asyncio.ensure_future(event.wait())
            for event in (scene.police_released, scene.care_left)
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()

    def _picture_changes(self, call: Call) -> None:
        """Sometimes the call-taker learns more: a note, a caution, another place."""
        now = datetime.now(UTC)
        if self.pace.happens(0.3):
            call.note(self.dice.choice(call.story.further))
        if self.pace.happens(0.12):
            caution: Caution = self.dice.choice(CAUTIONS)
            call.cautions.append(replace(caution, since=now))
            self.figures.say("update", f"{call.place.address}: caution {caution.kind}")
        if self.pace.happens(0.08):
            call.place = self.dice.choice(
                [place for place in PLACES if place.beat == call.place.beat]
            )
            self.figures.say("update", f"moved to {call.place.address}")

    def _least_busy(self) -> str:
        """By the calls that were sent to a unit or, with those of its own, that it has."""
        busy = [
            (max(crew.calls, self._load.get(crew.call_sign, 0)), crew.call_sign)
            for crew in self.crews
        ]
        fewest = min(load for load, _ in busy)
        return self.dice.choice([call_sign for load, call_sign in busy if load == fewest])

    async def _give_away(self, call: Call) -> None:
        """A supervisor gives the call to another crew, if it is still on a tablet."""
        shown = [
            (crew, document)
            for crew in self.crews
            for document in crew.tablets[0].store.documents("assignments")
            if document["cad_number"] == call.number and document["state"] != "closed"
        ]
        others = [
            crew for crew in self.crews if crew.call_sign not in {c.call_sign for c, _ in shown}
        ]
        if not shown or not others:
            return
        to = self.dice.choice(others)
        unit = to.unit_id
        with contextlib.suppress(NoAnswer, Refused, ShutOut):
            await self.desks[0].post(
                f"/api/v1/assignments/{shown[0][1]['id']}/reassign",
                {"unit": unit, "reason": "nearer"},
            )
            self.figures.say("update", f"given from {shown[0][0].call_sign} to {to.call_sign}")

    # --- the radio ---

    async def _dead_zones(self) -> None:
        if not self.plan.dead_zone_every:
            return
        zones: set[asyncio.Task[None]] = set()
        while not self._calm:
            covered = [tablet for tablet in self.tablets if self.radios[tablet.label].covered]
            if covered:
                tablet = self.dice.choice(covered)
                seconds = self.dice.uniform(*self.plan.dead_zone_seconds)
                self.figures.say("radio", f"{tablet.label}: no coverage for {seconds:.0f} s")
                zone = asyncio.create_task(self.radios[tablet.label].dead_zone(seconds))
                zones.add(zone)
                zone.add_done_callback(zones.discard)
            await asyncio.sleep(self.plan.dead_zone_every)

    async def _cut_sockets(self) -> None:
        if not self.plan.cut_every:
            return
        while not self._calm:
            await asyncio.sleep(self.plan.cut_every)
            self.radios[self.dice.choice(self.tablets).label].cut_sockets()
