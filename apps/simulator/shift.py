"""One shift being played: the CAD posts calls, crews work them, the radio does what it likes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from apps.dispatch.calls import Caution
from apps.simulator import team as cast
from apps.simulator.agency import Agency
from apps.simulator.cad import CAD
from apps.simulator.calls import CARE, SPD, Call, new_call
from apps.simulator.city import CAUTIONS, PLACES
from apps.simulator.crew import Crew
from apps.simulator.desk import Desk
from apps.simulator.figures import Figures
from apps.simulator.frontdesk import FrontDesk
from apps.simulator.mailbox import Mailbox
from apps.simulator.pace import Pace
from apps.simulator.paperwork import Paperwork
from apps.simulator.radio import CLEAR, Conditions, Radio
from apps.simulator.street import Scene, Street
from apps.simulator.tablet.tablet import Tablet
from apps.simulator.tablet.wire import NoAnswer, Refused, ShutOut

# How far the tablets' clocks are off, in hours: some are hours off, most are not.
CLOCKS = (0.0, 0.002, -3.0, 0.0, 1.5, -0.0005, 0.0, -1.0, 0.01, 2.75, 0.0, 0.0005)


@dataclass(frozen=True)
class Plan:
    """What is played. Seconds are real ones, minutes are those of the work.

    `calls` ends the shift after so many (None: never). `calls_every` is the pause between two.
    Every `dead_zone_every` seconds some tablet has no coverage for `dead_zone_seconds`; every
    `cut_every` seconds some tablet's socket is cut (0: never).
    """

    scale: float
    calls: int | None = None
    calls_every: tuple[float, float] = (2.0, 6.0)
    crews: int = 6
    conditions: Conditions = CLEAR
    dead_zone_every: float = 0.0
    dead_zone_seconds: tuple[float, float] = (10.0, 20.0)
    cut_every: float = 0.0
    on_views: bool = True


@dataclass
class Shift:
    """The cast of one run, connected. `under_way` and `at_work` say what is still to do."""

    plan: Plan
    base_url: str
    figures: Figures
    tablets: list[Tablet]
    radios: dict[str, Radio]
    crews: list[Crew]
    desks: list[Desk]
    cad: CAD
    agencies: list[Agency]
    front_desks: list[FrontDesk]
    pace: Pace
    dice: random.Random
    street: Street
    _load: dict[str, int] = field(default_factory=dict)
    under_way: int = 0  # calls that were posted and have not ended
    _calm: bool = False
    _number: int = 0

    @property
    def dispatcher(self) -> Desk:
        return self.desks[-1]

    @property
    def supervisor(self) -> Desk:
        return self.desks[0]

    @property
    def over(self) -> bool:
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
            for desk in self.desks:
                group.create_task(desk.run())
            for agency in self.agencies:
                group.create_task(agency.run())
            for front_desk in self.front_desks:
                group.create_task(front_desk.run())
            group.create_task(self._calls_come(group))
            group.create_task(self._dead_zones())
            group.create_task(self._cut_sockets())

    def calm(self) -> None:
        """From now on the radio is good everywhere."""
        self._calm = True
        for radio in self.radios.values():
            radio.conditions = CLEAR
            radio.regain_coverage()

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


@asynccontextmanager
async def connected(
    plan: Plan, *, base_url: str, folder: Path, figures: Figures, seed: int, mail: Mailbox
) -> AsyncIterator[Shift]:
    """The cast of a shift, signed in, and closed on leaving. `folder` is the run's own; `mail` is
    where the product's messages come in."""
    password = (folder / cast.PASSWORD_FILE).read_text(encoding="utf-8").strip()
    token = (folder / cast.CAD_TOKEN_FILE).read_text(encoding="utf-8").strip()
    dice = random.Random(seed)
    pace = Pace(plan.scale, dice)
    desks = [
        Desk(base_url, name, password, pace=pace, heard=figures.heard_alert)
        for name in (*cast.SUPERVISORS, cast.DISPATCHER)
    ]
    street = Street(figures.saw_banner)
    tokens = (folder / cast.AGENCY_TOKENS_FILE).read_text(encoding="utf-8").split()
    cad = CAD(base_url, token, Radio(dice, replace(plan.conditions, longest_delay=0)), dice)
    radios: dict[str, Radio] = {}
    tablets: list[Tablet] = []
    try:
        for desk in desks:
            await desk.sign_in()
        crews = []
        for call_sign in list(cast.CREWS)[: plan.crews]:
            pair = await _crew_tablets(
                call_sign,
                base_url=base_url,
                folder=folder,
                desk=desks[0],
                password=password,
                dice=dice,
            )
            for tablet, radio in pair:
                figures.watch(tablet)
                tablets.append(tablet)
                radios[tablet.label] = radio
            own = [tablet for tablet, _ in pair]
            papers = Paperwork(own, pace, dice, figures.wrote)
            crews.append(Crew(call_sign, own, street, pace, dice, papers, on_views=plan.on_views))
        for radio in radios.values():
            radio.conditions = plan.conditions
        async with AsyncExitStack() as stack:
            agencies = [
                await stack.enter_async_context(
                    Agency(name, base_url, agency_token, pace, figures.say).open()
                )
                for name, agency_token in zip(cast.AGENCIES, tokens, strict=True)
            ]
            yield Shift(
                plan,
                base_url,
                figures,
                tablets,
                radios,
                crews,
                desks,
                cad,
                agencies,
                [FrontDesk(name, mail, pace, figures.say) for name in cast.FRONT_DESKS],
                pace,
                dice,
                street,
            )
    finally:
        for tablet in tablets:
            await tablet.close()
        for desk in desks:
            await desk.close()
        await cad.close()


async def _crew_tablets(
    call_sign: str, *, base_url: str, folder: Path, desk: Desk, password: str, dice: random.Random
) -> Sequence[tuple[Tablet, Radio]]:
    """The two tablets of a unit: the ones of the last run, or newly enrolled ones."""
    (folder / "tablets").mkdir(exist_ok=True)
    pair = []
    for place, username in zip(("A", "B"), cast.CREWS[call_sign], strict=True):
        label = f"{call_sign} {place}"
        path = folder / "tablets" / f"{call_sign}-{place}.sqlite"
        number = list(cast.CREWS).index(call_sign) * 2 + (place == "B")
        radio = Radio(random.Random(dice.random()))
        make = partial(
            Tablet,
            label=label,
            base_url=base_url,
            path=path,
            link=radio,
            dice=random.Random(dice.random()),
            clock_offset=timedelta(hours=CLOCKS[number]),
        )
        tablet = make()
        if await _of_another_database(tablet):
            await tablet.close()
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
            tablet = make()
        await _ready(tablet, desk, username, password)
        pair.append((tablet, radio))
    return pair


async def _of_another_database(tablet: Tablet) -> bool:
    """Whether this server does not know the tablet: the last run had other servers."""
    if not tablet.store.token:
        return False
    try:
        await tablet.wire.call("GET", "/api/v1/me")
    except ShutOut:
        return True
    return False


async def _ready(tablet: Tablet, desk: Desk, username: str, password: str) -> None:
    """Enrolled by a supervisor's code, and its responder signed in, unless it is already."""
    if tablet.store.token:
        me = await tablet.wire.call("GET", "/api/v1/me")
        if me["person"]:
            return
    else:
        code = await desk.post("/api/v1/enrolment-codes", {"label": tablet.label})
        await tablet.wire.enrol(code["code"])
    await tablet.wire.sign_in(username, password)
