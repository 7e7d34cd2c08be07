"""The protocol's endpoints: pull, push, and the JSON Schemas of the collections."""

from __future__ import annotations

import re
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.permissions import IsAnyTablet, IsTabletOrPerson
from apps.core import clock
from apps.core.compression import compress
from apps.core.problems import INVALID, TOO_LARGE, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.sync import contacts, feed, headers, projection, registry
from apps.sync.problems import PULL_ONLY, UNKNOWN_COLLECTION
from apps.sync.pull import DEFAULT_LIMIT, LARGEST_LIMIT, pull
from apps.sync.push import push, rows_of
from apps.sync.registry import Collection

_ID = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
# An escape in a JSON text: a surrogate pair, half of one (the group), or any other.
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)
_REPLACEMENT = rb"\ufffd"


def _header(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, required=required, description=description
    )


_INSTANCE = _header("Sync-Instance", "UUID of the tablet's local database", required=True)
_SEEN = _header("Sync-Seen", "the highest Sync-Head that this local database has seen")
_FOLLOWED = _header(
    "Sync-Followed", "the history (Sync-Epoch) to which everything that was held has been sent"
)
_CLOCK = _header("Sync-Clock", "device clock in Unix milliseconds; `;rtt=` last round trip in ms")
_SCHEMA = _header("Sync-Schema", "the version of the schemas that the app was built for")
_ANSWERED = [
    OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, response=True, description=description
    )
    for name, description in (
        ("Sync-Head", "the last commit that the answer has seen: `<seq>.<nonce>`"),
        ("Sync-Epoch", "the name of this server's history, a UUID"),
    )
]
_COLLECTION = OpenApiParameter(
    "collection", OpenApiTypes.STR, OpenApiParameter.PATH, description="name of the collection"
)


class SyncView(APIView):
    """What the protocol's views share: they are for tablets, also for lost ones."""

    permission_classes = [IsAnyTablet]


def collection_for_tablets(name: str) -> Collection:
    """The collection of this name. ProblemError (404) where tablets have none."""
    collection = registry.get(name)
    if collection is None or collection.audience == "desk":
        raise ProblemError(UNKNOWN_COLLECTION)
    return collection


