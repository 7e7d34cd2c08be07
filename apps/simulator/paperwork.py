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
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from apps.casenotes.codes import OUTCOMES
from apps.casenotes.content import content_hash
from apps.core.ids import uuid7
from apps.people.ids import encounter_id
from apps.simulator import courses, meetings, notes
from apps.simulator.courses import Course
from apps.simulator.meetings import Somebody
from apps.simulator.notes import Meeting
from apps.simulator.pace import Pace
from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

# Real seconds: two who are out of coverage come back within these, or sign without each other.
AGREE_SECONDS: Final = 45.0
LOOK_SECONDS: Final = 0.5
CONSENT_HOLDS: Final = timedelta(days=30)
MOST_SIGNATURES: Final = 3
# How often they write down where to look again, and what the timeline says of a cancelled call.
LOOK_AGAIN: Final = 0.4
WRITE_CANCELLED: Final = 0.3
BY_CONTACT: Final = "18"  # APCO 1.111.2: settled by contact
_SIGNED: Final = frozenset({"signed", "locked"})


@dataclass(frozen=True, slots=True)
class Met:
    """Whom they met on a call, and what comes of it."""

    course: Course
    somebody: Somebody


@dataclass
class Paperwork:
    """The records of one crew. `wrote` is told every sentence, with the document that it is in;
    `draw` says what comes of a meeting."""

    tablets: Sequence[Tablet]
    pace: Pace
    dice: random.Random
    wrote: Callable[[str, str, str], None]
    draw: Callable[[random.Random], Course] = courses.drawn
    _met: dict[str, Met] = field(default_factory=dict, init=False)
    _signatures: dict[str, tuple[Tablet, str]] = field(default_factory=dict, init=False)

    def met(self, assignment: str) -> Course | None:
        """What came of meeting somebody there; None: they met nobody."""
        met = self._met.get(assignment)
        return met.course if met else None

    def meet(self, tablet: Tablet, assignment: str) -> Course:
        """Somebody is there: who, as far as one can say. What comes of it."""
        if assignment in self._met:
            return self._met[assignment].course
        course = self.draw(self.dice)
        people = meetings.MINORS if course is courses.MINOR else meetings.PEOPLE
        somebody = self.dice.choice(people)
        person = str(uuid7())
        self._met[assignment] = Met(course, somebody)
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
        return course

    def refer(self, tablet: Tablet, assignment: str) -> bool:
        """An agency that can help is asked. Mostly the person lets us tell it what is needed, with
        the other responder as witness; where they do not, it hears "call us" and nothing more.
        False: the tablet has no agency yet that could be asked."""
        services = [
            one
            for one in tablet.store.documents("reference")
            if one.get("kind") == "service" and one["partner_id"]
        ]
        if not services:
            return False
        service = self.dice.choice(services)
        agency = service["partner_id"]
        here = notes.here(assignment)
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
        return True

    async def write(self, assignment: str, *, disposition: str, early: bool = False) -> bool:
        """The note of whom they met, paragraph by paragraph, by both; then it is signed. `early`:
        others closed the call while they were there. False: the signature was not taken."""
        meeting = self._meeting(self._met[assignment], disposition, early=early)
        first, second = self._in_turn()
        note = await self.draft(first, second, assignment, meeting)
        return await self._sign(first, second, note)

    async def nobody_found(self, assignment: str) -> None:
        """Mostly two taps are all. Sometimes they write down where to look again."""
        if self.pace.happens(LOOK_AGAIN):
            first, second = self._in_turn()
            told = notes.nobody_found(self.dice, at=datetime.now(UTC))
            await self._sign(first, second, self._begin(first, assignment, told))

    async def was_cancelled(self, assignment: str) -> None:
        """The timeline says so by itself. Sometimes they say it too, and sign it."""
        if self.pace.happens(WRITE_CANCELLED):
            first, second = self._in_turn()
            note = self._begin(first, assignment, {"outcome": "cancelled"})
            await self._sign(first, second, note)

    async def write_up(self, debt: Document, *, again: bool = False) -> bool:
        """The record that they still owe, as a supervisor's list has it: what they have begun is
        signed, else they write what they remember, or what their tablets tell of it. `again`: the
        first try was not taken, so all is told. False: the signature was not taken."""
        assignment, closing = debt["assignment_id"], debt["closing"]
        if self._is_signed(assignment):
            return True  # the list was older
        note = notes.note_of(assignment)
        # A draft is its authors' once the call has left the tablets: the other one lacks it then.
        first, second = sorted(
            self._in_turn(), key=lambda one: not one.store.get("case_notes", note)
        )
        draft = first.store.get("case_notes", note) or {}
        if draft.get("outcome") and not again:
            return await self._sign(first, second, note)
        encounter = self._shown("encounters", debt["id"])
        met = self._met.get(assignment)
        was_there = met is not None or encounter.get("met") == "met" or closing == "cleared"
        if not (was_there or again):
            short = closing if closing in OUTCOMES else "cancelled"
            self._begin(first, assignment, {"outcome": short})
            return await self._sign(first, second, note)
        told = (encounter.get("summary") or {}).get("disposition")
        met = met or Met(courses.told_by(told), self.dice.choice(meetings.PEOPLE))
        meeting = self._meeting(met, told or "", early=True)
        if draft.get("narrative"):
            self._begin(first, assignment, notes.content(meeting, self.dice))
        else:
            await self.draft(first, second, assignment, meeting)
        return await self._sign(first, second, note)

    def _is_signed(self, assignment: str) -> bool:
        """Whether the note is signed, as far as their tablets know; or they have signed it, and
        nobody has refused it."""
        note = notes.note_of(assignment)
        if self._shown("case_notes", note).get("state") in _SIGNED:
            return True
        tablet, fact = self._signatures.get(note, (None, ""))
        return tablet is not None and not _refused(tablet, fact)

    def _shown(self, collection: str, id: str) -> Document:
        """A document as one of the tablets has it; empty where neither has it."""
        copies = (tablet.store.get(collection, id) for tablet in self.tablets)
        return next((copy for copy in copies if copy), {})

    def _meeting(self, met: Met, disposition: str, *, early: bool) -> Meeting:
        return Meeting(
            course=met.course,
            somebody=met.somebody,
            disposition=disposition or met.course.disposition or BY_CONTACT,
            at=datetime.now(UTC),  # by their watches: a tablet's clock may be hours off
            minute=timedelta(minutes=1) / self.pace.scale,
            early=early,
        )

    async def draft(self, first: Tablet, second: Tablet, assignment: str, meeting: Meeting) -> str:
        """The note as far as it is typed before it is signed; its id."""
        note = self._begin(first, assignment, notes.content(meeting, self.dice))
        for paragraph in notes.narrative(meeting, self.dice):
            await self.pace.minutes(0.2, 1)
            self._sentence(first, note, paragraph)
        if self.pace.happens(0.4) and second.store.get("case_notes", note):
            self._sentence(second, note, self.dice.choice(meetings.ADDED))
        return note

    def _in_turn(self) -> Sequence[Tablet]:
        """Mostly the first tablet is written on, sometimes the other."""
        one, other = self.tablets
        return (one, other) if self.pace.happens(0.7) else (other, one)

    def _begin(self, tablet: Tablet, assignment: str, content: Document) -> str:
        note = notes.note_of(assignment)
        known = tablet.store.get("case_notes", note) or {"id": note}
        tablet.save("case_notes", {**known, **notes.here(assignment), **content})
        return note

    def _sentence(self, tablet: Tablet, note: str, words: str) -> None:
        """One more sentence at the end of what is there. Its mark tells it from all others."""
        known = tablet.store.get("case_notes", note)
        assert known is not None, "whoever writes on has begun"
        sentence = f"{words} ({uuid7().hex[-10:]})"
        narrative = " ".join(filter(None, (known.get("narrative"), sentence)))
        tablet.save("case_notes", {**known, "narrative": narrative})
        self.wrote("case_notes", note, sentence)

    async def _sign(self, first: Tablet, second: Tablet, note: str) -> bool:
        for _ in range(MOST_SIGNATURES):
            await _until(lambda: _agreed(first, second, note))
            text = first.store.get("case_notes", note)
            if text is None or text.get("state") in _SIGNED:
                return True  # signed by the other one, or gone because it is
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
            self._signatures[note] = first, fact["id"]
            await _until(partial(_answered, first, note, fact["id"]))
            if not _refused(first, fact["id"]):
                return True  # it is taken, or on its way
        return False


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
