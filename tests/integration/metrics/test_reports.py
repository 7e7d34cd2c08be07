"""Calls that CARE could have taken and was not sent to, and who declined."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.clock import iso
from apps.dispatch import services as dispatch
from apps.dispatch.calls import EXCLUSIONS
from apps.dispatch.models import Incident
from apps.metrics import services
from apps.metrics.admin import reports
from apps.metrics.exports import as_csv
from apps.metrics.models import FigureExport
from apps.metrics.periods import Period
from apps.metrics.services.reporting import DECLINED_COLUMNS, Decline, declined_lines, not_sent
from tests.factories import NOON, person
from tests.integration.assignments.conftest import World, after, told

pytestmark = pytest.mark.django_db

THAT_DAY = Period(date(2026, 3, 4), date(2026, 3, 4), ZoneInfo("America/Los_Angeles"))
SPAN = {"first": "2026-03-04", "last": "2026-03-04"}
PAGES = "/admin/metrics/packet/"


@pytest.fixture
def desk(world: World, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: after(7200))
    dispatch.load_reference(by=SYSTEM, now=NOON)
    client = Client()
    client.force_login(world.supervisor)
    return client


def fit(world: World, minutes: float = 0, **members: Any) -> Incident:
    """A call that the rules let CARE take, and to which nobody was sent."""
    exclusions = members.pop("exclusions", dict.fromkeys(EXCLUSIONS, "no"))
    at = after(minutes * 60)
    members = {"units": [], "received_at": told(at), **members}
    return world.call(now=at, exclusions=exclusions, **members)


class TestEligibleNotSent:
    def test_is_counted_by_hour_beat_and_type_and_whether_a_unit_was_free(
        self, world: World, desk: Client
    ) -> None:
        missed = [fit(world), fit(world, 10), fit(world, 70, beat="K1")]
        world.given(received_at=told(after(5 * 60)), now=after(300))  # one unit of two is busy
        fit(world, 20, units=[world.status("Dispatched", of="CARE22", at=after(1200))])  # both
        fit(world, 15, exclusions={"violence": "yes"})
        fit(world, 16, exclusions={})
        missed.append(fit(world, 30))
        found = not_sent(THAT_DAY, world.supervisor)
        assert {one.id for one in found.calls} == {one.pk for one in missed}
        assert found.by_hour == {12: 3, 13: 1}
        assert found.by_beat == {"M3": 3, "K1": 1}
        assert found.by_type == {"SERVICE - WELFARE CHECK": 4}
        assert [one.free for one in reversed(found.calls)] == [2, 1, 0, 0]
        assert found.free == 2

        page = desk.get(f"{PAGES}not-sent/", SPAN).content.decode()
        assert "4 calls, 2 of them while a unit was free" in page
        assert "Numerator: Calls judged eligible when they came in" in page
        for one in missed:
            assert f"/admin/dispatch/incident/{one.pk}/change/" in page
        read = Entry.objects.get(action="read", subject_type="incident")
        assert set(read.subject_ids) == {one.pk for one in missed}

    def test_is_read_page_by_page(
        self, world: World, desk: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reports, "PAGE", 2)
        rows = [fit(world, minutes) for minutes in range(3)]
        first = desk.get(f"{PAGES}not-sent/", SPAN)
        assert str(rows[0].pk) not in first.content.decode()
        older = first.context["older"]
        second = desk.get(f"{PAGES}not-sent/?{older}").content.decode()
        assert str(rows[0].pk) in second
        assert str(rows[2].pk) not in second
        assert "Older ones" not in second

    def test_takes_as_many_statements_for_many_as_for_few(self, world: World, desk: Client) -> None:
        counts = []
        for number in range(3):
            fit(world, number)
            with CaptureQueriesContext(connection) as statements:
                not_sent(THAT_DAY, world.supervisor)
            counts.append(len(statements))
        assert counts[0] == counts[1] == counts[2]

    def test_is_taken_away_as_a_file_for_a_reason(self, world: World, desk: Client) -> None:
        row = fit(world, initial_call_type="=1+1")
        Incident.objects.filter(pk=row.pk).update(verdict="eligible")
        form = {**SPAN, "what": "not_sent", "format": "csv"}
        assert "required" in desk.post(f"{PAGES}export/", form).content.decode()
        answer = desk.post(f"{PAGES}export/", {**form, "reason": "For the council."})
        assert answer["Content-Disposition"].endswith('not_sent-2026-03-04-2026-03-04.csv"')
        [heads, line] = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert heads == ["id", "occurred_at", "beat", "call_type", "units_free"]
        assert (line[0], line[3], line[4]) == (str(row.pk), "'=1+1", "2")
        kept = FigureExport.objects.get()
        assert (kept.what, kept.lines, kept.reason) == ("not_sent", 1, "For the council.")
        assert Entry.objects.get(action="export").detail["what"] == "not_sent"


class TestDeclinedBy:
    def test_is_counted_by_agency_and_reason_and_leads_to_the_calls(
        self, world: World, desk: Client
    ) -> None:
        ours, theirs = world.given(), world.given()
        fine = world.given()
        world.tap("declined", ours, now=after(30), data={"agency": "care", "reason": "too_far"})
        said = {"agency": "spd", "unit": "3M21", "reason": "no_reason"}
        world.tap("declined", theirs, now=after(40), data=said)
        services.follow_log()
        page = desk.get(f"{PAGES}declined/", SPAN).content.decode()
        assert "CARE would arrive too late" in page
        assert "3M21" in page
        assert "No reason given" in page
        assert f"/admin/assignments/assignment/{ours.pk}/change/" in page
        assert str(fine.pk) not in page
        read = Entry.objects.get(action="read", subject_type="assignment")
        assert set(read.subject_ids) == {ours.pk, theirs.pk}

    def test_is_read_page_by_page(
        self, world: World, desk: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("apps.metrics.services.reporting.PAGE_OF_DECLINES", 1)
        rows = [world.given(now=after(number)) for number in range(2)]
        for row in rows:
            world.tap("declined", row, now=after(30), data={"agency": "care", "reason": "hazard"})
        services.follow_log()
        first = desk.get(f"{PAGES}declined/", SPAN)
        assert str(rows[1].pk) in first.content.decode()
        second = desk.get(f"{PAGES}declined/?{first.context['older']}").content.decode()
        assert str(rows[0].pk) in second
        assert str(rows[1].pk) not in second

    def test_is_taken_away_as_a_file_for_a_reason(
        self, world: World, desk: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All calls that whoever takes it may see, not a page of them; and reading them is written
        down."""
        monkeypatch.setattr("apps.metrics.services.reporting.PAGE_OF_DECLINES", 1)
        rows = [world.given(now=after(number)) for number in range(2)]
        for row in rows:
            said = {"agency": "spd", "unit": "3M21", "reason": "no_reason"}
            world.tap("declined", row, now=after(30), data=said)
        services.follow_log()
        page = desk.get(f"{PAGES}declined/", SPAN).content.decode()
        assert "export/?what=declined&amp;first=2026-03-04" in page
        form = {**SPAN, "what": "declined", "format": "csv"}
        assert "required" in desk.post(f"{PAGES}export/", form).content.decode()
        answer = desk.post(f"{PAGES}export/", {**form, "reason": "For the council."})
        assert answer["Content-Disposition"].endswith('declined-2026-03-04-2026-03-04.csv"')
        heads, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert heads == ["incident_id", "assignment_id", "declined_at", "agency", "unit", "reason"]
        assert [line[1] for line in lines] == [str(row.pk) for row in reversed(rows)]
        assert lines[0][3:] == ["spd", "3M21", "no_reason"]
        kept = FigureExport.objects.get()
        assert (kept.what, kept.lines, kept.reason) == ("declined", 2, "For the council.")
        assert Entry.objects.get(action="export").detail["what"] == "declined"
        read = Entry.objects.filter(action="read", subject_type="assignment")
        assert {rows[0].pk} in [set(one.subject_ids) for one in read], "the first is on no page"
        sheet = desk.post(f"{PAGES}export/", {**form, "format": "xlsx", "reason": "Again."})
        assert sheet.content.startswith(b"PK")

    def test_no_cell_of_its_file_is_run(self) -> None:
        one = Decline(UUID(int=1), UUID(int=2), "", NOON, "spd", "=1+1", "@reason")
        file = as_csv(DECLINED_COLUMNS, declined_lines([one])).decode("utf-8-sig")
        [_, line] = csv.reader(io.StringIO(file))
        assert line[2:] == [iso(NOON), "spd", "'=1+1", "'@reason"]

    def test_a_file_has_the_calls_alone_that_its_reader_may_see(
        self, world: World, desk: Client
    ) -> None:
        row = world.given()
        said = {"agency": "care", "reason": "too_far"}
        world.tap("declined", row, now=after(30), data=said)
        services.follow_log()
        other = Client()
        other.force_login(person(Role.SUPERVISOR))
        form = {**SPAN, "what": "declined", "format": "csv", "reason": "For the council."}
        assert str(row.pk) in desk.post(f"{PAGES}export/", form).content.decode()
        assert str(row.pk) not in other.post(f"{PAGES}export/", form).content.decode()


@pytest.mark.parametrize("page", ["not-sent/", "declined/"])
def test_the_reports_are_the_supervisors(world: World, desk: Client, page: str) -> None:
    for role in (Role.DISPATCHER, Role.ADMINISTRATOR):
        other = Client()
        other.force_login(person(role))
        assert other.get(f"{PAGES}{page}", SPAN).status_code == 403
    assert desk.get(f"{PAGES}{page}", {**SPAN, "before": "yesterday"}).status_code == 200
    assert (
        "It ends before it begins."
        in desk.get(
            f"{PAGES}{page}", {"first": "2026-03-05", "last": "2026-03-04"}
        ).content.decode()
    )
