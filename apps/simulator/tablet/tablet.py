"""One tablet: store, replication and socket running together, taps, and what the screen shows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx2
from uuid_utils.compat import uuid7

from .device import Device, stamp
from .emergency import Banner, banner
from .media import Media
from .replication import Replication
from .ringing import Bell, Shown, bell, is_on_call, opened
from .roundtrip import RoundTrip
from .socket import Connection, Socket
from .store import Document, Outbox, Store
from .wire import SCHEMA, Wire

# In the order in which they are pulled: nothing delays an assignment.
COLLECTIONS = (
    *("assignments", "facts", "encounters", "persons", "case_notes"),
    *("naloxone_doses", "first_aid_logs", "consents", "referrals", "follow_ups", "quarantine"),
    "reference",
)
APPEND_ONLY = ("facts", "naloxone_doses", "first_aid_logs", "consents")
PUSHABLE = (*APPEND_ONLY, "encounters", "persons", "case_notes", "referrals", "follow_ups")
CALLS_FOR_HELP = frozenset({"emergency", "assist", "scene_unsafe"})
_MANY = 1000
POLL_SECONDS = 5.0  # without a socket, on average

Heard = Callable[["Tablet", str, Sequence[Document]], None]
Typed = Callable[["Tablet", Document], None]


class Link(Protocol):
    """The tablet's way to the server: HTTP through `transport`, sockets through `dial`."""

    @property
    def transport(self) -> httpx2.AsyncBaseTransport: ...
    def dial(
        self, url: str, headers: dict[str, str], /
    ) -> AbstractAsyncContextManager[Connection]: ...


@dataclass(frozen=True, slots=True)
class Status:
    """What the top of the screen always says: how current it is, and what is not sent.

    `put_back`: "the server was put back, and waits for its operator": what is shown is kept, what
    is typed is taken there. `owes`: it has come back in another history, and what is held is on its
    way there. `kept`: how many texts the server keeps until somebody settles them (`Store.kept`).
    """

    outbox: Outbox
    live: bool
    in_contact: bool
    shut_out: bool
    put_back: bool = False
    owes: bool = False
    kept: int = 0


