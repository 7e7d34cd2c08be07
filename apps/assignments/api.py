"""Assignments for desks, and for responders as far as they see them: read, give, call off, answer.

Tablets work offline and through `/sync`; these endpoints are for screens that are online.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of, person_of
from apps.accounts.permissions import IsDesk, IsPerson
from apps.assignments import codes, documents, schemas, services, timeline
from apps.assignments.models import Alert, AlertQuerySet, Assignment, Fact
from apps.assignments.records import Record, look_at
from apps.assignments.shapes import (
    A_FACT,
    A_SUMMARY,
    A_UNIT,
    AN_ALERT,
    AlertOut,
    AssignIn,
    AssignmentOut,
    FactIn,
    FactOut,
    LinkIn,
    ReasonIn,
    ReassignIn,
    SummaryOut,
)
from apps.audit.services import record
from apps.core import clock
from apps.core.problems import FORBIDDEN, INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.dispatch.models import Agency, CrewMember, Incident, Source, Unit


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
        examples=[OpenApiExample("One line", A_SUMMARY, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        _audit(request, "assignment", [UUID(str(row["id"])) for row in response.data["results"]])
        return response


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
        body = {
            "assignment": documents.assignment_body(seen, clock.now()),
            "timeline": timeline.timeline_document(seen.timeline),
            "history": timeline.history_document(seen.timeline),
            "handoff": documents.handoff(seen),
        }
        _audit(request, "assignment", [row.pk])
        return Response(body)


class Facts(APIView):
    """What happened on an assignment, in the server's order; a desk adds what it hears by radio."""

    def get_permissions(self) -> list[Any]:
        return [IsPerson() if self.request.method == "GET" else IsDesk()]

    @extend_schema(
        operation_id="list_facts",
        tags=["assignments"],
        responses={200: FactOut(many=True), **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("On scene", A_FACT, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, assignment: UUID) -> Response:
        seen = look_at(assignment_for(request, assignment))
        _audit(request, "assignment", [assignment])
        return Response([_fact_body(seen, fact) for fact in seen.facts])

    @extend_schema(
        operation_id="record_fact",
        tags=["assignments"],
        request=FactIn,
        responses={201: FactOut, 200: FactOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample(
                "Heard by radio", {"id": A_FACT["id"], "event": "on_scene"}, request_only=True
            ),
            OpenApiExample("Taken", A_FACT, response_only=True, status_codes=["201", "200"]),
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
        fact = Fact.objects.select_related("author", "unit").get(pk=given["id"])
        if fact.event in codes.PRIVATE or fact.assignment_id is None:
            body = {"editor": None, "edit_no": None, **documents.private_body(fact)}
        else:
            body = _fact_body(look_at(row), fact)
        return Response(body, status=201 if new else 200)


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
                {"unit": A_UNIT, "reason": "Police on scene ask for CARE."},
                request_only=True,
            ),
            OpenApiExample("Given", A_SUMMARY, response_only=True, status_codes=["200"]),
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


class Reassign(APIView):
    """Gives a call to another CARE unit, with its history. The former unit's tablets lose it."""

    permission_classes = [IsDesk]

    @extend_schema(
        operation_id="reassign",
        tags=["assignments"],
        request=ReassignIn,
        responses={200: SummaryOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("Nearer", {"unit": A_UNIT, "reason": "Nearer."}, request_only=True),
            OpenApiExample("Given on", A_SUMMARY, response_only=True, status_codes=["200"]),
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
                {**A_SUMMARY, "state": "closed", "closing": "cancelled"},
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


class Link(APIView):
    """Ties an assignment that responders started to the CAD's event.

    Repeating it changes nothing. A number that a responder can hardly mean (an event of another
    time or place, or another unit's call) waits for a desk: `link_waits`.
    """

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="link_assignment",
        tags=["assignments"],
        request=LinkIn,
        responses={200: SummaryOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("CAD event", {"cad_number": "26000012345"}, request_only=True),
            OpenApiExample("Linked", A_SUMMARY, response_only=True, status_codes=["200"]),
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


class Alerts(ListAPIView[Alert]):
    """Alerts of the supervisor's team, or of the agency for the dispatch desk, the newest first."""

    permission_classes = [IsDesk]
    serializer_class = AlertOut

    def get_queryset(self) -> QuerySet[Alert]:
        rows = _alerts().visible_to(self.request.user)
        return rows.open() if self.request.query_params.get("open") == "true" else rows

    @extend_schema(
        operation_id="list_alerts",
        tags=["alerts"],
        parameters=[OpenApiParameter("open", bool, description="true: only the unanswered")],
        responses={200: AlertOut(many=True), **PROBLEMS(401, 403)},
        examples=[OpenApiExample("Emergency", AN_ALERT, response_only=True, status_codes=["200"])],
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
        examples=[OpenApiExample("Answered", AN_ALERT, response_only=True, status_codes=["200"])],
    )
    def post(self, request: Request, alert: UUID) -> Response:
        row = get_object_or_404(Alert.objects.visible_to(request.user), pk=alert)
        services.acknowledge_alert(alert=row, by=person_of(request), now=clock.now())
        return Response(AlertOut(_alerts().get(pk=row.pk)).data)


def _fact_body(seen: Record, fact: Fact) -> dict[str, Any]:
    """A fact as tablets get it; a fact that no tablet made has no editor."""
    return {"editor": None, "edit_no": None, **(documents.fact(seen, fact).body or {})}


def _alerts() -> AlertQuerySet:
    """Alerts as AlertOut shows them."""
    return Alert.objects.with_taps().select_related("unit", "acknowledged_by")


def _unit(pk: UUID) -> Unit:
    unit = Unit.objects.filter(pk=pk, agency=Agency.CARE).first()
    if unit is None:
        raise ProblemError(INVALID, errors=[FieldError("/unit", "No such CARE unit.")])
    return unit
