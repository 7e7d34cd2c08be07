"""What the rules of a day in the field share: what is on a tablet, and what is typed into it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.casenotes.content import content_hash, content_of
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.firstaid import codes
from apps.people.ids import encounter_id, record_id
from apps.simulator.tablet.store import Document
from tests.oracle.day import Day
from tests.oracle.field.world import FieldWorld
from tests.oracle.held import Held

# What a note on somebody who was met needs besides its narrative.
MET: Document = {
    "outcome": "contact_made",
    "presenting_needs": ["shelter"],
    "screen": {"q1": "no", "q2": "no", "q6": "no"},
    "interventions": ["basic_needs"],
    "disposition": "18",
}
TAPS = ("acknowledged", "en_route", "on_scene", "contact_made", "cleared", "unable_to_locate")
DATA: dict[str, dict[str, Any]] = {
    "cleared": {"disposition": "18"},
    "declined": {"agency": "care", "reason": "scene_not_secured"},
}
SPRAY: Document = {
    "drug": codes.NALOXONE,
    "dose": 4,
    "dose_unit": codes.MILLIGRAMS,
    "route": codes.INTRANASAL,
    "given_by": codes.CARE,
}


class Field(Day):
    """What a tablet in the field shows, and what its buttons do."""

    world: FieldWorld

    # --- what is on the tablet ---

    def _call(self, held: Held, n: int) -> str | None:
        """The n-th call that a tablet knows of: given to it, begun on it, or owed a record."""
        found = [one["id"] for one in held.store.documents("assignments")]
        found += self.world.opened.get(held.number, [])
        for name in ("case_notes", "encounters"):
            found += [one.get("assignment_id") for one in held.store.documents(name)]
        calls = list(dict.fromkeys(id for id in found if id))
        return calls[n % len(calls)] if calls else None

    def _nth(self, held: Held, collection: str, n: int) -> Document | None:
        some = held.store.documents(collection)
        return some[n % len(some)] if some else None

    def _note_id(self, call: str, ordinal: int = 1) -> str:
        return str(record_id(encounter_id(UUID(call), ordinal), "case_note"))

    # --- what is typed ---

    def _open(self, held: Held) -> None:
        """A call of their own, whatever is known of it elsewhere."""
        call = str(uuid7())
        self.world.opened.setdefault(held.number, []).append(call)
        self._tap(held, call, "opened", entry="on_view")

    def _tap(self, held: Held, call: str, event: str, **data: Any) -> None:
        told = {"note": self._word(), **DATA.get(event, {}), **data}
        if event == "acknowledged":
            shown = held.store.get("assignments", call) or {}
            told["call_revision"] = shown.get("call_revision", 1)
        self._fact(held, "assignment_event", assignment_id=call, event=event, data=told)

    def _meet_somebody(
        self, held: Held, call: str, person: str = "", ordinal: int = 1, match: str = "possible"
    ) -> None:
        """Somebody new, or known, is whom a call was about."""
        if not person:
            person = str(uuid7())
            self.world.met.append(person)
            self.world.save(held, "persons", {"id": person, "description": self._word()})
        id = str(encounter_id(UUID(call), ordinal))
        known = held.store.get("encounters", id) or {"id": id}
        met = {"assignment_id": call, "ordinal": ordinal, "person_id": person, "match": match}
        self.world.save(held, "encounters", {**known, **met, "place": self._word()})

    def _describe(self, held: Held, person: Document, part: str) -> None:
        word = self._word()
        match part:
            case "description":
                text = f"{person.get('description') or ''} {word}".strip()
                fresh: Document = {"description": text}
            case "aliases":
                fresh = {"aliases": [*(person.get("aliases") or []), word]}
            case "safety_notes":
                note = {"id": str(uuid7()), "text": word, "source": "care_team"}
                fresh = {"safety_notes": [*(person.get("safety_notes") or []), note]}
            case _:
                fresh = {part: word}
        self.world.save(held, "persons", {**person, **fresh})

    def _write(self, held: Held, call: str, part: str, ordinal: int = 1) -> None:
        """Something in the note of a call, which is begun where it is not there."""
        id, word = self._note_id(call, ordinal), self._word()
        encounter = str(encounter_id(UUID(call), ordinal))
        begun = {"id": id, "assignment_id": call, "encounter_id": encounter, **MET}
        note = held.store.get("case_notes", id) or begun
        match part:
            case "narrative":
                fresh: Document = {"narrative": f"{note.get('narrative') or ''} {word}".strip()}
            case "anew":
                fresh = {"narrative": word}
            case "report":
                fresh = {"mandated_report": self._report(held, word)}
            case "refusal":
                fresh = {"retry_plan": {**(note.get("retry_plan") or {}), "ask": word}}
            case _:
                fresh = {"supplies": [*(note.get("supplies") or []), "water"]}
                fresh |= {"narrative": f"{note.get('narrative') or ''} {word}".strip()}
        self.world.save(held, "case_notes", {**note, **fresh})

    def _report(self, held: Held, word: str) -> Document:
        at = iso(held.client.device.now())
        told: Document = {"about": "child", "reported_to": ["dcyf"], "report_number": word}
        return {**told, "known_at": at, "reported_at": at, "observed": self._word()}

    def _sign(self, held: Held, call: str, ordinal: int = 1) -> None:
        """The text that is on the screen is signed."""
        note = held.store.get("case_notes", self._note_id(call, ordinal))
        if note is not None:
            sign = {"note_id": note["id"], "content_hash": content_hash(note)}
            fact = self._fact(held, "note_signature", **sign)
            self.world.signed[UUID(fact["id"])] = content_of(note)

    def _give(self, held: Held, call: str, **more: Any) -> None:
        """A dose of naloxone; `corrects` with `withdrawn`: one that was none."""
        self._act(held, "naloxone_doses", call, **SPRAY, **more)

    def _act(self, held: Held, collection: str, call: str, **told: Any) -> None:
        document = {"id": str(uuid7()), "assignment_id": call, "note": self._word(), **told}
        document["device_time"] = iso(held.client.device.now())
        self.world.save(held, collection, document)

    def _fact(self, held: Held, kind: str, **told: Any) -> Document:
        fact = {"id": str(uuid7()), "kind": kind, **told}
        fact["device_time"] = iso(held.client.device.now())
        self.world.told_at[UUID(fact["id"])] = timezone.now()
        self.world.save(held, "facts", fact)
        return fact

    def _word(self) -> str:
        return self.world.typed.words.word()
