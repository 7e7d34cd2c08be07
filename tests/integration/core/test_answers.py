"""What answers tell browsers and caches to do with them."""

from __future__ import annotations

import base64

import pytest
from django.test import Client

from apps.accounts.models import Role
from tests.factories import person, tablet

pytestmark = pytest.mark.django_db


def desk() -> Client:
    client = Client()
    client.force_login(person(Role.SUPERVISOR), "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize(
    "address", ["incidents", "assignments", "alerts", "quarantine", "me", "nothing-of-ours"]
)
def test_no_cache_keeps_a_record(address: str) -> None:
    answer = desk().get(f"/api/v1/{address}")
    assert "no-store" in answer["Cache-Control"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_no_cache_keeps_what_a_tablet_pulls() -> None:
    answer = Client().get("/api/v1/sync/assignments/pull", headers=tablet(person()).headers)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("address", ["/admin/", "/admin/dispatch/incident/", "/api/docs"])
def test_a_page_runs_only_scripts_of_this_server_and_stands_in_no_frame(address: str) -> None:
    answer = desk().get(address)
    assert answer.status_code == 200
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "no-store" in answer["Cache-Control"]
    scripts = [one.partition(">")[0] for one in answer.content.decode().split("<script")[1:]]
    runs = [one for one in scripts if 'type="application/json"' not in one]
    assert all("src=" in one for one in runs), "a script without an address"


@pytest.mark.parametrize(
    ("address", "cookie"),
    [
        ("/api/v1/quarantine?collection=%00", ""),
        ("/admin/audit/entry/?action=%00", ""),
        ("/admin/dispatch/calltype/%00/change/", ""),
        ("/admin/", r'sessionid="\000aaaaaaaaaaaaaaaa"'),
    ],
)
def test_what_postgresql_cannot_compare_is_asked_of_nobody(address: str, cookie: str) -> None:
    headers = {"Cookie": cookie} if cookie else {}
    answer = (Client() if cookie else desk()).get(address, headers=headers)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("position", ["%00", "x", "2026-03-04"])
def test_a_cursor_of_somebody_elses_finds_nothing(position: str) -> None:
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    assert desk().get("/api/v1/incidents", {"cursor": cursor}).status_code == 404


BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.mark.parametrize(
    ("address", "status", "told"),
    [
        ("/admin/accounts/client/", 403, "Ask a supervisor"),
        ("/admin/nothing-of-ours/", 404, "Check the address"),
        ("/nothing-of-ours", 404, "Check the address"),
    ],
)
def test_whoever_sits_at_a_browser_reads_what_to_do(address: str, status: int, told: str) -> None:
    page = desk().get(address, headers={"accept": BROWSER})
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert told in page.content.decode()
    assert 'href="/"' in page.content.decode(), "and has a way on"

    program = desk().get(address, headers={"accept": "application/json"})
    assert (program.status_code, program.json()["status"]) == (status, status)


def test_a_page_that_is_changed_leads_to_who_changed_it() -> None:
    """Django's own history of a record is empty: nothing here writes it."""
    someone = person(Role.ADMINISTRATOR)
    client = Client()
    client.force_login(someone, "django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/admin/accounts/user/{someone.pk}/change/").content.decode()
    assert f"/admin/audit/entry/?q={someone.pk}" in page
    assert f"/{someone.pk}/history/" not in page
