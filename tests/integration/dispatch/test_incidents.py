"""Incidents as people see and change them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from apps.accounts.models import Role, Team, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.published import Event
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.dispatch import services
from apps.dispatch.models import EntryKind, Incident, Shift, Source, Unit
from tests.factories import NOON, person, tablet
from tests.integration.dispatch.conftest import CAD, care, care_unit, police

pytestmark = pytest.mark.django_db


def browser(user: User) -> Browser:
    found = Browser()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def seen(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.content
    return {row["cad_number"] for row in answer.json()["results"]}


class TestWhoSees:
    @pytest.fixture(autouse=True)
    def _calls(self, cad: CAD, unit: Unit, downtown: Team, commit_now: Any, loaded: None) -> None:
        self.north = person(Role.SUPERVISOR)
        assert self.north.team
        theirs = care_unit("CARE-31", self.north.team)
        cad.tell(cad_number="ours", units=[care()])
        cad.tell(cad_number="theirs", units=[care("CARE31")])
        cad.tell(cad_number="nobody's", units=[police()])
        assert theirs.pk
        commit_now()

    def test_the_desk_sees_all(self, dispatcher: User) -> None:
        assert seen(browser(dispatcher).get("/api/v1/incidents")) == {"ours", "theirs", "nobody's"}

    def test_a_supervisor_sees_the_teams_and_nobodys(self, supervisor: User) -> None:
        assert seen(browser(supervisor).get("/api/v1/incidents")) == {"ours", "nobody's"}
        assert seen(browser(self.north).get("/api/v1/incidents")) == {"theirs", "nobody's"}

    def test_a_responder_sees_the_units_while_on_it(
        self, downtown: Team, unit: Unit, shift: Shift
    ) -> None:
        anna = person(of=downtown)
        device = tablet(anna)
        assert seen(Browser().get("/api/v1/incidents", headers=device.headers)) == set()
        services.join_crew(user=anna, unit=unit, shift=shift, by=SYSTEM, now=NOON)
        assert seen(Browser().get("/api/v1/incidents", headers=device.headers)) == {"ours"}
        entry = Entry.objects.get(action="read", actor_kind="tablet")
        assert (entry.actor_id, entry.tablet_id) == (anna.pk, device.tablet.pk)

    def test_one_incident_is_there_for_whoever_sees_it(self, supervisor: User) -> None:
        ours, theirs = (Incident.objects.get(cad_number=name) for name in ("ours", "theirs"))
        answer = browser(supervisor).get(f"/api/v1/incidents/{ours.pk}")
        assert answer.status_code == 200
        body = answer.json()
        assert list(body)[:2] == ["cautions", "withheld"]
        assert body["address"] == "3RD AVE / PIKE ST"
        assert body["units"][0]["call_sign"] == "CARE-21"
        assert body["rules"]["rule_version"]
        entry = Entry.objects.get(action="read")
        assert (entry.actor_id, entry.subject_ids) == (supervisor.pk, [ours.pk])
        assert browser(supervisor).get(f"/api/v1/incidents/{theirs.pk}").status_code == 404

    def test_lists_are_filtered_and_paged(self, dispatcher: User) -> None:
        desk = browser(dispatcher)
        assert seen(desk.get("/api/v1/incidents?eligible_not_sent=true")) == {"nobody's"}
        first = desk.get("/api/v1/incidents?limit=2").json()
        assert len(first["results"]) == 2
        rest = desk.get(first["next"]).json()
        assert len(rest["results"]) == 1

    def test_an_administrator_sees_none(self) -> None:
        administrator = person(Role.ADMINISTRATOR)
        assert browser(administrator).get("/api/v1/incidents").status_code == 403
        assert not Incident.objects.visible_to(administrator).exists()


class TestUnits:
    def test_are_put_on_and_taken_off(self, cad: CAD, unit: Unit, heard: list[Event]) -> None:
        row = cad.tell().incident
        heard.clear()
        put = services.attach_unit(incident=row, unit=unit, source=Source.DESK, now=NOON)
        assert put.source == "desk"
        assert services.attach_unit(incident=row, unit=unit, source=Source.DESK, now=NOON) == put
        taken = services.detach_unit(incident=row, unit=unit, now=NOON + timedelta(minutes=1))
        assert taken is not None
        assert taken.detached_at
        services.attach_unit(incident=row, unit=unit, source=Source.DESK, now=NOON)
        assert row.units.get().detached_at is None
        assert [event.name for event in heard if event.subject == row.pk] == [
            "incident.updated"
        ] * 3


class TestStartedByAResponder:
    def opened(self, unit: Unit, **changed: Any) -> Incident:
        given: dict[str, Any] = {
            "incident_id": uuid7(),
            "unit": unit,
            "entry_kind": EntryKind.ON_VIEW,
            "details": {"address": "3RD AVE / PIKE ST"},
            "call_type": "",
            "occurred_at": NOON,
            "now": NOON,
            **changed,
        }
        return services.open_incident(**given)

    def test_an_incident_has_no_number_and_no_verdict(
        self, unit: Unit, heard: list[Event], loaded: None
    ) -> None:
        row = Incident.objects.get(pk=self.opened(unit).pk)
        assert (row.cad_number, row.verdict, row.entry_kind) == (None, "", "on_view")
        assert row.units.get().source == "responder"
        assert row.details["cautions"] == []
        assert [e.name for e in heard if e.subject == row.pk] == ["incident.opened"]

    def test_a_repeat_returns_the_same(self, unit: Unit, heard: list[Event]) -> None:
        row = self.opened(unit)
        heard.clear()
        assert self.opened(unit, incident_id=row.pk) == row
        assert heard == []

    def test_cad_kinds_and_odd_details_are_refused(self, unit: Unit) -> None:
        with pytest.raises(ProblemError):
            self.opened(unit, entry_kind=EntryKind.DUAL_911)
        for odd in ({"nonsense": 1}, {"cautions": [{"nothing": 1}]}, {"narrative": ["text"]}):
            with pytest.raises(ProblemError):
                self.opened(unit, details=odd)

    def test_a_number_that_cad_has_not_told_is_taken_over(
        self, cad: CAD, unit: Unit, heard: list[Event], loaded: None
    ) -> None:
        row = self.opened(unit)
        linked = services.link_to_cad(
            incident=row, cad_number="7", agency_id="spd.seattle.gov", by=SYSTEM, now=NOON
        )
        assert linked == row
        assert "incident.linked" in [e.name for e in heard]
        received = cad.tell(cad_number="7", cautions=[{"text": "has a knife"}])
        assert not received.created
        assert received.incident == row
        assert received.incident.entry_kind == "on_view"
        assert received.incident.verdict

    def test_a_number_that_cad_told_takes_the_incident_in(
        self, cad: CAD, unit: Unit, heard: list[Event]
    ) -> None:
        theirs = cad.tell(cad_number="7").incident
        row = self.opened(unit, details={"cautions": [{"text": "has a knife", "kind": "weapon"}]})
        heard.clear()
        assert services.link_to_cad(incident=row, cad_number="7", by=SYSTEM, now=NOON) == theirs
        row.refresh_from_db()
        theirs.refresh_from_db()
        assert (row.status, row.merged_into) == ("merged", theirs)
        assert theirs.units.get().unit == unit
        assert theirs.details["cautions"][0]["text"] == "has a knife"
        assert next(e.name for e in heard if e.name.startswith("incident")) == "incident.merged"

    def test_a_number_is_given_once(self, cad: CAD, unit: Unit) -> None:
        row = self.opened(unit)
        services.link_to_cad(incident=row, cad_number="7", agency_id="a", by=SYSTEM, now=NOON)
        services.link_to_cad(incident=row, cad_number="7", agency_id="a", by=SYSTEM, now=NOON)
        with pytest.raises(ProblemError):
            services.link_to_cad(incident=row, cad_number="8", agency_id="a", by=SYSTEM, now=NOON)
