"""The endpoint of the one round trip."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request

from apps.core import clock
from apps.core.compression import compress
from apps.core.schema import PROBLEMS
from apps.sync import api, contacts, headers, roundtrip
from apps.sync.pull import LARGEST_LIMIT

_ID = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
_CHECKPOINT = "AQABAAAAAAAAAAdg"


def _header(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, required=required, description=description
    )


class RoundTrip(api.SyncView):
    """All that a local database has to say and to ask, at once: rows to push, checkpoints to pull
    from, and its declarations. Pushes are judged first; what is read is one moment after them.

    What is wrong with one collection is a problem in its place, and touches no other. `limit` is
    for all collections together, in the order in which they are caught up (assignments first);
    `more` says that there may be more. `outbox` and `purged` are as at their own addresses, and
    answered with null or a problem. Name only checkpoints that are on disk.
    """

    @extend_schema(
        operation_id="round_trip",
        tags=["sync"],
        parameters=[
            _header("Sync-Instance", "UUID of the tablet's local database", required=True),
            _header("Sync-Seen", "the highest Sync-Head that this local database has seen"),
            _header("Sync-Followed", "the history to which everything that was held has been sent"),
            _header("Sync-Clock", "device clock in Unix milliseconds; `;rtt=` last round trip"),
            _header("Sync-Schema", "the version of the schemas that the app was built for"),
        ],
        request=inline_serializer(
            "RoundTripRequest",
            {
                "push": serializers.DictField(
                    child=serializers.ListField(child=serializers.DictField()), required=False
                ),
                "pull": serializers.DictField(
                    child=serializers.CharField(allow_null=True), required=False
                ),
                "limit": serializers.IntegerField(
                    required=False,
                    min_value=1,
                    max_value=LARGEST_LIMIT,
                    help_text=f"{roundtrip.DEFAULT_LIMIT} by default",
                ),
                "outbox": serializers.DictField(required=False),
                "purged": serializers.ListField(child=serializers.DictField(), required=False),
            },
        ),
        responses={
            200: inline_serializer(
                "RoundTripAnswer",
                {
                    "push": serializers.DictField(),
                    "pull": serializers.DictField(),
                    "outbox": serializers.DictField(allow_null=True, required=False),
                    "purged": serializers.DictField(allow_null=True, required=False),
                },
            ),
            **PROBLEMS(400, 401, 403, 409, 413, 429, 503),
        },
        examples=[
            OpenApiExample(
                "A fact, and what is new",
                {
                    "push": {"facts": [{"newDocumentState": {"id": _ID, "edit_no": 7}}]},
                    "pull": {"assignments": _CHECKPOINT, "facts": None},
                    "limit": 500,
                },
                request_only=True,
            ),
            OpenApiExample(
                "The fact was taken; nothing new among the assignments, and more facts to come",
                {
                    "push": {"facts": []},
                    "pull": {
                        "assignments": {
                            "documents": [],
                            "checkpoint": {"c": _CHECKPOINT},
                            "more": False,
                        },
                        "facts": {
                            "documents": [{"id": _ID, "rev": 1, "_deleted": False}],
                            "checkpoint": {"c": _CHECKPOINT},
                            "more": True,
                        },
                    },
                },
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        now = clock.now()
        asked = roundtrip.request_of(api.body_of(request))
        seen = request.headers.get("Sync-Seen")
        answer = roundtrip.make(
            asked,
            contact=contacts.of_request(request, now=now),
            seen=headers.parse_head(seen) if seen else None,
            now=now,
        )
        made = HttpResponse(answer.body, content_type="application/json", headers=answer.headers)
        return compress(request._request, made)
