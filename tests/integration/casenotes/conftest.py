"""What the tests of notes share: the world of assignments, and responders who write in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from apps.accounts.auth import session_of
from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.casenotes.content import content_hash
from apps.casenotes.models import CaseNote
from apps.changes.models import ParkedReaction
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.people.ids import encounter_id, record_id
from apps.sync.models import QuarantinedWrite
from apps.sync.push import Row
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import World, after, build, world
from tests.pushing import pushed

__all__ = ["NOON", "World", "after", "build", "world"]

Document = dict[str, Any]
saves = itertools.count(1)

# What a note on somebody who was met needs.
MET: Document = {
    "outcome": "contact_made",
    "presenting_needs": ["shelter"],
    "screen": {"q1": "no", "q2": "no", "q6": "no"},
    "interventions": ["basic_needs"],
    "disposition": "18",
    "narrative": "Asleep in the doorway, woke up, drank water.",
}
CALLED_OFF: Document = {"outcome": "cancelled"}


@dataclass
class Writer:
    """A responder with a tablet, who writes as a plain client does: what they believe the server
    holds is what it answered last, or what they sent last."""

    world: World
    tablet: EnrolledTablet
    believed: dict[str, Document] = field(default_factory=dict)

    @property
    def user(self) -> User:
        user = session_of(self.tablet.tablet).user
        assert user is not None
        return user

    def write(
        self, on: Assignment | UUID, *, now: datetime = NOON, ordinal: int = 1, **fields: Any
    ) -> list[Document]:
        """Saves the note of an assignment with these fields changed. [] for "taken as sent"."""
        encounter, id = place(on, ordinal)
        known = self.believed.get(id)
        document = {
            **(known or {}),
            "id": id,
            "encounter_id": str(encounter),
            "assignment_id": str(getattr(on, "pk", on)),
            **fields,
            "editor": str(self.tablet.instance),
            "edit_no": next(saves),
        }
        return self.push("case_notes", document, base=known, now=now)

    def sign(
        self,
        on: Assignment | UUID,
        *,
        now: datetime = NOON,
        ordinal: int = 1,
        named: str | None = None,
        **more: Any,
    ) -> list[Document]:
        """Signs what is on the screen."""
        id = place(on, ordinal)[1]
        shown = self.believed.get(id, {})
        told = {"note_id": id, "content_hash": named or content_hash(shown)}
        return self.tell("note_signature", now=now, **told, **more)

    def add(
        self, on: Assignment | UUID, text: str = "", *, now: datetime = NOON, **more: Any
    ) -> list[Document]:
        told = {"note_id": place(on)[1], "text": text}
        return self.tell("note_addendum", now=now, **told, **more)

    def tell(self, kind: str, *, now: datetime = NOON, **fields: Any) -> list[Document]:
        return self.push("facts", self.fact(now=now, kind=kind, **fields), now=now)

    def fact(self, *, now: datetime = NOON, **fields: Any) -> Document:
        """Something that is told once, not pushed yet."""
        number = next(saves)
        return {
            "id": str(uuid7()),
            "device_time": iso(now),
            "counter": number,
            "editor": str(self.tablet.instance),
            "edit_no": number,
            **fields,
        }

    def push(
        self, name: str, document: Document, *, base: Document | None = None, now: datetime = NOON
    ) -> list[Document]:
        rows = [Row(document["id"], document, base)]
        answers = pushed(self.tablet, name, rows, commits=self.world.commit, now=now)
        if name in {"case_notes", "encounters"}:
            self.believed[document["id"]] = answers[0] if answers else document
        return answers

    def refused(self) -> list[QuarantinedWrite]:
        """What of theirs lies open in quarantine, oldest first."""
        return list(QuarantinedWrite.objects.open().filter(author=self.user).order_by("at", "pk"))


def place(on: Assignment | UUID, ordinal: int = 1) -> tuple[UUID, str]:
    """The encounter of an assignment, and the id of its note."""
    encounter = encounter_id(on.pk if isinstance(on, Assignment) else on, ordinal)
    return encounter, str(record_id(encounter, "case_note"))


def note_on(on: Assignment | UUID) -> CaseNote:
    """The note of an assignment."""
    return CaseNote.objects.get(pk=place(on)[1])


@dataclass
class Crew:
    """The two of our unit, a call that they are on, and somebody of the other unit."""

    first: Writer
    second: Writer
    stranger: Writer
    call: Assignment

    def met(self, world: World, *, now: datetime = NOON) -> None:
        """Contact was made on the call."""
        for event in ("acknowledged", "en_route", "on_scene", "contact_made"):
            world.tap(event, self.call, now=now)

    def cleared(self, world: World, *, now: datetime = NOON, **data: Any) -> None:
        world.tap("cleared", self.call, now=now, data={"disposition": "18", **data})


@pytest.fixture(autouse=True)
def _nothing_is_parked(db: None) -> Iterator[None]:
    """A reaction that fails is parked, and the test that needed it might not notice."""
    yield
    assert list(ParkedReaction.objects.values_list("reaction", "error")) == []


def on_a_call(world: World) -> Crew:
    """Our crew, on a new call."""
    first, second = (Writer(world, tablet) for tablet in world.ours.tablets)
    return Crew(first, second, Writer(world, world.theirs.tablets[0]), world.given())


@pytest.fixture
def crew(world: World) -> Crew:
    return on_a_call(world)
