"""Tablets enrol, sign in and out; supervisors make codes and shut tablets out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth import authenticate
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import services
from apps.accounts.auth import TabletSession
from apps.accounts.models import Partner, Role, Tablet, Team, User
from apps.accounts.permissions import IsSupervisor, IsTablet, IsTabletOrDesk
from apps.accounts.throttles import EnrolmentThrottle
from apps.audit.services import Actor
from apps.core import clock
from apps.core.problems import FORBIDDEN, INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS


class EnrolIn(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=40, help_text="as shown by the supervisor")
    claim = serializers.UUIDField(help_text="made by the tablet; the same on every retry")


EnrolOut = inline_serializer(
    "Enrolled",
    {
        "token": serializers.CharField(),
        "tablet": serializers.UUIDField(),
        "label": serializers.CharField(),
    },
)


class Enrol(APIView):
    """A one-time code becomes a tablet and its token."""

    permission_classes = [AllowAny]
    authentication_classes: list[type] = []
    throttle_classes = [EnrolmentThrottle]

    @extend_schema(
        operation_id="enrol",
        tags=["tablets"],
        request=EnrolIn,
        responses={200: EnrolOut, **PROBLEMS(400, 429)},
        examples=[
            OpenApiExample(
                "Enrol",
                {"code": "7KQ2M-9XV4T", "claim": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        data = EnrolIn(data=request.data)
        data.is_valid(raise_exception=True)
        token, tablet = services.enrol(
            code=data.validated_data["code"], claim=data.validated_data["claim"], now=clock.now()
        )
        return Response({"token": token, "tablet": tablet.pk, "label": tablet.label})


class SignInIn(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=60)
    password = serializers.CharField(max_length=200)


PersonOut = inline_serializer(
    "SignedIn",
    {
        "id": serializers.UUIDField(),
        "display_name": serializers.CharField(),
        "role": serializers.ChoiceField(choices=Role.choices),
    },
)


class SignIn(APIView):
    """A responder takes this tablet. Whoever had it before is signed out of it."""

    permission_classes = [IsTablet]

    @extend_schema(
        operation_id="sign_in",
        tags=["tablets"],
        request=SignInIn,
        responses={200: PersonOut, **PROBLEMS(400, 401, 403, 409, 429)},
        examples=[
            OpenApiExample(
                "Sign in", {"username": "responder1", "password": "..."}, request_only=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        data = SignInIn(data=request.data)
        data.is_valid(raise_exception=True)
        person = authenticate(request._request, **data.validated_data)
        if not isinstance(person, User):
            raise ProblemError(
                INVALID, errors=[FieldError("/password", "Name or password is wrong.")]
            )
        session = session_of(request)
        if person.role not in {Role.RESPONDER, Role.SUPERVISOR}:
            raise ProblemError(FORBIDDEN, "Only responders and supervisors work on tablets.")
        services.sign_in(tablet=session.tablet, user=person, now=clock.now())
        return Response({"id": person.pk, "display_name": person.display_name, "role": person.role})


class SignOut(APIView):
    """Ends the sign-in on this tablet. It loses at its next contact what it may not show."""

    permission_classes = [IsTablet]

    @extend_schema(
        operation_id="sign_out",
        tags=["tablets"],
        request=None,
        responses={204: None, **PROBLEMS(401, 403)},
    )
    def post(self, request: Request) -> Response:
        session = session_of(request)
        actor = services.tablet_actor(session.tablet, session.user)
        services.sign_out(tablet=session.tablet, by=actor, now=clock.now())
        return Response(status=204)


TicketOut = inline_serializer("SocketTicket", {"ticket": serializers.CharField()})


class SocketTicket(APIView):
    """A single-use ticket, valid 30 s, for a socket whose client cannot set a header.

    It is sent in the first message (`{"type": "hello", "ticket": "..."}`), never in the address.
    """

    permission_classes = [IsTabletOrDesk]

    @extend_schema(
        operation_id="socket_ticket",
        tags=["tablets"],
        request=None,
        responses={200: TicketOut, **PROBLEMS(401, 403)},
    )
    def post(self, request: Request) -> Response:
        now = clock.now()
        if isinstance(request.auth, TabletSession):
            ticket = services.make_ticket(tablet=request.auth.tablet, user=None, now=now)
        else:
            person = request.user
            assert isinstance(person, User)
            ticket = services.make_ticket(tablet=None, user=person, now=now)
        return Response({"ticket": ticket})


class NewTabletIn(serializers.Serializer[Any]):
    # DRF's own attribute of that name is not used on a serializer.
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=60, help_text="written on the tablet's back"
    )


CodeOut = inline_serializer(
    "EnrolmentCode", {"code": serializers.CharField(), "id": serializers.UUIDField()}
)


class EnrolmentCodes(APIView):
    """A supervisor makes a code for one tablet of their team; it is shown once."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="make_enrolment_code",
        tags=["tablets"],
        request=NewTabletIn,
        responses={201: CodeOut, **PROBLEMS(400, 401, 403)},
        examples=[OpenApiExample("New tablet", {"label": "CARE-21 left"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        data = NewTabletIn(data=request.data)
        data.is_valid(raise_exception=True)
        code, row = services.make_enrolment_code(
            team=team_of(request),
            label=data.validated_data["label"],
            by=person_of(request),
            now=clock.now(),
        )
        return Response({"code": code, "id": row}, status=201)


class RetireTablet(APIView):
    """Shuts a tablet of the supervisor's team out at once. Repeating it changes nothing."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="retire_tablet",
        tags=["tablets"],
        request=None,
        responses={204: None, **PROBLEMS(401, 403, 404)},
    )
    def post(self, request: Request, tablet: UUID) -> Response:
        row = get_object_or_404(Tablet, pk=tablet, team=team_of(request))
        services.retire_tablet(
            tablet=row, by=services.user_actor(person_of(request)), now=clock.now()
        )
        return Response(status=204)


class MarkTablet(APIView):
    """A supervisor says of a tablet of their team that it is lost, compromised, or found."""

    permission_classes = [IsSupervisor]
    verb: Callable[..., None]

    def post(self, request: Request, tablet: UUID) -> Response:
        row = get_object_or_404(Tablet, pk=tablet, team=team_of(request))
        self.verb(tablet=row, by=services.user_actor(person_of(request)), now=clock.now())
        return Response(status=204)


def _marked(name: str) -> Callable[[type[MarkTablet]], type[MarkTablet]]:
    """How one of them is described."""
    schema = extend_schema(
        operation_id=f"mark_tablet_{name}",
        tags=["tablets"],
        request=None,
        responses={204: None, **PROBLEMS(401, 403, 404, 409)},
    )
    return extend_schema_view(post=schema)


@_marked("lost")
class LostTablet(MarkTablet):
    """Nobody knows where this tablet is. It is told to drop what it holds, and may hand in what was
    typed on it, into quarantine. Repeating it changes nothing."""

    verb = staticmethod(services.mark_lost)


@_marked("compromised")
class CompromisedTablet(MarkTablet):
    """Somebody else may have this tablet's token: it is not answered any more, and nothing that it
    sends is kept. Repeating it changes nothing."""

    verb = staticmethod(services.mark_compromised)


@_marked("found")
class FoundTablet(MarkTablet):
    """A lost tablet is back, and works once somebody signs in. Repeating it changes nothing."""

    verb = staticmethod(services.mark_found)


def session_of(request: Request) -> TabletSession:
    """The tablet that calls; permissions have made sure that it is one."""
    session: object = request.auth
    assert isinstance(session, TabletSession)
    return session


def partner_of(request: Request) -> Partner:
    """The partner that calls; permissions have made sure that it is one."""
    partner: object = request.auth
    assert isinstance(partner, Partner)
    return partner


def actor_of(request: Request) -> Actor:
    """Whoever asks, a person or a tablet with its responder, as the audit log names them."""
    if isinstance(request.auth, TabletSession):
        return services.tablet_actor(request.auth.tablet, request.auth.user)
    return services.user_actor(person_of(request))


def person_of(request: Request) -> User:
    """The signed-in person; permissions have made sure that there is one."""
    assert isinstance(request.user, User)
    return request.user


def team_of(request: Request) -> Team:
    """The supervisor's team."""
    team = person_of(request).team
    if team is None:
        raise ProblemError(FORBIDDEN, "Your account belongs to no team.")
    return team
