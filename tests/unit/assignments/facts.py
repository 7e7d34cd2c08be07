"""Facts for the timeline's tests: a story is told by taps, minutes after noon."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from apps.assignments.timeline import Fact

NOON = datetime(2024, 5, 1, 19, 0, tzinfo=UTC)
ASSIGNMENT = UUID(int=1)
ALICE = UUID(int=0xA11CE)
BOB = UUID(int=0xB0B)
TABLET_A = UUID(int=0xA)
TABLET_B = UUID(int=0xB)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@dataclass
class Story:
    """Makes facts; each one reaches the server after the one before, unless `order` says else."""

    facts: list[Fact] = field(default_factory=list)
    counters: dict[UUID, int] = field(default_factory=dict)

    def tap(
        self,
        event: str,
        minute: float | None,
        /,
        *,
        device: UUID = TABLET_A,
        **data: Any,
    ) -> Fact:
        """One tap on a tablet with a measured clock, received at once."""
        counter = self.counters.get(device, 0) + 1
        self.counters[device] = counter
        if event == "acknowledged":
            data = {"call_revision": 1, **data}
        return self.add(event, minute, source="tablet", device=device, counter=counter, data=data)

    def cad(self, event: str, minute: float | None, /, **data: Any) -> Fact:
        return self.add(event, minute, source="cad", data=data)

    def police(self, unit: str, status: str, minute: float | None, agency: str = "spd") -> Fact:
        return self.cad("cad_status", minute, agency=agency, unit=unit, status=status)

    def desk(self, event: str, minute: float, /, **data: Any) -> Fact:
        return self.add(event, minute, source="desk", data=data)

    def add(self, event: str, minute: float | None, **fields: Any) -> Fact:
        number = len(self.facts) + 1
        tablet = fields.get("source") == "tablet"
        given = {
            "id": UUID(int=1000 + number),
            "assignment_id": ASSIGNMENT,
            "event": event,
            "device_time": None if minute is None else at(minute),
            "counter": None,
            "device": None,
            "clock_offset_ms": 0 if tablet else None,
            "clock_uncertainty_ms": 50 if tablet else None,
            "received_at": at(600) if minute is None else at(minute) + timedelta(seconds=1),
            "order": number,
            "author_id": ALICE if tablet else None,
            "unit": "CARE21",
            "source": "tablet",
            "data": {},
            **fields,
        }
        self.facts.append(Fact(**given))
        return self.facts[-1]

    def undo(self, fact: Fact, minute: float, *, device: UUID = TABLET_A) -> Fact:
        return self.tap("corrected", minute, device=device, corrects=str(fact.id), reason="mis_tap")
