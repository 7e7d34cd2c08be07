"""The list of tablets, and what they say they have dropped, for whoever answers for them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api import person_of
from apps.accounts.models import Tablet, TabletState
from apps.accounts.permissions import IsDesk
from apps.core import clock
from apps.core.pagination import CursorPagination
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.sync import tablets
from apps.sync.models import PurgeReceipt
from apps.sync.tablets import Condition
from apps.sync.values import uuid_of

_AT = "2026-03-04T22:03:11.120000Z"
_EXAMPLE = {
    "id": "01a214a7-cb95-7588-ac31-819920b97dea",
    "label": "CARE-21 left",
    "team": {"id": "01a214a7-c8b8-721d-88d4-ffeb418c6206", "name": "Downtown"},
    "state": "active",
    "last_seen_at": _AT,
    "in_contact": False,
    "clock": {"offset_ms": -75000, "suspect": False},
    "signed_in": {"id": "01a214a7-c8d2-7575-a7ba-06620ca75847", "display_name": "A. Rivera"},
    "outbox": {
        "declared_at": _AT,
        "unsent": {"facts": 2},
        "kinds": {"facts": {"assignment_event": 1, "note_addendum": 1}},
        "unsent_count": 2,
        "oldest_at": "2026-03-04T22:01:40Z",
        "refused_count": 0,
    },
    "digests": [
        {
            "collection": "assignments",
            "agrees": False,
            "count": 3,
            "head_seq": 20,
            "declared_at": _AT,
        }
    ],
    "quarantine_open": 0,
    "conflicts_open": 1,
    "still_holds": 0,
}

_RECEIPT_EXAMPLE = {
    "tablet": "01a214a7-cb95-7588-ac31-819920b97dea",
    "label": "CARE-21 left",
    "local_database": "01a214a7-cbba-752b-993e-bf855dbb848e",
    "collection": "assignments",
    "document": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c12",
    "ordered": True,
    "at": _AT,
}


class TabletOut(serializers.Serializer[Any]):
    """What is known of a tablet. No text of anybody's."""

    id = serializers.UUIDField()
    # DRF's own attribute of that name is not used on what is only written out.
    label = serializers.CharField()  # type: ignore[assignment]
    team = inline_serializer(
        "TeamOfTablet", {"id": serializers.UUIDField(), "name": serializers.CharField()}
    )
    state = serializers.ChoiceField(choices=TabletState.choices)
    last_seen_at = serializers.DateTimeField(allow_null=True, help_text="null: never")
    in_contact = serializers.BooleanField(help_text="false: no contact since last_seen_at")
    clock = inline_serializer(
        "TabletClock",
        {
            "offset_ms": serializers.IntegerField(
                allow_null=True, help_text="device clock minus server clock; null: not measured"
            ),
            "suspect": serializers.BooleanField(help_text="further off than is believed"),
        },
    )
    signed_in = inline_serializer(
        "SignedInOnTablet",
        {"id": serializers.UUIDField(), "display_name": serializers.CharField()},
        allow_null=True,
    )
    outbox = inline_serializer(
        "TabletOutbox",
        {
            "declared_at": serializers.DateTimeField(),
            "unsent": serializers.DictField(
                child=serializers.IntegerField(), help_text="edits not sent, by collection"
            ),
            "kinds": serializers.DictField(
                child=serializers.DictField(child=serializers.IntegerField()),
                help_text="the same by what they tell, as far as the tablet says it",
            ),
            "unsent_count": serializers.IntegerField(),
            "oldest_at": serializers.DateTimeField(
                allow_null=True, help_text="the oldest of them, by the server's clock"
            ),
            "refused_count": serializers.IntegerField(help_text="refused, and not mended"),
        },
        allow_null=True,
        help_text="what it said last; null: it never said",
    )
    digests = inline_serializer(
        "TabletDigest",
        {
            "collection": serializers.CharField(),
            "agrees": serializers.BooleanField(help_text="with the digest of this server"),
            "count": serializers.IntegerField(help_text="documents on the tablet"),
            "head_seq": serializers.IntegerField(help_text="as of this commit"),
            "declared_at": serializers.DateTimeField(),
        },
        many=True,
        help_text="what its local databases found last when they compared what they hold",
    )
    quarantine_open = serializers.IntegerField()
    conflicts_open = serializers.IntegerField()
    still_holds = serializers.IntegerField(
        help_text="documents that it was told to drop and may still hold, at most"
    )


