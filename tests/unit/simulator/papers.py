"""A played crew without a server: its papers, its bag, and whether the server would take them."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from apps.accounts.models import Team
from apps.assignments import codes as taps
from apps.casenotes.content import RecordFacts, problems
from apps.casenotes.policies import shipped
from apps.dispatch.models import Unit
from apps.firstaid import codes, documents, reading
from apps.firstaid.models import Kit, Lot, Product
from apps.firstaid.stock import Place, StockWarning
from apps.followups import codes as looking
from apps.people import codes as people
from apps.people.ages import is_minor
from apps.referrals import codes as asking
from apps.simulator import bag, courses
from apps.simulator.asking import Asking
from apps.simulator.care import Care
from apps.simulator.courses import Course
from apps.simulator.crew import Crew, Over
from apps.simulator.hand import Hand
from apps.simulator.pace import Pace
from apps.simulator.paperwork import Paperwork
from apps.simulator.street import Street
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet
from apps.sync import registry
from tests.unit.simulator.test_crew import Nowhere

SEEDS = range(12)
[POLICY] = (version.policy for version in shipped())
AT = datetime(2026, 7, 1, 19, 30, tzinfo=UTC)
CARE21 = "CARE21"
GIVEN = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
TEAM, UNIT = Team(name="Downtown"), Unit(call_sign=CARE21)
BAG, STORE = Kit(label="Bag", team=TEAM, unit=UNIT), Kit(label=bag.STORE, team=TEAM)
OF_COLLECTIONS: Mapping[str, Mapping[str, Collection[str]]] = {
    "naloxone_doses": reading.DOSE,
    "first_aid_logs": reading.AID,
    "persons": {"sex": people.SEXES, "housing": people.HOUSING},
    "encounters": {"match": people.MATCHES, "role": people.ROLES},
    "consents": {
        "form": asking.CONSENT_FORMS,
        "purpose": asking.PURPOSES,
        "categories": asking.DATA_CATEGORIES,
    },
    "referrals": {"urgency": asking.URGENCIES, "needs": asking.NEEDS},
    "follow_ups": {"purpose": looking.PURPOSES, "way": looking.WAYS},
}
OF_FACTS: Mapping[str, Mapping[str, Collection[str]]] = {
    "assignment_event": {"event": taps.EVENTS},
    "overdose_answer": {**reading.ANSWER, "question": codes.QUESTIONS},
    "stock_movement": {**reading.MOVEMENT, "movement": codes.MOVEMENTS},
    "follow_up_agreement": {"basis": looking.BASES, "ways": looking.WAYS},
}


@cache
def shelves() -> tuple[dict[UUID, Product], dict[UUID, Lot], dict[Place, int]]:
    """What the demo stocks: products and lots by id, and what lies where."""
    products: dict[str, Product] = {}
    lots, levels = {}, {}
    for one in bag.STOCK:
        product = products.setdefault(one.name, Product(**one.product()))
        lot = Lot(
            product=product, number=one.lot, expires_on=(AT + timedelta(days=one.days)).date()
        )
        lots[lot.pk] = lot
        levels[Place(STORE.pk, product.pk, lot.pk)] = one.store
        if one.bag:
            levels[Place(BAG.pk, product.pk, lot.pk)] = one.bag
    return {one.pk: one for one in products.values()}, lots, levels


def reference(
    *, levels: Mapping[Place, int] | None = None, warned: Sequence[StockWarning] = ()
) -> Iterator[Document]:
    """What a tablet of the unit has pulled of it."""
    products, lots, full = shelves()
    for product in products.values():
        of_it = [lot for lot in lots.values() if lot.product_id == product.pk]
        yield dict(documents.product(product, of_it).body or {})
    for kit in (BAG, STORE):
        yield dict(documents.kit(kit, full if levels is None else levels, warned).body or {})
    yield {"id": str(UNIT.pk), "kind": "unit", "call_sign": CARE21}
    agency = str(UUID(int=7))
    yield {"id": str(UUID(int=8)), "kind": "service", "name": "Shelter", "partner_id": agency}


class Calm(Pace):
    """No time passes, and nobody calls for help."""

    def happens(self, probability: float) -> bool:
        return probability > 0.03 and super().happens(probability)


class Unanswered(Paperwork):
    """No server answers: the two agree, and what was signed is taken."""

    signed: list[tuple[Tablet, str]]

    async def _sign(self, first: Tablet, second: Tablet, note: str) -> bool:
        self.signed.append((first, note))
        return True


class Rig:
    """A crew with two tablets and no network. `course`: what comes of all that they meet."""

    def __init__(
        self,
        seed: str = "",
        *,
        course: Course = courses.TALKS,
        pulled: Iterable[Document] | None = None,
        unseen: Collection[str] = (),
        tablet: type[Tablet] = Tablet,
    ) -> None:
        dice = random.Random(seed)
        self.tablets = [
            tablet(label=name, base_url="http://server", path=":memory:", link=Nowhere(), dice=dice)
            for name in ("A", "B")
        ]
        told = list(reference() if pulled is None else pulled)
        for one in self.tablets:
            one.store.take("reference", told, prev=None, checkpoint="1.1", at=AT)
        pace = Calm(1e9, dice)
        self.care = Care(CARE21, pace, dice)
        self.papers = Unanswered(
            self.tablets, pace, dice, lambda *sentence: None, draw=lambda dice: course
        )
        self.papers.signed = []
        asks = Asking([Hand(tablet) for tablet in self.tablets], pace, dice, self.papers.wrote)
        street = Street(lambda *look: None)
        self.crew = Crew(
            *(CARE21, self.tablets, street, pace, dice, self.papers, self.care, asks),
            unseen=set(unseen),
        )

    def is_given(self, state: str) -> str:
        """A call stands so on both tablets; its id."""
        call = {"id": GIVEN, "cad_number": None, "state": state}
        for one in self.tablets:
            step = one.store.checkpoint("assignments")
            one.store.take("assignments", [call], prev=step, checkpoint=f"{step}+", at=AT)
        return GIVEN

    def call(self, id: str | None = None) -> str:
        """They work on a call, by default on one of their own: they meet somebody, or nobody, and
        write it up; the assignment."""

        async def answer() -> str:
            self.crew._group = asyncio.TaskGroup()
            async with self.crew._group:
                answered = id or self.crew._open()
                with contextlib.suppress(Over):
                    await self.crew._answer(answered)
            return answered

        return asyncio.run(answer())

    def documents(self, collection: str) -> list[Document]:
        """What was typed on either tablet, each document as its last writer has it."""
        found = {one["id"]: one for t in self.tablets for one in t.store.documents(collection)}
        return list(found.values())

    def facts(self, kind: str) -> list[Document]:
        return [one for one in self.documents("facts") if one["kind"] == kind]

    def note(self, id: str) -> Document:
        """An assignment's note, with what either has written into it."""
        [note] = [one for one in self.documents("case_notes") if one["assignment_id"] == id]
        return note

    def known(self, id: str) -> RecordFacts:
        """What the server knows of it without the note."""
        events = {one["event"]: one["data"] for one in self.facts("assignment_event")}
        closed = events.get("cleared") or events.get("unable_to_locate") or {}
        [person] = self.documents("persons") or [{}]
        return RecordFacts(
            at=AT,
            contact="contact_made" in events,
            doses=len(self.documents("naloxone_doses")),
            aid=len(self.documents("first_aid_logs")),
            closing="cleared" if "cleared" in events else "unable_to_locate",
            disposition=closed.get("disposition"),
            minor=is_minor(person, AT.date()),
        )

    def close(self) -> None:
        for tablet in self.tablets:
            tablet.store.close()


