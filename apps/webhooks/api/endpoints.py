"""A partner's endpoints, by its own token: made, changed, tried, paused, given new keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import partner_of
from apps.accounts.permissions import IsPartner
from apps.accounts.services import partner_actor
from apps.audit.services import Actor
from apps.core import clock
from apps.core.schema import PROBLEMS
from apps.webhooks import services
from apps.webhooks.models import Endpoint, PausedBy
from apps.webhooks.shapes import (
    A_NEW_ENDPOINT,
    AN_ENDPOINT,
    KEYS,
    EndpointChangeIn,
    EndpointIn,
    EndpointOut,
    EndpointsOut,
    KeysOut,
    NewEndpointOut,
    PauseIn,
    ReplayedOut,
    ReplaySinceIn,
    RotateIn,
    endpoint_out,
)
from apps.webhooks.signing import NewKeys

TAGS = ["webhooks"]


def by(request: Request) -> Actor:
    """The partner that calls, as the audit log names it."""
    return partner_actor(partner_of(request))


def endpoint_for(request: Request, pk: UUID) -> Endpoint:
    """The partner's own endpoint; otherwise 404."""
    return get_object_or_404(Endpoint.objects.of(partner_of(request)), pk=pk)


def keys_out(keys: NewKeys) -> dict[str, str]:
    """New keys, as they are shown once."""
    return {"secret": keys.secret, "public_key": keys.public}