class Tablets(ListAPIView[Tablet]):
    """The tablets of the supervisor's team, or of the agency for the dispatch desk: since when they
    were not in contact, whose clock is wrong, who is signed in, what is unsent, refused, undropped.
    """

    permission_classes = [IsDesk]
    serializer_class = TabletOut

    def get_queryset(self) -> QuerySet[Tablet]:
        return tablets.seen_by(person_of(self.request))

    @extend_schema(
        operation_id="list_tablets",
        tags=["tablets"],
        responses={200: TabletOut(many=True), **PROBLEMS(401, 403)},
        examples=[
            OpenApiExample("Not in contact", _EXAMPLE, response_only=True, status_codes=["200"])
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        known = tablets.conditions(page or [], now=clock.now())
        return self.get_paginated_response([body_of(known[row.pk]) for row in page or []])


def body_of(known: Condition) -> dict[str, Any]:
    """A tablet as the list shows it."""
    tablet, person, waiting = known.tablet, known.signed_in, known.waiting
    return {
        "id": tablet.pk,
        "label": tablet.label,
        "team": {"id": tablet.team.pk, "name": tablet.team.name},
        "state": tablet.state,
        "last_seen_at": tablet.last_seen_at,
        "in_contact": known.in_contact,
        "clock": {"offset_ms": tablet.clock_offset_ms, "suspect": known.clock_suspect},
        "signed_in": person and {"id": person.pk, "display_name": person.display_name},
        "outbox": waiting
        and {
            "declared_at": waiting.declared_at,
            "unsent": dict(waiting.unsent),
            "kinds": dict(waiting.kinds),
            "unsent_count": waiting.unsent_count,
            "oldest_at": waiting.oldest_at,
            "refused_count": waiting.refused_count,
        },
        "digests": [
            {
                "collection": one.collection,
                "agrees": one.agrees,
                "count": one.count,
                "head_seq": one.head_seq,
                "declared_at": one.declared_at,
            }
            for one in known.digests
        ],
        "quarantine_open": known.quarantine_open,
        "conflicts_open": known.conflicts_open,
        "still_holds": known.still_holds,
    }


class PurgeReceiptOut(serializers.ModelSerializer[PurgeReceipt]):
    """A tablet says that it has dropped a document."""

    tablet = serializers.UUIDField(source="local_database.tablet_id")
    # A declared field, no property.
    label = serializers.CharField(source="local_database.tablet.label")  # type: ignore[assignment]
    local_database = serializers.UUIDField(source="local_database_id")
    document = serializers.UUIDField(source="doc_id")
    ordered = serializers.SerializerMethodField(
        help_text="false: there was no order to drop it any more"
    )

    class Meta:
        model = PurgeReceipt
        fields = ("tablet", "label", "local_database", "collection", "document", "ordered", "at")

    def get_ordered(self, row: PurgeReceipt) -> bool:
        return row.seq > 0


class ReceiptPagination(CursorPagination):
    read = int


class PurgeReceipts(ListAPIView[PurgeReceipt]):
    """What tablets of the supervisor's team, or of the agency for the dispatch desk, say that they
    have dropped, the newest first. Their declarations, no proofs."""

    permission_classes = [IsDesk]
    serializer_class = PurgeReceiptOut
    pagination_class = ReceiptPagination

    def get_queryset(self) -> QuerySet[PurgeReceipt]:
        rows = PurgeReceipt.objects.visible_to(self.request.user)
        rows = rows.select_related("local_database__tablet")
        query, errors = self.request.query_params, []
        for name, column in (("tablet", "local_database__tablet"), ("document", "doc_id")):
            if (text := query.get(name)) is not None:
                if (id := uuid_of(text)) is None:
                    errors.append(FieldError(f"/{name}", "Not a UUID."))
                rows = rows.filter(**{column: id})
        if errors:
            raise ProblemError(INVALID, errors=errors)
        if collection := query.get("collection"):
            rows = rows.filter(collection=collection)
        return rows

    @extend_schema(
        operation_id="list_purge_receipts",
        tags=["tablets"],
        parameters=[
            OpenApiParameter("tablet", OpenApiTypes.UUID),
            OpenApiParameter("document", OpenApiTypes.UUID),
            OpenApiParameter("collection", str),
        ],
        responses={200: PurgeReceiptOut(many=True), **PROBLEMS(400, 401, 403)},
        examples=[
            OpenApiExample("Dropped", _RECEIPT_EXAMPLE, response_only=True, status_codes=["200"])
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
