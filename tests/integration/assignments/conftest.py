"""What the tests of assignments share: a team on duty, a CAD that calls, tablets that tap."""

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
from apps.accounts.models import Client, Role, Team, User
from apps.assignments.models import Assignment, Fact
from apps.audit.services import SYSTEM
from apps.changes import reading
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.dispatch import plain
from apps.dispatch import services as dispatch
from apps.dispatch.models import Agency, Incident, Shift, Unit
from apps.dispatch.services import rulebook
from apps.sync.push import Row
from tests import kept
from tests.factories import NOON, EnrolledTablet, person, tablet, team
from tests.pushing import commit_now, pushed

_taps = itertools.count(1)
BEGINNING = UUID(int=0)


def after(seconds: float) -> datetime:
    """So many seconds after the first call."""
    return NOON + timedelta(seconds=seconds)


def told(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass
class Crew:
    """A unit, who is on it, and their tablets."""

    unit: Unit
    people: list[User]
    tablets: list[EnrolledTablet]


@dataclass
class World:
    """One team with two crews, its supervisor, the dispatch desk, and the CAD."""

    team: Team
    ours: Crew
    theirs: Crew
    supervisor: User
    dispatcher: User
    client: Client
    commit: Callable[[], None]
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, *, now: datetime = NOON, **members: Any) -> Incident:
        """One message from CAD, straight to the service; a new call with our unit if nothing is
        said. Committed as far as the feed goes."""
        message = {
            "cad_number": members.pop("number", None) or f"26{next(self.numbers):09}",
            "agency_id": "spd.seattle.gov",
            "received_at": told(NOON),
            "updated_at": told(now),
            "initial_call_type": "SERVICE - WELFARE CHECK",
            "address": "3RD AVE / PIKE ST",
            "location": {"lat": 47.6097, "lon": -122.3381},
            "beat": "M3",
            "units": [self.status("Dispatched", at=now)],
            **members,
        }
        received = dispatch.receive(call=plain.parse(message), client=self.client, now=now)
        self.commit()
        return received.incident

    def status(
        self, status: str, *, at: datetime = NOON, of: str = "CARE21", active: bool = True
    ) -> dict[str, Any]:
        """A unit in a message from CAD. Call signs that begin with a digit are police."""
        agency = "spd.seattle.gov" if of[0].isdigit() else "care.seattle.wa.us"
        return {
            "unit_id": f"{of.lower()}@{agency}",
            "call_sign": of,
            "active": active,
            "statuses": [{"status": status, "at": told(at)}],
        }

    def assignment(self, incident: Incident | None = None, unit: Unit | None = None) -> Assignment:
        """The assignment of an incident (the only one there is) for a unit (ours)."""
        rows = Assignment.objects.filter(unit=unit or self.ours.unit)
        return rows.get(incident=incident) if incident else rows.get()

    def given(self, **members: Any) -> Assignment:
        """A new call that CAD gave to our unit."""
        return self.assignment(self.call(**members))

    def tap(
        self,
        event: str,
        on: Assignment | UUID | None,
        *,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        **written: Any,
    ) -> list[dict[str, Any]]:
        """A tap on a tablet (our first one), pushed. The answer of the push: [] for "taken"."""
        document = self.document(event, on, by=by, now=now, **written)
        return self.push(document, by=by, now=now)

    def document(
        self,
        event: str,
        on: Assignment | UUID | None,
        *,
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        **written: Any,
    ) -> dict[str, Any]:
        number = next(_taps)
        on = on.pk if isinstance(on, Assignment) else on
        return {
            "id": str(uuid7()),
            "kind": "assignment_event",
            "assignment_id": str(on) if on else None,
            "event": event,
            "device_time": iso(now),
            "counter": number,
            "data": {},
            "editor": str((by or self.ours.tablets[0]).instance),
            "edit_no": number,
            **written,
        }

    def push(
        self,
        *documents: dict[str, Any],
        by: EnrolledTablet | None = None,
        now: datetime = NOON,
        offset_ms: int | None = 0,
    ) -> list[dict[str, Any]]:
        by = by or self.ours.tablets[0]
        rows = [Row(document["id"], document, None) for document in documents]
        return pushed(by, "facts", rows, commits=self.commit, now=now, offset_ms=offset_ms)

    def acknowledge(self, row: Assignment, *, revision: int = 1, **more: Any) -> None:
        assert self.tap("acknowledged", row, data={"call_revision": revision}, **more) == []


