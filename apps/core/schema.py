"""What every endpoint's OpenAPI description shares."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

_ERROR = inline_serializer(
    "ProblemField",
    {
        "pointer": serializers.CharField(help_text="JSON Pointer (RFC 6901) into the request"),
        "detail": serializers.CharField(),
    },
    many=True,
    required=False,
)
PROBLEM = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(),
        "code": serializers.CharField(),
        "status": serializers.IntegerField(),
        "title": serializers.CharField(),
        "advice": serializers.CharField(),
        "detail": serializers.CharField(required=False),
        "errors": _ERROR,
    },
)
_WORDS = {
    400: "The request has errors, named field by field.",
    401: "No valid credential.",
    403: "Not allowed.",
    404: "Nothing here that you may see.",
    409: "It is no longer in that state.",
    413: "The body is too large.",
    415: "This content type is not taken.",
    426: "The client's schema is too old.",
    429: "Too many requests: wait for Retry-After seconds.",
    503: "Busy: send the same again after Retry-After seconds.",
}


def PROBLEMS(*codes: int) -> dict[Any, Any]:  # noqa: N802  (reads as a constant where it is used)
    """The problem answers (RFC 9457) of an endpoint, by status."""
    return {
        (code, "application/problem+json"): OpenApiResponse(PROBLEM, _WORDS[code]) for code in codes
    }
