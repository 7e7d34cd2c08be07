"""A pair of responders with a tablet each: what they do with a call, tap by tap.

They know what their tablets show and what they see on the street, nothing else. Out of coverage
they go on working and tapping, as people do.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from apps.core.ids import uuid7
from apps.simulator import courses
from apps.simulator.asking import Asking
from apps.simulator.care import Care
from apps.simulator.checkins import CheckIns
from apps.simulator.city import DESTINATIONS
from apps.simulator.courses import Course
from apps.simulator.pace import Pace
from apps.simulator.paperwork import BY_CONTACT, Paperwork
from apps.simulator.street import Scene, Street
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

# What the first shift that somebody watches must not lack: see `Crew.unseen`.
REFERRAL: Final = "referral"
# A supervisor does not remind a crew of the same record for ever.
MOST_REMINDERS: Final = 4


class Over(Exception):
    """The call is not theirs any more: cancelled, closed by somebody else, or given away."""


@dataclass
class Crew:
    """A CARE unit's two responders. `papers`: what they write; `care`: what they give and do;
    `asking`: what they ask people about coming again; `check_ins`: how they are asked whether all
    is well; `on_views`: whether they start calls of their own when idle. `unseen`: what this shift
    is to show once at least, shared by all crews; whoever shows it takes it out."""

    call_sign: str
    tablets: Sequence[Tablet]
    street: Street
    pace: Pace
    dice: random.Random
    papers: Paperwork
    care: Care
    asking: Asking
    check_ins: CheckIns | None = None
    on_views: bool = True
    unseen: set[str] = field(default_factory=set)
    doing: str = ""
    _todo: asyncio.Queue[str] = field(default_factory=asyncio.Queue, init=False)
    _acknowledged: dict[str, int] = field(default_factory=dict, init=False)
    _own: set[str] = field(default_factory=set, init=False)
    _at: str = field(default="", init=False)
    _reacting: int = field(default=0, init=False)
    _writing: set[str] = field(default_factory=set, init=False)
    _reminded: Counter[str] = field(default_factory=Counter, init=False)
    _group: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup, init=False)

    def __post_init__(self) -> None:
        for tablet in self.tablets:
            tablet.heard.append(self._heard)

    @property
    def idle(self) -> bool:
        """Nothing to do, nobody about to acknowledge anything, no note to be signed."""
        return not (self.doing or self._reacting or self._writing or self._todo.qsize())

    @property
    def calls(self) -> int:
        """Calls that they are at or have not begun, calls of their own too."""
        return self._todo.qsize() + bool(self.doing)

    @property
    def unit_id(self) -> str:
        """Their unit's id, as their tablets know it; "" before that."""
        units = self.tablets[0].store.documents("reference")
        return next((unit["id"] for unit in units if unit.get("call_sign") == self.call_sign), "")

    async def run(self) -> None:
        """Work through the calls, one after the other, until cancelled."""
        async with self._group:
            for tablet in self.tablets:  # what is left of an earlier run
                self._heard(tablet, "assignments", tablet.store.documents("assignments"))
            while True:
                id = await self._next()
                try:
                    await self._answer(id)
                except Over:
                    pass
                finally:
                    self.doing = ""

    def is_reminded(self, debts: Iterable[Document]) -> None:
        """A supervisor names records that this crew owes (`/api/v1/casenotes/debts`). What they are
        at, are writing, or have not sent yet needs no reminder."""
        if any(not one.status.live or one.status.outbox.unsent for one in self.tablets):
            return
        for debt in debts:
            id = debt["assignment_id"]
            if id != self._at and id not in self._writing and self._reminded[id] < MOST_REMINDERS:
                self._reminded[id] += 1
                again = self._reminded[id] > 1
                self._write(id, partial(self.papers.write_up, debt, again=again))

    # --- what the tablets show ---

    def _heard(self, tablet: Tablet, collection: str, documents: Sequence[Document]) -> None:
        if collection != "assignments":
            return
        for document in documents:
            if document.get("_deleted") or document.get("state") in {None, "closed"}:
                continue
            id, revision = document["id"], document["call_revision"]
            known = self._acknowledged.get(id)
            if known is None and id not in self._own:
                self._todo.put_nowait(id)
            if document["needs_ack"] and (known is None or known < revision):
                self._acknowledged[id] = revision
                self._reacting += 1
                self._group.create_task(self._acknowledge(id, revision))
            else:
                self._acknowledged.setdefault(id, revision)

    async def _acknowledge(self, id: str, revision: int) -> None:
        """Usually one of the two within seconds; sometimes both are slow, and it escalates."""
        if self.pace.happens(0.08):
            await self.pace.seconds(65, 110)
        else:
            await self.pace.seconds(3, 25)
        with contextlib.suppress(Over):
            self._tap(id, "acknowledged", call_revision=revision)
        self._reacting -= 1

    async def _next(self) -> str:
        """The next call; with time on their hands they may meet somebody on the street."""
        while True:
            patience = self.dice.uniform(20, 60) * 60 / self.pace.scale
            try:
                async with asyncio.timeout(patience):
                    return await self._todo.get()
            except TimeoutError:
                if self.on_views:
                    return self._open()

    # --- what they do ---

    async def _answer(self, id: str) -> None:
        scene = self.street.scene(self._shown(id).get("cad_number"))
        self._at = id
        try:
            await self._work(id, scene)
        except Over:
            # Where neither tablet has it, another crew does, will leave later, and writes of it.
            if any(tablet.assignment(id) for tablet in self.tablets):
                scene.care_left.set()
                self._write_what_was(id)
            raise
        finally:
            self._at = ""
        scene.care_left.set()

    def _write_what_was(self, id: str) -> None:
        """The call was closed by others while they worked on it. Where somebody was met, that does
        not close it: they clear it themselves, with a disposition."""
        course = self.papers.met(id)
        if course is None:
            self._write(id, partial(self.papers.was_cancelled, id))
            return
        disposition = course.disposition or BY_CONTACT
        self._hand(id).tap("cleared", id, disposition=disposition)
        self._write(id, partial(self.papers.write, id, disposition=disposition, early=True))

    async def _work(self, id: str, scene: Scene) -> None:
        self.doing = "to the van"
        await self.pace.minutes(0.5, 2)
        if id in self._own:
            await self._on_scene(id, scene)
        elif self.pace.happens(0.03):
            self._tap(id, "declined", agency="care", reason="scene_not_secured")
        else:
            await self._drive(id)
            await self._on_scene(id, scene)

    async def _drive(self, id: str) -> None:
        self.doing = "en route"
        wrong = self._tap(id, "on_scene") if self.pace.happens(0.03) else None
        if wrong:
            self._tap(id, "corrected", corrects=wrong["id"], reason="mis_tap")
        self._tap(id, "en_route")
        await self.pace.minutes(5, 14)

    async def _on_scene(self, id: str, scene: Scene) -> None:
        if scene.police and not scene.police_arrived.is_set():
            self.doing = "staged"
            self._tap(id, "staged")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(600 / self.pace.scale):
                    await scene.police_arrived.wait()
        self.doing = "on scene"
        self._tap(id, "on_scene")
        scene.care_arrived.set()
        if self.check_ins is not None:
            await self.check_ins.at_scene()
        if scene.police:
            await self.pace.minutes(0.5, 2)
            self._tap(id, "scene_secured", agency="spd", unit=scene.police)
        await self.pace.minutes(1, 5)
        if self.pace.happens(0.25):
            self._tap(id, "unable_to_locate", disposition="14")
            self._write(id, partial(self.papers.nobody_found, id))
            return
        self._tap(id, "contact_made")
        self.doing = "in contact"
        course = self.papers.meet(self._hand(id), id)
        if scene.police:
            await self.pace.minutes(2, 8)
            together = self.dice.choice(("care", "spd", "together"))
            agreed = self.pace.happens(0.9)
            self._tap(
                id,
                "police_released",
                agency="spd",
                unit=scene.police,
                decided_by=together,
                care_agreed=agreed,
            )
            scene.police_released.set()
        await self._trouble(id)
        disposition = await self._help(id, course)
        await self.pace.minutes(8, 25)
        if course.goes_on:
            self.asking.ask(self._hand(id), id)
        await self._finish(id, course, disposition)

    async def _trouble(self, id: str) -> None:
        """Rarely they need help: it goes to the desk at once."""
        for event, probability in (("scene_unsafe", 0.03), ("assist", 0.03), ("emergency", 0.015)):
            if self.pace.happens(probability):
                self.doing = event.replace("_", " ")
                self._shown(id)
                tablet = self._hand(id)  # whoever has tapped looks at their own banner
                await self.street.watch_banner(tablet, tablet.tap(event, id))

    async def _help(self, id: str, course: Course) -> str:
        """Naloxone, a wound that is cleaned, a kit left behind. What the call is closed with; "":
        that is seen later."""
        if course is courses.OVERDOSE:
            self.doing = "giving naloxone"
            return await self.care.overdose(self._hand(id), id)
        if course.goes_on:
            if self.pace.happens(0.2):
                self.care.treat(self._hand(id), id)
            self.care.maybe_leave_kit(self._hand(id), id)
        return course.disposition

    async def _finish(self, id: str, course: Course, disposition: str) -> None:
        if course.goes_on:
            disposition = await self._goes_on(id)
        self._tap(id, "cleared", disposition=disposition)
        self.care.fill_up(self._hand(id))
        self._write(id, partial(self.papers.write, id, disposition=disposition))

    async def _goes_on(self, id: str) -> str:
        """They are taken somewhere, or an agency is asked, or that was all; as a disposition."""
        if REFERRAL in self.unseen and self.papers.refer(self._hand(id), id):
            self.unseen.discard(REFERRAL)
            return "15"
        if self.pace.happens(0.28):
            destination = self.dice.choice(DESTINATIONS)
            self.doing = "transporting"
            self._tap(id, "transporting", destination=destination)
            await self.pace.minutes(6, 15)
            self._tap(id, "arrived_destination", destination=destination)
            await self.pace.minutes(2, 8)
            return "16"
        if self.pace.happens(0.4) and self.papers.refer(self._hand(id), id):
            return "15"
        return BY_CONTACT

    def _write(self, id: str, write: Callable[[], Awaitable[object]]) -> None:
        """The record is written on the way to the next call, and signed when both agree."""

        async def writing() -> None:
            await write()
            self._writing.discard(id)

        self._writing.add(id)
        self._group.create_task(writing())

    def _open(self) -> str:
        """Somebody on the street: a call of their own, offline too."""
        id = str(uuid7())
        self._own.add(id)
        self.doing = "on view"
        self.dice.choice(self.tablets).tap("opened", id, entry="on_view")
        return id

    # --- their hands ---

    def _shown(self, id: str) -> Document:
        """The call as one of the tablets has it; Over where neither has it open any more."""
        copies = [copy for tablet in self.tablets if (copy := tablet.assignment(id))]
        if id in self._own:
            return copies[0] if copies else {}
        if not copies or any(copy.get("state") == "closed" for copy in copies):
            raise Over
        return copies[0]

    def _hand(self, id: str) -> Tablet:
        """The tablet that is at hand: mostly the first one, of those that have the call."""
        having = [tablet for tablet in self.tablets if tablet.assignment(id)] or list(self.tablets)
        return having[0] if self.pace.happens(0.7) else having[-1]

    def _tap(self, id: str, event: str, **data: Any) -> Document:
        self._shown(id)
        return self._hand(id).tap(event, id, **data)
