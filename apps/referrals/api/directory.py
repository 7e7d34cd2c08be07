"""A partner's own services, and what it tells of their capacity."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import partner_of
from apps.accounts.permissions import IsPartner
from apps.core import clock
from apps.core.schema import PROBLEMS
from apps.referrals.directory.shapes import (
    A_CAPACITY,
    A_FULL_HOUSE,
    A_SERVICE,
    SOME_ROOM,
    CapacityIn,
    CapacityOut,
    PartnerServiceOut,
)
from apps.referrals.models import Capacity, Service
from apps.referrals.services import directory


class PartnerServices(APIView):
    """The services of the organisations that the partner speaks for, with what was told last of
    their capacity."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="list_partner_services",
        tags=["partners"],
        responses={200: PartnerServiceOut(many=True), **PROBLEMS(401, 403)},
        examples=[
            OpenApiExample("A shelter", A_SERVICE, response_only=True, status_codes=["200"]),
        ],
    )
    def get(self, request: Request) -> Response:
        rows = list(
            Service.objects.of_partner(partner_of(request))
            .select_related("organization")
            .order_by("name", "pk")
        )
        told = Capacity.objects.latest_of([row.pk for row in rows])
        return Response([_service(row, told.get(row.pk)) for row in rows])


class ServiceCapacity(APIView):
    """Whether a service has room, and until when that is to be believed. Each word is kept: a
    scorecard asks later how true it was."""

    permission_classes = [IsPartner]

    @extend_schema(
        operation_id="set_capacity",
        tags=["partners"],
        request=CapacityIn,
        responses={200: CapacityOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Three beds", SOME_ROOM, request_only=True),
            OpenApiExample("Full", A_FULL_HOUSE, request_only=True),
            OpenApiExample("As it holds", A_CAPACITY, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, service: UUID) -> Response:
        data = CapacityIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = directory.set_capacity(
            service_id=service, **data.validated_data, by=partner_of(request), now=clock.now()
        )
        return Response(CapacityOut(row).data)


def _service(row: Service, told: Capacity | None) -> dict[str, Any]:
    body = {
        "id": row.pk,
        "name": row.name,
        "organization": row.organization.name,
        "status": row.status,
        "assured_on": row.assured_date,
        "capacity": told,
    }
    return dict(PartnerServiceOut(body).data)
