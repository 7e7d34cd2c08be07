"""What a tablet asks first: who am I, what is my unit, what must I know to work."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.auth import TabletSession
from apps.accounts.models import Role, Tablet, User
from apps.accounts.permissions import IsTabletOrPerson
from apps.core import clock
from apps.core.schema import PROBLEMS
from apps.dispatch.models import CrewMember
from apps.dispatch.services import crew_of
from apps.sync import projection, registry

_Person = inline_serializer(
    "MePerson",
    {
        "id": serializers.UUIDField(),
        "display_name": serializers.CharField(),
        "role": serializers.ChoiceField(choices=Role.choices),
    },
    allow_null=True,
)
_Tablet = inline_serializer(
    "MeTablet",
    {
        "id": serializers.UUIDField(),
        "label": serializers.CharField(),
        "team": serializers.UUIDField(),
    },
    allow_null=True,
)
_Shift = inline_serializer(
    "MeShift",
    {
        "id": serializers.UUIDField(),
        "starts_at": serializers.DateTimeField(),
        "ends_at": serializers.DateTimeField(),
    },
    allow_null=True,
)
_Unit = inline_serializer(
    "MeUnit",
    {
        "id": serializers.UUIDField(),
        "call_sign": serializers.CharField(),
        "position": serializers.IntegerField(help_text="1 is alarmed first"),
        "crew": inline_serializer(
            "MeCrewMember",
            {
                "id": serializers.UUIDField(),
                "display_name": serializers.CharField(),
                "position": serializers.IntegerField(),
            },
            many=True,
            help_text="the others on the unit",
        ),
    },
    allow_null=True,
)
_Settings = inline_serializer(
    "MeSettings",
    {
        "escalation_seconds": serializers.ListField(child=serializers.FloatField()),
        "heartbeat_seconds": serializers.FloatField(),
        "mistap_seconds": serializers.FloatField(),
        "cleared_stays_seconds": serializers.FloatField(),
        "clock_suspect_seconds": serializers.FloatField(),
        "city_time_zone": serializers.CharField(),
    },
)
MeOut = inline_serializer(
    "Me",
    {
        "person": _Person,
        "tablet": _Tablet,
        "shift": _Shift,
        "unit": _Unit,
        "schema_version": serializers.IntegerField(help_text="of the schemas today"),
        "oldest_schema": serializers.IntegerField(
            help_text="apps built for an older version are told to update"
        ),
        "collections": serializers.DictField(
            child=serializers.IntegerField(),
            help_text="collection to the version in which its schema last changed",
        ),
        "server_time": serializers.DateTimeField(),
        "settings": _Settings,
    },
)
_EXAMPLE = {
    "person": {
        "id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c11",
        "display_name": "A. Rivera",
        "role": "responder",
    },
    "tablet": {
        "id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c41",
        "label": "CARE-21 left",
        "team": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c21",
    },
    "shift": {
        "id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c31",
        "starts_at": "2026-03-04T20:00:00Z",
        "ends_at": "2026-03-05T06:00:00Z",
    },
    "unit": {
        "id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c01",
        "call_sign": "CARE-21",
        "position": 1,
        "crew": [
            {
                "id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c12",
                "display_name": "B. Chen",
                "position": 2,
            }
        ],
    },
    "schema_version": 1,
    "oldest_schema": 1,
    "collections": {"assignments": 1, "quarantine": 1, "facts": 1, "reference": 1},
    "server_time": "2026-03-04T22:20:31.120000Z",
    "settings": {
        "escalation_seconds": [30.0, 60.0, 90.0],
        "heartbeat_seconds": 10.0,
        "mistap_seconds": 10.0,
        "cleared_stays_seconds": 3600.0,
        "clock_suspect_seconds": 120.0,
        "city_time_zone": "America/Los_Angeles",
    },
}


class Me(APIView):
    """Person, tablet, shift and crew; versions of the schemas, the server's clock, settings.

    `person` is null on a tablet that nobody is signed in on; `unit` and `shift` are null for
    somebody on no unit. Durations are as they run here: a demo plays them faster.
    """

    permission_classes = [IsTabletOrPerson]

    @extend_schema(
        operation_id="me",
        tags=["tablets"],
        responses={200: MeOut, **PROBLEMS(401, 403)},
        examples=[OpenApiExample("On duty", _EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        session: object = request.auth
        tablet = session.tablet if isinstance(session, TabletSession) else None
        person = request.user if isinstance(request.user, User) else None
        member = None
        if person is not None:
            on_duty = CrewMember.objects.on_duty().filter(user=person)
            member = on_duty.select_related("unit", "shift").first()
        versions = {one.name: one.versions()[-1] for one in registry.all_for("tablet")}
        return Response(
            {
                "person": _person(person),
                "tablet": _tablet(tablet),
                "shift": _shift(member),
                "unit": _unit(member),
                "schema_version": registry.current_version(),
                "oldest_schema": projection.oldest(),
                "collections": versions,
                "server_time": clock.now(),
                "settings": tablet_settings(),
            }
        )


def tablet_settings() -> dict[str, Any]:
    """What a tablet must know to behave as the server expects; durations as they run here."""

    def runs(seconds: float) -> float:
        return clock.domain(seconds).total_seconds()

    return {
        "escalation_seconds": [runs(seconds) for seconds in settings.ESCALATION_SECONDS],
        "heartbeat_seconds": settings.HEARTBEAT_SECONDS,
        "mistap_seconds": settings.MISTAP_SECONDS,
        "cleared_stays_seconds": runs(settings.CLEARED_STAYS_SECONDS),
        "clock_suspect_seconds": settings.CLOCK_SUSPECT_SECONDS,
        "city_time_zone": settings.CITY_TIME_ZONE,
    }


def _person(person: User | None) -> dict[str, Any] | None:
    if person is None:
        return None
    return {"id": person.pk, "display_name": person.display_name, "role": person.role}


def _tablet(tablet: Tablet | None) -> dict[str, Any] | None:
    if tablet is None:
        return None
    return {"id": tablet.pk, "label": tablet.label, "team": tablet.team_id}


def _shift(member: CrewMember | None) -> dict[str, Any] | None:
    if member is None:
        return None
    shift = member.shift
    return {"id": shift.pk, "starts_at": shift.starts_at, "ends_at": shift.ends_at}


def _unit(member: CrewMember | None) -> dict[str, Any] | None:
    if member is None:
        return None
    return {
        "id": member.unit_id,
        "call_sign": member.unit.call_sign,
        "position": member.position,
        "crew": [
            {"id": one.user_id, "display_name": one.user.display_name, "position": one.position}
            for one in crew_of(member.unit)
            if one.user_id != member.user_id
        ],
    }
