"""Tablets enrol and sign in over HTTP; guesses are slowed and locked."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import Role
from apps.core.ids import uuid7
from tests.factories import NOON, PASSWORD, person, tablet

pytestmark = pytest.mark.django_db


def test_a_tablet_enrols_signs_in_and_signs_out() -> None:
    supervisor = person(Role.SUPERVISOR)
    user = person(of=supervisor.team, password=True)
    client = Client()
    client.force_login(supervisor)
    made = client.post(
        "/api/v1/enrolment-codes", {"label": "CARE-21 left"}, content_type="application/json"
    )
    assert made.status_code == 201
    enrolled = Client().post(
        "/api/v1/enrol",
        {"code": made.json()["code"], "claim": str(uuid7())},
        content_type="application/json",
    )
    assert enrolled.json()["label"] == "CARE-21 left"
    bearer = {"Authorization": f"Bearer {enrolled.json()['token']}"}
    answer = Client().post(
        "/api/v1/sign-in",
        {"username": user.username, "password": PASSWORD},
        content_type="application/json",
        headers=bearer,
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["display_name"] == user.display_name
    assert Client().post("/api/v1/sign-out", headers=bearer).status_code == 204


def test_a_wrong_code_names_the_field() -> None:
    answer = Client().post(
        "/api/v1/enrol",
        {"code": "00000-00000", "claim": str(uuid7())},
        content_type="application/json",
    )
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == "/code"


def test_five_wrong_passwords_lock_the_account_for_a_while() -> None:
    user = person(password=True)
    enrolled = tablet(user)
    body = {"username": user.username, "password": "wrong"}
    answers = [
        Client().post(
            "/api/v1/sign-in", body, content_type="application/json", headers=enrolled.headers
        )
        for _ in range(5)
    ]
    assert answers[0].status_code == 400
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"]
    right = {"username": user.username, "password": PASSWORD}
    locked = Client().post(
        "/api/v1/sign-in", right, content_type="application/json", headers=enrolled.headers
    )
    assert locked.status_code == 429


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"code": "%s"}' % (b"x" * 2000), (413, "too-large")),
        (b'{"code": "\\u0000"}', (400, "invalid")),
        (b'{"code": [{}]}', (400, "invalid")),
        (b'{"code": 1e308}', (400, "invalid")),
        (b"[[]]", (400, "invalid")),
        (b"[" * 900, (400, "unparsable")),
        (b'{"code": "\xff"}', (400, "unparsable")),
    ],
    ids=["large", "nul", "object", "number", "list", "deep", "latin-1"],
)
def test_odd_bodies_get_a_clear_answer(
    settings: Any, body: bytes, expected: tuple[int, str]
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = Client().post("/api/v1/enrol", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == expected
    assert answer["Content-Type"] == "application/problem+json"


def test_guessing_codes_is_slowed() -> None:
    statuses = [
        Client()
        .post(
            "/api/v1/enrol",
            {"code": "11111-11111", "claim": str(uuid7())},
            content_type="application/json",
            headers={"X-Forwarded-For": f"203.0.113.{number}"},  # whoever says so themselves
        )
        .status_code
        for number in range(21)
    ]
    assert statuses[:20] == [400] * 20
    assert statuses[20] == 429


def test_a_revoked_token_is_refused_and_the_query_string_is_no_place_for_one() -> None:
    enrolled = tablet()
    services.retire_tablet(
        tablet=enrolled.tablet, by=services.tablet_actor(enrolled.tablet, None), now=NOON
    )
    answer = Client().post("/api/v1/sign-out", headers=enrolled.headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    other = tablet()
    assert Client().post(f"/api/v1/sign-out?token={other.token}").status_code in {401, 403}


def test_a_supervisor_retires_only_tablets_of_the_own_team() -> None:
    supervisor = person(Role.SUPERVISOR)
    client = Client()
    client.force_login(supervisor)
    mine, other = tablet(of=supervisor.team), tablet()
    assert client.post(f"/api/v1/tablets/{mine.tablet.pk}/retire").status_code == 204
    assert client.post(f"/api/v1/tablets/{mine.tablet.pk}/retire").status_code == 204
    assert client.post(f"/api/v1/tablets/{other.tablet.pk}/retire").status_code == 404