def played(course: Course, *, unseen: Collection[str] = ()) -> Iterator[tuple[Rig, str]]:
    """Calls that take this course, or on which nobody was found."""
    for seed in SEEDS:
        rig = Rig(f"{course.name} {seed}", course=course, unseen=unseen)
        yield rig, rig.call()
        rig.close()


def schema_of(collection: str, document: Document) -> Mapping[str, Any]:
    if collection == "facts":
        return registry.fact_kinds()[document["kind"]].schema
    found = registry.get(collection)
    assert found is not None
    return found.schema


def strange(collection: str, document: Document) -> list[str]:
    """What the server would flag: fields with a code that is none of its lists."""
    if collection == "case_notes":
        return problems(document)
    if collection == "facts":
        return [*_strange_in(document, OF_FACTS.get(document["kind"], {}))]
    if collection == "first_aid_logs" and reading.odd_aid(document):
        return ["vitals or refused"]
    return [*_strange_in(document, OF_COLLECTIONS[collection])]


def _strange_in(document: Document, known: Mapping[str, Collection[str]]) -> Iterator[str]:
    for name, codes_of in known.items():
        value = document.get(name)
        for one in value if isinstance(value, list) else [value]:
            if one and one not in codes_of:
                yield f"{name}: {one}"
    if (question := document.get("question")) and document["answer"] not in codes.ANSWERS[question]:
        yield "answer"
    if document.get("kind") == "assignment_event":
        yield from _strange_in(document["data"], {"disposition": taps.DISPOSITIONS})


def document_of(document: Document) -> dict[str, Any]:
    """A dose's own fields, as the server keeps them."""
    of_columns = {"product_id", "lot_id", "kit_id", "id", "assignment_id", "encounter_id"}
    stamps = {"device_time", "counter", "editor", "edit_no", "author_id"}
    return {name: one for name, one in document.items() if name not in of_columns | stamps}


def answered_in(answers: Iterable[Document]) -> set[tuple[str, str]]:
    return {(one["question"], one["answer"]) for one in answers}
