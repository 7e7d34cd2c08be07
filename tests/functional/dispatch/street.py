"""A team on duty before a running server: a CAD that posts, a desk, and reference tablets.

Everything goes through the public endpoints and sockets; only the accounts and the crews are made
beforehand, by the services that make them in the product.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.models import Role, Team, User
from apps.audit.services import SYSTEM
from apps.dispatch import services as dispatch
from apps.dispatch.models import Agency, Unit
from apps.simulator.desk import Desk
from apps.simulator.pace import Pace
from apps.simulator.radio import Radio
from apps.simulator.tablet.tablet import Tablet
from tests.factories import PASSWORD, person, team

PATIENCE = 60.0  # it ends what hangs: what is only slow has the time
EIDO = "/api/v1/dispatch/eido"
PLAIN = "/api/v1/dispatch/incidents"
Document = dict[str, Any]


@dataclass(frozen=True)
class Cast:
    """Who is on duty: the responders of each unit, a supervisor, a CAD's token."""

    team: Team
    crews: dict[str, list[User]]
    units: dict[str, Unit]
    supervisor: User
    cad_token: str


def on_duty(**sizes: int) -> Cast:
    """CARE units by call sign, with so many responders each, on a shift that is on now."""
    now = timezone.now()
    dispatch.load_reference(by=SYSTEM, now=now)
    of = team()
    hours = timedelta(hours=5)
    shift = dispatch.start_shift(
        team=of, starts_at=now - hours, ends_at=now + hours, by=SYSTEM, now=now
    )
    crews, units = {}, {}
    for call_sign, size in sizes.items():
        eido_id = f"{call_sign.lower()}@care.seattle.wa.us"
        unit = Unit(call_sign=call_sign, agency=Agency.CARE, eido_id=eido_id, team=of)
        units[call_sign] = dispatch.save_unit(unit=unit, by=SYSTEM, now=now)
        crews[call_sign] = [person(of=of, password=True) for _ in range(size)]
        for position, user in enumerate(crews[call_sign], 1):
            dispatch.join_crew(
                user=user, unit=unit, shift=shift, position=position, by=SYSTEM, now=now
            )
    supervisor = person(Role.SUPERVISOR, of=of, password=True)
    token, _ = accounts.create_client(name="CAD", by=SYSTEM, now=now)
    return Cast(of, crews, units, supervisor, token)


class Noted(httpx2.AsyncBaseTransport):
    """Passes requests on and keeps their paths; `under_way` are those without an answer yet."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.paths: list[str] = []
        self.under_way = 0
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.paths.append(request.url.path)
        self.under_way += 1
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self.under_way -= 1

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass
class Held:
    """A running tablet. `noted` are its requests over HTTP, `came` is when each state of an
    assignment first came to it, by `time.monotonic()`."""

    tablet: Tablet
    radio: Radio
    noted: Noted
    came: dict[tuple[str, int], float] = field(default_factory=dict)
    raw: dict[str, Document] = field(default_factory=dict)

    def heard(self, tablet: Tablet, collection: str, documents: Any) -> None:
        if collection == "assignments":
            for document in documents:
                self.raw[document["id"]] = document  # as it came, in the order of its keys
                if not document.get("_deleted"):
                    key = (document["cad_number"], document["call_revision"])
                    self.came.setdefault(key, time.monotonic())

    def call(self, number: str) -> Document:
        """The call as the screen shows it; {} for one that is not here."""
        shown = self.tablet.store.documents("assignments")
        return next((one for one in shown if one["cad_number"] == number), {})

    def pulls(self) -> int:
        """How often it has asked for assignments."""
        return sum(path.endswith("/assignments/pull") for path in self.noted.paths)

    @property
    def quiet(self) -> bool:
        """It asks for nothing, has nothing to ask for, and has told everything."""
        tablet = self.tablet
        busy = self.noted.under_way or tablet.replication.wanted or tablet.status.outbox.unsent
        return not busy

    def events(self, assignment: str) -> list[str]:
        """The facts of an assignment as the server gave them back, in its order."""
        facts = self.tablet.store.documents("facts")
        ours = [one for one in facts if one["assignment_id"] == assignment and "order" in one]
        return [fact["event"] for fact in sorted(ours, key=lambda fact: fact["order"])]


@dataclass
class Street:
    """Everything that is connected. `tablets` by call sign."""

    cast: Cast
    tablets: dict[str, list[Held]]
    desk: Desk
    cad: httpx2.AsyncClient

    async def post(self, message: Document, path: str = PLAIN) -> Document:
        answer = await self.cad.post(path, json=message)
        assert answer.is_success, answer.text
        body: Document = answer.json()
        return body

    async def given(self, number: str, *, to: str = "CARE21", **members: Any) -> str:
        """A call in plain JSON, on all tablets of its unit; the assignment's id."""
        await self.post(call(number, to=to, **members))
        held = self.tablets[to]
        await until(lambda: all(one.call(number) for one in held), f"{number} at {to}")
        return str(held[0].call(number)["id"])

    async def in_line(self, call_sign: str) -> None:
        """Gives calls to a unit until one came to all its tablets over their sockets alone. While a
        tablet and its socket catch up, each by itself, a call may come either way."""
        held = self.tablets[call_sign]
        for number in range(20):
            await until(lambda: all(one.quiet for one in held), "all is quiet")
            asked = [one.pulls() for one in held]
            await self.given(f"warm {number}", to=call_sign)
            await until(lambda: all(one.quiet for one in held), "all is quiet again")
            if [one.pulls() for one in held] == asked:
                return
        raise AssertionError("no call comes over the sockets alone")

    def unit(self, call_sign: str) -> str:
        return str(self.cast.units[call_sign].pk)


