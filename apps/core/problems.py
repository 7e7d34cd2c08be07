"""The catalogue of errors, as problem details (RFC 9457, `application/problem+json`).

Every answer that is not a success is one of these: a code for programs, a title for people, what to
do next, and for bad input the JSON Pointer (RFC 6901) of each field to mend.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework import exceptions
from rest_framework.response import Response

from apps.core.logs import ailment

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Problem:
    """One kind of error. `advice` says what the caller can do."""

    code: str
    status: int
    title: str
    advice: str


@dataclass(frozen=True)
class FieldError:
    """One field to mend: a JSON Pointer into the request's body, and what is wrong there."""

    pointer: str
    detail: str


INVALID = Problem("invalid", 400, "The request has errors.", "Mend the fields named in errors.")
UNPARSABLE = Problem(
    "unparsable",
    400,
    "The body is not JSON.",
    "Send UTF-8 JSON with Content-Type application/json.",
)
UNAUTHENTICATED = Problem(
    "unauthenticated",
    401,
    "No valid credential.",
    "Send a current token: Authorization: Bearer ...",
)
FORBIDDEN = Problem("forbidden", 403, "Not allowed.", "Ask a supervisor for the right to do this.")
NOT_FOUND = Problem("not-found", 404, "Nothing here that you may see.", "Check the address and id.")
METHOD = Problem("method-not-allowed", 405, "This address has no such method.", "See Allow.")
NOT_ACCEPTABLE = Problem("not-acceptable", 406, "Only JSON is served here.", "Accept JSON.")
TOO_SLOW = Problem(
    "too-slow", 408, "The body did not come to its end in time.", "Send it again, or less at once."
)
CONFLICT = Problem("conflict", 409, "It is no longer in that state.", "Read it again, then decide.")
STALE = Problem(
    "stale", 412, "It has changed since you read it.", "Read it again, then send your change."
)
TOO_LARGE = Problem("too-large", 413, "The body is too large.", "Send less in one request.")
MEDIA = Problem(
    "unsupported-media-type", 415, "This content type is not taken.", "Send application/json."
)
THROTTLED = Problem("slow-down", 429, "Too many requests.", "Wait for Retry-After seconds.")
FAILED = Problem(
    "failed", 500, "Something broke here.", "Nothing was changed. Try again; tell the operator."
)
BUSY = Problem(
    "busy", 503, "Too much is going on just now.", "Send the same again after Retry-After seconds."
)

_BY_STATUS = {
    problem.status: problem
    for problem in (
        INVALID, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD, NOT_ACCEPTABLE, CONFLICT,
        TOO_LARGE, MEDIA, THROTTLED, FAILED, BUSY,
    )
}  # fmt: skip


class ProblemError(exceptions.APIException):
    """Raised by services and edges. `detail` must hold no PHI: it may be logged by the caller."""

    def __init__(
        self,
        problem: Problem,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or problem.title, problem.code)
        self.problem = problem
        self.text = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        self.status_code = problem.status


@dataclass(frozen=True)
class Details:
    """The body of a problem answer."""

    problem: Problem
    detail: str = ""
    errors: Sequence[FieldError] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"urn:carefield:problem:{self.problem.code}",
            "code": self.problem.code,
            "status": self.problem.status,
            "title": self.problem.title,
            "advice": self.problem.advice,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = [{"pointer": e.pointer, "detail": e.detail} for e in self.errors]
        return {**body, **self.extra}


def flatten(detail: Any, pointer: str = "") -> list[FieldError]:
    """DRF's nested validation errors as a flat list of pointers."""
    if isinstance(detail, Mapping):
        return [
            error
            for key, value in detail.items()
            for error in flatten(
                value, pointer if key == "non_field_errors" else f"{pointer}/{escape(str(key))}"
            )
        ]
    if isinstance(detail, list | tuple):
        found: list[FieldError] = []
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list | tuple)
            found += flatten(value, f"{pointer}/{index}" if nested else pointer)
        return found
    return [FieldError(pointer, str(detail))]


def escape(token: str) -> str:
    """One reference token of a JSON Pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def respond(
    problem: Problem,
    detail: str = "",
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A problem answer for views outside DRF."""
    body = orjson.dumps(Details(problem, detail, errors).body())
    return HttpResponse(
        body,
        status=problem.status,
        content_type=MEDIA_TYPE,
        headers=_with_patience(problem, headers),
    )


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: every known exception becomes a problem; the rest is a 500."""
    if isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    elif isinstance(exc, OperationalError | InterfaceError) or _takes_no_writes(exc):
        # A lock that was waited for too long, a deadlock, no connection, a database that takes no
        # writes: nothing was changed.
        log.warning("busy: %s", ailment(exc))
        exc = ProblemError(BUSY, headers={"Retry-After": "1"})
    if isinstance(exc, ProblemError):
        details = Details(exc.problem, exc.text, exc.errors, exc.extra)
        return _answer(details, exc.headers)
    if isinstance(exc, exceptions.ParseError):
        return _answer(Details(UNPARSABLE, str(exc.detail)), {})
    if isinstance(exc, exceptions.ValidationError):
        return _answer(Details(INVALID, errors=flatten(exc.detail)), {})
    if not isinstance(exc, exceptions.APIException):
        return None
    headers: dict[str, str] = {}
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    problem = _BY_STATUS.get(exc.status_code, FAILED)
    detail = str(exc.detail)
    return _answer(Details(problem, "" if detail == exc.default_detail else detail), headers)


def _takes_no_writes(exc: BaseException) -> bool:
    """Whether the database is one that is only read: a standby, say. Django counts that among the
    errors that are ours."""
    return isinstance(exc.__cause__, ReadOnlySqlTransaction)


def _with_patience(problem: Problem, headers: Mapping[str, str] | None) -> dict[str, str]:
    """Whoever is asked to come back is told when."""
    patience = {"Retry-After": "1"} if problem.status in {429, 503} else {}
    return {**patience, **(headers or {})}


def _answer(details: Details, headers: Mapping[str, str]) -> Response:
    return Response(
        details.body(),
        status=details.problem.status,
        headers=_with_patience(details.problem, headers),
        content_type=MEDIA_TYPE,
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler403."""
    return _for_reader(request, FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404."""
    return _for_reader(request, NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: no traceback, no PHI."""
    return _for_reader(request, FAILED)


def _for_reader(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A page for whoever sits at a browser, problem details for a program."""
    if "text/html" not in request.headers.get("Accept", ""):
        return respond(problem)
    page = render_to_string("core/problem.html", {"problem": problem})
    return HttpResponse(page, status=problem.status)
