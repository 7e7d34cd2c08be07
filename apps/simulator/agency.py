"""A partner agency with systems of its own: it hears webhooks, reads what it is asked, and answers.

It believes nothing that it is told: an event is a bell, what it is asked it reads under its own
token. Every few seconds it also asks what it has missed, as a careful receiver does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import httpx2

from apps.simulator.desk import every_page
from apps.simulator.pace import Pace
from apps.simulator.radio import certificates
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.wire import NoAnswer, Refused, ShutOut, understood
from apps.webhooks.fakepartner import FakePartner, Received

LOOK_SECONDS: Final = 3.0
REDIAL_SECONDS: Final = 1.0
TYPES: Final = (
    "referral.requested",
    "referral.updated",
    "referral.reminded",
    "referral.answered",
    "referral.cancelled",
    "consent.revoked",
)
SPEAKER: Final = "front desk"
# Who is asked declines now and then, and says why.
DECLINES: Final = (
    ("full", "No bed until Friday."),
    ("not_eligible", "We take adults who can climb stairs."),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """An event that came: its webhook-id, its place in the endpoint's order, what it is about."""

    id: str
    sequence: int
    type: str
    subject: str


@dataclass
class Agency:
    """One partner. `say` is told each event and answer, in words without a name of anybody.

    `events`: what came, as it came. `answered`: task -> verbs that were taken.
    """

    name: str
    base_url: str
    token: str
    pace: Pace
    say: Callable[[str, str], None]
    events: list[Heard] = field(default_factory=list)
    answered: dict[str, list[str]] = field(default_factory=dict)
    unverified: int = 0
    endpoint: str = ""
    at_work: int = 0
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _client: httpx2.AsyncClient = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Agency]:
        """Listens, with an endpoint that is proven to be its own, until the end."""
        self._loop = asyncio.get_running_loop()
        self._client = httpx2.AsyncClient(
            base_url=self.base_url,
            verify=certificates(),
            timeout=15,
            trust_env=False,
            headers={"Authorization": f"Bearer {self.token}"},
        )
        receiver = FakePartner(heard=self._heard)
        with ExitStack() as stack:
            # It starts a loop of its own, which cannot be done where one runs.
            await asyncio.to_thread(stack.enter_context, receiver.running())
            try:
                await self._listen_at(receiver)
                yield self
            finally:
                await self._client.aclose()

    async def run(self) -> None:
        """Answers whatever it is asked, until cancelled."""
        async with asyncio.TaskGroup() as group:
            known: set[str] = set()
            while True:
                for task in await self.asked():
                    if task["id"] not in known and task["awaits"] == "answer":
                        known.add(task["id"])
                        group.create_task(self._case(task["id"]))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._bell.wait()
                self._bell.clear()

    async def asked(self) -> list[Document]:
        """Everything that it was ever asked, the newest first."""
        get = partial(self._until_answered, "GET")
        return await every_page(get, "/api/v1/partner/referrals")

    async def log(self) -> list[Document]:
        """Every event that was made for its endpoint, whether it arrived or not."""
        found: list[Document] = []
        after = 0
        while True:
            address = f"/api/v1/partner/events?endpoint={self.endpoint}&after={after}"
            page = await self._until_answered("GET", address)
            found += page["events"]
            if not page["more"]:
                return found
            after = found[-1]["sequence"]

    # --- what it does ---

    async def _case(self, task: str) -> None:
        self.at_work += 1
        try:
            await self._attend(task)
        finally:
            self.at_work -= 1

    async def _attend(self, task: str) -> None:
        """One person who is sent: read, answered and, where there is room, seen to the end."""
        told = await self._until_answered("GET", f"/api/v1/partner/referrals/{task}")
        await self.pace.minutes(1, 8)
        if "needs" not in told:  # without a consent there is only "call us"
            await self._answer(task, "ask", text="Please tell us what is needed.")
        if self.pace.happens(0.2):
            code, words = self.pace.dice.choice(DECLINES)
            await self._answer(task, "decline", reason_code=code, reason=words)
            return
        await self._answer(task, "accept", case_number=f"EX-{task[-6:].upper()}")
        await self.pace.minutes(2, 20)
        if self.pace.happens(0.5):
            at = datetime.now(UTC) + timedelta(hours=2)
            await self._answer(task, "appointment", appointment_at=at.isoformat())
        await self.pace.minutes(5, 30)
        if self.pace.happens(0.8):
            await self._answer(task, "attended")
            await self._answer(task, "served", services=["a bed for the night"])
        else:
            await self._answer(task, "not_served", reason_code="no_show", reason="Did not come.")

    async def _answer(self, task: str, verb: str, **told: Any) -> None:
        """Says it until it is taken; the key makes a repeat the same answer. What CARE has called
        off meanwhile is not to be answered any more."""
        body = {"key": f"{task}:{verb}", "verb": verb, "said_by": SPEAKER, **told}
        with contextlib.suppress(Refused):
            await self._until_answered("POST", f"/api/v1/partner/referrals/{task}/answers", body)
            self.answered.setdefault(task, []).append(verb)
            self.say("partner", f"{self.name}: {verb.replace('_', ' ')}")

    # --- what it hears ---

    async def _listen_at(self, receiver: FakePartner) -> None:
        made = await self._until_answered(
            "POST",
            "/api/v1/partner/endpoints",
            {"name": "intake", "url": f"{receiver.url}/well", "event_types": list(TYPES)},
        )
        self.endpoint = made["endpoint"]["id"]
        receiver.secret = made["keys"]["secret"]

    def _heard(self, received: Received) -> None:
        """In the receiver's thread: kept as it came, and the bell rung."""
        if received.verified is False:
            self.unverified += 1
            return
        event = received.event
        if event["type"] != "endpoint.verification":
            subject = event["data"].get("task_id") or event["data"].get("revocation_id") or ""
            self.events.append(Heard(received.id, event["sequence"], event["type"], subject))
            words = f"{self.name}: heard {event['type']}, signed as told"
            self._loop.call_soon_threadsafe(self.say, "partner", words)
        self._loop.call_soon_threadsafe(self._bell.set)

    # --- how it asks ---

    async def _until_answered(self, method: str, address: str, body: Document | None = None) -> Any:
        """Raises Refused; everything else is tried again."""
        while True:
            try:
                answer = understood(await self._client.request(method, address, json=body))
                return answer.json()
            except (NoAnswer, ShutOut) as failure:
                await asyncio.sleep(getattr(failure, "wait", 0) or REDIAL_SECONDS)
            except httpx2.TransportError:
                await asyncio.sleep(REDIAL_SECONDS)
