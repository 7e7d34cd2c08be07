"""Incidents for those who may see them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of
from apps.accounts.permissions import IsPerson
from apps.audit.services import record
from apps.core import clock
from apps.core.schema import PROBLEMS
from apps.dispatch.models import Incident, IncidentLink, IncidentQuerySet, IncidentUnit

_ID = "01931f6e-7f40-7c3a-9a51-0d7a8f4b2c10"
_CAUTION = {
    "severity": "high",
    "kind": "weapon",
    "text": "pocket knife seen last week",
    "source": "caller",
    "since": "2026-03-04T22:19:30Z",
    "origin": "",
}
_SUMMARY = {
    "cautions": [_CAUTION],
    "withheld": "",
    "id": _ID,
    "cad_number": "2026000123456",
    "agency_id": "spd.seattle.gov",
    "status": "active",
    "entry_kind": "dual_911",
    "priority": 6,
    "priority_text": "3",
    "initial_call_type": "SERVICE - WELFARE CHECK",
    "final_call_type": "",
    "common_type": "WELFARE",
    "how_received": "911",
    "beat": "K3",
    "verdict": "eligible",
    "evaluation": "eligible: welfare check, beat K3, 14:20; dual dispatch with SPD; "
    "residence unknown",
    "sent": True,
    "units": [
        {
            "call_sign": "CARE21",
            "agency": "care",
            "source": "cad",
            "status": "EnRoute",
            "times": {"EnRoute": "2026-03-04T22:21:10Z"},
            "attached_at": "2026-03-04T22:20:31.120000Z",
            "detached_at": None,
        }
    ],
    "call_revision": 1,
    "flags": [],
    "occurred_at": "2026-03-04T22:18:40Z",
    "received_at": "2026-03-04T22:20:31.120000Z",
    "updated_at": "2026-03-04T22:21:11.040000Z",
    "closed_at": None,
}


class UnitOut(serializers.ModelSerializer[IncidentUnit]):
    times = serializers.DictField(
        child=serializers.CharField(), help_text="EIDO secondary status to the time it began"
    )

    class Meta:
        model = IncidentUnit
        fields = (
            *("call_sign", "agency", "source", "status", "times", "attached_at", "detached_at"),
        )
        read_only_fields: tuple[str, ...] = fields


class IncidentOut(serializers.ModelSerializer[Incident]):
    """Hazards first; codes, times and units of the incident."""

    cautions = serializers.SerializerMethodField(help_text="the worst first")
    withheld = serializers.SerializerMethodField(
        help_text="words in place of criminal history that was removed"
    )
    evaluation = serializers.SerializerMethodField(help_text="what the rules say, in plain words")
    sent = serializers.SerializerMethodField(help_text="whether a CARE unit was ever put on it")
    units = UnitOut(many=True)
    flags = serializers.ListField(child=serializers.CharField(), help_text="doubts about the data")

    class Meta:
        model = Incident
        fields: tuple[str, ...] = (
            *("cautions", "withheld", "id", "cad_number", "agency_id", "status", "entry_kind"),
            *("priority", "priority_text", "initial_call_type", "final_call_type", "common_type"),
            *("how_received", "beat", "verdict", "evaluation", "sent", "units", "call_revision"),
            *("flags", "occurred_at", "received_at", "updated_at", "closed_at"),
        )
        read_only_fields: tuple[str, ...] = fields

    def get_cautions(self, row: Incident) -> list[dict[str, Any]]:
        return row.cautions

    def get_withheld(self, row: Incident) -> str:
        return str(row.details["withheld"])

    def get_evaluation(self, row: Incident) -> str:
        return str(row.evaluation.get("text", ""))

    def get_sent(self, row: Incident) -> bool:
        return any(unit.agency == "care" for unit in row.units.all())


class LinkOut(serializers.ModelSerializer[IncidentLink]):
    reason = serializers.CharField(allow_null=True)

    class Meta:
        model = IncidentLink
        fields = ("kind", "agency_id", "cad_number", "at", "reason")
        read_only_fields: tuple[str, ...] = fields


class WholeIncidentOut(IncidentOut):
    """The whole incident, with the words of the call."""

    address = serializers.SerializerMethodField()
    location = serializers.SerializerMethodField()
    premise = serializers.SerializerMethodField()
    narrative = serializers.SerializerMethodField(help_text="notes in the order of time")
    alternates = serializers.SerializerMethodField(
        help_text="values that others gave for an element, a former address among them"
    )
    revisions = serializers.SerializerMethodField(help_text="what each material update changed")
    rules = serializers.SerializerMethodField(help_text="the evaluation, term by term")
    links = LinkOut(many=True)
    merged_into = serializers.UUIDField(source="merged_into_id", allow_null=True)

    class Meta(IncidentOut.Meta):
        fields: tuple[str, ...] = (
            *IncidentOut.Meta.fields,
            *("address", "location", "premise", "narrative", "alternates", "revisions", "rules"),
            *("links", "merged_into", "withheld_count"),
        )
        read_only_fields: tuple[str, ...] = fields

    def get_address(self, row: Incident) -> str:
        return str(row.details["address"])

    def get_location(self, row: Incident) -> dict[str, Any] | None:
        found: dict[str, Any] | None = row.details["location"]
        return found

    def get_premise(self, row: Incident) -> str:
        return str(row.details["premise"])

    def get_narrative(self, row: Incident) -> list[dict[str, Any]]:
        return list(row.details["narrative"])

    def get_alternates(self, row: Incident) -> list[dict[str, Any]]:
        return list(row.details["alternates"])

    def get_revisions(self, row: Incident) -> list[dict[str, Any]]:
        return list(row.details["revisions"])

    def get_rules(self, row: Incident) -> dict[str, Any]:
        return dict(row.evaluation)


def _audit(request: Request, ids: list[UUID]) -> None:
    record(
        actor=actor_of(request),
        action="read",
        subject_type="incident",
        subject_ids=ids,
        now=clock.now(),
    )


def _visible(request: Request) -> IncidentQuerySet:
    units = IncidentUnit.objects.order_by("attached_at", "pk")
    return Incident.objects.visible_to(request.user).prefetch_related(Prefetch("units", units))


class Incidents(ListAPIView[Incident]):
    """The incidents that whoever asks may see, the newest first. Each page is written down."""

    permission_classes = [IsPerson]
    serializer_class = IncidentOut

    def get_queryset(self) -> QuerySet[Incident]:
        rows = _visible(self.request)
        if self.request.query_params.get("eligible_not_sent") == "true":
            rows = rows.eligible_not_sent()
        if self.request.query_params.get("open") == "true":
            rows = rows.open()
        return rows

    @extend_schema(
        operation_id="list_incidents",
        tags=["incidents"],
        parameters=[
            OpenApiParameter("open", bool, description="true: only those not ended"),
            OpenApiParameter(
                "eligible_not_sent",
                bool,
                description="true: only calls that the rules would have let CARE take, without a "
                "CARE unit",
            ),
        ],
        responses={200: IncidentOut(many=True), **PROBLEMS(401, 403)},
        examples=[OpenApiExample("One", _SUMMARY, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        _audit(request, [UUID(str(row["id"])) for row in response.data["results"]])
        return response


class OneIncident(APIView):
    """One incident with the words of its call. Looking at it is written down."""

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="read_incident",
        tags=["incidents"],
        responses={200: WholeIncidentOut, **PROBLEMS(401, 403, 404)},
        examples=[
            OpenApiExample(
                "One",
                {
                    **_SUMMARY,
                    "address": "5TH AVE S / S JACKSON ST",
                    "location": {"lat": 47.5993, "lon": -122.3277},
                    "premise": "bus stop",
                    "narrative": [
                        {
                            "at": "2026-03-02T22:19:30Z",
                            "text": "CALLER SAYS A WOMAN SITS ON THE GROUND, CRYING, NO COAT",
                            "author": "",
                        }
                    ],
                    "alternates": [],
                    "revisions": [],
                    "rules": {"verdict": _SUMMARY["verdict"], "text": _SUMMARY["evaluation"]},
                    "links": [],
                    "merged_into": None,
                    "withheld_count": 0,
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request, incident: UUID) -> Response:
        row = get_object_or_404(_visible(request).prefetch_related("links"), pk=incident)
        _audit(request, [row.pk])
        return Response(WholeIncidentOut(row).data)
