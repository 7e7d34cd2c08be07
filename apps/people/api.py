"""Persons and encounters for whoever is online: read, look for, open without a call, merge.

Tablets work offline and through `/sync`. Every read is written down.
"""

from __future__ import annotations

from itertools import chain
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.renderers import StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of, person_of
from apps.accounts.permissions import IsRecordKeeper, IsResponder, IsSupervisor
from apps.audit.services import record
from apps.core import clock
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.people import documents, services
from apps.people.models import Encounter, Person, PersonQuerySet
from apps.people.page import page
from apps.people.services.encounters import record_of
from apps.people.services.persons import families_of, offer_matches
from apps.people.shapes import (
    A_GLASS,
    A_MERGE,
    A_PERSON,
    AN_ENCOUNTER,
    AN_OFFER,
    GlassOut,
    MergeIn,
    MergeOut,
    OfferOut,
    OpenIn,
    SearchIn,
)


def encounter_for(request: Request, pk: UUID) -> Encounter:
    """The encounter, if whoever asks may see it; otherwise 404."""
    return get_object_or_404(Encounter.objects.visible_to(request.user), pk=pk)


def _audit(request: Request, subject_type: str, *ids: UUID) -> None:
    record(
        actor=actor_of(request),
        action="read",
        subject_type=subject_type,
        subject_ids=list(ids),
        now=clock.now(),
    )


def _persons(request: Request) -> PersonQuerySet:
    return Person.objects.visible_to(request.user)


class OneEncounter(APIView):
    """An encounter as tablets have it, with what the timeline tells of it."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="read_encounter",
        tags=["people"],
        responses={200: OpenApiTypes.OBJECT, **PROBLEMS(401, 403, 404)},
        examples=[
            OpenApiExample("Met", AN_ENCOUNTER, response_only=True, status_codes=["200"]),
        ],
    )
    def get(self, request: Request, encounter: UUID) -> Response:
        row = encounter_for(request, encounter)
        _audit(request, "encounter", row.pk)
        return Response(documents.encounter_body(row, record_of(row.assignment_id)))


class OnePerson(APIView):
    """A person as tablets have them: for whoever has a call that leads to them, their supervisors,
    and whoever broke the glass."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="read_person",
        tags=["people"],
        responses={200: OpenApiTypes.OBJECT, **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("Nameless", A_PERSON, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, person: UUID) -> Response:
        row = get_object_or_404(_persons(request), pk=person)
        _audit(request, "person", row.pk)
        matches = offer_matches(person=row, by=actor_of(request), now=clock.now())
        return Response(documents.person_body(row, matches))


class PersonPage(APIView):
    """The record as a page that the person may be shown or given, to say what is wrong in it: all
    records of them that were merged, the one that goes on first. Without what may endanger others:
    safety notes are counted, not told. By the city's clock."""

    permission_classes = [IsRecordKeeper]
    renderer_classes = [StaticHTMLRenderer]

    @extend_schema(
        operation_id="read_person_page",
        tags=["people"],
        responses={(200, "text/html"): OpenApiTypes.STR, **PROBLEMS(401, 403, 404)},
    )
    def get(self, request: Request, person: UUID) -> HttpResponse:
        families = families_of([person])
        found = list(_persons(request).filter(pk__in=families))
        records = sorted(found, key=lambda row: (families[row.pk] != row.pk, row.created_at))
        if not records:
            raise Http404
        _audit(request, "person", *(row.pk for row in records))
        with timezone.override(clock.city()):
            now = clock.now()
            today = clock.local(now).date()
            told = (page(row.content, reviews=row.safety_reviews, today=today) for row in records)
            context = {"lines": list(dict.fromkeys(chain.from_iterable(told))), "now": now}
            return HttpResponse(render_to_string("people/person.html", context))


class Search(APIView):
    """Looks for somebody by how their name sounds. Who was offered is written down."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="search_people",
        tags=["people"],
        request=SearchIn,
        responses={200: OfferOut(many=True), **PROBLEMS(400, 401, 403)},
        examples=[
            OpenApiExample(
                "By name", {"given_name": "Dana", "family_name": "Reyes"}, request_only=True
            ),
            OpenApiExample("An offer", AN_OFFER, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request) -> Response:
        data = SearchIn(data=request.data)
        data.is_valid(raise_exception=True)
        found = services.look_for(
            like=dict(data.validated_data), by=actor_of(request), now=clock.now()
        )
        return Response(found)


class Open(APIView):
    """Opens a person's record without a call that leads to them (break-glass): for a while, on the
    responder's tablet, for a reason that a supervisor reviews. Repeating it changes nothing."""

    permission_classes = [IsResponder]

    @extend_schema(
        operation_id="break_glass",
        tags=["people"],
        request=OpenIn,
        responses={200: GlassOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample(
                "At the shelter",
                {"reason": "Came up to us at the shelter, in distress, knows us."},
                request_only=True,
            ),
            OpenApiExample("For an hour", A_GLASS, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, person: UUID) -> Response:
        data = OpenIn(data=request.data)
        data.is_valid(raise_exception=True)
        opened = services.break_glass(
            person=get_object_or_404(Person, pk=person),
            reason=data.validated_data["reason"],
            by=person_of(request),
            actor=actor_of(request),
            now=clock.now(),
        )
        return Response(GlassOut(opened).data)


class Merge(APIView):
    """Says that two records are of one person. Nothing is rewritten; it can be taken back."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="merge_person",
        tags=["people"],
        request=MergeIn,
        responses={200: MergeOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("The same", {"into": A_MERGE["merged_into"]}, request_only=True),
            OpenApiExample("Merged", A_MERGE, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, person: UUID) -> Response:
        data = MergeIn(data=request.data)
        data.is_valid(raise_exception=True)
        into = _persons(request).filter(pk=data.validated_data["into"]).first()
        if into is None:
            raise ProblemError(INVALID, errors=[FieldError("/into", "No such person.")])
        merged = services.merge_persons(
            person=get_object_or_404(_persons(request), pk=person),
            into=into,
            by=person_of(request),
            now=clock.now(),
        )
        return Response(MergeOut(merged).data)


class Unmerge(APIView):
    """Takes a merge back: both records stand as they stood. Repeating it changes nothing."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="unmerge_person",
        tags=["people"],
        request=None,
        responses={200: MergeOut, **PROBLEMS(401, 403, 404)},
        examples=[
            OpenApiExample(
                "Apart",
                {**A_MERGE, "merged_into": None, "merged_at": None},
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def post(self, request: Request, person: UUID) -> Response:
        row = get_object_or_404(_persons(request), pk=person)
        apart = services.unmerge_person(person=row, by=person_of(request), now=clock.now())
        return Response(MergeOut(apart).data)
