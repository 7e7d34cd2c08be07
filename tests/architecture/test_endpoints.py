"""Who may call what: every address of the API, every method, every role.

The list is checked against the URL configuration, so a new endpoint cannot be forgotten. What a
role sees behind an open door is the business of each app's own tests (`visible_to`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts import services
from apps.accounts.models import Role, User
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from tests.factories import NOON, person, tablet, team

ANYONE = frozenset(
    {"anonymous", "tablet", "responder", "supervisor", "dispatcher", "administrator", "cad"}
    | {"partner", "partner's person"}
)
TABLETS = frozenset({"tablet", "responder"})
DESK = frozenset({"supervisor", "dispatcher"})
SUPERVISOR = frozenset({"supervisor"})
CAD = frozenset({"cad"})
PARTNER = frozenset({"partner"})
PEOPLE = DESK | {"responder"}
RECORDS = SUPERVISOR | {"responder"}  # whoever reads what was learned of people

FHIR = "fhir/r4/"

# Address (as in the URL configuration) -> method -> who is let in.
DOORS: dict[str, dict[str, frozenset[str]]] = {
    "enrol": {"POST": ANYONE},
    "sign-in": {"POST": TABLETS},
    "sign-out": {"POST": TABLETS},
    "socket-ticket": {"POST": TABLETS | DESK},
    "enrolment-codes": {"POST": SUPERVISOR},
    "tablets/<uuid:tablet>/retire": {"POST": SUPERVISOR},
    "tablets/<uuid:tablet>/lost": {"POST": SUPERVISOR},
    "tablets/<uuid:tablet>/compromised": {"POST": SUPERVISOR},
    "tablets/<uuid:tablet>/found": {"POST": SUPERVISOR},
    "sync": {"POST": TABLETS},
    "sync/<str:collection>/pull": {"GET": TABLETS},
    "sync/<str:collection>/push": {"POST": TABLETS},
    "sync/<str:collection>/digest": {"GET": TABLETS},
    "sync/outbox": {"PUT": TABLETS},
    "sync/purged": {"POST": TABLETS},
    "sync/<str:collection>/<uuid:document>/versions": {"GET": PEOPLE},
    "sync/<str:collection>/<uuid:document>/versions/<uuid:version>/restore": {"POST": PEOPLE},
    "conflicts": {"GET": PEOPLE},
    "conflicts/<uuid:conflict>/settle": {"POST": PEOPLE},
    "quarantine": {"GET": PEOPLE},
    "quarantine/<uuid:write>": {"GET": PEOPLE},
    "quarantine/<uuid:write>/acknowledge": {"POST": PEOPLE},
    "quarantine/<uuid:write>/apply": {"POST": PEOPLE},
    "media/<str:sha256>": {"GET": PEOPLE, "PUT": TABLETS},
    "tablets": {"GET": DESK},
    "purge-receipts": {"GET": DESK},
    "schemas/<str:collection>": {"GET": TABLETS | DESK},
    "assignments": {"GET": PEOPLE},
    "assignments/<uuid:assignment>": {"GET": PEOPLE},
    "assignments/<uuid:assignment>/facts": {"GET": PEOPLE, "POST": DESK},
    "assignments/<uuid:assignment>/reassign": {"POST": DESK},
    "assignments/<uuid:assignment>/cancel": {"POST": DESK},
    "assignments/<uuid:assignment>/link": {"POST": PEOPLE},
    "incidents/<uuid:incident>/assign": {"POST": PEOPLE},
    "people/search": {"POST": RECORDS},
    "people/<uuid:person>": {"GET": RECORDS},
    "people/<uuid:person>/page": {"GET": RECORDS},
    "people/<uuid:person>/open": {"POST": frozenset({"responder"})},
    "people/<uuid:person>/merge": {"POST": SUPERVISOR},
    "people/<uuid:person>/unmerge": {"POST": SUPERVISOR},
    "encounters/<uuid:encounter>": {"GET": RECORDS},
    "encounters/<uuid:encounter>/handover": {"GET": RECORDS},
    "encounters/<uuid:encounter>/handover/page": {"GET": RECORDS},
    "casenotes/debts": {"GET": RECORDS},
    "casenotes/<uuid:note>": {"GET": RECORDS},
    "quarantine/<uuid:write>/addendum": {"POST": RECORDS},
    "alerts": {"GET": DESK},
    "alerts/<uuid:alert>/acknowledge": {"POST": DESK},
    "encounters/<uuid:encounter>/doses": {"GET": RECORDS},
    "stock": {"GET": RECORDS},
    "lots/<uuid:lot>/recall": {"GET": SUPERVISOR, "POST": SUPERVISOR},
    "exports/nemsis": {"POST": SUPERVISOR},
    "exports/odmap": {"POST": SUPERVISOR},
    "exports/naloxone-improved": {"POST": SUPERVISOR},
    "partner/services": {"GET": PARTNER},
    "partner/services/<uuid:service>/capacity": {"POST": PARTNER},
    "partner/event-types": {"GET": ANYONE},
    "partner/events": {"GET": PARTNER},
    "partner/endpoints": {"GET": PARTNER, "POST": PARTNER},
    "partner/endpoints/<uuid:endpoint>": {"GET": PARTNER, "PATCH": PARTNER, "DELETE": PARTNER},
    "partner/endpoints/<uuid:endpoint>/verify": {"POST": PARTNER},
    "partner/endpoints/<uuid:endpoint>/test": {"POST": PARTNER},
    "partner/endpoints/<uuid:endpoint>/pause": {"POST": PARTNER},
    "partner/endpoints/<uuid:endpoint>/resume": {"POST": PARTNER},
    "partner/endpoints/<uuid:endpoint>/rotate": {"POST": PARTNER},
    "partner/endpoints/<uuid:endpoint>/replay": {"POST": PARTNER},
    "partner/endpoints/<uuid:endpoint>/deliveries": {"GET": PARTNER},
    "partner/deliveries/<uuid:delivery>": {"GET": PARTNER},
    "partner/deliveries/<uuid:delivery>/replay": {"POST": PARTNER},
    "me": {"GET": TABLETS | DESK},
    "dispatch/eido": {"POST": CAD},
    "dispatch/incidents": {"POST": CAD},
    "held-messages": {"GET": DESK},
    "held-messages/<uuid:held>": {"GET": DESK},
    "held-messages/<uuid:held>/replay": {"POST": DESK},
    "incidents": {"GET": PEOPLE},
    "incidents/<uuid:incident>": {"GET": PEOPLE},
    "units": {"GET": DESK},
    "units/<uuid:unit>/crew": {"PUT": SUPERVISOR},
    "units/<uuid:unit>/join": {"POST": SUPERVISOR},
    "crews/leave": {"POST": SUPERVISOR},
    "shifts": {"GET": SUPERVISOR, "POST": SUPERVISOR},
    "encounters/<uuid:encounter>/referrals": {"GET": RECORDS},
    "encounters/<uuid:encounter>/disclosures": {"POST": SUPERVISOR},
    "referral-tasks/<uuid:task>/answers": {"POST": RECORDS},
    "revocations/<uuid:revocation>/acknowledge": {"POST": RECORDS},
    "people/<uuid:person>/disclosures": {"GET": SUPERVISOR},
    "partners/<uuid:partner>/scorecard": {"GET": SUPERVISOR},
    "partner/referrals": {"GET": PARTNER},
    "partner/referrals/<uuid:task>": {"GET": PARTNER},
    "partner/referrals/<uuid:task>/answers": {"POST": PARTNER},
    "partner/answers": {"POST": PARTNER},
    "partner/revocations": {"GET": PARTNER},
    "partner/revocations/<uuid:revocation>/acknowledge": {"POST": PARTNER},
    "partner/scorecard": {"GET": PARTNER},
    "shifts/<uuid:shift>/end": {"POST": SUPERVISOR},
    "fhir/r4/metadata": {"GET": ANYONE},
    "fhir/r4/Task": {"GET": PARTNER},
    "fhir/r4/Task/<uuid:task>": {"GET": PARTNER, "PUT": PARTNER},
    "fhir/r4/ServiceRequest": {"GET": PARTNER},
    "fhir/r4/ServiceRequest/<uuid:referral>": {"GET": PARTNER},
    "fhir/r4/Consent": {"GET": PARTNER},
    "fhir/r4/Consent/<uuid:consent>": {"GET": PARTNER},
    "fhir/r4/Organization/<uuid:organization>": {"GET": PARTNER},
}


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        here = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, here)
        else:
            yield here, pattern


def endpoints() -> dict[str, set[str]]:
    """Every address below /api/v1/, and of FHIR, with the methods its view has."""
    found = {}
    for route, pattern in routes(get_resolver()):
        if route.startswith(("api/v1/", FHIR)):
            view = getattr(pattern.callback, "cls", None) or pattern.callback.view_class
            methods = {
                m.upper() for m in ("get", "post", "put", "patch", "delete") if hasattr(view, m)
            }
            found[route.removeprefix("api/v1/")] = methods
    return found


def test_every_endpoint_is_listed_with_its_methods() -> None:
    assert endpoints() == {route: set(methods) for route, methods in DOORS.items()}


@pytest.fixture
def doors(db: None) -> dict[str, tuple[Client, dict[str, str]]]:
    """For each role a client and its headers."""
    ours = team()

    def session(role: str) -> tuple[Client, dict[str, str]]:
        user: User = person(role, of=ours if role == Role.SUPERVISOR else None)
        client = Client(raise_request_exception=False)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client, {}

    token, _ = services.create_client(name="CAD", by=SYSTEM, now=NOON)
    answer_to, _ = services.create_partner(name="A shelter", by=SYSTEM, now=NOON)
    bare = Client(raise_request_exception=False)
    return {
        "anonymous": (bare, {}),
        "tablet": (bare, tablet(of=ours).headers),
        "responder": (bare, tablet(person(of=ours)).headers),
        "cad": (bare, {"Authorization": f"Bearer {token}"}),
        "partner": (bare, {"Authorization": f"Bearer {answer_to}"}),
        "partner's person": session(Role.PARTNER),
        **{role: session(role) for role in (Role.SUPERVISOR, Role.DISPATCHER, Role.ADMINISTRATOR)},
    }


@pytest.mark.parametrize(
    ("route", "method"), [(route, method) for route, methods in DOORS.items() for method in methods]
)
def test_each_role_is_let_in_or_turned_away(
    doors: dict[str, tuple[Client, dict[str, str]]], route: str, method: str
) -> None:
    path = ("/" if route.startswith(FHIR) else "/api/v1/") + "/".join(
        str(uuid7()) if part.startswith("<uuid") else "facts" if part.startswith("<") else part
        for part in route.split("/")
    )
    fhir = route.startswith(FHIR)
    problem = "application/fhir+json" if fhir else "application/problem+json"
    let_in = set()
    for role, (client, headers) in doors.items():
        answer = client.generic(
            method, path, b"{}", content_type="application/json", headers=headers
        )
        assert answer.status_code < 500, (role, answer.status_code)
        if answer.status_code not in {401, 403}:
            let_in.add(role)
        elif answer.status_code >= 400:
            assert answer["Content-Type"] == problem, (role, answer.status_code)
    assert let_in == DOORS[route][method]