async def until(condition: Callable[[], object], what: str) -> None:
    """Let everything run until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to this: {what}"
        await asyncio.sleep(0.01)


def call(number: str, *, to: str = "CARE21", status: str = "Dispatched", **more: Any) -> Document:
    """A welfare check with one CARE unit on it, told just now."""
    now = timezone.now().isoformat()
    return {
        "cad_number": number,
        "agency_id": "spd.seattle.gov",
        "received_at": now,
        "updated_at": now,
        "initial_call_type": "SERVICE - WELFARE CHECK",
        "address": "3RD AVE / PIKE ST",
        "beat": "M3",
        "units": [
            {
                "unit_id": f"{to.lower()}@care.seattle.wa.us",
                "call_sign": to,
                "statuses": [{"status": status, "at": now}],
            }
        ],
        **more,
    }


@asynccontextmanager
async def connected(cast: Cast, *, tablets_at: str, cad_at: str) -> AsyncIterator[Street]:
    """The tablets and the desk at one server, the CAD at one (the same or another)."""
    dice = random.Random(7)
    desk = Desk(tablets_at, cast.supervisor.username, PASSWORD, pace=Pace(1, dice), answers=False)
    cad = httpx2.AsyncClient(
        base_url=cad_at,
        headers={"Authorization": f"Bearer {cast.cad_token}"},
        timeout=PATIENCE,
        trust_env=False,
    )
    tablets: dict[str, list[Held]] = {}
    running: list[asyncio.Task[None]] = []
    try:
        await desk.sign_in()
        for call_sign, crew in cast.crews.items():
            for user in crew:
                held = await _held(f"{call_sign} {user.username}", tablets_at, desk, user, dice)
                tablets.setdefault(call_sign, []).append(held)
                running.append(asyncio.create_task(held.tablet.run()))
        every = [one for crew in tablets.values() for one in crew]
        await until(lambda: all(one.tablet.status.live for one in every), "every socket is up")
        yield Street(cast, tablets, desk, cad)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for one in (one for crew in tablets.values() for one in crew):
            await one.tablet.close()
        await desk.close()
        await cad.aclose()


async def _held(label: str, base_url: str, desk: Desk, user: User, dice: random.Random) -> Held:
    radio = Radio(dice)
    noted = Noted(radio.transport)
    radio.transport = noted
    tablet = Tablet(label=label, base_url=base_url, path=":memory:", link=radio, dice=dice)
    code = await desk.post("/api/v1/enrolment-codes", {"label": label})
    await tablet.wire.enrol(code["code"])
    await tablet.wire.sign_in(user.username, PASSWORD)
    held = Held(tablet, radio, noted)
    tablet.heard.append(held.heard)
    return held
