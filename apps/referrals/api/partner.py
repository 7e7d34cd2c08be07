"""Referrals for a partner's own systems: list, read, answer one or many, know of revocations.

A partner sees what it was sent and nothing else. What a referral says of anybody is decided at each
read, by the consents that hold then, and every read is in the accounting of disclosures.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import partner_of
from apps.accounts.permissions import IsPartner
from apps.accounts.services import partner_actor
from apps.core import clock
from apps.core.pagination import TimePagination
from apps.core.problems import INVALID, NOT_FOUND, Details, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.referrals.models import ConsentRecipient, ReferralTask, Way
from apps.referrals.scorecard import Card
from apps.referrals.services import scorecards
from apps.referrals.services.answers import Said, answer
from apps.referrals.services.consents import acknowledge_revocation
from apps.referrals.services.disclosures import disclose_to_partner
from apps.referrals.shapes import (
    A_CALL_US,
    A_CARD,
    A_LISTED,
    A_REFUSAL,
    A_RESULT,
    A_REVOCATION,
    A_TOLD,
    AN_ANSWER,
    AN_ANSWERED,
    AcknowledgeIn,
    AnsweredOut,
    BulkIn,
    CardOut,
    ListedOut,
    ResultsOut,
    RevocationOut,
    SaidIn,
    said_of,
)

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def task_for(request: Request, pk: UUID) -> ReferralTask:
    """The task, if this partner was ever sent it; otherwise 404."""
    return get_object_or_404(ReferralTask.objects.to(partner_of(request)), pk=pk)


def month_of(request: Request) -> date:
    """`?month=2026-03`; left out: the present one, by the city's clock."""
    text = request.query_params.get("month")
    if text is None:
        return clock.now().astimezone(clock.city()).date().replace(day=1)
    found = _MONTH.fullmatch(text)
    if found is None or not 2000 <= int(found[1]) < 3000:
        raise ProblemError(INVALID, errors=[FieldError("/month", "A month: 2026-03.")])
    return date(int(found[1]), int(found[2]), 1)


def shown_card(month: date, card: Card) -> dict[str, Any]:
    """A scorecard as it is told."""
    return dict(CardOut({"month": f"{month:%Y-%m}", **asdict(card)}).data)


class BySending(TimePagination):
    """A tablet makes the key of a task, and may send it hours after."""

    ordering = ("-sent_at", "-id")


class ByTelling(TimePagination):
    """The key of what a partner is told of a revocation is as old as the consent."""

    ordering = ("-told_at", "-id")


