"""Endpoints for what was not lost: versions of documents, conflicts, the quarantine.

For people at desks, and for responders on their tablets: supervisors for their team, authors for
what is theirs. Every answer with content is in the audit log.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of, person_of
from apps.accounts.models import Role, User
from apps.accounts.permissions import IsPerson
from apps.audit.services import Act, record_all
from apps.core import clock
from apps.core.pagination import CursorPagination
from apps.core.problems import FORBIDDEN, INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.sync import registry
from apps.sync.models import (
    Conflict,
    ConflictQuerySet,
    QuarantinedWrite,
    QuarantinedWriteQuerySet,
    Version,
    VersionQuerySet,
)
from apps.sync.problems import UNKNOWN_COLLECTION
from apps.sync.registry import Collection
from apps.sync.services import quarantine, versions
from apps.sync.services.applying import apply_quarantined
from apps.sync.shapes import (
    A_CONFLICT,
    A_DOCUMENT,
    A_REFUSED,
    A_REFUSED_WHOLE,
    A_VERSION,
    ApplyIn,
    ConflictOut,
    QuarantinedContentOut,
    QuarantinedOut,
    SettleIn,
    VersionOut,
)

Rows = TypeVar("Rows", ConflictQuerySet, QuarantinedWriteQuerySet)

_OPEN = OpenApiParameter("open", bool, description="true: only those that nobody has settled")
_OLD = OpenApiParameter(
    "older_than_hours", int, description="only those that came longer ago, in whole hours"
)
_OF = OpenApiParameter("collection", str, description="only those of this collection")


def _answer(name: str, body: Any) -> OpenApiExample:
    return OpenApiExample(name, body, response_only=True, status_codes=["200"])


def _looked(request: Request, *looks: tuple[str, list[UUID]]) -> None:
    actor = actor_of(request)
    acts = [Act(actor, "read", subject_type, ids) for subject_type, ids in looks]
    record_all(acts, now=clock.now())


def _ids(response: Response) -> list[UUID]:
    return [UUID(str(row["id"])) for row in response.data["results"]]


class HistoryPagination(CursorPagination):
    """A version may have 64 KB."""

    page_size = 20
    max_page_size = 100


class Versions(ListAPIView[Version]):
    """The history of a document that people change together, the newest first: for whoever may see
    the document now, and for authors whose words were kept without holding (those alone)."""

    permission_classes = [IsPerson]
    serializer_class = VersionOut
    pagination_class = HistoryPagination

    def get_queryset(self) -> VersionQuerySet:
        collection = _merged(self.kwargs["collection"])
        rows = Version.objects.visible_to(self.request.user).filter(
            collection=collection.name, doc_id=self.kwargs["document"]
        )
        return rows.select_related("author", "tablet")

    @extend_schema(
        operation_id="list_versions",
        tags=["records"],
        responses={200: VersionOut(many=True), **PROBLEMS(401, 403, 404)},
        examples=[_answer("A version", A_VERSION)],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not self.get_queryset().exists():
            raise Http404
        response = super().get(request, *args, **kwargs)
        subject = _merged(kwargs["collection"]).audit_as or "document"
        _looked(request, ("version", _ids(response)), (subject, [kwargs["document"]]))
        return response


class RestoreVersion(APIView):
    """Puts a version back as the document. What stands there now stays in the history.

    Repeating it changes nothing. 403 for an author who does not see the document any more.
    """

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="restore_version",
        tags=["records"],
        request=None,
        responses={200: OpenApiTypes.OBJECT, **PROBLEMS(400, 401, 403, 404, 409, 503)},
        examples=[_answer("The document now", A_DOCUMENT)],
    )
    def post(self, request: Request, collection: str, document: UUID, version: UUID) -> Response:
        rows = Version.objects.visible_to(request.user).filter(
            collection=_merged(collection).name, doc_id=document
        )
        body = versions.restore(
            version=get_object_or_404(rows, pk=version),
            by=person_of(request),
            actor=actor_of(request),
            now=clock.now(),
        )
        return Response(body)


class Conflicts(ListAPIView[Conflict]):
    """Where two wrote into the same field: what won and what was kept, the newest first. For the
    author of what was kept, and their supervisors."""

    permission_classes = [IsPerson]
    serializer_class = ConflictOut

    def get_queryset(self) -> ConflictQuerySet:
        rows = Conflict.objects.visible_to(self.request.user)
        return _filtered(rows, self.request, now=clock.now()).select_related(
            "author", "tablet", "settled_by"
        )

    @extend_schema(
        operation_id="list_conflicts",
        tags=["records"],
        parameters=[_OPEN, _OLD, _OF],
        responses={200: ConflictOut(many=True), **PROBLEMS(400, 401, 403)},
        examples=[_answer("A conflict", A_CONFLICT)],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        _looked(request, ("conflict", _ids(response)))
        return response


class SettleConflict(APIView):
    """Ends a conflict: `stays` leaves the document as it is, `kept` puts back what was kept.

    Repeating it changes nothing; 409 where somebody has settled it the other way.
    """

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="settle_conflict",
        tags=["records"],
        request=SettleIn,
        responses={200: ConflictOut, **PROBLEMS(400, 401, 403, 404, 409, 503)},
        examples=[
            OpenApiExample("It stays", {"choice": "stays"}, request_only=True),
            _answer("Settled", {**A_CONFLICT, "status": "stays", "settled_at": A_CONFLICT["at"]}),
        ],
    )
    def post(self, request: Request, conflict: UUID) -> Response:
        data = SettleIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = get_object_or_404(Conflict.objects.visible_to(request.user), pk=conflict)
        settled = versions.settle_conflict(
            conflict=row,
            choice=data.validated_data["choice"],
            by=person_of(request),
            actor=actor_of(request),
            now=clock.now(),
        )
        return Response(ConflictOut(settled).data)


class Quarantine(ListAPIView[QuarantinedWrite]):
    """Rows that tablets sent and that could not be taken, the newest first, without what was typed.
    For their authors, and the supervisors of the tablet's team."""

    permission_classes = [IsPerson]
    serializer_class = QuarantinedOut

    def get_queryset(self) -> QuarantinedWriteQuerySet:
        rows = QuarantinedWrite.objects.visible_to(self.request.user)
        return (
            _filtered(rows, self.request, now=clock.now())
            .select_related("author", "tablet")
            .defer("content", "base")
        )

    @extend_schema(
        operation_id="list_quarantine",
        tags=["records"],
        parameters=[_OPEN, _OLD, _OF],
        responses={200: QuarantinedOut(many=True), **PROBLEMS(400, 401, 403)},
        examples=[_answer("Refused", A_REFUSED)],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().get(request, *args, **kwargs)
        _looked(request, ("quarantined_write", _ids(response)))
        return response


class OneQuarantined(APIView):
    """A refused row with what was typed, and what it was typed on."""

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="read_quarantined",
        tags=["records"],
        responses={200: QuarantinedContentOut, **PROBLEMS(401, 403, 404)},
        examples=[_answer("Refused", A_REFUSED_WHOLE)],
    )
    def get(self, request: Request, write: UUID) -> Response:
        row = _refused(request, write)
        body = QuarantinedContentOut(row).data
        _looked(request, ("quarantined_write", [row.pk]))
        return Response(body)


