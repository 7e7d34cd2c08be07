"""Exports for supervisors. What is asked for stands in the body: an address stays in logs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of
from apps.accounts.permissions import IsSupervisor
from apps.core import clock
from apps.core.problems import NOT_FOUND, ProblemError
from apps.core.schema import PROBLEMS
from apps.core.streaming import PartByPart, Parts
from apps.firstaid.exports import improved, services
from apps.firstaid.exports.services import Tally
from apps.people.models import Encounter, EncounterQuerySet

# The report is counted while its reader waits; more is for the command.
MOST_DAYS: Final = 92
MOST_ENCOUNTERS: Final = 500

XML: Final = "application/xml"
CSV: Final = "text/csv; charset=utf-8"
_A_MONTH: Final = {"since": "2026-03-01T00:00:00-08:00", "until": "2026-04-01T00:00:00-07:00"}


class PeriodIn(serializers.Serializer[Any]):
    since = serializers.DateTimeField(help_text="encounters opened from then on")
    until = serializers.DateTimeField(help_text="and before then")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["until"] <= attrs["since"]:
            raise serializers.ValidationError({"until": "It is not after since."})
        return attrs


class ShortPeriodIn(PeriodIn):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        found = super().validate(attrs)
        if found["until"] - found["since"] > timedelta(days=MOST_DAYS):
            raise serializers.ValidationError({"until": f"At most {MOST_DAYS} days at once."})
        return found


class NemsisIn(serializers.Serializer[Any]):
    """A period, or encounters by their ids."""

    since = serializers.DateTimeField(required=False, help_text="encounters opened from then on")
    until = serializers.DateTimeField(required=False, help_text="and before then")
    encounters = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MOST_ENCOUNTERS
    )
    narrative = serializers.BooleanField(
        default=False, help_text="with the narratives of signed case notes"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "encounters" in attrs:
            return attrs
        period = PeriodIn(data=self.initial_data)
        period.is_valid(raise_exception=True)
        return attrs


class AsTheyAre(BaseContentNegotiation):
    """A file has one type, whatever is asked for; what went wrong is a problem in JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


def _file(parts: Parts, name: str, content_type: str) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return PartByPart(parts, content_type=content_type, headers=headers)


def nemsis_file(parts: Parts) -> HttpResponseBase | None:
    """The answer that sends an EMSDataSet; None where there is nothing to send."""
    first = next(parts, None)
    return None if first is None else _file(_after(first, parts), "encounters.xml", XML)


def odmap_file(parts: Parts) -> HttpResponseBase:
    """The answer that sends the overdoses."""
    return _file(parts, "overdoses.csv", CSV)


def _after(first: bytes, rest: Parts) -> Parts:
    yield first
    yield from rest


class ExportNemsis(APIView):
    """Encounters as one NEMSIS 3.5.1 EMSDataSet, for the fire department's medical review.

    CARE is no licensed EMS agency: it is no submission to a state. Calls that are not over are left
    out. The file holds health records of people without their names; every encounter in it is in
    the audit log. With `narrative` it holds what was signed of them in words, names included.
    """

    permission_classes = [IsSupervisor]
    content_negotiation_class = AsTheyAre

    @extend_schema(
        operation_id="export_nemsis",
        tags=["exports"],
        request=NemsisIn,
        responses={(200, XML): OpenApiTypes.BINARY, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("A month", _A_MONTH, request_only=True),
            OpenApiExample(
                "One encounter with its narrative",
                {"encounters": ["a2b0ad5c-7287-5b82-994d-bd465e497b5d"], "narrative": True},
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponseBase:
        data = NemsisIn(data=request.data)
        data.is_valid(raise_exception=True)
        asked = data.validated_data
        rows = _visible(request)
        if "encounters" in asked:
            rows = rows.filter(pk__in=asked["encounters"])
        else:
            rows = services.between(rows, asked["since"], asked["until"])
        parts = services.export_nemsis(
            rows=rows,
            actor=actor_of(request),
            now=clock.now(),
            tally=Tally(),
            narrative=asked["narrative"],
        )
        answer = nemsis_file(parts)
        if answer is None:
            raise ProblemError(NOT_FOUND, "There is no encounter whose call is over.")
        return answer


class ExportOdmap(APIView):
    """Overdoses in ODMAP's terms as CSV: when, roughly where, fatal or not, how much naloxone.

    Nothing in it says who it was. `ems_on_scene` marks those that another agency may have told as
    well. It is not sent to ODMAP: its API needs a key and an agreement.
    """

    permission_classes = [IsSupervisor]
    content_negotiation_class = AsTheyAre

    @extend_schema(
        operation_id="export_odmap",
        tags=["exports"],
        request=PeriodIn,
        responses={(200, "text/csv"): OpenApiTypes.STR, **PROBLEMS(400, 401, 403)},
        examples=[
            OpenApiExample("A month", _A_MONTH, request_only=True),
            OpenApiExample(
                "One overdose",
                "event_id,occurred_at,latitude,longitude,outcome,naloxone,administered_by,"
                "ems_on_scene\r\n5d9a4cf2-6a1b-5e36-9a51-0d7a8f4b2c77,2026-03-04T14:41:10-08:00,"
                "47.610,-122.338,Non-Fatal,Multiple doses,Bystander; Crisis responder,yes\r\n",
                response_only=True,
                status_codes=["200"],
                media_type="text/csv",
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponseBase:
        data = PeriodIn(data=request.data)
        data.is_valid(raise_exception=True)
        asked = data.validated_data
        rows = services.between(_visible(request), asked["since"], asked["until"])
        return odmap_file(
            services.export_odmap(
                rows=rows, actor=actor_of(request), now=clock.now(), tally=Tally()
            )
        )


_IMPROVED_OUT = inline_serializer(
    "NaloxoneImproved",
    {
        "name": serializers.CharField(),
        "definition": serializers.DictField(help_text="RxNorm codes, and the response"),
        "encounters": serializers.IntegerField(help_text="whose call is over"),
        "with_naloxone": serializers.IntegerField(help_text="given by anybody"),
        "improved": serializers.IntegerField(help_text="the definition holds"),
        "doses": serializers.IntegerField(),
        "doses_improved": serializers.IntegerField(),
        "doses_without_response": serializers.IntegerField(
            help_text="where they are many, the figure says little"
        ),
    },
)


class NaloxoneImproved(APIView):
    """How often naloxone was given and a better response was noted, in at most 92 days.

    A proxy for opioid overdoses, after NEMSIS's case definition: it proves neither an opioid nor
    that anybody survived, and it measures no crew.
    """

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="report_naloxone_improved",
        tags=["exports"],
        request=ShortPeriodIn,
        responses={200: _IMPROVED_OUT, **PROBLEMS(400, 401, 403)},
        examples=[
            OpenApiExample("A month", _A_MONTH, request_only=True),
            OpenApiExample(
                "Counts",
                improved.Improved(
                    encounters=310,
                    with_naloxone=14,
                    improved=9,
                    doses=21,
                    doses_improved=10,
                    doses_without_response=5,
                ).as_json(),
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        data = ShortPeriodIn(data=request.data)
        data.is_valid(raise_exception=True)
        asked = data.validated_data
        rows = services.between(_visible(request), asked["since"], asked["until"])
        found = services.report_improved(rows=rows, actor=actor_of(request), now=clock.now())
        return Response(found.as_json())


def _visible(request: Request) -> EncounterQuerySet:
    return Encounter.objects.visible_to(request.user)
