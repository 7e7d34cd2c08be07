"""What every answer says to the program that shows it: keep nothing, run nothing, frame nothing.

And what no request may hold, before anybody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.problems import INVALID, respond

# Pages: everything from here. The stock pages have no script of their own between their lines, so
# one that got there with a record's text does not run. Styles they have.
PAGE = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# What is no page is never shown as one.
DATA = "default-src 'none'; frame-ancestors 'none'"


class Guarded:
    """Middleware. A view that has said something of its own is left alone. Static files never come
    here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if _holds_nul(request):
            answer: HttpResponseBase = respond(INVALID, "No address or cookie holds the sign NUL.")
        else:
            answer = self._get_response(request)
        is_page = answer.get("Content-Type", "").startswith("text/html")
        answer.setdefault("Content-Security-Policy", PAGE if is_page else DATA)
        # Records are in nearly all of them; who may see one changes, a browser's disk does not.
        answer.setdefault("Cache-Control", "private, no-store")
        return answer


def _holds_nul(request: HttpRequest) -> bool:
    """PostgreSQL knows no text with this sign: whoever compares it with a column, for an address or
    for a session that nobody has, would fail instead of finding nothing."""
    return (
        "%00" in request.META.get("QUERY_STRING", "")
        or "\0" in request.path
        or any("\0" in value for value in request.COOKIES.values())
    )