class Referrals(ListAPIView[ReferralTask]):
    """What this partner was sent, the newest first: ids and states, nothing of anybody."""

    permission_classes = [IsPartner]
    serializer_class = ListedOut
    pagination_class = BySending

    def get_queryset(self) -> QuerySet[ReferralTask]:
        rows = ReferralTask.objects.to(partner_of(self.request)).select_related("referral")
        if (awaits := self.request.query_params.get("awaits")) is not None:
            rows = rows.filter(awaits=awaits)
        return rows

    @extend_schema(
        operation_id="list_partner_referrals",
        tags=["partners"],
        parameters=[
            OpenApiParameter(
                "awaits",
                OpenApiTypes.STR,
                enum=["answer", "outcome", "nothing"],
                description="only those that wait for this",
            )
        ],
        responses={200: ListedOut(many=True), **PROBLEMS(401, 403)},
        examples=[OpenApiExample("Asked", A_LISTED, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class OneReferral(APIView):
    """A referral, as far as the consents that hold now let this partner read it. Without any it
    says "call us" and nothing of anybody. Each read is a disclosure that is accounted for."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="read_partner_referral",
        tags=["partners"],
        responses={200: OpenApiTypes.OBJECT, **PROBLEMS(401, 403, 404)},
        examples=[
            OpenApiExample("With consent", A_TOLD, response_only=True, status_codes=["200"]),
            OpenApiExample("Without", A_CALL_US, response_only=True, status_codes=["200"]),
        ],
    )
    def get(self, request: Request, task: UUID) -> Response:
        told = disclose_to_partner(
            task=task_for(request, task),
            way=Way.API,
            actor=partner_actor(partner_of(request)),
            token_id=partner_of(request).token_id,
            now=clock.now(),
        )
        return Response(told.document)


class Answers(APIView):
    """Answers a referral: accepts, declines with a reason, asks, sets an appointment, reports what
    came of it. The same `key` again is one answer."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="answer_referral",
        tags=["partners"],
        request=SaidIn,
        responses={200: AnsweredOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("Yes", AN_ANSWER, request_only=True),
            OpenApiExample("No", A_REFUSAL, request_only=True),
            OpenApiExample("Taken", AN_ANSWERED, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, task: UUID) -> Response:
        data = SaidIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = answer(
            task=task_for(request, task),
            said=_said(request, data.validated_data),
            now=clock.now(),
        )
        return Response(AnsweredOut(row).data)


class ManyAnswers(APIView):
    """Answers many referrals at once, each on its own: one that is refused holds up no other."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="answer_referrals",
        tags=["partners"],
        request=BulkIn,
        responses={200: ResultsOut, **PROBLEMS(400, 401, 403)},
        examples=[
            OpenApiExample(
                "Two",
                {"answers": [{"task": A_LISTED["id"], **AN_ANSWER}]},
                request_only=True,
            ),
            OpenApiExample(
                "Taken", {"results": [A_RESULT]}, response_only=True, status_codes=["200"]
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        data = BulkIn(data=request.data)
        data.is_valid(raise_exception=True)
        results = [self._one(request, dict(one)) for one in data.validated_data["answers"]]
        return Response(ResultsOut({"results": results}).data)

    def _one(self, request: Request, told: dict[str, Any]) -> dict[str, Any]:
        pk = told.pop("task")
        result = {"task": pk, "key": told["key"], "taken": False, "status": None, "problem": None}
        task = ReferralTask.objects.to(partner_of(request)).filter(pk=pk).first()
        if task is None:
            return {**result, "problem": Details(NOT_FOUND).body()}
        try:
            row = answer(task=task, said=_said(request, told), now=clock.now())
        except ProblemError as refused:
            problem = Details(refused.problem, refused.text, refused.errors)
            return {**result, "status": task.status, "problem": problem.body()}
        return {**result, "taken": True, "status": row.status}


class Revocations(ListAPIView[ConsentRecipient]):
    """Consents that are revoked, of which this partner was told, the newest first. Data that was
    read on one of them is not to be used any further."""

    permission_classes = [IsPartner]
    serializer_class = RevocationOut
    pagination_class = ByTelling

    def get_queryset(self) -> QuerySet[ConsentRecipient]:
        return ConsentRecipient.objects.to(partner_of(self.request))

    @extend_schema(
        operation_id="list_revocations",
        tags=["partners"],
        responses={200: RevocationOut(many=True), **PROBLEMS(401, 403)},
        examples=[OpenApiExample("One", A_REVOCATION, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class AcknowledgeRevocation(APIView):
    """Says that this partner knows of a revocation. The first time stands."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="acknowledge_revocation",
        tags=["partners"],
        request=AcknowledgeIn,
        responses={200: RevocationOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Known", {"by": "Kim, records"}, request_only=True),
            OpenApiExample(
                "Noted",
                {**A_REVOCATION, "acknowledged_at": "2026-03-05T18:04:00.000000Z"},
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request, revocation: UUID) -> Response:
        data = AcknowledgeIn(data=request.data)
        data.is_valid(raise_exception=True)
        rows = ConsentRecipient.objects.to(partner_of(request))
        row = acknowledge_revocation(
            recipient=get_object_or_404(rows, pk=revocation),
            by=data.validated_data["by"],
            way=Way.API,
            actor=partner_actor(partner_of(request)),
            now=clock.now(),
        )
        return Response(RevocationOut(row).data)


class OwnScorecard(APIView):
    """This partner's own month: before anybody else sees it."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="read_own_scorecard",
        tags=["partners"],
        parameters=[OpenApiParameter("month", OpenApiTypes.STR, description="2026-03")],
        responses={200: CardOut, **PROBLEMS(400, 401, 403)},
        examples=[OpenApiExample("A month", A_CARD, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        partner, month = partner_of(request), month_of(request)
        card = scorecards.own_scorecard(
            partner=partner, month=month, by=partner_actor(partner), now=clock.now()
        )
        return Response(shown_card(month, card))


def _said(request: Request, told: dict[str, Any]) -> Said:
    """What a partner's system says."""
    partner = partner_of(request)
    return said_of(
        told,
        way=Way.API,
        actor=partner_actor(partner),
        token_id=partner.token_id,
        now=clock.now(),
    )
