"""Errors are problem details that name every field to mend."""

from __future__ import annotations

import pytest
from django.db import InternalError, OperationalError
from psycopg.errors import DiskFull, ReadOnlySqlTransaction
from rest_framework import exceptions

from apps.core import problems


def test_nested_errors_become_pointers() -> None:
    found = problems.flatten({"a": {"b/c": ["wrong"]}, "rows": [{}, {"id": ["missing"]}]})
    assert [(e.pointer, e.detail) for e in found] == [
        ("/a/b~1c", "wrong"),
        ("/rows/1/id", "missing"),
    ]


def test_every_status_of_the_framework_has_a_problem() -> None:
    for exc in (
        exceptions.NotAuthenticated(),
        exceptions.PermissionDenied(),
        exceptions.MethodNotAllowed("PUT"),
        exceptions.UnsupportedMediaType("text/xml"),
        exceptions.Throttled(3),
        exceptions.ParseError(),
    ):
        answer = problems.exception_handler(exc, {})
        assert answer is not None
        assert answer.content_type == problems.MEDIA_TYPE
        assert answer.data["status"] == answer.status_code == exc.status_code
        assert answer.data["advice"]


def test_a_service_can_add_headers_and_members() -> None:
    exc = problems.ProblemError(
        problems.BUSY, headers={"Retry-After": "3"}, extra={"held": "0"}, errors=()
    )
    answer = problems.exception_handler(exc, {})
    assert answer is not None
    assert answer["Retry-After"] == "3"
    assert answer.data["held"] == "0"


@pytest.mark.parametrize(
    ("cause", "told"), [(DiskFull, OperationalError), (ReadOnlySqlTransaction, InternalError)]
)
def test_the_operator_reads_why_a_request_is_sent_away_and_nothing_of_a_row(
    caplog: pytest.LogCaptureFixture, cause: type[Exception], told: type[Exception]
) -> None:
    error = told("could not: SMITH")
    error.__cause__ = cause("could not: SMITH")
    answer = problems.exception_handler(error, {})
    assert answer is not None
    assert answer.status_code == 503
    assert [record.getMessage() for record in caplog.records] == [f"busy: {cause.__name__}"]


def test_an_unknown_exception_is_left_to_the_server_error_handler() -> None:
    assert problems.exception_handler(RuntimeError("smith"), {}) is None
