"""Each role against each endpoint of assignments and alerts, and what they answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client as Browser

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.assignments import services
from apps.assignments.models import Alert, AlertKind, Assignment, Fact
from apps.assignments.urls import urlpatterns
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from tests.factories import EnrolledTablet, person, tablet, team
from tests.integration.assignments.conftest import NOON, World, after, events

ROLES = (
    *("nobody", "cad", "administrator", "responder", "tablet", "empty_tablet", "other_crew"),
    *("supervisor", "other_supervisor", "dispatcher"),
)
# Who gets past each endpoint, and what the others hear. Rows that one may not see are not there.
READ = {
    **dict.fromkeys(("responder", "tablet", "supervisor", "dispatcher"), 200),
    **dict.fromkeys(("nobody",), 401),
    **dict.fromkeys(("cad", "administrator", "empty_tablet"), 403),
    **dict.fromkeys(("other_crew", "other_supervisor"), 404),
}
LIST = {**READ, "other_crew": 200, "other_supervisor": 200}
DESK = {**READ, "responder": 403, "tablet": 403, "other_crew": 403}
DESK_LIST = {**LIST, "responder": 403, "tablet": 403, "other_crew": 403}
ENDPOINTS: dict[str, tuple[str, str, dict[str, Any] | None, dict[str, int]]] = {
    "list": ("get", "assignments", None, LIST),
    "read": ("get", "assignments/{assignment}", None, READ),
    "facts": ("get", "assignments/{assignment}/facts", None, READ),
    "tell": (
        "post",
        "assignments/{assignment}/facts",
        {"id": "{fact}", "event": "on_scene"},
        {role: 201 if status == 200 else status for role, status in DESK.items()},
    ),
    "assign": (
        "post",
        "incidents/{incident}/assign",
        {"unit": "{unit}", "reason": "x"},
        {**READ, "other_supervisor": 404},
    ),
    "reassign": ("post", "assignments/{assignment}/reassign", {"unit": "{other_unit}"}, DESK),
    "cancel": ("post", "assignments/{assignment}/cancel", {"reason": "x"}, DESK),
    "link": (
        "post",
        "assignments/{assignment}/link",
        {"cad_number": "{number}"},
        READ,
    ),
    "alerts": ("get", "alerts", None, DESK_LIST),
    "answer": ("post", "alerts/{alert}/acknowledge", None, DESK),
}


@dataclass
class Situation:
    world: World
    row: Assignment
    alert: Alert

    def send(self, role: str, endpoint: str) -> HttpResponse:
        method, path, body, _ = ENDPOINTS[endpoint]
        names = {
            "assignment": self.row.pk,
            "incident": self.row.incident_id,
            "alert": self.alert.pk,
            "unit": self.world.ours.unit.pk,
            "other_unit": self.world.theirs.unit.pk,
            "fact": uuid7(),
            "number": self.row.incident.cad_number,
        }
        filled = {key: str(value).format(**names) for key, value in (body or {}).items()}
        return self.call(role, method, f"/api/v1/{path.format(**names)}", filled)

    def call(self, role: str, method: str, url: str, body: dict[str, Any] | None = None) -> Any:
        browser, headers = Browser(), {}
        who = self.caller(role)
        if isinstance(who, User):
            browser.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
        elif isinstance(who, EnrolledTablet):
            headers = who.headers
        elif who:
            headers = {"Authorization": f"Bearer {who}"}
        if method == "get":
            return browser.get(url, headers=headers)
        return browser.post(url, body or {}, content_type="application/json", headers=headers)

    def caller(self, role: str) -> User | EnrolledTablet | str | None:
        world = self.world
        match role:
            case "nobody":
                return None
            case "cad":
                return accounts.create_client(name="Another CAD", by=SYSTEM, now=NOON)[0]
            case "administrator":
                return person(Role.ADMINISTRATOR)
            case "responder":
                return world.ours.people[0]
            case "tablet":
                return world.ours.tablets[0]
            case "empty_tablet":
                return tablet(of=world.team)
            case "other_crew":
                return world.theirs.tablets[0]
            case "supervisor":
                return world.supervisor
            case "other_supervisor":
                return person(Role.SUPERVISOR, of=team())
            case _:
                return world.dispatcher


@pytest.fixture
def situation(world: World, monkeypatch: pytest.MonkeyPatch) -> Situation:
    monkeypatch.setattr(clock, "now", lambda: after(60))
    row = world.given()
    world.tap("emergency", row, now=after(5))
    return Situation(world, row, Alert.objects.get())


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_role_gets_what_is_theirs(situation: Situation, endpoint: str) -> None:
    expected = ENDPOINTS[endpoint][3]
    assert set(expected) == set(ROLES)
    heard = {}
    for role in ROLES:
        with transaction.atomic():
            answer = situation.send(role, endpoint)
            heard[role] = answer.status_code
            transaction.set_rollback(True)
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json"
    assert heard == expected


def test_no_endpoint_is_forgotten() -> None:
    tried = {path for _, path, _, _ in ENDPOINTS.values()}
    routes = {re.sub(r"<uuid:(\w+)>", r"{\1}", str(one.pattern)) for one in urlpatterns}
    assert tried == routes


@pytest.mark.parametrize(("role", "count"), [("other_crew", 0), ("tablet", 1), ("dispatcher", 1)])
def test_a_list_holds_what_its_reader_may_see(situation: Situation, role: str, count: int) -> None:
    answer = situation.call(role, "get", "/api/v1/assignments").json()
    assert len(answer["results"]) == count
    if count:
        line = answer["results"][0]
        assert (line["unit"], line["state"], line["needs_ack"]) == ("CARE21", "assigned", True)


def test_open_ones_can_be_asked_for(situation: Situation) -> None:
    situation.send("dispatcher", "cancel")
    assert len(situation.call("dispatcher", "get", "/api/v1/assignments").json()["results"]) == 1
    url = "/api/v1/assignments?open=true"
    assert situation.call("dispatcher", "get", url).json()["results"] == []
    situation.send("dispatcher", "answer")
    assert situation.call("dispatcher", "get", "/api/v1/alerts?open=true").json()["results"] == []


def test_one_assignment_comes_with_its_whole_timeline(situation: Situation) -> None:
    world, row = situation.world, situation.row
    world.tap("on_scene", row, now=after(30))
    body = situation.send("supervisor", "read").json()
    assert next(iter(body["assignment"])) == "cautions"
    assert body["timeline"]["state"] == "on_scene"
    assert [entry["event"] for entry in body["history"]] == ["assigned", "emergency", "on_scene"]
    assert body["handoff"]["scene"] == "not_stated"
    facts = situation.send("supervisor", "facts").json()
    assert [fact["event"] for fact in facts] == ["assigned", "emergency", "on_scene"]
    assert facts[0]["editor"] is None


def test_a_number_that_is_hardly_meant_waits_for_a_desk(situation: Situation) -> None:
    world = situation.world
    world.call(number="88", units=[world.status("Dispatched", of="CARE22")])
    began = uuid7()
    world.tap("opened", began, data={"entry": "on_view"}, now=after(30))
    url = f"/api/v1/assignments/{began}/link"
    answer = situation.call("tablet", "post", url, {"cad_number": "88"})
    assert answer.status_code == 200
    assert (answer.json()["link_waits"], answer.json()["cad_number"]) == ("88", None)


@pytest.mark.parametrize("endpoint", ["list", "read", "facts"])
def test_reading_is_audited(situation: Situation, endpoint: str) -> None:
    before = Entry.objects.about(situation.row.pk).filter(action="read").count()
    situation.send("supervisor", endpoint)
    entries = Entry.objects.about(situation.row.pk).filter(action="read").order_by("-id")
    assert entries.count() == before + 1
    assert entries[0].actor_id == situation.world.supervisor.pk


def test_an_override_without_a_reason_names_the_field(situation: Situation) -> None:
    incident = situation.world.call(units=[], exclusions={"violence": "yes"}, beat="U1")
    url = f"/api/v1/incidents/{incident.pk}/assign"
    body = {"unit": str(situation.world.ours.unit.pk)}
    answer = situation.call("dispatcher", "post", url, body)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/reason"]
    answer = situation.call("dispatcher", "post", url, {**body, "reason": "Asked for"})
    assert answer.status_code == 200
    assert answer.json()["overridden"] is True


def test_a_responder_takes_calls_for_their_own_unit_only(situation: Situation) -> None:
    row, theirs = situation.row, situation.world.theirs.unit
    url = f"/api/v1/incidents/{row.incident_id}/assign"
    answer = situation.call("tablet", "post", url, {"unit": str(theirs.pk), "reason": "x"})
    assert answer.status_code == 403
    assert Assignment.objects.count() == 1


def test_a_desk_fact_is_checked_and_taken_once(situation: Situation) -> None:
    url = f"/api/v1/assignments/{situation.row.pk}/facts"
    wrong = {"id": str(uuid7()), "event": "cleared", "data": {"disposition": "99"}}
    answer = situation.call("dispatcher", "post", url, wrong)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/data/disposition"
    right = {**wrong, "data": {"disposition": "18"}}
    statuses = [situation.call("dispatcher", "post", url, right).status_code for _ in range(2)]
    assert statuses == [201, 200]
    assert events(situation.row).count("cleared") == 1


@pytest.mark.parametrize("role", ["supervisor", "dispatcher"])
def test_an_answer_says_who_was_first(situation: Situation, role: str) -> None:
    situation.send("supervisor", "answer")
    body = situation.send(role, "answer").json()
    assert body["acknowledged_by"] == situation.world.supervisor.display_name


def test_an_alert_says_when_it_was_tapped_and_what_was_counted(situation: Situation) -> None:
    world, row = situation.world, situation.row
    made = world.document("assist", row, now=after(10))
    world.push(made, now=after(2410))
    counted = {"minutes": 90}
    services.raise_alert(
        kind=AlertKind.REFERRAL, assignment_id=row.pk, counted=counted, now=after(2500)
    )
    world.commit()
    found = situation.call("supervisor", "get", "/api/v1/alerts").json()["results"]
    told = {one["kind"]: (one["tapped_at"], one["late_s"], one["counted"]) for one in found}
    assert told == {
        "emergency": ("2026-03-04T20:00:05.000Z", None, None),
        "assist": ("2026-03-04T20:00:10.000Z", 2400, None),
        "referral": (None, None, counted),
    }
    late = Alert.objects.get(kind=AlertKind.ASSIST)
    answer = situation.call("dispatcher", "post", f"/api/v1/alerts/{late.pk}/acknowledge").json()
    assert (answer["late_s"], answer["acknowledged_by"]) == (2400, world.dispatcher.display_name)


def test_a_unit_that_is_not_ours_is_refused(situation: Situation) -> None:
    url = f"/api/v1/assignments/{situation.row.pk}/reassign"
    answer = situation.call("dispatcher", "post", url, {"unit": str(uuid7())})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/unit"


class TestTheAdmin:
    def pages(self, situation: Situation) -> dict[str, Any]:
        fact = Fact.objects.get(event="emergency")
        return {"assignment": situation.row.pk, "fact": fact.pk, "alert": situation.alert.pk}

    @pytest.mark.parametrize(
        ("role", "seen"),
        [
            ("responder", None),
            ("administrator", None),
            ("other_supervisor", False),
            ("supervisor", True),
            ("dispatcher", True),
        ],
    )
    def test_shows_each_desk_its_own(
        self, situation: Situation, role: str, seen: bool | None
    ) -> None:
        for page, pk in self.pages(situation).items():
            url = f"/admin/assignments/{page}/"
            answer = situation.call(role, "get", url)
            if seen is None:
                assert answer.status_code in {302, 403}
                continue
            assert answer.status_code == 200
            assert (str(pk) in answer.content.decode()) is seen
            one = situation.call(role, "get", f"{url}{pk}/change/")
            assert one.status_code == (200 if seen else 302)
            if seen:
                assert Entry.objects.about(pk).filter(action="read", subject_type=page).count() == 2

    def decide(
        self, situation: Situation, action: str, *, on: str = "assignments/assignment", **form: Any
    ) -> Any:
        browser = Browser()
        browser.force_login(
            situation.world.dispatcher, backend="django.contrib.auth.backends.ModelBackend"
        )
        row = situation.row
        pk = row.pk if on.startswith("assignments") else row.incident_id
        selected = {"action": action, "_selected_action": [str(pk)]}
        url = f"/admin/{on}/"
        asked = browser.post(url, selected)
        assert asked.status_code == 200
        assert b'name="apply"' in asked.content
        return browser.post(url, {**selected, **form, "apply": "1"}, follow=True)

    def test_reassigns(self, situation: Situation) -> None:
        unit = situation.world.theirs.unit
        answer = self.decide(situation, "reassign", unit=str(unit.pk), reason="nearer")
        assert b"done." in answer.content
        situation.row.refresh_from_db()
        assert situation.row.unit == unit

    def test_assigns_a_further_unit(self, situation: Situation) -> None:
        unit = situation.world.theirs.unit
        self.decide(situation, "assign", unit=str(unit.pk), reason="two are needed")
        assert Assignment.objects.filter(unit=unit, incident=situation.row.incident_id).exists()

    def test_assigns_a_unit_on_the_page_of_incidents(self, situation: Situation) -> None:
        unit = situation.world.theirs.unit
        on = "dispatch/incident"
        self.decide(situation, "assign_unit", on=on, unit=str(unit.pk), reason="asked for")
        assert Assignment.objects.filter(unit=unit, incident=situation.row.incident_id).exists()

    def test_cancels_with_a_reason(self, situation: Situation) -> None:
        self.decide(situation, "cancel", reason="")
        situation.row.refresh_from_db()
        assert situation.row.state == "assigned"
        self.decide(situation, "cancel", reason="called back")
        situation.row.refresh_from_db()
        assert situation.row.closing == "cancelled"

    def test_says_why_not(self, situation: Situation) -> None:
        situation.world.tap("contact_made", situation.row, now=after(30))
        answer = self.decide(situation, "cancel", reason="called back")
        assert b"Contact was made" in answer.content

    def test_acknowledges_an_alert(self, situation: Situation) -> None:
        browser = Browser()
        browser.force_login(
            situation.world.supervisor, backend="django.contrib.auth.backends.ModelBackend"
        )
        browser.post(
            "/admin/assignments/alert/",
            {"action": "acknowledge", "_selected_action": [str(situation.alert.pk)]},
        )
        situation.alert.refresh_from_db()
        assert situation.alert.acknowledged_by == situation.world.supervisor

    def test_changes_no_fact(self, situation: Situation) -> None:
        pk = self.pages(situation)["fact"]
        answer = situation.call("supervisor", "post", f"/admin/assignments/fact/{pk}/change/")
        assert answer.status_code == 403
        answer = situation.call("supervisor", "get", "/admin/assignments/fact/add/")
        assert answer.status_code == 403
