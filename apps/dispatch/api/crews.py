"""Units, shifts and crews: a supervisor says who works where in their team."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import person_of, team_of
from apps.accounts.models import User
from apps.accounts.permissions import IsDesk, IsSupervisor
from apps.accounts.services import user_actor
from apps.core import clock
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.dispatch import services
from apps.dispatch.models import Agency, CrewMember, Shift, Unit

_SHIFT = "01931f6e-0000-7c3a-9a51-0d7a8f4b2c31"
_UNIT = "01931f6e-0000-7c3a-9a51-0d7a8f4b2c01"
_PERSON = "01931f6e-0000-7c3a-9a51-0d7a8f4b2c11"
M = TypeVar("M", bound=Model)


class MemberOut(serializers.ModelSerializer[CrewMember]):
    display_name = serializers.CharField(source="user.display_name")

    class Meta:
        model = CrewMember
        fields = ("user", "display_name", "position", "shift", "since")
        read_only_fields = fields


class CrewedUnitOut(serializers.ModelSerializer[Unit]):
    crew = serializers.SerializerMethodField(
        help_text="who is on it, first whoever is alarmed first"
    )

    class Meta:
        model = Unit
        fields = ("id", "call_sign", "team", "in_service", "crew")
        read_only_fields = fields

    def get_crew(self, unit: Unit) -> list[dict[str, Any]]:
        members: dict[UUID, list[CrewMember]] = self.context["crews"]
        return [dict(MemberOut(member).data) for member in members.get(unit.pk, [])]


class Units(APIView):
    """CARE units with their crews: all for a dispatcher, their team's for a supervisor."""

    permission_classes = [IsDesk]

    @extend_schema(
        operation_id="list_units",
        tags=["crews"],
        responses={200: CrewedUnitOut(many=True), **PROBLEMS(401, 403)},
        examples=[
            OpenApiExample(
                "CARE21",
                {
                    "id": _UNIT,
                    "call_sign": "CARE21",
                    "team": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c21",
                    "in_service": True,
                    "crew": [
                        {
                            "user": _PERSON,
                            "display_name": "A. Rivera",
                            "position": 1,
                            "shift": _SHIFT,
                            "since": "2026-03-04T19:00:00Z",
                        }
                    ],
                },
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request) -> Response:
        units = Unit.objects.filter(agency=Agency.CARE).order_by("call_sign")
        person = person_of(request)
        if person.role == "supervisor":
            units = units.filter(team=person.team_id)
        crews: dict[UUID, list[CrewMember]] = {}
        members = CrewMember.objects.on_duty().filter(unit__in=units).select_related("user")
        for member in members.in_order_of_alarm():
            crews.setdefault(member.unit_id, []).append(member)
        return Response(CrewedUnitOut(units, many=True, context={"crews": crews}).data)


class ShiftIn(serializers.Serializer[Any]):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class ShiftOut(serializers.ModelSerializer[Shift]):
    class Meta:
        model = Shift
        fields = ("id", "team", "starts_at", "ends_at")
        read_only_fields = fields


class Shifts(APIView):
    """Shifts of the supervisor's team."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="list_shifts",
        tags=["crews"],
        responses={200: ShiftOut(many=True), **PROBLEMS(401, 403)},
    )
    def get(self, request: Request) -> Response:
        """Those that are not over, the next to end first."""
        rows = Shift.objects.not_over(clock.now()).filter(team=team_of(request))
        return Response(ShiftOut(rows.order_by("ends_at")[:100], many=True).data)

    @extend_schema(
        operation_id="start_shift",
        tags=["crews"],
        request=ShiftIn,
        responses={201: ShiftOut, **PROBLEMS(400, 401, 403)},
        examples=[
            OpenApiExample(
                "Noon to ten",
                {
                    "starts_at": "2026-03-04T12:00:00-08:00",
                    "ends_at": "2026-03-04T22:00:00-08:00",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Begins a shift."""
        data = ShiftIn(data=request.data)
        data.is_valid(raise_exception=True)
        shift = services.start_shift(
            team=team_of(request),
            **data.validated_data,
            by=user_actor(person_of(request)),
            now=clock.now(),
        )
        return Response(ShiftOut(shift).data, status=201)


UncrewedOut = inline_serializer(
    "ShiftEnded",
    {
        "without_crew": serializers.ListField(
            child=serializers.CharField(), help_text="call signs that nobody is on any more"
        )
    },
)


class EndShift(APIView):
    """Ends a shift: everyone of it leaves their unit. To pass calls on, hand over first."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="end_shift",
        tags=["crews"],
        request=None,
        responses={200: UncrewedOut, **PROBLEMS(401, 403, 404, 409)},
    )
    def post(self, request: Request, shift: UUID) -> Response:
        row = get_object_or_404(Shift, team=team_of(request), pk=shift)
        left = services.end_shift(shift=row, by=user_actor(person_of(request)), now=clock.now())
        return Response({"without_crew": [unit.call_sign for unit in left]})


class CrewIn(serializers.Serializer[Any]):
    shift = serializers.UUIDField()
    crew = serializers.ListField(
        child=serializers.UUIDField(),
        min_length=1,
        max_length=6,
        help_text="people in the order in which they are alarmed",
    )


class Crew(APIView):
    """Hands a unit over: these people are its crew from now on, whoever was before leaves it.

    At one moment the leaving lose its calls and the coming have them. People on another unit leave
    that one.
    """

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="hand_over",
        tags=["crews"],
        request=CrewIn,
        responses={200: MemberOut(many=True), **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Two people", {"shift": _SHIFT, "crew": [_PERSON]}, request_only=True)
        ],
    )
    def put(self, request: Request, unit: UUID) -> Response:
        data = CrewIn(data=request.data)
        data.is_valid(raise_exception=True)
        team = team_of(request)
        row = get_object_or_404(Unit, team=team, agency=Agency.CARE, pk=unit)
        crew = services.hand_over(
            unit=row,
            to=_people(team.users.all(), data.validated_data["crew"]),
            shift=_named(Shift.objects.filter(team=team), data.validated_data["shift"], "/shift"),
            by=user_actor(person_of(request)),
            now=clock.now(),
        )
        return Response(MemberOut(crew, many=True).data)


class JoinIn(serializers.Serializer[Any]):
    user = serializers.UUIDField()
    shift = serializers.UUIDField()
    position = serializers.IntegerField(min_value=1, max_value=9, default=1)


class JoinCrew(APIView):
    """Puts one more person on a unit, off any other one."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="join_crew",
        tags=["crews"],
        request=JoinIn,
        responses={200: MemberOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample(
                "Second responder",
                {"user": _PERSON, "shift": _SHIFT, "position": 2},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, unit: UUID) -> Response:
        data = JoinIn(data=request.data)
        data.is_valid(raise_exception=True)
        team = team_of(request)
        member = services.join_crew(
            user=_named(team.users.all(), data.validated_data["user"], "/user"),
            unit=get_object_or_404(Unit, team=team, agency=Agency.CARE, pk=unit),
            shift=_named(Shift.objects.filter(team=team), data.validated_data["shift"], "/shift"),
            position=data.validated_data["position"],
            by=user_actor(person_of(request)),
            now=clock.now(),
        )
        return Response(MemberOut(member).data)


class LeaveIn(serializers.Serializer[Any]):
    user = serializers.UUIDField()


class LeaveCrew(APIView):
    """Takes a person off their unit. Off duty already: nothing happens."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="leave_crew",
        tags=["crews"],
        request=LeaveIn,
        responses={204: None, **PROBLEMS(400, 401, 403)},
        examples=[OpenApiExample("Off duty", {"user": _PERSON}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        data = LeaveIn(data=request.data)
        data.is_valid(raise_exception=True)
        user = _named(team_of(request).users.all(), data.validated_data["user"], "/user")
        services.leave_crew(user=user, by=user_actor(person_of(request)), now=clock.now())
        return Response(status=204)


def _named(rows: QuerySet[M], pk: UUID, pointer: str) -> M:
    row = rows.filter(pk=pk).first()
    if row is None:
        raise ProblemError(INVALID, errors=[FieldError(pointer, "Not known in your team.")])
    return row


def _people(rows: QuerySet[User], wanted: list[UUID]) -> list[User]:
    found = {row.pk: row for row in rows.filter(pk__in=wanted)}
    errors = [
        FieldError(f"/crew/{index}", "Not known in your team.")
        for index, pk in enumerate(wanted)
        if pk not in found
    ]
    if errors:
        raise ProblemError(INVALID, errors=errors)
    return [found[pk] for pk in wanted]
