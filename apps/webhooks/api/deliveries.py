"""What was sent to a partner and how that went; and everything that there was, without a gap."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import partner_of
from apps.accounts.permissions import IsPartner
from apps.changes import epochs
from apps.core import clock
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.webhooks import catalogue, services
from apps.webhooks.api.endpoints import TAGS, by, endpoint_for
from apps.webhooks.catalogue import Lane
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.shapes import (
    A_DELIVERY,
    AN_ATTEMPT,
    LARGEST_SEQUENCE,
    DeliveriesOut,
    DeliveryWholeOut,
    EventsOut,
    EventTypesOut,
    attempt_out,
    data_out,
    delivery_out,
)

PAGE = 100
LONGEST_PAGE = 1000


def number(request: Request, name: str, otherwise: int, *, least: int = 0, most: int) -> int:
    """A whole number of the query."""
    text = request.query_params.get(name)
    if text is None:
        return otherwise
    # Python reads no number of thousands of digits; one of them is none of ours.
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        wanted = f"A whole number from {least} to {most}."
        raise ProblemError(INVALID, errors=[FieldError(f"/{name}", wanted)])
    return int(text)


def _query(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.INT, description=words)


LIMIT = _query("limit", f"at most {LONGEST_PAGE}, {PAGE} if left out")


class Deliveries(APIView):
    """The delivery log of an endpoint, newest first."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="list_webhook_deliveries",
        tags=TAGS,
        parameters=[_query("before", "events before this sequence"), LIMIT],
        responses={200: DeliveriesOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Log", {"deliveries": [A_DELIVERY], "before": 4711}, response_only=True)
        ],
    )
    def get(self, request: Request, endpoint: UUID) -> Response:
        row = endpoint_for(request, endpoint)
        before = number(request, "before", LARGEST_SEQUENCE, most=LARGEST_SEQUENCE)
        limit = number(request, "limit", PAGE, least=1, most=LONGEST_PAGE)
        rows = list(row.deliveries.filter(sequence__lt=before).order_by("-sequence")[:limit])
        older = rows[-1].sequence if len(rows) == limit else None
        return Response({"deliveries": [delivery_out(one) for one in rows], "before": older})


def delivery_for(request: Request, pk: UUID) -> Delivery:
    """The partner's own delivery; otherwise 404."""
    rows = Delivery.objects.select_related("endpoint")
    return get_object_or_404(rows.filter(endpoint__partner=partner_of(request)), pk=pk)


class OneDelivery(APIView):
    """One delivery by its `webhook-id`, with its data and every attempt."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="get_webhook_delivery",
        tags=TAGS,
        responses={200: DeliveryWholeOut, **PROBLEMS(401, 403, 404)},
        examples=[
            OpenApiExample(
                "Delivery",
                {**A_DELIVERY, "data": {"endpoint_id": "..."}, "tried": [AN_ATTEMPT]},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, delivery: UUID) -> Response:
        row = delivery_for(request, delivery)
        tried = [attempt_out(one) for one in row.tried.order_by("number")]
        return Response({**delivery_out(row), "data": data_out(row), "tried": tried})


class ReplayDelivery(APIView):
    """Sends one event again, under the same id."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="replay_webhook",
        tags=TAGS,
        request=None,
        responses={204: None, **PROBLEMS(401, 403, 404, 409)},
    )
    def post(self, request: Request, delivery: UUID) -> Response:
        row = delivery_for(request, delivery)
        services.replay(delivery=row, by=by(request), now=clock.now())
        return Response(status=204)


class Events(APIView):
    """Everything that was made for an endpoint after a sequence, in order and without a gap,
    whatever became of its delivery: whoever compares knows that nothing is missing.

    `epoch` names the history that a sequence was counted in. It changes when CARE's server was put
    back in time: then sequences may be used again, and ids alone say what is new.
    """

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="list_partner_events",
        tags=TAGS,
        parameters=[
            _query("after", "events after this sequence; 0 or left out: from the first"),
            LIMIT,
            OpenApiParameter(
                "endpoint", OpenApiTypes.UUID, description="needed where you have several"
            ),
        ],
        responses={200: EventsOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample(
                "Events",
                {
                    "endpoint": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
                    "epoch": A_DELIVERY["epoch"],
                    "head": 4711,
                    "more": False,
                    "events": [
                        {
                            "id": A_DELIVERY["id"],
                            "type": "webhook.test",
                            "version": 1,
                            "timestamp": A_DELIVERY["timestamp"],
                            "sequence": 4711,
                            "epoch": A_DELIVERY["epoch"],
                            "state": "accepted",
                            "data": {"endpoint_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"},
                        }
                    ],
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        endpoint = _endpoint_asked(request)
        after = number(request, "after", 0, most=LARGEST_SEQUENCE)
        limit = number(request, "limit", PAGE, least=1, most=LONGEST_PAGE)
        rows = list(
            endpoint.deliveries.filter(sequence__lte=endpoint.sequence).after(after)[:limit]
        )
        last = rows[-1].sequence if rows else after
        events = [
            {
                "id": row.pk,
                "type": row.type,
                "version": row.version,
                "timestamp": row.occurred_at,
                "sequence": row.sequence,
                "epoch": row.epoch,
                "state": row.state,
                "data": data_out(row),
            }
            for row in rows
        ]
        return Response(
            {
                "endpoint": endpoint.pk,
                "epoch": epochs.current(),
                "head": endpoint.sequence,
                "more": last < endpoint.sequence,
                "events": events,
            }
        )


def _endpoint_asked(request: Request) -> Endpoint:
    text = request.query_params.get("endpoint")
    if text is not None:
        try:
            return endpoint_for(request, UUID(text))
        except ValueError:
            raise ProblemError(INVALID, errors=[FieldError("/endpoint", "A UUID.")]) from None
    rows = list(Endpoint.objects.of(partner_of(request))[:2])
    if len(rows) != 1:
        wanted = "You have several endpoints, or none: say which one."
        raise ProblemError(INVALID, errors=[FieldError("/endpoint", wanted)])
    return rows[0]


class EventTypes(APIView):
    """The catalogue: every type of event with the JSON Schema of its body and an example."""

    permission_classes = [AllowAny]
    authentication_classes: list[type] = []

    @extend_schema(
        operation_id="list_event_types",
        tags=TAGS,
        responses={200: EventTypesOut},
        examples=[
            OpenApiExample(
                "Types",
                {
                    "type": "webhook.test",
                    "version": 1,
                    "title": "A test that you asked for. Nothing has happened.",
                    "urgent": False,
                    "restricted": False,
                    "optional": False,
                    "schema": {"type": "object"},
                    "example": {"type": "webhook.test"},
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        return Response(
            [
                {
                    "type": one.name,
                    "version": one.version,
                    "title": one.title,
                    "urgent": one.lane == Lane.URGENT,
                    "restricted": one.restricted,
                    "optional": not one.of_endpoint,
                    "schema": catalogue.body_schema(one),
                    "example": catalogue.body_example(one),
                }
                for one in catalogue.every_type()
            ]
        )
