"""A call as the simulated CAD knows it, told in EIDO or in plain JSON."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from apps.dispatch import calls as domain
from apps.dispatch import eidobuild, plain
from apps.simulator.city import PLACES, STORIES, Place, Story

CENTRE: Final = "911.seattle.gov"
CARE: Final = "care.seattle.gov"
SPD: Final = "spd.seattle.gov"
_SERVICES: Final[dict[str, domain.Service]] = {CARE: "care", SPD: "spd"}
# What a call-taker who has the time asks, because the rules do. Otherwise nobody knows.
ASKED: Final = ("weapon", "violence", "encampment", "drug_use", "medical", "confrontational")
ASKED_OFTEN: Final = 0.7


@dataclass
class Call:
    """One event of the CAD, as it stands. `units` are their statuses by call sign and agency."""

    number: str
    story: Story
    place: Place
    received_at: datetime
    narrative: list[domain.Note]
    units: dict[tuple[str, str], list[domain.UnitStatus]] = field(default_factory=dict)
    cautions: list[domain.Caution] = field(default_factory=list)
    exclusions: tuple[domain.ExclusionHint, ...] = ()
    event: domain.CallEvent = "report"
    status: str = "Active"
    final_type: str = ""

    def set_status(self, call_sign: str, agency: str, status: str) -> None:
        """A unit's newest status, as of now."""
        told = self.units.setdefault((call_sign, agency), [])
        told.append(domain.UnitStatus(status=status, at=datetime.now(UTC)))

    def note(self, text: str) -> None:
        self.narrative.append(domain.Note(at=datetime.now(UTC), text=text))

    def as_eido(self) -> dict[str, Any]:
        """The whole call as NENA-STA-021 has it. Of each unit it tells the newest status only,
        because an EIDO has one time for all that it tells of a unit."""
        return eidobuild.build(self._told(statuses=1), issuer=f"cad.{CENTRE}")

    def as_plain(self) -> dict[str, Any]:
        """The whole call as a CAD without EIDO would send it."""
        return plain.build(self._told(statuses=100))

    def _told(self, *, statuses: int) -> domain.Call:
        place = self.place
        return domain.Call(
            cad_number=self.number,
            wire="eido",
            event=self.event,
            agency_id=CENTRE,
            received_at=self.received_at,
            updated_at=datetime.now(UTC),
            initial_call_type=self.story.initial_type,
            final_call_type=self.final_type,
            priority_text=self.story.priority,
            how_received="911",
            statuses=(self.status,),
            address=place.address,
            location=domain.Location(
                lat=place.lat,
                lon=place.lon,
                method="Manual",
                address=place.address,
                place_name=place.name,
                place_type=place.kind,
            ),
            premise=place.name,
            premise_type=place.kind,
            beat=place.beat,
            narrative=tuple(self.narrative),
            cautions=tuple(self.cautions),
            exclusions=self.exclusions,
            units=tuple(
                domain.UnitOnCall(
                    eido_id=f"{call_sign.lower()}@{agency}",
                    call_sign=call_sign,
                    agency_id=agency,
                    service=_SERVICES[agency],
                    primary_status="NotAvailable",
                    statuses=tuple(told[-statuses:]),
                )
                for (call_sign, agency), told in self.units.items()
            ),
        )


def new_call(number: str, dice: random.Random) -> Call:
    """A call from the stock of stories, at one of the places, received just now."""
    story = dice.choices(STORIES, [story.weight for story in STORIES])[0]
    now = datetime.now(UTC)
    note = domain.Note(at=now, text=dice.choice(story.notes))
    asked = ASKED if dice.random() < ASKED_OFTEN else ()
    return Call(
        number,
        story,
        dice.choice(PLACES),
        now,
        [note],
        exclusions=tuple(domain.ExclusionHint(name=name, answer="no") for name in asked),
    )
