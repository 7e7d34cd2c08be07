"""What the tests of dispatch share: a CAD that sends, units that it names, rules in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from apps.accounts import services as accounts
from apps.accounts.models import Client, Role, Team, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes import parking
from apps.changes.models import Change, Member
from apps.changes.published import Event
from apps.dispatch import plain, services
from apps.dispatch.calls import Call
from apps.dispatch.models import Agency, Incident, IncidentUnit, Shift, Unit
from apps.dispatch.services import rulebook
from tests.factories import NOON, person, team


@pytest.fixture(autouse=True)
def _fresh_rules() -> Iterator[None]:
    """A process keeps the rules for some seconds; a test has its own."""
    rulebook.forget()
    yield
    rulebook.forget()


@dataclass(frozen=True)
class CAD:
    """A client of the intake endpoints, and the way to its services."""

    client: Client
    token: str

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        """Sends a body, encoded unless it is bytes already."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        content_type = headers.pop("content_type", "application/json")
        authorization = {"Authorization": f"Bearer {self.token}", **headers}
        return Browser().post(path, content, content_type=content_type, headers=authorization)

    def tell(self, *, now: datetime = NOON, **members: Any) -> services.Received:
        """One message as plain JSON, straight to the service."""
        return services.receive(call=call(**members), client=self.client, now=now)


def call(**members: Any) -> Call:
    """A call from the members of plain JSON; a welfare check in the middle of the pilot area."""
    return plain.parse({**WELFARE_CHECK, **members})


WELFARE_CHECK: dict[str, Any] = {
    "cad_number": "2026000000001",
    "agency_id": "spd.seattle.gov",
    "received_at": "2026-03-04T12:00:00-08:00",
    "updated_at": "2026-03-04T12:00:00-08:00",
    "initial_call_type": "SERVICE - WELFARE CHECK",
    "priority_text": "3",
    "how_received": "911",
    "address": "3RD AVE / PIKE ST",
    "location": {"lat": 47.6097, "lon": -122.3381},
    "beat": "M3",
    "narrative": [{"at": "2026-03-04T11:59:00-08:00", "text": "WOMAN ON THE PAVEMENT, CRYING"}],
    "exclusions": {"violence": "no", "medical": "no"},
}


def at(minutes: float) -> str:
    """So many minutes after the call's first message, as CAD writes it."""
    return (NOON + timedelta(minutes=minutes)).isoformat()


def care(sign: str = "CARE21", status: str = "Dispatched", minutes: float = 0) -> dict[str, Any]:
    """A CARE unit in a message."""
    return _unit(sign, "care.seattle.wa.us", status, minutes)


def police(sign: str = "3M21", status: str = "Dispatched", minutes: float = 0) -> dict[str, Any]:
    """A police unit in a message."""
    return _unit(sign, "spd.seattle.gov", status, minutes)


def _unit(sign: str, agency: str, status: str, minutes: float) -> dict[str, Any]:
    return {
        "unit_id": f"{sign.lower()}@{agency}",
        "call_sign": sign,
        "statuses": [{"status": status, "at": at(minutes)}],
    }


@pytest.fixture
def cad(db: None) -> CAD:
    token, client = accounts.create_client(name="CAD", by=SYSTEM, now=NOON)
    return CAD(client, token)


@pytest.fixture
def downtown(db: None) -> Team:
    return team("Downtown")


@pytest.fixture
def unit(downtown: Team) -> Unit:
    """CARE-21, of the team Downtown."""
    return care_unit("CARE-21", downtown)


def care_unit(sign: str, of: Team) -> Unit:
    eido_id = f"{sign.replace('-', '').lower()}@care.seattle.wa.us"
    unit = Unit(call_sign=sign, agency=Agency.CARE, eido_id=eido_id, team=of)
    return services.save_unit(unit=unit, by=SYSTEM, now=NOON)


@pytest.fixture
def shift(downtown: Team) -> Shift:
    return services.start_shift(
        team=downtown,
        starts_at=NOON - timedelta(hours=1),
        ends_at=NOON + timedelta(hours=9),
        by=SYSTEM,
        now=NOON,
    )


@pytest.fixture
def supervisor(downtown: Team) -> User:
    return person(Role.SUPERVISOR, of=downtown)


@pytest.fixture
def dispatcher(db: None) -> User:
    return person(Role.DISPATCHER)


@pytest.fixture
def loaded(db: None) -> None:
    """The shipped rules and code lists are loaded."""
    services.load_reference(by=SYSTEM, now=NOON)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Every event that is published, in order, before anybody reacts to it."""
    events: list[Event] = []
    run = parking.run

    def listen(event: Event, *, now: datetime) -> None:
        events.append(event)
        run(event, now=now)

    monkeypatch.setattr(parking, "run", listen)
    return events


def names(heard: list[Event], incident: Incident | None = None) -> list[str]:
    """The events of incidents, or of one of them, in order."""
    return [
        event.name
        for event in heard
        if event.name.startswith("incident.") and incident in (None, _of(event))
    ]


def _of(event: Event) -> Incident:
    return Incident.objects.get(pk=event.subject)


def incident(number: str = "2026000000001") -> Incident:
    """The incident of that number; the number of `WELFARE_CHECK` without one."""
    return Incident.objects.get(cad_number=number)


def state() -> list[Any]:
    """All that a message could change, to be compared."""
    return [
        [
            (row.pk, row.updated_at, row.details, row.flags)
            for row in Incident.objects.order_by("pk")
        ],
        list(IncidentUnit.objects.order_by("pk").values()),
        Change.objects.count(),
        Entry.objects.count(),
    ]


def scopes_of(row: Incident) -> set[str]:
    """Who sees an incident."""
    members = Member.objects.filter(collection="incidents", doc_id=row.pk)
    return set(members.values_list("scope", flat=True))
