"""Referrals for whoever is online at CARE: read, enter what a partner said on the telephone, the
accounting of disclosures. Tablets work offline and through `/sync`. Every read is written down."""

from __future__ import annotations

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

from apps.accounts.api import actor_of, person_of
from apps.accounts.models import Partner
from apps.accounts.permissions import IsRecordKeeper, IsSupervisor
from apps.audit.services import record
from apps.core import clock
from apps.core.pagination import TimePagination
from apps.core.schema import PROBLEMS
from apps.people.models import Encounter, Person
from apps.referrals import documents, records, schemas
from apps.referrals.api.partner import month_of, shown_card
from apps.referrals.models import ConsentRecipient, Disclosure, Referral, ReferralTask, Way
from apps.referrals.services import scorecards
from apps.referrals.services.answers import Said, answer
from apps.referrals.services.consents import acknowledge_revocation
from apps.referrals.services.disclosures import accounting_of, disclose_on_basis
from apps.referrals.shapes import (
    A_CARD,
    A_DISCLOSED,
    A_DISCLOSURE,
    A_REVOCATION,
    AN_ANSWER,
    AN_ANSWERED,
    AN_ORDER,
    AcknowledgeIn,
    AnsweredOut,
    CardOut,
    DisclosedOut,
    DiscloseIn,
    DisclosureOut,
    RevocationOut,
    SaidIn,
    said_of,
)


class EncounterReferrals(APIView):
    """The referrals of an encounter as tablets have them, with what the partners said."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="list_encounter_referrals",
        tags=["referrals"],
        responses={200: OpenApiTypes.OBJECT, **PROBLEMS(401, 403, 404)},
        examples=[
            OpenApiExample(
                "One",
                {"referrals": [schemas.REFERRAL["examples"][1]]},
                response_only=True,
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request, encounter: UUID) -> Response:
        now = clock.now()
        seen = get_object_or_404(Encounter.objects.visible_to(request.user), pk=encounter)
        rows = list(Referral.objects.of_encounters([seen.pk]))
        _looked(request, "referral", [row.pk for row in rows])
        told = [records.record_of(row, now=now) for row in rows]
        return Response({"referrals": [documents.referral_body(one, now=now) for one in told]})


class TelephoneAnswer(APIView):
    """Enters what a partner said on the telephone: it counts like any other answer. `said_by` names
    who said it, `said_at` when; whoever is signed in is named as who entered it."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="enter_telephone_answer",
        tags=["referrals"],
        request=SaidIn,
        responses={200: AnsweredOut, **PROBLEMS(400, 401, 403, 404, 409)},
        examples=[
            OpenApiExample("Yes", AN_ANSWER, request_only=True),
            OpenApiExample("Taken", AN_ANSWERED, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, task: UUID) -> Response:
        data = SaidIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = answer(
            task=get_object_or_404(ReferralTask.objects.visible_to(request.user), pk=task),
            said=_said(request, data.validated_data),
            now=clock.now(),
        )
        return Response(AnsweredOut(row).data)


class TelephoneAcknowledgement(APIView):
    """Enters that a partner has said on the telephone that it knows of a revocation."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="enter_acknowledgement",
        tags=["referrals"],
        request=AcknowledgeIn,
        responses={200: RevocationOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Known", {"by": "Kim, records"}, request_only=True),
            OpenApiExample("Noted", A_REVOCATION, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, revocation: UUID) -> Response:
        data = AcknowledgeIn(data=request.data)
        data.is_valid(raise_exception=True)
        rows = ConsentRecipient.objects.visible_to(request.user)
        row = acknowledge_revocation(
            recipient=get_object_or_404(rows, pk=revocation),
            by=data.validated_data["by"],
            way=Way.TELEPHONE,
            actor=actor_of(request),
            now=clock.now(),
        )
        return Response(RevocationOut(row).data)


class ByTime(TimePagination):
    """When it was told: an entry may come hours after."""

    ordering = ("-at", "-id")


class Accounting(ListAPIView[Disclosure]):
    """What was told of a person, to whom, why: all of it, whichever team told it, the newest first
    (45 CFR 164.528). The page that is shown is in the log of reads."""

    permission_classes = [IsSupervisor]
    serializer_class = DisclosureOut
    pagination_class = ByTime

    def get_queryset(self) -> QuerySet[Disclosure]:
        person = get_object_or_404(
            Person.objects.visible_to(self.request.user), pk=self.kwargs["person"]
        )
        return accounting_of(person_id=person.pk)

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        _looked(self.request, "disclosure", [one.pk for one in page or ()])
        _looked(self.request, "person", [self.kwargs["person"]])
        return page

    @extend_schema(
        operation_id="list_disclosures",
        tags=["referrals"],
        responses={200: DisclosureOut(many=True), **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("One", A_DISCLOSURE, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Disclose(APIView):
    """Discloses what a basis opens that is no consent: to a court, for a mandated report, against a
    threat. The answer is what may be handed over; the accounting holds its hash. A handover to
    medics waits for none of this: tablets record it afterwards."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="disclose_on_basis",
        tags=["referrals"],
        request=DiscloseIn,
        responses={200: DisclosedOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("An order", AN_ORDER, request_only=True),
            OpenApiExample("Disclosed", A_DISCLOSED, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, encounter: UUID) -> Response:
        data = DiscloseIn(data=request.data)
        data.is_valid(raise_exception=True)
        told = disclose_on_basis(
            encounter=get_object_or_404(Encounter.objects.visible_to(request.user), pk=encounter),
            **data.validated_data,
            by=person_of(request),
            actor=actor_of(request),
            now=clock.now(),
        )
        return Response(DisclosedOut({"document": told.document, "disclosure": told.row}).data)


class PartnerScorecard(APIView):
    """One partner's month, once the partner has seen it or a fortnight after it. There is no list
    of partners by their figures."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="read_scorecard",
        tags=["referrals"],
        parameters=[OpenApiParameter("month", OpenApiTypes.STR, description="2026-03")],
        responses={200: CardOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[OpenApiExample("A month", A_CARD, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, partner: UUID) -> Response:
        month = month_of(request)
        card = scorecards.scorecard_of(
            partner=get_object_or_404(Partner, pk=partner),
            month=month,
            by=actor_of(request),
            now=clock.now(),
        )
        return Response(shown_card(month, card))


def _said(request: Request, told: dict[str, Any]) -> Said:
    """What a partner said to whoever is signed in."""
    return said_of(
        told,
        way=Way.TELEPHONE,
        actor=actor_of(request),
        recorded_by=person_of(request),
        now=clock.now(),
    )


def _looked(request: Request, subject_type: str, ids: list[UUID]) -> None:
    record(
        actor=actor_of(request),
        action="read",
        subject_type=subject_type,
        subject_ids=ids,
        now=clock.now(),
    )
