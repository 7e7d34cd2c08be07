"""Endpoints of proof: does a tablet hold what it should, what has it not sent, what did it drop."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.schema import PROBLEMS
from apps.sync import api, contacts, headers, ledger
from apps.sync.digest import digest

_ID = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
_INSTANCE = OpenApiParameter(
    *("Sync-Instance", str, OpenApiParameter.HEADER),
    required=True,
    description="UUID of the tablet's local database",
)
_CLOCK = OpenApiParameter(
    *("Sync-Clock", str, OpenApiParameter.HEADER),
    description="device clock in Unix milliseconds; `;rtt=` last round trip in ms",
)


class DigestOf(api.SyncView):
    """What this local database must hold of a collection, as of its checkpoint: for a client with
    an empty outbox to compare with what it holds. 409 `pull-first` where the page after the
    checkpoint is not empty.

    `sha256` is over one line `id:rev` and a line feed for each document, in the order of the ids.
    Documents in `left_out` are not counted: a text that was refused may stand in their place.
    """

    @extend_schema(
        operation_id="digest",
        tags=["sync"],
        parameters=[
            OpenApiParameter("collection", str, OpenApiParameter.PATH),
            _INSTANCE,
            OpenApiParameter(
                *("Sync-Seen", str, OpenApiParameter.HEADER),
                description="the highest Sync-Head that this local database has seen",
            ),
            OpenApiParameter(
                *("Sync-Schema", str, OpenApiParameter.HEADER),
                description="the version of the schemas that the app was built for",
            ),
            OpenApiParameter("checkpoint", str, description="`checkpoint.c` of the last page"),
        ],
        responses={
            200: inline_serializer(
                "Digest",
                {
                    "count": serializers.IntegerField(),
                    "sha256": serializers.CharField(help_text="64 hexadecimal digits"),
                    "left_out": serializers.ListField(child=serializers.UUIDField()),
                },
            ),
            **PROBLEMS(400, 401, 403, 404, 409, 426, 429, 503),
        },
        examples=[
            OpenApiExample(
                "One document, at its third revision",
                {
                    "count": 1,
                    "sha256": "ae37d2b5971e1430b5eec210720c9980647d5d08bb387165f6594ab300a5b0f4",
                    "left_out": [],
                },
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request, collection: str) -> Response:
        now = clock.now()
        found = api.collection_for_tablets(collection)
        seen = request.headers.get("Sync-Seen")
        taken = digest(
            collection=found,
            contact=contacts.of_request(request, now=now),
            checkpoint=request.query_params.get("checkpoint"),
            seen=headers.parse_head(seen) if seen else None,
        )
        body = {"count": taken.count, "sha256": taken.sha256, "left_out": taken.left_out}
        return Response(body, headers=taken.standing.headers())


class UnsentOfCollection(serializers.Serializer[Any]):
    """What a local database says of one collection."""

    count = serializers.IntegerField(min_value=0)
    oldest_at = serializers.DateTimeField(allow_null=True, required=False)
    kinds = serializers.DictField(
        child=serializers.IntegerField(min_value=0),
        required=False,
        help_text="the same, by the `kind` of the documents",
    )


class ComparedDigest(serializers.Serializer[Any]):
    """What came of comparing what a local database holds of one collection with its digest."""

    head = serializers.CharField(help_text="the Sync-Head of the digest's answer")
    count = serializers.IntegerField(min_value=0, help_text="documents that it holds")
    agrees = serializers.BooleanField()


class Outbox(api.SyncView):
    """What this local database has not sent, in place of what it said before. Supervisors see it.

    Send it when it changes, and now and then. An empty `unsent` says that everything is sent. In
    `digests` it says what its last comparison of a collection came to; what it does not name there
    stays as it was said.
    """

    @extend_schema(
        operation_id="declare_outbox",
        tags=["sync"],
        parameters=[_INSTANCE, _CLOCK],
        request=inline_serializer(
            "DeclaredOutbox",
            {
                "unsent": serializers.DictField(child=UnsentOfCollection(), required=False),
                "refused": serializers.DictField(child=UnsentOfCollection(), required=False),
                "digests": serializers.DictField(child=ComparedDigest(), required=False),
                "at": serializers.DateTimeField(help_text="the device's clock, uncorrected"),
            },
        ),
        responses={204: None, **PROBLEMS(400, 401, 403, 409, 413, 429, 503)},
        examples=[
            OpenApiExample(
                "Two facts wait",
                {
                    "unsent": {
                        "facts": {
                            "count": 2,
                            "oldest_at": "2026-03-04T14:03:11.120-08:00",
                            "kinds": {"assignment_event": 1, "note_addendum": 1},
                        }
                    },
                    "refused": {},
                    "digests": {"assignments": {"head": "20.324271", "count": 3, "agrees": False}},
                    "at": "2026-03-04T14:31:02.007-08:00",
                },
                request_only=True,
            )
        ],
    )
    def put(self, request: Request) -> Response:
        now = clock.now()
        ledger.declare_outbox(contacts.of_request(request, now=now), request.data, now)
        return Response(status=204)


class Purged(api.SyncView):
    """This local database says that it has dropped these documents, with their text and whatever
    hung on them. It is kept as its declaration. Repeating it changes nothing."""

    @extend_schema(
        operation_id="note_purged",
        tags=["sync"],
        parameters=[_INSTANCE, _CLOCK],
        request=inline_serializer(
            "PurgedDocuments",
            {
                "collection": serializers.CharField(),
                "ids": serializers.ListField(child=serializers.UUIDField()),
            },
            many=True,
        ),
        responses={204: None, **PROBLEMS(400, 401, 403, 409, 413, 429, 503)},
        examples=[
            OpenApiExample(
                "One document",
                {"collection": "assignments", "ids": [_ID]},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        now = clock.now()
        ledger.note_purged(contacts.of_request(request, now=now), request.data, now)
        return Response(status=204)
