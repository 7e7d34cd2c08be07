"""Notes for whoever is online: read, what is owed, addenda of refused edits, the handover.

Tablets write and sign offline and through `/sync`. Every read is written down.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.renderers import StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of, person_of
from apps.accounts.models import Role
from apps.accounts.permissions import IsRecordKeeper
from apps.assignments.timeline import timeline_document
from apps.audit.services import record
from apps.casenotes import debts, documents, handover, services
from apps.casenotes.known import timeline_of
from apps.casenotes.models import CaseNote, EncounterRecord, OwedReport
from apps.casenotes.parts import handed_over
from apps.casenotes.records import read
from apps.casenotes.shapes import (
    A_DEBT,
    A_HANDOVER,
    A_NOTE,
    A_REPORT,
    AN_ADDENDUM,
    AddendumIn,
    AddendumOut,
    DebtOut,
    HandoverOut,
    NoteOut,
)
from apps.core import clock
from apps.core.pagination import Interleaved, TimePagination
from apps.core.schema import PROBLEMS
from apps.people.models import Encounter
from apps.people.parts import parts_of
from apps.sync.models import QuarantinedWrite


def _looked(request: Request, subject_type: str, ids: list[UUID]) -> None:
    record(
        actor=actor_of(request),
        action="read",
        subject_type=subject_type,
        subject_ids=ids,
        now=clock.now(),
    )


class OneNote(APIView):
    """A note with what else is recorded of its encounter. Of a signed one the text that was
    signed."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="read_case_note",
        tags=["casenotes"],
        responses={200: NoteOut, **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("A draft", A_NOTE, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, note: UUID) -> Response:
        row = get_object_or_404(CaseNote.objects.visible_to(request.user), pk=note)
        known = read(row, now=clock.now())
        parts = parts_of(row.encounter_id)
        parts.pop("note", None)  # it is the note itself
        timeline = timeline_document(timeline_of(known.assignment)) if known.assignment else {}
        _looked(request, "case_note", [row.pk])
        return Response({"note": documents.note_body(known), "timeline": timeline, "parts": parts})


class LongestOwed(TimePagination):
    """A record is owed from when its call was cleared, a report is to be made by its deadline."""

    ordering = ("owed_at", "pk")


class Debts(ListAPIView[Any]):
    """Encounters of cleared calls without a signed note, and reports and notices that the law asks
    for and nobody has made: a responder's own; of supervisors their team's. The longest owed come
    first; a report that is not due yet stands where it will be owed."""

    permission_classes = [IsRecordKeeper]
    serializer_class = DebtOut
    pagination_class = LongestOwed

    def owed(self) -> Interleaved:
        person = person_of(self.request)
        records, reports = EncounterRecord.objects.owed(), OwedReport.objects.open()
        if person.role == Role.SUPERVISOR:
            records, reports = records.visible_to(person), reports.visible_to(person)
        else:
            records, reports = records.owed_by(person), reports.owed_by(person)
        return Interleaved(
            records.annotate(owed_at=F("cleared_at")),
            reports.annotate(owed_at=F("due_at")).select_related("note"),
        )

    @extend_schema(
        operation_id="list_debts",
        tags=["casenotes"],
        responses={200: DebtOut(many=True), **PROBLEMS(401, 403)},
        examples=[
            OpenApiExample("A debt", A_DEBT, response_only=True, status_codes=["200"]),
            OpenApiExample("A report", A_REPORT, response_only=True, status_codes=["200"]),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        owed: Any = self.owed()  # all that a cursor asks of a QuerySet
        rows = self.paginate_queryset(owed)
        assert rows is not None, "it is paged"
        records = [row.pk for row in rows if isinstance(row, EncounterRecord)]
        _looked(request, "encounter", records)
        if notes := [row.pk for row in rows if isinstance(row, OwedReport)]:
            _looked(request, "case_note", notes)
        return self.get_paginated_response(debts.shown(rows, now=clock.now()))


class AddRefused(APIView):
    """Makes an addendum of an edit that came after its note was signed, under its author's name.
    Repeating it gives the same addendum."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="add_refused_edit",
        tags=["casenotes"],
        request=AddendumIn,
        responses={200: AddendumOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("As it was typed", {}, request_only=True),
            OpenApiExample("Added", AN_ADDENDUM, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, write: UUID) -> Response:
        data = AddendumIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = get_object_or_404(QuarantinedWrite.objects.visible_to(request.user), pk=write)
        added = services.add_refused(
            write=row,
            by=person_of(request),
            actor=actor_of(request),
            text=data.validated_data["text"],
            now=clock.now(),
        )
        return Response(documents.addendum(added, frozenset()).body)


class Handover(APIView):
    """What is known of an encounter now, for the medics who take over."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="read_handover",
        tags=["casenotes"],
        responses={200: HandoverOut, **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("Known", A_HANDOVER, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, encounter: UUID) -> Response:
        return Response(_handed_over(request, encounter, clock.now()))


class HandoverPage(APIView):
    """The same as one page, to be shown or printed. By the city's clock."""

    permission_classes = [IsRecordKeeper]
    renderer_classes = [StaticHTMLRenderer]

    @extend_schema(
        operation_id="read_handover_page",
        tags=["casenotes"],
        responses={(200, "text/html"): OpenApiTypes.STR, **PROBLEMS(401, 403, 404)},
    )
    def get(self, request: Request, encounter: UUID) -> HttpResponse:
        now = clock.now()
        told = _handed_over(request, encounter, now)
        with timezone.override(clock.city()):
            context = {"sections": handover.page(told), "call": told["call"], "now": now}
            return HttpResponse(render_to_string("casenotes/handover.html", context))


def _handed_over(request: Request, encounter: UUID, now: datetime) -> dict[str, Any]:
    row = get_object_or_404(Encounter.objects.visible_to(request.user), pk=encounter)
    told = handed_over(row, by=request.user, now=now)
    _looked(request, "encounter", [row.pk])
    return told
