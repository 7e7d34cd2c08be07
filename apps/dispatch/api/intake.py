"""CAD's messages in, and for the desk the ones that could not be parsed."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import person_of
from apps.accounts.models import Client
from apps.accounts.permissions import IsCAD, IsDesk
from apps.accounts.services import user_actor
from apps.audit.services import record
from apps.core import clock
from apps.core.problems import (
    FAILED,
    INVALID,
    MEDIA,
    TOO_LARGE,
    UNPARSABLE,
    FieldError,
    Problem,
    ProblemError,
)
from apps.core.schema import PROBLEMS
from apps.dispatch import messages, plain, services
from apps.dispatch.calls import Malformed
from apps.dispatch.models import HeldMessage

log = logging.getLogger(__name__)
_ID = "01931f6e-7f40-7c3a-9a51-0d7a8f4b2c10"
_ANSWER = {
    "id": _ID,
    "cad_number": "2026000123456",
    "created": True,
    "changed": True,
    "status": "active",
    "call_revision": 1,
    "verdict": "eligible",
    "evaluation": "eligible: welfare check, beat K3, 14:20; dual dispatch with SPD; "
    "residence unknown",
    "flags": [],
    "withheld": 0,
}
_EIDO_EXAMPLE = {
    "$id": "urn:emergency:uid:incidentid:2026000123456:spd.seattle.gov",
    "lastUpdateTimeStamp": "2026-03-04T14:20:31-08:00",
    "eidoVersion": "1.0",
    "issuingElementIdentification": "cad.seattle.gov",
    "incidentComponent": {
        "$id": "incident-1",
        "internalIncidentId": "2026000123456",
        "incidentTypeCommonRegistryText": "WELFARE",
        "incidentTypeInternalText": "SERVICE - WELFARE CHECK",
        "incidentStatusCommonRegistryText": ["Active"],
        "beatOrDispatchGroupText": "K3",
    },
    "emergencyResourceComponent": [
        {
            "$id": "care21@care.seattle.wa.us",
            "emergencyResourceTypeCommonRegistryText": "CrisisInterventionUnit",
            "primaryUnitStatusRegistryText": "NotAvailable",
            "secondaryUnitStatusRegistryText": ["Dispatched"],
        }
    ],
}


ReceivedOut = inline_serializer(
    "Received",
    {
        "id": serializers.UUIDField(),
        "cad_number": serializers.CharField(),
        "created": serializers.BooleanField(help_text="false: the incident was here already"),
        "changed": serializers.BooleanField(help_text="false: the message told nothing new"),
        "status": serializers.CharField(),
        "call_revision": serializers.IntegerField(help_text="grows with every material update"),
        "verdict": serializers.CharField(help_text="what the rules in force say"),
        "evaluation": serializers.CharField(help_text="the same in plain words"),
        "flags": serializers.ListField(child=serializers.CharField(), help_text="doubts"),
        "withheld": serializers.IntegerField(help_text="passages of criminal history removed"),
    },
)


def received_body(received: services.Received) -> dict[str, Any]:
    """What CAD is answered: no word of the call itself."""
    incident = received.incident
    return {
        "id": incident.pk,
        "cad_number": incident.cad_number,
        "created": received.created,
        "changed": received.changed,
        "status": incident.status,
        "call_revision": incident.call_revision,
        "verdict": incident.verdict,
        "evaluation": incident.evaluation.get("text", ""),
        "flags": incident.flags,
        "withheld": incident.withheld_count,
    }


class _Intake(APIView):
    """A message is taken as a whole or refused. One that cannot be parsed is kept, sealed."""

    permission_classes = [IsCAD]
    path: str

    def take(self, request: Request) -> Response:
        client, now = request.auth, clock.now()
        assert isinstance(client, Client)
        body = _body(request)
        content_type = request.content_type or ""
        other_type = bool(body) and not _is_json(content_type)
        hold = partial(self._hold, client=client, content_type=content_type, body=body, now=now)
        try:
            if other_type:
                raise Malformed([("", "send application/json")])
            call = messages.parse(self.path, body)
        except Malformed as malformed:
            held = hold(malformed)
            raise refusal(malformed, held, problem=MEDIA if other_type else None) from None
        try:
            received = services.receive(call=call, client=client, now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            # A mistake of ours. Who knows whether CAD tries again: the message is kept.
            log.exception("message not taken: %s", type(error).__name__)
            mistake = Malformed([("", "could not be taken: tell the operator of Carefield")])
            raise refusal(mistake, hold(mistake), problem=FAILED) from None
        return Response(received_body(received), status=201 if received.created else 200)

    def _hold(self, malformed: Malformed, **given: Any) -> HeldMessage:
        return services.hold_message(path=self.path, errors=malformed.errors, **given)


def refusal(
    malformed: Malformed,
    held: HeldMessage,
    *,
    problem: Problem | None = None,
    pointer: str = "",
) -> ProblemError:
    """The answer to a message that cannot be taken, with the id under which it is held."""
    if problem is None:
        problem = UNPARSABLE if isinstance(malformed, messages.Undecodable) else INVALID
    errors = [FieldError(f"{pointer}{at}", mend) for at, mend in malformed.errors]
    detail = "The message cannot be taken. It is held for a supervisor to see and replay."
    return ProblemError(problem, detail, errors=errors, extra={"held": str(held.pk)})


def _body(request: Request) -> bytes:
    """The body as it came, one byte more than the limit at most."""
    body: bytes = request._request.read(messages.LARGEST + 1)
    if len(body) > messages.LARGEST:
        raise ProblemError(TOO_LARGE, f"A message has at most {messages.LARGEST} bytes.")
    return body


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


_RESPONSES = {200: ReceivedOut, 201: ReceivedOut, **PROBLEMS(400, 401, 403, 413, 415, 503)}
_ANSWERED = OpenApiExample("Taken", _ANSWER, response_only=True, status_codes=["201"])


class TakeEido(_Intake):
    """An incident as NENA-STA-021 EIDO JSON. The same message again changes nothing.

    Tolerant: references by `$ref`, link and merge components, alternate values, HTML notes, PIDF-LO
    locations. What is not understood is kept and flagged. Sent again after 503, it is harmless. An
    incident is known by its tracking identifier until a message tells its CAD event number.
    """

    path = messages.EIDO

    @extend_schema(
        operation_id="take_eido",
        tags=["CAD"],
        request=OpenApiTypes.OBJECT,
        responses=_RESPONSES,
        examples=[OpenApiExample("A welfare check", _EIDO_EXAMPLE, request_only=True), _ANSWERED],
    )
    def post(self, request: Request) -> Response:
        return self.take(request)


class TakeIncident(_Intake):
    """An incident as plain JSON, for a CAD that speaks no EIDO. Only `cad_number` is required.

    `event`: report, cancel, close, reopen, merge, split, link or unlink. A member that is missing
    says nothing; what was told before stays. The same message again changes nothing.
    """

    path = messages.PLAIN

    @extend_schema(
        operation_id="take_incident",
        tags=["CAD"],
        request=OpenApiTypes.OBJECT,
        responses=_RESPONSES,
        examples=[OpenApiExample("A welfare check", plain.EXAMPLE, request_only=True), _ANSWERED],
    )
    def post(self, request: Request) -> Response:
        return self.take(request)


class HeldOut(serializers.ModelSerializer[HeldMessage]):
    """A held message without its content."""

    client = serializers.CharField(source="client.name")
    problems = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()),
        source="errors",
        help_text="JSON Pointers and what to mend there",
    )
    withheld = serializers.IntegerField(
        source="withheld_count", help_text="passages of criminal history removed before it was kept"
    )

    class Meta:
        model = HeldMessage
        fields: tuple[str, ...] = (
            *("id", "client", "path", "content_type", "size", "problems", "withheld"),
            *("received_at", "expires_at", "replayed_at"),
        )
        read_only_fields: tuple[str, ...] = fields


_HELD = {
    "id": _ID,
    "client": "Seattle CAD",
    "path": messages.PLAIN,
    "content_type": "application/json",
    "size": 412,
    "problems": [{"pointer": "/cad_number", "detail": "give the CAD event number, as text"}],
    "withheld": 0,
    "received_at": "2026-03-04T22:20:31.120000Z",
    "expires_at": "2026-03-11T22:20:31.120000Z",
    "replayed_at": None,
}


class HeldMessages(ListAPIView[HeldMessage]):
    """Messages from CAD that could not be parsed and nobody has dealt with, the newest first."""

    permission_classes = [IsDesk]
    serializer_class = HeldOut

    def get_queryset(self) -> QuerySet[HeldMessage]:
        rows = HeldMessage.objects.visible_to(self.request.user).waiting(clock.now())
        return rows.select_related("client").defer("content")

    @extend_schema(
        operation_id="list_held_messages",
        tags=["CAD"],
        responses={200: HeldOut(many=True), **PROBLEMS(401, 403)},
        examples=[OpenApiExample("Held", _HELD, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class HeldContentOut(HeldOut):
    content = serializers.CharField(help_text="as UTF-8; what is none is shown as U+FFFD")

    class Meta(HeldOut.Meta):
        fields: tuple[str, ...] = (*HeldOut.Meta.fields, "content")
        read_only_fields: tuple[str, ...] = fields


class OneHeldMessage(APIView):
    """One held message with its content. Looking at it is written down."""

    permission_classes = [IsDesk]

    @extend_schema(
        operation_id="read_held_message",
        tags=["CAD"],
        responses={200: HeldContentOut, **PROBLEMS(401, 403, 404)},
        examples=[
            OpenApiExample("Held", {**_HELD, "content": '{"type": "..."}'}, response_only=True)
        ],
    )
    def get(self, request: Request, held: UUID) -> Response:
        row = held_for(request, held)
        record(
            actor=user_actor(person_of(request)),
            action="read",
            subject_type="held_message",
            subject_ids=[row.pk],
            now=clock.now(),
        )
        row.content = services.content_of(row).decode("utf-8", "replace")
        return Response(HeldContentOut(row).data)


class ReplayIn(serializers.Serializer[Any]):
    message = serializers.JSONField(
        required=False, help_text="the mended message; without it the held one is tried as it is"
    )


class ReplayHeldMessage(APIView):
    """Takes a held message in after all, as it is or mended. It is replayed once."""

    permission_classes = [IsDesk]

    @extend_schema(
        operation_id="replay_held_message",
        tags=["CAD"],
        request=ReplayIn,
        responses={200: ReceivedOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("Mended", {"message": plain.EXAMPLE}, request_only=True),
            OpenApiExample("Taken", _ANSWER, response_only=True),
        ],
    )
    def post(self, request: Request, held: UUID) -> Response:
        row = held_for(request, held)
        data = ReplayIn(data=request.data)
        data.is_valid(raise_exception=True)
        mended = "message" in data.validated_data
        try:
            received = services.replay_held(
                held=row,
                by=user_actor(person_of(request)),
                body=orjson.dumps(data.validated_data["message"]) if mended else None,
                now=clock.now(),
            )
        except Malformed as malformed:
            raise refusal(malformed, row, pointer="/message" if mended else "") from None
        return Response(received_body(received))


def held_for(request: Request, pk: UUID) -> HeldMessage:
    """The held message, if whoever asks may see it and its time is not over; otherwise 404."""
    rows = HeldMessage.objects.visible_to(request.user).filter(expires_at__gt=clock.now())
    return get_object_or_404(rows.select_related("client"), pk=pk)
