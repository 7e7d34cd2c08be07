"""Assignments for desks, and for responders as far as they see them: read, give, call off, answer.

Tablets work offline and through `/sync`; these endpoints are for screens that are online.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import person_of
from apps.accounts.auth import TabletSession
from apps.accounts.permissions import IsDesk, IsPerson
from apps.accounts.services import tablet_actor, user_actor
from apps.assignments import documents, schemas, services, timeline
from apps.assignments.models import Alert, Assignment
from apps.assignments.records import facts_of, limits, look_at, told
from apps.audit.services import Actor, record
from apps.core import clock
from apps.core.problems import FORBIDDEN, INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.dispatch.models import Agency, CrewMember, Incident, Source, Unit

_ID: Final = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
_UNIT: Final = "01931f6e-0000-7c3a-9a51-0d7a8f4b2c01"
_SUMMARY: Final = {
    "id": _ID,
    "incident": "01931f6e-7f40-7c3a-9a51-0d7a8f4b2c10",
    "cad_number": "26000012345",
    "unit": "CARE21",
    "entry_kind": "dual_911",
    "source": "cad",
    "state": "en_route",
    "closing": "",
    "needs_ack": False,
    "alarm_level": 0,
    "overridden": False,
    "given_at": "2026-03-04T22:20:31.120000Z",
    "closed_at": None,
    "flags": [],
}


def actor_of(request: Request) -> Actor:
    """Whoever asks, as the audit log names them."""
    session: object = request.auth
    if isinstance(session, TabletSession):
        return tablet_actor(session.tablet, session.user)
    return user_actor(person_of(request))


def assignment_for(request: Request, pk: UUID) -> Assignment:
    """The assignment, if whoever asks may see it; otherwise 404."""
    rows = Assignment.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("incident", "unit", "given_by"), pk=pk)


def _audit(request: Request, subject_type: str, ids: list[UUID]) -> None:
    record(
        actor=actor_of(request),
        action="read",
        subject_type=subject_type,
        subject_ids=ids,
        now=clock.now(),
    )


class SummaryOut(serializers.ModelSerializer[Assignment]):
    """One line of a list: codes and times, nothing of the call's text."""

    cad_number = serializers.CharField(source="incident.cad_number", allow_null=True)
    unit = serializers.CharField(source="unit.call_sign")
    needs_ack = serializers.SerializerMethodField()
    overridden = serializers.SerializerMethodField(help_text="given against the rules' verdict")

    class Meta:
        model = Assignment
        fields = (
            *("id", "incident", "cad_number", "unit", "entry_kind", "source", "state", "closing"),
            *("needs_ack", "alarm_level", "overridden", "given_at", "closed_at", "flags"),
        )
        read_only_fields = fields

    def get_needs_ack(self, row: Assignment) -> bool:
        return row.alarm_from is not None

    def get_overridden(self, row: Assignment) -> bool:
        return row.override_reason is not None