class AcknowledgeQuarantined(APIView):
    """It was seen, and stays untaken. The text stays in the quarantine. Repeating it changes
    nothing."""

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="acknowledge_quarantined",
        tags=["records"],
        request=None,
        responses={200: QuarantinedOut, **PROBLEMS(401, 403, 404, 503)},
        examples=[_answer("Seen", {**A_REFUSED, "status": "acknowledged"})],
    )
    def post(self, request: Request, write: UUID) -> Response:
        row = quarantine.acknowledge(
            write=_refused(request, write), by=person_of(request), now=clock.now()
        )
        return Response(QuarantinedOut(row).data)


class ApplyQuarantined(APIView):
    """Takes a refused row after all, as it was typed or corrected, under its author and by the same
    rules as a push. Repeating it changes nothing.

    400 names what still is wrong, with pointers into `/document`; the row stays open. 409 where it
    was settled in another way.
    """

    permission_classes = [IsPerson]

    @extend_schema(
        operation_id="apply_quarantined",
        tags=["records"],
        request=ApplyIn,
        responses={200: QuarantinedOut, **PROBLEMS(400, 401, 403, 404, 409, 503)},
        examples=[
            OpenApiExample("As it was typed", {}, request_only=True),
            OpenApiExample(
                "Corrected",
                {"document": A_REFUSED_WHOLE["content"]},
                request_only=True,
            ),
            _answer("Taken", {**A_REFUSED, "status": "applied"}),
        ],
    )
    def post(self, request: Request, write: UUID) -> Response:
        data = ApplyIn(data=request.data)
        data.is_valid(raise_exception=True)
        by = person_of(request)
        author = None
        if (named := data.validated_data.get("author")) is not None:
            author = author_for(by, named)
        try:
            row = apply_quarantined(
                write=_refused(request, write),
                by=by,
                document=data.validated_data.get("document"),
                author=author,
                now=clock.now(),
            )
        except ProblemError as problem:
            raise _within_document(problem) from None
        return Response(QuarantinedOut(row).data)


def author_for(by: User, named: UUID) -> User:
    """Whom a supervisor names as the author of a row: one of their own team."""
    if by.role != Role.SUPERVISOR or by.team_id is None:
        raise ProblemError(FORBIDDEN, "Only a supervisor says who typed it.")
    author = User.objects.filter(pk=named, team=by.team_id).first()
    if author is None:
        raise ProblemError(INVALID, errors=[FieldError("/author", "Nobody of your team.")])
    return author


def _within_document(problem: ProblemError) -> ProblemError:
    """The same with pointers into the request, where the document is one field."""
    errors = [
        error if error.pointer == "/author" else replace(error, pointer="/document" + error.pointer)
        for error in problem.errors
    ]
    return ProblemError(
        problem.problem, problem.text, errors=errors, headers=problem.headers, extra=problem.extra
    )


def _refused(request: Request, write: UUID) -> QuarantinedWrite:
    rows = QuarantinedWrite.objects.visible_to(request.user).select_related("author", "tablet")
    return get_object_or_404(rows, pk=write)


def _merged(name: str) -> Collection:
    """The collection, if its documents have a history."""
    collection = registry.get(name)
    if collection is None:
        raise ProblemError(UNKNOWN_COLLECTION)
    if collection.kind != "merged":
        raise Http404
    return collection


def _filtered(rows: Rows, request: Request, *, now: datetime) -> Rows:
    query = request.query_params
    if query.get("open") == "true":
        rows = rows.open()
    if name := query.get("collection"):
        rows = rows.filter(collection=name)
    if (hours := query.get("older_than_hours")) is not None:
        if not (hours.isascii() and hours.isdigit() and len(hours) < 6):
            detail = "A whole number of hours, at most 99,999."
            raise ProblemError(INVALID, errors=[FieldError("/older_than_hours", detail)])
        rows = rows.older_than(timedelta(hours=int(hours)), now=now)
    return rows