class Tablet:
    """A tablet with its local database at `path`, and its photos beside it at `photos`. `heard` is
    called for every page and frame that was taken into the store, `typed` for every tap, before
    anything is sent."""

    def __init__(
        self,
        *,
        label: str,
        base_url: str,
        path: Path | str,
        photos: Path | str = ":memory:",
        link: Link,
        dice: random.Random,
        clock_offset: timedelta = timedelta(0),
        collections: Sequence[str] = COLLECTIONS,
        pushable: Sequence[str] = PUSHABLE,
        append_only: Sequence[str] = APPEND_ONLY,
        schema: int = SCHEMA,
        mode: str = "frames",
    ) -> None:
        self.label = label
        self.device = Device(clock_offset)
        self.store = Store(path, pushable=pushable, append_only=append_only)
        self.heard: list[Heard] = []
        self.typed: list[Typed] = []
        self._dice = dice
        self._telling = True
        self.wire = Wire(base_url, self.store, self.device, link.transport, schema)
        self.replication = Replication(
            self.store,
            self.device,
            self.wire,
            collections=collections,
            dice=dice,
            arrived=self._arrived,
        )
        self.round_trip = RoundTrip(self.store, self.wire, self.replication)
        address = f"{base_url.replace('http', 'ws', 1)}/ws/v1/sync"
        self._socket = Socket(
            address, self.store, self.replication, link.dial, schema=schema, mode=mode
        )
        self.media = Media(
            base_url,
            photos,
            lambda: self.store.token,
            dice=dice,
            transport=link.transport,
            named=self.store.names,
        )
        self.store.dropped.append(self.media.tidy)
        self._told_received = {
            fact["assignment_id"]
            for fact in self.store.documents("facts")
            if fact.get("event") == "received" and fact["editor"] in self.store.writers
        }

    async def run(self) -> None:
        """Keep the tablet working until it is cancelled."""
        self.replication.want()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.replication.pulling())
            group.create_task(self.replication.pushing())
            group.create_task(self.replication.calling())
            group.create_task(self._socket.listening())
            group.create_task(self._polling())
            group.create_task(self.media.sending())

    async def catch_up(self, *, telling: bool = True) -> None:
        """Pull everything that is new, once, and return when it is in the store. Without `telling`
        nothing is said about calls that arrive: the store only looks."""
        self._telling = telling
        for collection in self.replication.collections:
            await self.replication.pull(collection)

    async def close(self) -> None:
        await self.wire.close()
        await self.media.close()
        self.store.close()

    def tap(self, event: str, assignment_id: str | None, **data: Any) -> Document:
        """One tap becomes one fact: saved before the screen moves, sent when it can be. A call for
        help goes first, and ends every pause."""
        return self.save(
            "facts",
            {
                "id": str(uuid7()),
                "kind": "assignment_event",
                "assignment_id": assignment_id,
                "event": event,
                "device_time": stamp(self.device.now()),
                "data": data,
            },
            urgent=event in CALLS_FOR_HELP,
        )

    def save(self, collection: str, document: Document, *, urgent: bool = False) -> Document:
        """Keep what was typed: a new document, an edit of one, or the correction of one that was
        refused. Returns it as it was kept."""
        saved = self.store.save(collection, document, at=self.device.now(), urgent=urgent)
        for listener in self.typed:
            listener(self, saved)
        self.replication.typed(urgent=urgent)
        return saved

    def delete(self, collection: str, id: str) -> None:
        """Its author deletes a document that people change together."""
        self.store.delete(collection, id, at=self.device.now())
        self.replication.typed()

    async def drain(self) -> bool:
        """Hand over everything that was typed or photographed, and drop what is not ours any more:
        before the tablet is given away, and when it was reported lost. True: nothing is left in it,
        so that the files can go (`store.wipe`)."""
        await self.replication.push()
        for sha256 in self.media.unsent():
            await self.media.send(sha256)
        await self.catch_up(telling=False)
        self.media.tidy()
        await self.replication.tell()
        return self.store.empty and not self.media.held()

    def assignment(self, id: str) -> Document | None:
        """The assignment as this tablet has it; None once it has left (or never came)."""
        return self.store.get("assignments", id)

    def emergency_banner(self, fact: Document) -> Banner:
        """What the screen says about an emergency or assist tap just now."""
        known = self.store.get("facts", fact["id"]) or fact
        alert = known.get("alert") or {}
        acknowledged_at = alert.get("acknowledged_at")
        return banner(
            tapped_at=datetime.fromisoformat(fact["device_time"]),
            now=self.device.now(),
            accepted_at=self.store.accepted_at("facts", fact["id"]),
            acknowledged_at=datetime.fromisoformat(acknowledged_at) if acknowledged_at else None,
            acknowledged_by=alert.get("acknowledged_by"),
        )

    def bell(self, me: str) -> Bell:
        """The follow-ups that ring just now for whoever is signed in (their id), by what is in the
        store: with or without a network."""
        facts = self.store.documents("facts")
        taps = [edit.document for edit in self.store.unsent(_MANY, collection="facts")]
        return bell(
            self.store.documents("follow_ups"),
            me=me,
            now=self.device.now(),
            told=_told(facts),
            on_call=is_on_call(self.store.documents("assignments"), taps),
        )

    def opened_follow_up(self, id: str) -> Shown:
        """What the screen says of a follow-up that is opened: also of one that is done."""
        return opened(self.store.get("follow_ups", id), told=_told(self.store.documents("facts")))

    @property
    def status(self) -> Status:
        replication = self.replication
        return Status(
            self.store.outbox(),
            self._socket.up,
            replication.in_contact,
            replication.shut_out,
            replication.put_back,
            self.store.owes,
            len(self.store.kept()),
        )

    @property
    def live_since(self) -> float | None:
        """Since when (monotonic) the socket is up; None while it is not."""
        return self._socket.up_since

    def refresh(self) -> None:
        """Ask for everything that is new, as a pull of the screen does."""
        self.replication.want()

    async def _polling(self) -> None:
        """Without a socket, pull at an easy pace that spreads tablets apart."""
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * POLL_SECONDS)
            if not self._socket.up:
                self.refresh()

    def _arrived(self, collection: str, documents: Sequence[Document]) -> None:
        if collection == "assignments" and self._telling:
            self._tell_received(documents)
        self.media.tidy()
        for listener in self.heard:
            listener(self, collection, documents)

    def _tell_received(self, documents: Sequence[Document]) -> None:
        """The first time a call is in the store, the tablet says so by itself."""
        for document in documents:
            if not document.get("_deleted") and document["id"] not in self._told_received:
                self._told_received.add(document["id"])
                self.tap("received", document["id"])


def _told(facts: Sequence[Document]) -> list[Document]:
    """What was told of follow-ups, in the order in which it was typed."""
    told = (fact for fact in facts if fact.get("kind") == "follow_up_event")
    return sorted(told, key=lambda fact: (fact.get("device_time") or "", fact.get("counter") or 0))