class Assignments(ListAPIView[Assignment]):
    """The assignments that whoever asks may see, the newest first."""

    permission_classes = [IsPerson]
    serializer_class = SummaryOut

    def get_queryset(self) -> QuerySet[Assignment]:
        rows = Assignment.objects.visible_to(self.request.user).select_related("incident", "unit")
        return rows.open() if self.request.query_params.get("open") == "true" else rows

    @extend_schema(
        operation_id="list_assignments",
        tags=["assignments"],
        parameters=[OpenApiParameter("open", bool, description="true: only those not closed")],
        responses={200: SummaryOut(many=True), **PROBLEMS(401, 403)},
        examples=[OpenApiExample("One line", _SUMMARY, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        _audit(request, "assignment", [UUID(str(row["id"])) for row in response.data["results"]])
        return response


class AssignmentOut(serializers.Serializer[Any]):
    assignment = serializers.DictField(help_text="the document that tablets get, hazards first")
    timeline = serializers.DictField(help_text="state, times with every telling, durations, flags")
    history = serializers.ListField(
        child=serializers.DictField(), help_text="every fact as told and as it stands now"
    )
    handoff = serializers.DictField(
        help_text="police, fire and CARE over all CARE units of the incident"
    )


class OneAssignment(APIView):
    """One assignment with its whole timeline."""

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="read_assignment",
        tags=["assignments"],
        responses={200: AssignmentOut, **PROBLEMS(401, 403, 404)},
        examples=[
            OpenApiExample(
                "An assignment",
                {
                    "assignment": schemas.ASSIGNMENT["examples"][0],
                    "timeline": {"state": "assigned", "needs_ack": True, "times": {}, "flags": []},
                    "history": [],
                    "handoff": {"scene": "not_stated", "declined": [], "care_cleared_at": None},
                },
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request, assignment: UUID) -> Response:
        row = assignment_for(request, assignment)
        seen = look_at(row)
        siblings = Assignment.objects.filter(incident=row.incident_id).values_list("pk", flat=True)
        facts = [told(fact, fact.order) for fact in facts_of(siblings)]
        body = {
            "assignment": documents.assignment_body(seen, clock.now()),
            "timeline": timeline.timeline_document(seen.timeline),
            "history": timeline.history_document(seen.timeline),
            "handoff": timeline.handoff_document(
                timeline.ledger(facts, documents.paired(seen), limits=limits())
            ),
        }
        _audit(request, "assignment", [row.pk])
        return Response(body)


class FactOut(serializers.Serializer[Any]):
    """A fact as tablets get it: see the collection `facts`."""

    id = serializers.UUIDField()
    event = serializers.CharField()
    device_time = serializers.CharField(allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment]  # a declared field, no property
    author_name = serializers.CharField()
    unit = serializers.CharField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # likewise
    received_at = serializers.CharField()
    flags = serializers.ListField(child=serializers.CharField())
    order = serializers.IntegerField()


class FactIn(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="made by the caller; a repeat is told from a second fact")
    event = serializers.CharField(max_length=24)
    at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="when it happened; now if left out"
    )
    data = serializers.DictField(required=False, default=dict)  # type: ignore[assignment]


_FACT: Final = {
    "id": "01931f70-1a2b-7c3a-9a51-0d7a8f4b2c20",
    "event": "on_scene",
    "device_time": "2026-03-04T22:29:40.120Z",
    "data": {},
    "author_name": "R. Ortega",
    "unit": "CARE21",
    "source": "tablet",
    "received_at": "2026-03-04T22:29:41.007Z",
    "flags": [],
    "order": 4711,
}


class Facts(APIView):
    """What happened on an assignment, in the server's order; a desk adds what it hears by radio."""

    def get_permissions(self) -> list[Any]:
        return [IsPerson() if self.request.method == "GET" else IsDesk()]

    @extend_schema(
        operation_id="list_facts",
        tags=["assignments"],
        responses={200: FactOut(many=True), **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("On scene", _FACT, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, assignment: UUID) -> Response:
        seen = look_at(assignment_for(request, assignment))
        _audit(request, "assignment", [assignment])
        return Response([documents.fact(seen, fact).body for fact in seen.facts])

    @extend_schema(
        operation_id="record_fact",
        tags=["assignments"],
        request=FactIn,
        responses={201: FactOut, 200: FactOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample(
                "Heard by radio", {"id": _FACT["id"], "event": "on_scene"}, request_only=True
            ),
            OpenApiExample("Taken", _FACT, response_only=True, status_codes=["201", "200"]),
        ],
    )
    def post(self, request: Request, assignment: UUID) -> Response:
        data = FactIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = assignment_for(request, assignment)
        given = data.validated_data
        problems = timeline.problems_of(given["event"], given["data"])
        if problems:
            # A person at a desk can mend it at once; a tap on a tablet could not.
            raise ProblemError(INVALID, errors=[FieldError(*problem) for problem in problems])
        telling = services.Telling(
            id=given["id"],
            event=given["event"],
            assignment_id=row.pk,
            data=given["data"],
            device_time=given["at"],
        )
        new = services.record_from_desk(telling=telling, by=person_of(request), now=clock.now())
        seen = look_at(row)
        fact = next(fact for fact in seen.facts if fact.pk == given["id"])
        return Response(documents.fact(seen, fact).body, status=201 if new else 200)


class AssignIn(serializers.Serializer[Any]):
    unit = serializers.UUIDField(help_text="a CARE unit in service")
    reason = serializers.CharField(
        max_length=2000,
        required=False,
        allow_blank=True,
        default="",
        help_text="required where the dispatch rules say not eligible or not determined",
    )


class Assign(APIView):
    """Gives an incident to a CARE unit: a desk to any, a responder to their own.

    Repeating it changes nothing. Against the rules' verdict it takes a reason, shown to everybody.
    """

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="assign",
        tags=["assignments"],
        request=AssignIn,
        responses={200: SummaryOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample(
                "Against the verdict",
                {"unit": _UNIT, "reason": "Police on scene ask for CARE."},
                request_only=True,
            ),
            OpenApiExample("Given", _SUMMARY, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, incident: UUID) -> Response:
        data = AssignIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = get_object_or_404(Incident.objects.visible_to(request.user), pk=incident)
        unit = _unit(data.validated_data["unit"])
        person = person_of(request)
        source = Source.DESK
        if not IsDesk().has_permission(request, self):
            source = Source.RESPONDER
            if not CrewMember.objects.on_duty().filter(user=person, unit=unit).exists():
                raise ProblemError(FORBIDDEN, "A responder takes a call for their own unit only.")
        given = services.assign(
            incident=row,
            unit=unit,
            source=source,
            by=person,
            reason=data.validated_data["reason"],
            now=clock.now(),
            actor=actor_of(request),
        )
        return Response(SummaryOut(given).data)


class ReassignIn(serializers.Serializer[Any]):
    unit = serializers.UUIDField(help_text="the CARE unit that takes it over")
    reason = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class Reassign(APIView):
    """Gives a call to another CARE unit, with its history. The former unit's tablets lose it."""

    permission_classes = [IsDesk]

    @extend_schema(
        operation_id="reassign",
        tags=["assignments"],
        request=ReassignIn,
        responses={200: SummaryOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("Nearer", {"unit": _UNIT, "reason": "Nearer."}, request_only=True),
            OpenApiExample("Given on", _SUMMARY, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, assignment: UUID) -> Response:
        data = ReassignIn(data=request.data)
        data.is_valid(raise_exception=True)
        moved = services.reassign(
            assignment=assignment_for(request, assignment),
            to=_unit(data.validated_data["unit"]),
            by=person_of(request),
            reason=data.validated_data["reason"],
            now=clock.now(),
        )
        return Response(SummaryOut(moved).data)


class ReasonIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)


class Cancel(APIView):
    """Calls a unit off. Repeating it changes nothing; once contact was made, responders clear."""

    permission_classes = [IsDesk]

    @extend_schema(
        operation_id="cancel_assignment",
        tags=["assignments"],
        request=ReasonIn,
        responses={200: SummaryOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("Called off", {"reason": "Caller called back."}, request_only=True),
            OpenApiExample(
                "Closed",
                {**_SUMMARY, "state": "closed", "closing": "cancelled"},
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request, assignment: UUID) -> Response:
        data = ReasonIn(data=request.data)
        data.is_valid(raise_exception=True)
        cancelled = services.cancel(
            assignment=assignment_for(request, assignment),
            by=person_of(request),
            reason=data.validated_data["reason"],
            now=clock.now(),
        )
        return Response(SummaryOut(cancelled).data)


class LinkIn(serializers.Serializer[Any]):
    cad_number = serializers.CharField(max_length=60)


class Link(APIView):
    """Ties an assignment that responders started to the CAD's event.

    Repeating it changes nothing.
    """

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="link_assignment",
        tags=["assignments"],
        request=LinkIn,
        responses={200: SummaryOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("CAD event", {"cad_number": "26000012345"}, request_only=True),
            OpenApiExample("Linked", _SUMMARY, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, assignment: UUID) -> Response:
        data = LinkIn(data=request.data)
        data.is_valid(raise_exception=True)
        linked = services.link(
            assignment=assignment_for(request, assignment),
            cad_number=data.validated_data["cad_number"],
            by=person_of(request),
            now=clock.now(),
            actor=actor_of(request),
        )
        return Response(SummaryOut(linked).data)


class AlertOut(serializers.ModelSerializer[Alert]):
    """One alert: codes and times, nothing of the call's text."""

    unit = serializers.CharField(source="unit.call_sign", allow_null=True, default=None)
    acknowledged_by = serializers.CharField(
        source="acknowledged_by.display_name", allow_null=True, default=None
    )

    class Meta:
        model = Alert
        fields = (
            *("id", "kind", "level", "assignment_id", "fact_id", "unit", "raised_at"),
            *("acknowledged_by", "acknowledged_at", "stopped_at"),
        )
        read_only_fields = fields


_ALERT: Final = {
    "id": "01931f71-1a2c-7c3a-9a51-0d7a8f4b2c22",
    "kind": "emergency",
    "level": 3,
    "assignment_id": _ID,
    "fact_id": "01931f71-1a2b-7c3a-9a51-0d7a8f4b2c21",
    "unit": "CARE21",
    "raised_at": "2026-03-04T22:31:02.410000Z",
    "acknowledged_by": "Dispatch 2",
    "acknowledged_at": "2026-03-04T22:31:04.311000Z",
    "stopped_at": None,
}


class Alerts(ListAPIView[Alert]):
    """Alerts of the supervisor's team, or of the agency for the dispatch desk, the newest first."""

    permission_classes = [IsDesk]
    serializer_class = AlertOut

    def get_queryset(self) -> QuerySet[Alert]:
        rows = Alert.objects.visible_to(self.request.user).select_related("unit", "acknowledged_by")
        return rows.open() if self.request.query_params.get("open") == "true" else rows

    @extend_schema(
        operation_id="list_alerts",
        tags=["alerts"],
        parameters=[OpenApiParameter("open", bool, description="true: only the unanswered")],
        responses={200: AlertOut(many=True), **PROBLEMS(401, 403)},
        examples=[OpenApiExample("Emergency", _ALERT, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        _audit(request, "alert", [UUID(str(row["id"])) for row in response.data["results"]])
        return response


class AcknowledgeAlert(APIView):
    """Answers an alert. The first answer stands, and the tablet that called shows whose it was.

    Repeating it changes nothing and says who was first.
    """

    permission_classes = [IsDesk]

    @extend_schema(
        operation_id="acknowledge_alert",
        tags=["alerts"],
        request=None,
        responses={200: AlertOut, **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("Answered", _ALERT, response_only=True, status_codes=["200"])],
    )
    def post(self, request: Request, alert: UUID) -> Response:
        row = get_object_or_404(Alert.objects.visible_to(request.user), pk=alert)
        answered = services.acknowledge_alert(alert=row, by=person_of(request), now=clock.now())
        return Response(AlertOut(answered).data)


def _unit(pk: UUID) -> Unit:
    unit = Unit.objects.filter(pk=pk, agency=Agency.CARE).first()
    if unit is None:
        raise ProblemError(INVALID, errors=[FieldError("/unit", "No such CARE unit.")])
    return unit
