"""The 911 centre's computer-aided dispatch: posts calls and whatever becomes of them.

A message is sent until the server has taken it, whatever the network does to the answers: the
server knows a call by its CAD event number, so a repeat changes nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field

import httpx2

from apps.simulator.calls import Call
from apps.simulator.radio import Radio
from apps.simulator.tablet.store import encoded
from apps.simulator.tablet.wire import NoAnswer, understood

EIDO = "/api/v1/dispatch/eido"
PLAIN = "/api/v1/dispatch/incidents"
LONGEST_PAUSE = 4.0


@dataclass(frozen=True, slots=True)
class Posted:
    """A call as it first reached the server. Times by `time.monotonic()`."""

    call: Call
    sent: float
    accepted: float


@dataclass
class CAD:
    """The client of the dispatch endpoints. `first` keeps when each call was first posted."""

    base_url: str
    token: str
    radio: Radio
    dice: random.Random
    first: dict[str, Posted] = field(default_factory=dict)
    retries: int = 0

    def __post_init__(self) -> None:
        self._client = httpx2.AsyncClient(
            base_url=self.base_url,
            transport=self.radio.transport,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            timeout=15,
            trust_env=False,
        )
        self._turns: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def tell(self, call: Call) -> None:
        """Post the call as it stands now. Messages of one call go out one after the other, as
        from one desk; a plain CAD and an EIDO one take turns by the call's number."""
        turn = self._turns.setdefault(call.number, asyncio.Lock())
        async with turn:
            sent = time.monotonic()
            if int(call.number) % 2:
                await self._post(EIDO, call.as_eido())
            else:
                await self._post(PLAIN, call.as_plain())
            self.first.setdefault(call.number, Posted(call, sent, time.monotonic()))

    async def _post(self, path: str, message: object) -> None:
        failures = 0
        while True:
            try:
                understood(await self._client.post(path, content=encoded(message)))
            except NoAnswer as failure:
                wait = failure.wait
            except httpx2.TransportError:
                wait = 0.0
            else:
                return
            self.retries += 1
            bound = min(LONGEST_PAUSE, 0.25 * 2**failures)
            await asyncio.sleep(wait + self.dice.uniform(0, bound))
            failures += 1
