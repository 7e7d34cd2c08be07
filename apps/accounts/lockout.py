"""What a locked-out caller is told: a problem for programs, plain words for people."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.core.problems import THROTTLED, respond

WAIT_SECONDS = 15 * 60
TEXT = "Too many failed attempts. Wait 15 minutes, or ask an administrator to unlock the account."


def answer(
    request: HttpRequest, original: HttpResponse | None = None, credentials: Any = None
) -> HttpResponse:
    """429 with Retry-After."""
    headers = {"Retry-After": str(WAIT_SECONDS)}
    if request.path.startswith("/api/"):
        return respond(THROTTLED, TEXT, headers=headers)
    return HttpResponse(TEXT, status=429, content_type="text/plain", headers=headers)
