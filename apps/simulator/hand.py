"""A responder with a tablet: the follow-ups that it shows, what was told of them here, when it
asks whether all is well, and what time it really is.

Tablets' clocks are hours off, and a tablet rings by what its clock says. How far that is off, the
server tells with each fact that was typed here; until the first has come back, nothing rings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apps.core.ids import uuid7
from apps.simulator.tablet import checkins, ringing
from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

FOLLOW_UPS = "follow_ups"


@dataclass
class Hand:
    """`follow_ups`: those that are open, by id, as they came; `on_scene` likewise the calls on
    which a check-in is owed. What came is not always what is there still: `shown` asks the tablet.
    """

    tablet: Tablet
    follow_ups: dict[str, Document] = field(default_factory=dict, init=False)
    on_scene: dict[str, Document] = field(default_factory=dict, init=False)
    _off: timedelta | None = field(default=None, init=False)
    _told: dict[str, list[Document]] = field(default_factory=dict, init=False)
    _unsent: dict[str, Document] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.tablet.heard.append(self._heard)
        self.tablet.typed.append(self._typed)
        for collection in (FOLLOW_UPS, "facts", "assignments"):  # what is left of an earlier run
            self._heard(self.tablet, collection, self.tablet.store.documents(collection))

    @property
    def knows_the_time(self) -> bool:
        return self._off is not None

    def now(self) -> datetime:
        """The true time, as far as this tablet knows how much its clock is off."""
        return self.tablet.device.now() - (self._off or timedelta(0))

    def shown(self, id: str) -> Document | None:
        """A follow-up as the tablet has it; None: it is not there (any more)."""
        return self.tablet.store.get(FOLLOW_UPS, id)

    def bell(self) -> ringing.Bell:
        """What rings now, and whether it may be heard."""
        me, now = self.tablet.store.author or "", self.now()
        bells = (
            ringing.bell([one], me=me, now=now, told=self._told.get(id, ()))
            for id, one in self.follow_ups.items()
        )
        rings = tuple(ring for bell in bells for ring in bell.rings)
        return ringing.Bell(rings, sounds=bool(rings) and not self._is_on_call())

    def asks(self) -> tuple[checkins.Ask, ...]:
        """The check-ins that this tablet asks for now."""
        if not self.knows_the_time:
            return ()
        told = [(fact, self._true(fact["device_time"])) for fact in self._unsent.values()]
        return checkins.asks(self.on_scene.values(), now=self.now(), told=told)

    def opened(self, id: str) -> ringing.Shown:
        """What the screen says when it is opened."""
        return ringing.opened(self.shown(id), told=self._told.get(id, ()))

    def tell(self, id: str, event: str, **content: Any) -> Document:
        """Says what happened to a follow-up."""
        return self.tablet.save(
            "facts",
            {
                "id": str(uuid7()),
                "kind": "follow_up_event",
                "follow_up_id": id,
                "event": event,
                **content,
                "device_time": stamp(self.tablet.device.now()),
            },
        )

    def _true(self, stamped: str) -> datetime:
        """When it was by the server's clock."""
        return datetime.fromisoformat(stamped) - (self._off or timedelta(0))

    def _is_on_call(self) -> bool:
        assignments = self.tablet.store.documents("assignments")
        return ringing.is_on_call(assignments, self._unsent.values())

    def _heard(self, tablet: Tablet, collection: str, documents: Sequence[Document]) -> None:
        if collection == FOLLOW_UPS:
            for one in documents:
                if one.get("state") == "open" and not one.get("_deleted"):
                    self.follow_ups[one["id"]] = one
                else:
                    self.follow_ups.pop(one["id"], None)
                    self._told.pop(one["id"], None)
        elif collection == "assignments":
            for one in documents:
                if one.get("check_in") and not one.get("_deleted"):
                    self.on_scene[one["id"]] = one
                else:
                    self.on_scene.pop(one["id"], None)
        elif collection == "facts":
            ours = str(tablet.store.instance)
            for fact in documents:
                self._unsent.pop(fact["id"], None)
                off = fact.get("clock_offset_ms")
                if fact.get("editor") == ours and off is not None:
                    self._off = timedelta(milliseconds=off)

    def _typed(self, tablet: Tablet, document: Document) -> None:
        match document.get("kind"):
            case "follow_up_event":
                self._told.setdefault(document["follow_up_id"], []).append(document)
            case "assignment_event":
                self._unsent[document["id"]] = document
