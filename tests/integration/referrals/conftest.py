"""What the tests of referrals share: a person who was met, partners, and tablets that write."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.accounts import services as accounts
from apps.accounts.models import Partner
from apps.assignments.models import Assignment
from apps.audit.services import SYSTEM
from apps.changes.models import ParkedReaction
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.dispatch.services import rulebook
from apps.people.ids import encounter_id
from apps.referrals.models import Consent, Referral, ReferralTask
from apps.sync.media.models import MediaFile, MediaReference
from apps.sync.push import Row
from tests import kept
from tests.factories import NOON, EnrolledTablet
from tests.integration.assignments.conftest import World, after, begun, build, shown
from tests.pushing import pushed

__all__ = ["NOON", "World", "after", "build", "shown"]

Document = dict[str, Any]
_numbers = itertools.count(1)

DANA: Document = {
    "given_name": "Dana",
    "family_name": "Reyes",
    "language": "es",
    "contacts": [
        {"id": str(uuid7()), "kind": "phone", "value": "206-555-0100"},
        {"id": str(uuid7()), "kind": "phone", "value": "206-555-0666", "safe": False},
    ],
}


@dataclass
class Case:
    """A call on which our crew has met Dana. Documents are pushed as a tablet does."""

    world: World
    assignment: Assignment
    encounter: UUID
    person: UUID
    believed: dict[str, Document] = field(default_factory=dict)

    @property
    def tablet(self) -> EnrolledTablet:
        return self.world.ours.tablets[0]

    def save(
        self,
        collection: str,
        id: UUID | str,
        *,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        **fields: Any,
    ) -> list[Document]:
        """One save; the push's answer: [] for "taken as it was sent"."""
        known = self.believed.get(str(id))
        document = {**(known or {}), "id": str(id), **fields}
        answers = self.push(collection, document, base=known, by=by, now=now)
        self.believed[str(id)] = answers[0] if answers else document
        return answers

    def push(
        self,
        name: str,
        document: Document,
        *,
        base: Document | None = None,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
    ) -> list[Document]:
        by = by or self.tablet
        document |= {"editor": str(by.instance), "edit_no": next(_numbers)}
        rows = [Row(document["id"], document, base)]
        answers = pushed(by, name, rows, commits=self.world.commit, now=now)
        assert not ParkedReaction.objects.exists()
        # Of what was taken and is not to be seen there a tablet is told to drop its copy.
        return [one for one in answers if not one.get("_deleted")]

    def refer(
        self,
        *partners: Partner,
        id: UUID | None = None,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        **typed: Any,
    ) -> Referral:
        """A referral that asks these partners."""
        pk = id or uuid7()
        asked = [{"id": str(uuid7()), "partner_id": str(one.pk)} for one in partners]
        before = self.believed.get(str(pk), {})
        fields = {
            "assignment_id": str(self.assignment.pk),
            "encounter_id": str(self.encounter),
            "urgency": "tonight",
            "needs": ["homelessness"],
            **typed,
            "asked": [*before.get("asked", []), *asked],
        }
        self.save("referrals", pk, by=by, now=now, **fields)
        return Referral.objects.get(pk=pk)

    def asks(self, partner: Partner, **more: Any) -> ReferralTask:
        """The task of a new referral that asks this partner."""
        return ReferralTask.objects.get(referral=self.refer(partner, **more))

    def consent(
        self, *partners: Partner, now: datetime = NOON, form: str = "verbal", **recorded: Any
    ) -> Consent:
        """A complete spoken consent, unless something else is said."""
        pk = uuid7()
        document = {
            "id": str(pk),
            "assignment_id": str(self.assignment.pk),
            "encounter_id": str(self.encounter),
            "form": form,
            "purpose": "referral",
            "categories": ["identity", "contact", "needs", "access", "health"],
            "partner_ids": [str(one.pk) for one in partners],
            "given_at": iso(now),
            "expires_at": iso(now + timedelta(days=30)),
            **({"witness": "B. Okafor"} if form == "verbal" else {"signature": "ab" * 32}),
            **recorded,
        }
        assert self.push("consents", document, now=now) == []
        return Consent.objects.get(pk=pk)

    def signature_comes(self, consent: Consent) -> None:
        """The picture that a consent names has been sent, by whoever recorded it."""
        named = MediaReference.objects.filter(collection="consents", doc_id=consent.pk)
        named.update(proven=True)
        MediaFile.objects.create(
            sha256=named.get().sha256,
            blob=uuid7(),
            pieces=1,
            size=1,
            type="image/png",
            width=1,
            height=1,
            made_at=consent.received_at,
        )

    def tell(
        self, kind: str, *, by: EnrolledTablet | None = None, now: datetime = NOON, **told: Any
    ) -> list[Document]:
        """A fact; the push's answer: [] for "taken"."""
        fact = {
            "id": str(uuid7()),
            "kind": kind,
            "device_time": iso(now),
            "counter": next(_numbers),
            **told,
        }
        return self.push("facts", fact, by=by, now=now)

    def say(self, verb: str, task: ReferralTask, **told: Any) -> list[Document]:
        """What a partner said on the telephone, or what CARE did."""
        named = {"referral_id": str(task.referral_id), "task_id": str(task.pk)}
        return self.tell("referral_answer", verb=verb, **named, **told)

    def on_tablet(self, row: Referral, tablet: EnrolledTablet | None = None) -> Document:
        """The referral as a tablet has it."""
        return shown(tablet or self.tablet, "referrals")[row.pk]


def met(world: World) -> Case:
    assignment = world.given()
    case = Case(world, assignment, encounter_id(assignment.pk), uuid7())
    case.save("persons", case.person, **DANA)
    case.save(
        "encounters",
        case.encounter,
        assignment_id=str(assignment.pk),
        ordinal=1,
        person_id=str(case.person),
        match="confirmed",
    )
    return case


def partner(name: str) -> Partner:
    return accounts.create_partner(name=name, by=SYSTEM, now=NOON)[1]


@pytest.fixture
def case(
    kept_case: tuple[dict[str, Any], dict[str, Any]] | None, commit_now: Callable[[], None]
) -> Case:
    """Dana was met on the world's first call. For `kept_case` see the conftest of all tests."""
    if kept_case is None:
        return met(build(commit_now))
    rulebook.forget()
    kept.put("case")
    world, members = deepcopy(kept_case)
    return Case(World(**world, commit=commit_now, numbers=itertools.count(2)), **members)


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    kept_world: dict[str, Any] | None,
    commit_now: Callable[[], None],
) -> World:
    """The world of the test's `case`, where it has one."""
    if "case" in request.fixturenames:
        case: Case = request.getfixturevalue("case")
        return case.world
    return begun(kept_world, commit_now)


@pytest.fixture
def shelter(db: None) -> Partner:
    return partner("Pioneer Square Shelter")


@pytest.fixture
def clinic(db: None) -> Partner:
    return partner("Third Avenue Clinic")