def refusals(answer: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the rows that were not taken, by the answer to their push."""
    return [error for row in answer for error in row.get("sync_errors", [])]


def shown(holder: EnrolledTablet | User, collection: str) -> dict[UUID, dict[str, Any]]:
    """The documents of a collection that a tablet, or a desk, holds now."""
    pk = holder.instance if isinstance(holder, EnrolledTablet) else holder.pk
    rows = reading.page(holder=pk, collection=collection, seq=0, doc_id=BEGINNING, limit=500)
    return {row.id: row.body() for row in rows if row.visible}


def dropped(holder: EnrolledTablet, collection: str) -> set[UUID]:
    """What a tablet held and is told to drop."""
    rows = reading.page(
        holder=holder.instance, collection=collection, seq=0, doc_id=BEGINNING, limit=500
    )
    return {row.id for row in rows if not row.visible}


def events(row: Assignment, source: str | None = None) -> list[str]:
    """The facts of an assignment by name, in the server's order."""
    facts = Fact.objects.of(row.pk)
    return [fact.event for fact in (facts.filter(source=source) if source else facts)]


def crew(unit_name: str, of: Team, shift: Shift, size: int = 2) -> Crew:
    unit = Unit(
        call_sign=unit_name,
        agency=Agency.CARE,
        eido_id=f"{unit_name.lower()}@care.seattle.wa.us",
        team=of,
    )
    dispatch.save_unit(unit=unit, by=SYSTEM, now=NOON)
    people = [person(of=of) for _ in range(size)]
    tablets = [tablet(one) for one in people]
    for position, one in enumerate(people, 1):
        dispatch.join_crew(user=one, unit=unit, shift=shift, position=position, by=SYSTEM, now=NOON)
    return Crew(unit, people, tablets)


def build(commit: Callable[[], None]) -> World:
    rulebook.forget()
    of = team()
    shift = dispatch.start_shift(
        team=of,
        starts_at=NOON - timedelta(hours=1),
        ends_at=NOON + timedelta(hours=10),
        by=SYSTEM,
        now=NOON,
    )
    _, client = accounts.create_client(name="CAD", by=SYSTEM, now=NOON)
    world = World(
        team=of,
        ours=crew("CARE21", of, shift),
        theirs=crew("CARE22", of, shift, size=1),
        supervisor=person(Role.SUPERVISOR, of=of),
        dispatcher=person(Role.DISPATCHER),
        client=client,
        commit=commit,
    )
    commit()
    return world


def begun(kept_world: dict[str, Any] | None, commit: Callable[[], None]) -> World:
    """A world whose rows were kept, or a new one where none can be."""
    if kept_world is None:
        return build(commit)
    rulebook.forget()
    kept.put("world")
    return World(**deepcopy(kept_world), commit=commit)


@pytest.fixture
def world(kept_world: dict[str, Any] | None, commit_now: Callable[[], None]) -> World:
    """In the test's own transaction; what happens at COMMIT happens after each step. For
    `kept_world` see the conftest of all tests."""
    return begun(kept_world, commit_now)


@pytest.fixture
def committed_world(kept_world: dict[str, Any] | None, transactional_db: None) -> World:
    """Really committed, for tests with several connections. What such a test holds open itself has
    what happens at COMMIT behind it all the same, as in `world`."""
    return begun(kept_world, commit_now)