class Endpoints(APIView):
    """Where you receive events. A new endpoint is sent `endpoint.verification` at once, and nothing
    else before it has repeated the challenge."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="list_webhook_endpoints",
        tags=TAGS,
        responses={200: EndpointsOut, **PROBLEMS(401, 403)},
        examples=[OpenApiExample("Endpoints", [AN_ENDPOINT], response_only=True)],
    )
    def get(self, request: Request) -> Response:
        rows = Endpoint.objects.of(partner_of(request))
        return Response([endpoint_out(row) for row in rows])

    @extend_schema(
        operation_id="create_webhook_endpoint",
        tags=TAGS,
        request=EndpointIn,
        responses={201: NewEndpointOut, **PROBLEMS(400, 401, 403, 409)},
        examples=[
            OpenApiExample("New endpoint", A_NEW_ENDPOINT, request_only=True),
            OpenApiExample("Made", {"endpoint": AN_ENDPOINT, "keys": KEYS}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        data = EndpointIn(data=request.data)
        data.is_valid(raise_exception=True)
        endpoint, keys = services.create_endpoint(
            partner=partner_of(request), **data.validated_data, by=by(request), now=clock.now()
        )
        body = {"endpoint": endpoint_out(endpoint), "keys": keys_out(keys)}
        return Response(body, status=201)


class OneEndpoint(APIView):
    """One endpoint. A new address has to be proven before anything else is sent there; what happens
    meanwhile is kept. One that is deleted is sent nothing more, and its log stays."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="get_webhook_endpoint",
        tags=TAGS,
        responses={200: EndpointOut, **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("Endpoint", AN_ENDPOINT, response_only=True)],
    )
    def get(self, request: Request, endpoint: UUID) -> Response:
        return Response(endpoint_out(endpoint_for(request, endpoint)))

    @extend_schema(
        operation_id="change_webhook_endpoint",
        tags=TAGS,
        request=EndpointChangeIn,
        responses={200: EndpointOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[OpenApiExample("Slower", {"rate": 5}, request_only=True)],
    )
    def patch(self, request: Request, endpoint: UUID) -> Response:
        row = endpoint_for(request, endpoint)
        data = EndpointChangeIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = services.change_endpoint(
            endpoint=row, **data.validated_data, by=by(request), now=clock.now()
        )
        return Response(endpoint_out(row))

    @extend_schema(
        operation_id="disable_webhook_endpoint",
        tags=TAGS,
        responses={204: None, **PROBLEMS(401, 403, 404)},
    )
    def delete(self, request: Request, endpoint: UUID) -> Response:
        row = endpoint_for(request, endpoint)
        services.disable_endpoint(endpoint=row, by=by(request), now=clock.now())
        return Response(status=204)


class ActOnEndpoint(APIView):
    """Something that is done with one endpoint, without a word more."""

    permission_classes = [IsPartner]
    verb: Callable[..., Any]

    def post(self, request: Request, endpoint: UUID) -> Response:
        row = endpoint_for(request, endpoint)
        self.verb(endpoint=row, by=by(request), now=clock.now())
        return Response(status=204)


def _acts(name: str) -> Callable[[type[ActOnEndpoint]], type[ActOnEndpoint]]:
    """How one of them is described."""
    schema = extend_schema(
        operation_id=f"{name}_webhook_endpoint",
        tags=TAGS,
        request=None,
        responses={204: None, **PROBLEMS(401, 403, 404, 409)},
    )
    return extend_schema_view(post=schema)


@_acts("verify")
class VerifyEndpoint(ActOnEndpoint):
    """Sends the challenge once more: to an endpoint that is not verified, or was disabled."""

    verb = staticmethod(services.verify_endpoint)


@_acts("test")
class TestEndpoint(ActOnEndpoint):
    """Sends `webhook.test`, the way of every event."""

    verb = staticmethod(services.send_test)


@_acts("resume")
class ResumeEndpoint(ActOnEndpoint):
    """Sends again after a pause, what was kept first. Repeating it changes nothing."""

    verb = staticmethod(services.resume_endpoint)


class PauseEndpoint(APIView):
    """No attempt starts from now on; one that is under way may still arrive. Events are kept.
    Repeating it changes nothing."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="pause_webhook_endpoint",
        tags=TAGS,
        request=PauseIn,
        responses={204: None, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[OpenApiExample("Pause", {"reason": "maintenance until noon"}, request_only=True)],
    )
    def post(self, request: Request, endpoint: UUID) -> Response:
        row = endpoint_for(request, endpoint)
        data = PauseIn(data=request.data)
        data.is_valid(raise_exception=True)
        services.pause_endpoint(
            endpoint=row,
            kind=PausedBy.PARTNER,
            reason=data.validated_data.get("reason", ""),
            by=by(request),
            now=clock.now(),
        )
        return Response(status=204)


class RotateKeys(APIView):
    """New keys, shown once. The old ones sign beside them for a while."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="rotate_webhook_keys",
        tags=TAGS,
        request=RotateIn,
        responses={200: KeysOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Leaked", {"overlap_hours": 0}, request_only=True),
            OpenApiExample("New keys", KEYS, response_only=True),
        ],
    )
    def post(self, request: Request, endpoint: UUID) -> Response:
        row = endpoint_for(request, endpoint)
        data = RotateIn(data=request.data)
        data.is_valid(raise_exception=True)
        overlap = timedelta(hours=data.validated_data["overlap_hours"])
        keys = services.rotate_keys(endpoint=row, overlap=overlap, by=by(request), now=clock.now())
        return Response(keys_out(keys))


class ReplaySince(APIView):
    """Sends again what was made after a sequence, accepted or parked, up to 10,000 events. Ids stay
    the same, so whoever drops what it has loses nothing by asking for too much."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="replay_webhooks_since",
        tags=TAGS,
        request=ReplaySinceIn,
        responses={200: ReplayedOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("Since", {"after": 4700}, request_only=True),
            OpenApiExample("Replayed", {"count": 11, "last": 4711}, response_only=True),
        ],
    )
    def post(self, request: Request, endpoint: UUID) -> Response:
        row = endpoint_for(request, endpoint)
        data = ReplaySinceIn(data=request.data)
        data.is_valid(raise_exception=True)
        count, last = services.replay_since(
            endpoint=row,
            sequence=data.validated_data["after"],
            by=by(request),
            now=clock.now(),
        )
        return Response({"count": count, "last": last})