class Pull(SyncView):
    """The next page of a collection, oldest change first: `limit` documents, or all there are.

    A page shorter than `limit` is the last. A document with `_deleted` is an order to drop it.
    """

    @extend_schema(
        operation_id="pull",
        tags=["sync"],
        parameters=[
            *(_COLLECTION, _INSTANCE, _SEEN, _FOLLOWED, _CLOCK, _SCHEMA, *_ANSWERED),
            OpenApiParameter("checkpoint", str, description="`checkpoint.c` of the last page"),
            OpenApiParameter(
                "limit", int, description=f"1 to {LARGEST_LIMIT}; {DEFAULT_LIMIT} by default"
            ),
        ],
        responses={
            200: inline_serializer(
                "PulledPage",
                {
                    "documents": serializers.ListField(child=serializers.DictField()),
                    "checkpoint": inline_serializer("Checkpoint", {"c": serializers.CharField()}),
                },
            ),
            **PROBLEMS(400, 401, 403, 404, 409, 426, 429, 503),
        },
        examples=[
            OpenApiExample(
                "A new document and one to drop",
                {
                    "documents": [
                        {"id": _ID, "rev": 3, "_deleted": False},
                        {"id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c12", "_deleted": True},
                    ],
                    "checkpoint": {"c": "AQABAAAAAAAAAdg"},
                },
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request, collection: str) -> HttpResponse:
        now = clock.now()
        found = collection_for_tablets(collection)
        seen = request.headers.get("Sync-Seen")
        page = pull(
            collection=found,
            checkpoint=request.query_params.get("checkpoint"),
            seen=headers.parse_head(seen) if seen else None,
            limit=_limit(request.query_params.get("limit")),
            contact=contacts.of_request(request, now=now),
            now=now,
        )
        made = HttpResponse(page.body, content_type="application/json", headers=page.headers)
        return compress(request._request, made)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (
        text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= LARGEST_LIMIT
    ):
        detail = f"limit is a whole number from 1 to {LARGEST_LIMIT}."
        raise ProblemError(INVALID, detail, errors=[FieldError("/limit", detail)])
    return int(text)


class Push(SyncView):
    """Rows that this local database wrote. The answer holds the current document of each row that
    was not applied as sent; `[]` means that all were.

    A row that cannot be taken is kept in quarantine and comes back with `sync_status` and
    `sync_errors`. The same request again has no further effect. What an app sends that is too old
    to be served is taken like any other.
    """

    @extend_schema(
        operation_id="push",
        tags=["sync"],
        parameters=[_COLLECTION, _INSTANCE, _CLOCK, _SCHEMA, *_ANSWERED],
        request=inline_serializer(
            "PushedRow",
            {
                "newDocumentState": serializers.DictField(),
                "assumedMasterState": serializers.DictField(required=False),
            },
            many=True,
        ),
        responses={
            200: OpenApiResponse(
                {"type": "array", "items": {"type": "object"}},
                "The current document of each row that was not applied as sent.",
            ),
            **PROBLEMS(400, 401, 403, 404, 409, 413, 429, 503),
        },
        examples=[
            OpenApiExample(
                "One row",
                {  # spectacular makes a list of it, because the serializer takes many
                    "newDocumentState": {
                        "id": "01931f70-1a2b-7c3a-9a51-0d7a8f4b2c20",
                        "kind": "assignment_event",
                        "assignment_id": _ID,
                        "event": "acknowledged",
                        "device_time": "2026-03-04T22:20:44.501Z",
                        "counter": 17,
                        "data": {"call_revision": 1},
                        "editor": "01931f00-0000-7c3a-9a51-0d7a8f4b2c02",
                        "edit_no": 23,
                        "_deleted": False,
                    }
                },
                request_only=True,
            ),
            OpenApiExample("All applied as sent", [], response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, collection: str) -> HttpResponse:
        now = clock.now()
        found = collection_for_tablets(collection)
        if found.kind == "pull_only":
            raise ProblemError(PULL_ONLY)
        rows = rows_of(body_of(request))
        contact = contacts.of_request(request, now=now)
        answers = push(collection=found, contact=contact, rows=rows, now=now)
        return HttpResponse(
            b"[%s]" % b",".join(projection.answer(found, one, contact.schema) for one in answers),
            content_type="application/json",
            headers=feed.standing().headers(),
        )


def body_of(request: Request) -> object:
    """The decoded body. Its size is bounded before it is decoded.

    JavaScript cuts a text in the middle of an emoji, and writes down the half of it that is left,
    which no other language reads. It is read as U+FFFD: the rest of what was typed must not stay on
    the tablet for ever, with all that was sent along with it.
    """
    largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        raw: bytes = request.body
    except RequestDataTooBig:
        raise ProblemError(TOO_LARGE, f"A push has at most {largest} bytes.") from None
    if len(raw) > largest:
        raise ProblemError(TOO_LARGE, f"A push has at most {largest} bytes.")
    try:
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            whole = _ESCAPE.sub(lambda found: _REPLACEMENT if found[1] else found[0], raw)
            if whole == raw:
                raise
            return orjson.loads(whole)
    except orjson.JSONDecodeError as error:
        raise ParseError(f"Not JSON at line {error.lineno}, column {error.colno}.") from None


def _version(text: str) -> int:
    today = registry.current_version()
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= today):
        detail = f"version is a whole number from 1 to {today}."
        raise ProblemError(INVALID, detail, errors=[FieldError("/version", detail)])
    return int(text)


class SchemaOf(APIView):
    """The JSON Schema (2020-12) that documents of a collection are valid under, as an app gets them
    that says `Sync-Schema: <version>`. Tombstones and stubs are valid too: only `id` is required.
    `readOnly` marks what the server writes."""

    permission_classes = [IsTabletOrPerson]

    @extend_schema(
        operation_id="collection_schema",
        tags=["sync"],
        parameters=[
            _COLLECTION,
            OpenApiParameter(
                "version", int, description="as known to apps of this version; today's by default"
            ),
        ],
        responses={200: OpenApiTypes.OBJECT, **PROBLEMS(400, 401, 403, 404)},
    )
    def get(self, request: Request, collection: str) -> Response:
        asked = request.query_params.get("version")
        version = registry.current_version() if asked is None else _version(asked)
        found = registry.get(collection)
        known = found.version_for(version) if found else None
        if found is None or known is None:
            raise ProblemError(UNKNOWN_COLLECTION)
        schema: dict[str, Any] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:carefield:schema:{found.name}:{known}",
            **found.published_schema(known),
        }
        return Response(schema)
