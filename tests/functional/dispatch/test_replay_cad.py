"""Call Data replayed through a running server: every event arrives, the dirty ones flagged."""

from __future__ import annotations

import csv
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from apps.accounts import services as accounts
from apps.audit.services import SYSTEM
from apps.dispatch import services
from apps.dispatch.models import HeldMessage, Incident
from tests.data import shared_data
from tests.factories import team
from tests.integration.dispatch.conftest import care_unit
from tests.processes import Server

pytestmark = pytest.mark.django_db(transaction=True)

NEWER = """\
CAD Event Number,CAD Event Clearance Description,Call Type,Priority,Initial Call Type,\
Final Call Type,CAD Event Original Time Queued,Dispatch Beat,Call Sign Dispatch ID,\
Call Sign Dispatch Time,Call Sign At Scene Time,Call Sign In-Service Time
2026000000001,ASSISTANCE RENDERED,911,3,SERVICE - WELFARE CHECK,--CRISIS COMPLAINT - GENERAL,\
03/04/2026 12:20:00 PM,M3,CARE21,03/04/2026 12:21:00 PM,03/04/2026 12:31:00 PM,03/04/2026 1:10:00 PM
2026000000001,ASSISTANCE RENDERED,911,3,SERVICE - WELFARE CHECK,--CRISIS COMPLAINT - GENERAL,\
03/04/2026 12:20:00 PM,M3,3M21,03/04/2026 12:22:00 PM,03/04/2026 12:29:00 PM,03/04/2026 12:40:00 PM
2026000000002,DUPLICATED OR CANCELLED BY RADIO,911,2,SERVICE - WELFARE CHECK,,\
03/04/2026 12:30:00 PM,K3,3K1,03/04/2026 12:35:00 PM,03/04/2026 12:31:00 PM,
,ASSISTANCE RENDERED,911,3,SERVICE - WELFARE CHECK,,03/04/2026 12:20:00 PM,M3,,,,
"""


@pytest.fixture
def token() -> str:
    services.load_reference(by=SYSTEM, now=timezone.now())
    return accounts.create_client(name="CAD", by=SYSTEM, now=timezone.now())[0]


def replay(path: Path, server: Server, token: str, *, speed: float = 0) -> str:
    out = StringIO()
    call_command("replay_cad", path, url=server.url, token=token, speed=speed, stdout=out)
    return out.getvalue()


@pytest.mark.slow
def test_all_real_rows_arrive(standing_server: Server, token: str, tmp_path: Path) -> None:
    path = shared_data("cad", "seattle_cad_calls_full_columns.csv")
    said = replay(path, standing_server, token)
    assert "497 rows" in said
    assert Incident.objects.count() == 497
    assert not HeldMessage.objects.exists()
    assert not Incident.objects.filter(status="active").exists()
    missing = [row for row in Incident.objects.all() if "time missing: arrived" in row.flags]
    blank = [line for line in path.read_text().splitlines()[1:] if not _arrived(line)]
    assert len(missing) == len(blank) > 0
    assert "refused" not in said
    some = tmp_path / "some.csv"
    some.write_text("\n".join(path.read_text().splitlines()[:20]))
    again = replay(some, standing_server, token)
    assert Incident.objects.count() == 497
    assert "made an incident" not in again
    assert "refused" not in again


def _arrived(line: str) -> str:
    return next(csv.reader([line]))[7]


def test_the_newer_schema_brings_units_and_their_times(
    standing_server: Server, token: str, tmp_path: Path
) -> None:
    unit = care_unit("CARE-21", team())
    path = tmp_path / "calls.csv"
    path.write_text(NEWER)
    said = replay(path, standing_server, token)
    assert "4 rows" in said
    assert "1 rows without an event number" in said
    first = Incident.objects.get(cad_number="2026000000001")
    assert first.status == "closed"
    rows = {row.call_sign: row for row in first.units.all()}
    assert rows["CARE-21"].unit == unit
    assert rows["CARE-21"].times["OnScene"] == "2026-03-04T20:31:00Z"
    assert rows["3M21"].status == "Cleared"
    assert first.assignments.get().unit == unit
    second = Incident.objects.get(cad_number="2026000000002")
    assert second.status == "cancelled"
    assert "times out of order: unit" in second.flags


def test_a_line_break_within_a_cell_ends_no_row(
    standing_server: Server, token: str, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        "CAD Event Number,CAD Event Original Time Queued,CAD Event Clearance Description\n"
        '20261,03/04/2026 12:00:00 PM,"ASSISTANCE\nRENDERED"\n'
        "20262,03/04/2026 12:00:00 PM,REPORT\x0cWRITTEN\u2028LATER\n"
    )
    said = replay(path, standing_server, token)
    assert "2 rows" in said
    assert "without an event number" not in said
    assert set(Incident.objects.values_list("cad_number", flat=True)) == {"20261", "20262"}
    found = Incident.objects.get(cad_number="20261")
    assert found.details["clearance"] == "ASSISTANCE\nRENDERED"


def test_the_pauses_are_those_between_the_rows_divided_by_the_speed(
    standing_server: Server, token: str, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    times = ("12:00:00 PM", "12:20:00 PM", "1:50:00 PM")
    rows = [f"2026{number},03/04/2026 {time}" for number, time in enumerate(times)]
    rows.reverse()  # what counts is the time, not the place in the file
    path.write_text("\n".join(["CAD Event Number,CAD Event Original Time Queued", *rows]))
    replay(path, standing_server, token, speed=7200)
    incidents = [Incident.objects.get(cad_number=f"2026{number}") for number in range(3)]
    told = [incident.received_at for incident in incidents]
    # A busy machine adds some seconds; the rows themselves are minutes apart.
    for (before, after), minutes in zip(pairwise(told), (20, 90), strict=True):
        assert 0 <= (after - before).total_seconds() - minutes * 60 / 7200 < 15


def test_a_wrong_token_stops_it_at_once(
    standing_server: Server, token: str, tmp_path: Path
) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(NEWER)
    with pytest.raises(CommandError, match="401"):
        replay(path, standing_server, f"{token}x")
