"""CAD's endpoints: one call in one POST, clear errors, nothing of a call or token in the log."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import DataError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import Entry
from apps.core.logs import JSONFormatter
from apps.dispatch import messages, services
from apps.dispatch.models import HeldMessage, Incident, Unit
from tests.data import shared_data
from tests.integration.dispatch.conftest import CAD, WELFARE_CHECK, care, police

pytestmark = pytest.mark.django_db
SECRET = "MRS EXAMPLE OF 12 HIDDEN ST"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, as the product writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_call_is_taken(cad: CAD, loaded: None) -> None:
    answer = cad.post(messages.PLAIN, WELFARE_CHECK)
    assert answer.status_code == 201, answer.content
    body = orjson.loads(answer.content)
    assert body["created"]
    assert body["cad_number"] == "2026000000001"
    assert body["evaluation"].startswith("eligible: welfare check, beat M3")
    assert SECRET not in answer.content.decode()
    again = cad.post(messages.PLAIN, WELFARE_CHECK)
    assert again.status_code == 200
    assert orjson.loads(again.content) == {**body, "created": False, "changed": False}


def test_the_official_sample_is_taken(cad: CAD) -> None:
    sample = shared_data("eido", "sample_call_transfer_eido.json").read_bytes()
    answer = cad.post(messages.EIDO, sample)
    assert answer.status_code == 201, answer.content
    row = Incident.objects.get()
    assert row.agency_id == "bcf.state.pa.us"
    assert row.details["location"]["url"].startswith("https://lrf.osp.com")
    assert "no location by value" in row.flags
    assert cad.post(messages.EIDO, sample).status_code == 200
    assert Incident.objects.count() == 1


def test_bad_input_names_every_field_and_is_held(cad: CAD) -> None:
    body = {"cad_number": "", "priority": 99, "updated_at": "yesterday", "address": SECRET}
    answer = cad.post(messages.PLAIN, body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    problem = orjson.loads(answer.content)
    assert {e["pointer"] for e in problem["errors"]} == {"/cad_number", "/priority", "/updated_at"}
    held = HeldMessage.objects.get()
    assert problem["held"] == str(held.pk)
    assert services.content_of(held) == orjson.dumps(body)
    assert SECRET not in answer.content.decode()
    assert SECRET.encode() not in _stored(held)
    assert held.expires_at - held.received_at == timedelta(days=7)


def _stored(held: HeldMessage) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("select content from dispatch_heldmessage where id = %s", [held.pk])
        return bytes(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"<call/>", {}, (400, "unparsable")),
        ("{'a': 'ü'}".encode("latin-1"), {}, (400, "unparsable")),
        (orjson.dumps(WELFARE_CHECK).decode().encode("utf-16"), {}, (400, "unparsable")),
        (b"[1, 2]", {}, (400, "invalid")),
        (b"", {}, (400, "unparsable")),
        (b'{"cad_number": ' + b"[" * 100_000, {}, (400, "unparsable")),
        (b"{}", {"content_type": "text/xml"}, (415, "unsupported-media-type")),
    ],
    ids=["xml", "latin-1", "utf-16", "list", "empty", "deep", "type"],
)
def test_what_cannot_be_read_is_told_clearly_and_held(
    cad: CAD, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    for path in (messages.EIDO, messages.PLAIN):
        answer = cad.post(path, body, **headers)
        told = orjson.loads(answer.content)
        assert (answer.status_code, told["code"]) == expected
        assert HeldMessage.objects.filter(pk=told["held"], path=path).exists()


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"x" * (messages.LARGEST + 1), {}, (413, "too-large")),
        (b"{}", {"Authorization": "Bearer cfc_wrong"}, (401, "unauthenticated")),
        (b"{}", {"Authorization": "Bearer something"}, (401, "unauthenticated")),
    ],
    ids=["large", "token", "scheme"],
)
def test_what_is_too_large_or_from_nobody_is_not_held(
    cad: CAD, body: bytes, headers: dict[str, str], expected: tuple[int, str]
) -> None:
    for path in (messages.EIDO, messages.PLAIN):
        answer = cad.post(path, body, **headers)
        assert (answer.status_code, orjson.loads(answer.content)["code"]) == expected
    assert not HeldMessage.objects.exists()


POSITION = '<a xmlns:g="http://www.opengis.net/gml"><g:posList>{}</g:posList></a>'


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (messages.PLAIN, {**WELFARE_CHECK, "initial_call_type": "priors. " * 20}),
        (messages.PLAIN, {**WELFARE_CHECK, "received_at": "0001-01-01T00:00:00Z"}),
        (messages.PLAIN, {**WELFARE_CHECK, "updated_at": "9999-12-31T23:59:59Z"}),
        (messages.PLAIN, {**WELFARE_CHECK, "cad_number": "1\0", "address": "\0"}),
        (messages.PLAIN, {name: [[["x"]]] for name in WELFARE_CHECK} | {"cad_number": "1"}),
        (messages.PLAIN, dict.fromkeys(WELFARE_CHECK, "x" * 5000) | {"cad_number": "1"}),
        (
            messages.PLAIN,
            {
                "cad_number": "1",
                "merges": [{"kind": "REPLACED", "cad_number": f"m{n}"} for n in range(600)],
            },
        ),
        (messages.PLAIN, {"cad_number": "1", "units": [{"call_sign": f"{n}"} for n in range(999)]}),
        (messages.PLAIN, {"cad_number": "1", "narrative": [{"text": "priors. " * 100_000}]}),
        (messages.PLAIN, b'{"cad_number": 90000000000000000000000001, "priority": 99999999999999}'),
        (messages.PLAIN, b'\xef\xbb\xbf{"cad_number": "1"}'),
        (
            messages.EIDO,
            {
                "$id": "urn:emergency:uid:incidentid:1:spd.seattle.gov",
                "notesComponent": [{"$ref": "#/locationComponent/\u00b2"}, {"$ref": ["a"]}],
                "locationComponent": [{"locationByValue": POSITION.format("1e308 " * 6)}],
            },
        ),
    ],
    ids=[
        "type",
        "year-1",
        "year-9999",
        "nul",
        "lists",
        "long",
        "merges",
        "units",
        "priors",
        "huge-number",
        "bom",
        "eido",
    ],
)
def test_odd_messages_are_taken(cad: CAD, loaded: None, path: str, body: Any) -> None:
    answer = cad.post(path, body)
    assert answer.status_code == 201, answer.content
    assert not HeldMessage.objects.exists()


def test_an_event_number_that_came_as_a_number_keeps_its_digits(cad: CAD) -> None:
    cad.post(messages.PLAIN, b'{"cad_number": 90000000000000000000000001}')
    assert Incident.objects.get().cad_number == "90000000000000000000000001"


def test_members_that_come_twice_lose_no_caution(cad: CAD) -> None:
    cad.post(messages.PLAIN, b'{"cad_number":"1","cautions":[{"text":"gun"}],"cautions":[]}')
    assert [one["kind"] for one in Incident.objects.get().details["cautions"]] == ["weapon"]


def test_two_event_numbers_are_none(cad: CAD) -> None:
    answer = cad.post(messages.PLAIN, b'{"cad_number":"1","cad_number":"2"}')
    assert answer.status_code == 400
    assert HeldMessage.objects.exists()


def test_the_same_bad_message_is_held_once(cad: CAD) -> None:
    answers = [cad.post(messages.PLAIN, b"{}") for _ in range(3)]
    assert len({orjson.loads(answer.content)["held"] for answer in answers}) == 1
    assert HeldMessage.objects.count() == 1
    assert Entry.objects.filter(action="hold").count() == 1


def test_neither_tokens_nor_calls_get_into_the_log(cad: CAD, log: io.StringIO) -> None:
    hidden = {**WELFARE_CHECK, "address": SECRET, "narrative": [{"text": SECRET}]}
    cad.post(messages.PLAIN, hidden)
    cad.post(messages.PLAIN, {**hidden, "cad_number": ""})
    cad.post(messages.PLAIN, orjson.dumps(hidden) + SECRET.encode())
    cad.post(messages.EIDO, hidden, content_type="text/plain")
    cad.post(messages.PLAIN, hidden, Authorization="Bearer cfc_not-a-real-token")
    cad.post(messages.PLAIN, orjson.dumps(hidden) + b" " * messages.LARGEST)
    text = "".join(
        line
        for line in log.getvalue().splitlines()
        if orjson.loads(line)["logger"] != "django.db.backends"
    )
    for secret in (SECRET, cad.token, "not-a-real-token"):
        assert secret not in text


def test_a_mistake_of_ours_in_reading_keeps_the_message(
    cad: CAD, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(document: Any) -> Any:
        raise ValueError(SECRET)

    monkeypatch.setattr(messages, "_PARSERS", {messages.PLAIN: broken})
    answer = cad.post(messages.PLAIN, WELFARE_CHECK)
    assert answer.status_code == 400
    assert HeldMessage.objects.count() == 1
    assert "message not read: ValueError" in log.getvalue()
    assert SECRET not in log.getvalue()


def test_a_mistake_of_ours_in_taking_keeps_the_message(
    cad: CAD, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> Any:
        raise DataError(SECRET)

    monkeypatch.setattr(services, "receive", broken)
    answer = cad.post(messages.PLAIN, {**WELFARE_CHECK, "address": SECRET})
    assert answer.status_code == 500
    told = orjson.loads(answer.content)
    assert told["held"] == str(HeldMessage.objects.get().pk)
    assert "message not taken: DataError" in log.getvalue()
    assert SECRET not in log.getvalue()
    assert SECRET not in answer.content.decode()


def test_a_busy_database_is_a_503_that_asks_to_come_again(
    cad: CAD, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**_: Any) -> Any:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr(services, "receive", busy)
    answer = cad.post(messages.PLAIN, WELFARE_CHECK)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"


def test_the_hot_path_takes_few_statements(cad: CAD, loaded: None, unit: Unit) -> None:
    """A call with our unit, from the POST to the answer. What the assignment costs is beside it."""
    told = [care(), police()]
    cad.post(messages.PLAIN, {**WELFARE_CHECK, "cad_number": "1", "units": told})
    with CaptureQueriesContext(connection) as queries:
        answer = cad.post(messages.PLAIN, {**WELFARE_CHECK, "units": told})
    assert answer.status_code == 201
    statements = [query["sql"].strip() for query in queries.captured_queries]
    published = next(i for i, sql in enumerate(statements) if "feed_publish" in sql)
    # Token, incident, units; then incident, units on it, audit, publication; and the savepoint
    # that stands for BEGIN here.
    assert published + 1 <= 8, statements
    assert len(statements) <= 17, statements


def test_a_repeat_costs_three_reads(cad: CAD, loaded: None, unit: Unit) -> None:
    body = {**WELFARE_CHECK, "units": [care(), police()]}
    cad.post(messages.PLAIN, body)
    with CaptureQueriesContext(connection) as queries:
        assert cad.post(messages.PLAIN, body).status_code == 200
    statements = [query["sql"].strip() for query in queries.captured_queries]
    assert [sql.split()[0] for sql in statements] == ["SELECT", "SAVEPOINT", *["SELECT"] * 3,
                                                      "RELEASE"]  # fmt: skip
