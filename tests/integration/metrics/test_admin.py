"""Supervisors read figures, freeze and print them, and take them away for a reason."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.core import clock
from apps.core.problems import ProblemError
from apps.metrics import packets, services
from apps.metrics.models import DispatchFigures, FigureExport, Packet, PacketKind
from apps.metrics.periods import Period
from tests.factories import person, team
from tests.integration.casenotes.conftest import Crew, World, after

pytestmark = pytest.mark.django_db

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31), ZoneInfo("America/Los_Angeles"))
THAT_DAY = {"first": "2026-03-04", "last": "2026-03-04"}
PAGES = ("", "figures/", "make/", "export/")


@pytest.fixture
def desk(world: World, crew: Crew) -> Client:
    """A supervisor's browser, after a call that was met and cleared."""
    crew.met(world, now=after(300))
    crew.cleared(world, now=after(3600))
    services.follow_log()
    client = Client()
    client.force_login(world.supervisor)
    return client


def made(world: World) -> Packet:
    return services.make_packet(
        kind=PacketKind.HEARING, period=MARCH, by=world.supervisor, now=MARCH.ends
    )


class TestFigures:
    def test_stand_beside_what_they_mean(self, desk: Client) -> None:
        page = desk.get("/admin/metrics/packet/figures/", THAT_DAY).content.decode()
        assert "Response time" in page
        assert "5.0 min" in page
        assert "Numerator: Minutes from given to on scene" in page

    def test_lead_to_the_dispatches_that_they_are_made_of(self, desk: Client, crew: Crew) -> None:
        page = desk.get("/admin/metrics/packet/figures/", THAT_DAY).content.decode()
        [way] = re.findall(r'href="([^"]*dispatchfigures[^"]*given_at[^"]*)"', page)
        assert str(crew.call.pk) in desk.get(unescape(way)).content.decode()

    @pytest.mark.parametrize("page", ["figures", "not-sent", "declined"])
    def test_of_days_that_are_asked_for_most_are_one_press_away(
        self, desk: Client, page: str
    ) -> None:
        address = f"/admin/metrics/packet/{page}/"
        shown = desk.get(address).content.decode()
        today = clock.now().astimezone(clock.city()).date()
        [way] = re.findall(r'<a href="([^"]*)">This month so far</a>', shown)
        assert unescape(way) == f"?first={today.replace(day=1)}&last={today}"
        assert (
            f"{today.replace(day=1)} to {today}"
            in desk.get(address + unescape(way)).content.decode()
        )

    def test_of_a_time_that_is_none_are_asked_for_again(self, desk: Client) -> None:
        wrong = {"first": "2026-03-05", "last": "2026-03-04"}
        page = desk.get("/admin/metrics/packet/figures/", wrong).content.decode()
        assert "It ends before it begins." in page


class TestAPacket:
    def test_is_made_of_a_time_that_is_over_and_printed(self, desk: Client) -> None:
        asked = {"kind": "hearing", "first": "2026-03-01", "last": "2026-03-31"}
        page = desk.post("/admin/metrics/packet/make/", asked, follow=True).content.decode()
        row = Packet.objects.get()
        assert row.content_hash in page
        assert "What the figures mean" in page
        assert "left out" in page  # one dispatch is few

    def test_of_a_time_that_is_not_over_is_refused(self, world: World) -> None:
        with pytest.raises(ProblemError) as refused:
            services.make_packet(
                kind=PacketKind.HEARING, period=MARCH, by=world.supervisor, now=after(0)
            )
        assert [one.pointer for one in refused.value.errors] == ["/last"]

    @pytest.mark.parametrize(("first", "last"), [(1, 30), (2, 31), (4, 4)])
    def test_of_single_days_is_refused(self, world: World, first: int, last: int) -> None:
        days = Period(date(2026, 3, first), date(2026, 3, last), MARCH.zone)
        with pytest.raises(ProblemError) as refused:
            services.make_packet(
                kind=PacketKind.HEARING, period=days, by=world.supervisor, now=MARCH.ends
            )
        assert [one.pointer for one in refused.value.errors] == ["/last"]

    def test_stays_as_it_was_given_out(self, world: World, crew: Crew, desk: Client) -> None:
        row = made(world)
        world.given()
        services.follow_log()
        again = made(world)
        assert again.replaces == row
        row.refresh_from_db()
        assert packets.digest(row.content) == row.content_hash
        refused = pytest.raises(DatabaseError, match="append-only")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update metrics_packet set content = '{}'")

    def test_is_written_down_when_it_is_read(self, world: World, desk: Client) -> None:
        row = made(world)
        assert desk.get(f"/admin/metrics/packet/{row.pk}/print/").status_code == 200
        assert Entry.objects.filter(action="read", subject_ids__contains=[row.pk]).exists()


class TestAnExport:
    @pytest.mark.parametrize(("asked", "begins"), [("csv", b"\xef\xbb\xbfid,"), ("xlsx", b"PK")])
    def test_is_handed_out_for_a_reason_that_is_kept(
        self, desk: Client, asked: str, begins: bytes
    ) -> None:
        given = {**THAT_DAY, "format": asked, "reason": "Council, Thursday"}
        answer = desk.post("/admin/metrics/packet/export/", given)
        assert answer.content.startswith(begins)
        row = FigureExport.objects.get()
        assert (row.lines, row.reason) == (1, "Council, Thursday")
        entry = Entry.objects.get(action="export")
        assert (entry.subject_ids, entry.detail) == (
            [row.pk],
            {"what": "dispatches", "format": asked, "lines": 1},
        )
        listed = desk.get("/admin/metrics/figureexport/")
        assert "Council, Thursday" in listed.content.decode()

    def test_is_on_record_for_the_supervisors_of_who_took_it(
        self, world: World, desk: Client
    ) -> None:
        given = {**THAT_DAY, "format": "csv", "reason": "Council, Thursday"}
        desk.post("/admin/metrics/packet/export/", given)
        for of, sees in ((world.supervisor.team, True), (team("North"), False)):
            other = Client()
            other.force_login(person(Role.SUPERVISOR, of=of))
            listed = other.get("/admin/metrics/figureexport/").content.decode()
            assert ("Council, Thursday" in listed) == sees

    def test_is_not_handed_out_without_one(self, desk: Client) -> None:
        answer = desk.post("/admin/metrics/packet/export/", {**THAT_DAY, "format": "csv"})
        assert "This field is required." in answer.content.decode()
        assert not FigureExport.objects.exists()


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMINISTRATOR, Role.RESPONDER])
def test_nobody_else_reads_them(role: Role, world: World, desk: Client) -> None:
    row = made(world)
    other = Client()
    other.force_login(person(role))
    pages = [f"/admin/metrics/packet/{page}" for page in (*PAGES, f"{row.pk}/print/")]
    for page in (*pages, "/admin/metrics/dispatchfigures/"):
        assert other.get(page).status_code in (302, 403), page
    assert DispatchFigures.objects.exists()
