"""What a crew gives and does with its hands: naloxone with what the log asks, kits left behind,
wounds, and what it takes from the store.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

from apps.core.ids import uuid7
from apps.firstaid import codes
from apps.simulator import meetings, notes
from apps.simulator.bag import NALOXONE, NALOXONE_KIT, Bag, Piece
from apps.simulator.pace import Pace
from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

STANDING_ORDER: Final = "9918005"  # eMedications.11: by protocol
BEFORE_ARRIVAL: Final = 0.25
WITHOUT_OVERDOSE: Final = 0.08
# Who has the person in the end, how often, and what the call is closed with (APCO 1.111.2).
HANDOVERS: Final = (
    ("medics", "44", 6),
    ("stayed", "43", 2),
    ("left", "43", 1),
    ("refused", "42", 1),
)


@dataclass
class Care:
    """One crew's. `call_sign`: whose bag it is."""

    call_sign: str
    pace: Pace
    dice: random.Random
    _fetched: dict[str, str] = field(default_factory=dict, init=False)

    async def overdose(self, tablet: Tablet, assignment: str) -> str:
        """One dose or two, with the breathing before and after, and the answers to what the log
        asks. Returns what the call is closed with."""
        if self.pace.happens(BEFORE_ARRIVAL):
            self._dose(tablet, assignment, codes.GASPING, given_by="bystander", before_arrival=True)
        called = self.dice.choice(("called", "called", "on_scene"))
        at = {"called_at": stamp(tablet.device.now())} if called == "called" else {}
        self._answer(tablet, assignment, "fire_called", called, **at)
        first = self._give(tablet, assignment, codes.NOT_BREATHING)
        self._answer(tablet, assignment, "airway", "open_and_breaths")
        self._act(
            tablet,
            "first_aid_logs",
            assignment,
            {
                "injuries": ["overdose"],
                "procedures": [codes.OPEN_AIRWAY, codes.RESCUE_BREATHS, codes.RECOVERY_POSITION],
                "vitals": {"respiratory_rate": self.dice.randint(4, 9)},
                "level": "3326007",
                "breathing": codes.GASPING,
            },
        )
        await self.pace.minutes(2, 3)
        if self.pace.happens(0.5):
            await self._again(tablet, assignment, first)
        else:
            self._breathes(tablet, assignment, first, codes.SHALLOW, codes.IMPROVED)
        await self.pace.minutes(2, 3)
        return self._hand_over(tablet, assignment)

    def treat(self, tablet: Tablet, assignment: str) -> None:
        """A small wound, or somebody cold."""
        self._act(tablet, "first_aid_logs", assignment, dict(self.dice.choice(meetings.AID)))

    def maybe_leave_kit(self, tablet: Tablet, assignment: str) -> None:
        """Some want a kit with naloxone who have not overdosed today."""
        if self.pace.happens(WITHOUT_OVERDOSE):
            self._leave_kit(tablet, assignment)

    def fill_up(self, tablet: Tablet) -> None:
        """What the bag is low on is taken from the store. What was taken is not taken again before
        the tablet shows that it has come."""
        bag = self._bag(tablet)
        low = {piece.product["id"]: (piece, kit, number) for piece, kit, number in bag.to_fetch()}
        self._fetched = {id: fact for id, fact in self._fetched.items() if id in low}
        for product, (piece, kit, number) in low.items():
            if product not in self._fetched:
                fact = self._move(tablet, "issue", piece, quantity=number, to_kit_id=kit)
                self._fetched[product] = fact["id"]

    async def _again(self, tablet: Tablet, assignment: str, first: Document) -> None:
        self._breathes(tablet, assignment, first, codes.GASPING, "9916003")
        if self._bag(tablet).piece(NALOXONE) is None:
            self._answer(tablet, assignment, "next_dose", "none_left", dose_id=first["id"])
            return
        self._answer(tablet, assignment, "next_dose", "given", dose_id=first["id"])
        second = self._give(tablet, assignment, codes.GASPING)
        await self.pace.minutes(2, 3)
        self._breathes(tablet, assignment, second, codes.BREATHING_NORMALLY, codes.IMPROVED)

    def _give(self, tablet: Tablet, assignment: str, before: str) -> Document:
        """A dose out of the bag; the fire department gives one where that has none left."""
        bag = self._bag(tablet)
        piece = bag.piece(NALOXONE)
        if piece is None:
            given_by = "fire" if bag.is_known else codes.CARE
            return self._dose(tablet, assignment, before, given_by=given_by)
        return self._dose(
            tablet,
            assignment,
            before,
            product_id=piece.product["id"],
            lot_id=piece.lot_id,
            kit_id=piece.kit_id,
            authorization=STANDING_ORDER,
        )

    def _dose(self, tablet: Tablet, assignment: str, before: str, **fields: Any) -> Document:
        dose = {**meetings.DOSE, "breathing_before": before, **fields}
        return self._act(tablet, "naloxone_doses", assignment, dose)

    def _breathes(
        self, tablet: Tablet, assignment: str, dose: Document, how: str, response: str
    ) -> None:
        self._answer(tablet, assignment, "breathing", how, dose_id=dose["id"], response=response)

    def _hand_over(self, tablet: Tablet, assignment: str) -> str:
        weights = [weight for _, _, weight in HANDOVERS]
        to, disposition, _ = self.dice.choices(HANDOVERS, weights)[0]
        witness = {"witness": "the other responder"} if to == "refused" else {}
        self._answer(tablet, assignment, "handover", to, **witness)
        if to == "medics":
            self._answer(tablet, assignment, "kit_left", self.dice.choice(("has_one", "refused")))
        elif self._leave_kit(tablet, assignment):
            self._answer(tablet, assignment, "kit_left", "left")
        else:
            self._answer(tablet, assignment, "kit_left", "none")
        return disposition

    def _leave_kit(self, tablet: Tablet, assignment: str) -> bool:
        piece = self._bag(tablet).piece(NALOXONE_KIT)
        if piece is not None:
            self._move(tablet, "left_behind", piece, **notes.here(assignment))
        return piece is not None

    def _move(self, tablet: Tablet, movement: str, piece: Piece, **fields: Any) -> Document:
        return tablet.save(
            "facts",
            {
                "id": str(uuid7()),
                "kind": "stock_movement",
                "movement": movement,
                "product_id": piece.product["id"],
                "lot_id": piece.lot_id,
                "from_kit_id": piece.kit_id,
                "device_time": stamp(tablet.device.now()),
                **fields,
            },
        )

    def _answer(
        self, tablet: Tablet, assignment: str, question: str, answer: str, **fields: Any
    ) -> None:
        told = {"kind": "overdose_answer", "question": question, "answer": answer, **fields}
        self._act(tablet, "facts", assignment, told)

    def _act(
        self, tablet: Tablet, collection: str, assignment: str, fields: dict[str, Any]
    ) -> Document:
        return tablet.save(
            collection,
            {
                "id": str(uuid7()),
                **notes.here(assignment),
                "device_time": stamp(tablet.device.now()),
                **fields,
            },
        )

    def _bag(self, tablet: Tablet) -> Bag:
        return Bag(tablet.store.documents("reference"), self.call_sign)
