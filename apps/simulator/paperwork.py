"""What a crew writes of a call: whom they met, what they gave, the note and its signature.

Written while they work, on whichever tablet is at hand, in as many saves as people make. The two
write into one note at once. Whoever signs waits until both tablets show the same text, as two who
stand beside each other do; where it changes under the pen after all, they read it and sign again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from apps.casenotes.content import content_hash
from apps.core.ids import uuid7
from apps.firstaid import codes as aid
from apps.people.ids import encounter_id, record_id
from apps.simulator import meetings
from apps.simulator.pace import Pace
from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

# Real seconds: two who are out of coverage come back within these, or sign without each other.
AGREE_SECONDS: Final = 45.0
LOOK_SECONDS: Final = 0.5
CONSENT_HOLDS: Final = timedelta(days=30)
MOST_SIGNATURES: Final = 3
_SIGNED: Final = frozenset({"signed", "locked"})


@dataclass
class Paperwork:
    """The records of one crew. `wrote` is told every sentence, with the document that it is in."""

    tablets: Sequence[Tablet]
    pace: Pace
    dice: random.Random
    wrote: Callable[[str, str, str], None]
    _met: dict[str, str] = field(default_factory=dict, init=False)

    def meet(self, tablet: Tablet, assignment: str) -> None:
        """Somebody is there: who, as far as one can say."""
        if assignment in self._met:
            return
        somebody = self.dice.choice(meetings.PEOPLE)
        person = str(uuid7())
        self._met[assignment] = person
        tablet.save("persons", {"id": person, **somebody.fields})
        encounter = str(encounter_id(UUID(assignment)))
        known = tablet.store.get("encounters", encounter) or {"id": encounter}
        tablet.save(
            "encounters",
            {
                **known,
                "assignment_id": assignment,
                "ordinal": 1,
                "person_id": person,
                "match": "possible",
                "role": "Patient",
            },
        )

    async def overdose(self, tablet: Tablet, assignment: str) -> None:
        """Two doses, with the breathing before and after each."""
        for before, after in ((aid.GASPING, aid.SHALLOW), (aid.SHALLOW, aid.BREATHING_NORMALLY)):
            self._act(
                tablet,
                "naloxone_doses",
                assignment,
                {
                    **meetings.DOSE,
                    "breathing_before": before,
                    "breathing_after": after,
                    "response": aid.IMPROVED,
                },
            )
            await self.pace.minutes(2, 3)

    def scrape(self, tablet: Tablet, assignment: str) -> None:
        """A wound is cleaned and covered."""
        self._act(
            tablet,
            "first_aid_logs",
            assignment,
            {"injuries": ["bleeding"], "procedures": ["447686008", "182531007"]},
        )

    def refer(self, tablet: Tablet, assignment: str) -> None:
        """An agency that can help is asked. Mostly the person lets us tell it what is needed, with
        the other responder as witness; where they do not, it hears "call us" and nothing more."""
        services = [
            one
            for one in tablet.store.documents("reference")
            if one.get("kind") == "service" and one["partner_id"]
        ]
        if not services:
            return
        service = self.dice.choice(services)
        agency = service["partner_id"]
        here = {
            "assignment_id": assignment,
            "encounter_id": str(encounter_id(UUID(assignment))),
        }
        now = tablet.device.now()
        if self.pace.happens(0.8):
            tablet.save(
                "consents",
                {
                    "id": str(uuid7()),
                    **here,
                    "form": "verbal",
                    "purpose": "referral",
                    "categories": ["identity", "needs", "access"],
                    "partner_ids": [agency],
                    "given_at": stamp(now),
                    "expires_at": stamp(now + CONSENT_HOLDS),
                    "given_by": "the person",
                    "witness": "the other responder",
                },
            )
        tablet.save(
            "referrals",
            {
                "id": str(uuid7()),
                **here,
                "urgency": "tonight",
                "needs": list(self.dice.choice(meetings.NEEDS)),
                "note": self.dice.choice(meetings.ASKED),
                "asked": [
                    {
                        "id": str(uuid7()),
                        "partner_id": agency,
                        "service_id": service["id"],
                        "at": stamp(now),
                    }
                ],
            },
        )

    async def write(self, assignment: str, *, disposition: str) -> None:
        """The note, sentence by sentence, by both; then it is signed."""
        first, second = self.tablets if self.pace.happens(0.7) else reversed(self.tablets)
        note = self._begin(first, assignment, disposition)
        for sentences in (meetings.FOUND, meetings.DONE, meetings.ENDED):
            await self.pace.minutes(0.2, 1)
            self._sentence(first, note, self.dice.choice(sentences))
        if self.pace.happens(0.4) and second.store.get("case_notes", note):
            self._sentence(second, note, self.dice.choice(meetings.ADDED))
        await self._sign(first, second, note)

    def _begin(self, tablet: Tablet, assignment: str, disposition: str) -> str:
        encounter = encounter_id(UUID(assignment))
        note = str(record_id(encounter, "case_note"))
        known = tablet.store.get("case_notes", note) or {"id": note}
        tablet.save(
            "case_notes",
            {
                **known,
                "assignment_id": assignment,
                "encounter_id": str(encounter),
                "outcome": "contact_made",
                "presenting_needs": list(self.dice.choice(meetings.PEOPLE).needs),
                "screen": {"q1": "no", "q2": "no", "q6": "no"},
                "interventions": ["de_escalation", "basic_needs"],
                "supplies": ["water"],
                "disposition": disposition,
            },
        )
        return note

    def _sentence(self, tablet: Tablet, note: str, words: str) -> None:
        """One more sentence at the end of what is there. Its mark tells it from all others."""
        known = tablet.store.get("case_notes", note)
        assert known is not None, "whoever writes on has begun"
        sentence = f"{words} ({uuid7().hex[-10:]})"
        narrative = " ".join(filter(None, (known.get("narrative"), sentence)))
        tablet.save("case_notes", {**known, "narrative": narrative})
        self.wrote("case_notes", note, sentence)

    async def _sign(self, first: Tablet, second: Tablet, note: str) -> None:
        for _ in range(MOST_SIGNATURES):
            await _until(lambda: _agreed(first, second, note))
            text = first.store.get("case_notes", note)
            if text is None or text.get("state") in _SIGNED:
                return  # signed by the other one, or gone because it is
            fact = first.save(
                "facts",
                {
                    "id": str(uuid7()),
                    "kind": "note_signature",
                    "note_id": note,
                    "content_hash": content_hash(text),
                    "device_time": stamp(first.device.now()),
                },
            )
            await _until(partial(_answered, first, note, fact["id"]))
            if not _refused(first, fact["id"]):
                return  # it is taken, or on its way

    def _act(
        self, tablet: Tablet, collection: str, assignment: str, fields: dict[str, Any]
    ) -> None:
        tablet.save(
            collection,
            {
                "id": str(uuid7()),
                "assignment_id": assignment,
                "encounter_id": str(encounter_id(UUID(assignment))),
                "device_time": stamp(tablet.device.now()),
                **fields,
            },
        )


def _agreed(first: Tablet, second: Tablet, note: str) -> bool:
    """Both tablets show the same text, and the server has it."""
    one, other = (_shown(tablet, note) for tablet in (first, second))
    if one is None or not one.get("content_hash"):
        return one is None
    texts = {content_hash(text) for text in (one, other) if text is not None}
    return texts == {one["content_hash"]}


def _shown(tablet: Tablet, note: str) -> Document | None:
    return tablet.store.get("case_notes", note)


def _answered(tablet: Tablet, note: str, signature: str) -> bool:
    text = _shown(tablet, note)
    return text is None or text.get("state") in _SIGNED or _refused(tablet, signature)


def _refused(tablet: Tablet, signature: str) -> bool:
    known = tablet.store.get("facts", signature)
    return known is not None and known.get("sync_status") == "quarantined"


async def _until(there: Callable[[], bool]) -> bool:
    """Look again and again for a while. False: it has not come."""
    end = time.monotonic() + AGREE_SECONDS
    while not there():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True
