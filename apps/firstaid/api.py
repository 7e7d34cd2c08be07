"""Doses of an encounter, stock of a unit, recalls. For screens that are online: tablets have all
of it by `/sync`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import actor_of, person_of
from apps.accounts.permissions import IsRecordKeeper, IsSupervisor
from apps.audit.services import record
from apps.core import clock
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.core.schema import PROBLEMS
from apps.firstaid import parts, services
from apps.firstaid.models import Kit, Lot, Product
from apps.firstaid.services.ledger import shelf_of, warnings_on
from apps.firstaid.services.stock import Gone, Recall
from apps.firstaid.shapes import A_KIT, A_RECALL, SOME_DOSES, KitOut, RecallIn, RecallOut
from apps.people.models import Encounter

_NO_DOSES: Final = {"naloxone_given": 0, "doses": [], "answers": [], "open": []}


class EncounterDoses(APIView):
    """The doses of an encounter as they stand, what was answered, and what is still asked."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="list_doses",
        tags=["first aid"],
        responses={200: OpenApiTypes.OBJECT, **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("One dose", SOME_DOSES, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, encounter: UUID) -> Response:
        row = get_object_or_404(Encounter.objects.visible_to(request.user), pk=encounter)
        record(
            actor=actor_of(request),
            action="read",
            subject_type="naloxone_dose",
            subject_ids=[dose.id for dose in parts.care_of(row.pk).doses],
            now=clock.now(),
            detail={"encounter": str(row.pk)},
        )
        return Response(parts.doses_part(row.pk) or _NO_DOSES)


class Stock(APIView):
    """What lies in the kits of whoever asks: their team's, or one unit's."""

    permission_classes = [IsRecordKeeper]

    @extend_schema(
        operation_id="list_stock",
        tags=["first aid"],
        parameters=[OpenApiParameter("unit", OpenApiTypes.UUID, description="only this unit's")],
        responses={200: KitOut(many=True), **PROBLEMS(400, 401, 403)},
        examples=[OpenApiExample("A bag", A_KIT, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request) -> Response:
        kits = Kit.objects.filter(team=person_of(request).team_id, in_use=True)
        if (unit := request.query_params.get("unit")) is not None:
            kits = kits.filter(unit=_uuid(unit))
        return Response(_told(kits.select_related("unit").order_by("label")))


class LotRecall(APIView):
    """Where a lot is and went; and that it is recalled, which every tablet then warns of."""

    permission_classes = [IsSupervisor]

    @extend_schema(
        operation_id="read_recall",
        tags=["first aid"],
        responses={200: RecallOut, **PROBLEMS(401, 403, 404)},
        examples=[OpenApiExample("A lot", A_RECALL, response_only=True, status_codes=["200"])],
    )
    def get(self, request: Request, lot: UUID) -> Response:
        row = get_object_or_404(Lot.objects.select_related("product"), pk=lot)
        return Response(_recall(request, services.recall_of(row)))

    @extend_schema(
        operation_id="recall_lot",
        tags=["first aid"],
        request=RecallIn,
        responses={200: RecallOut, **PROBLEMS(400, 401, 403, 404)},
        examples=[
            OpenApiExample("Recalled", {"number": "Z-0123-2026"}, request_only=True),
            OpenApiExample("Where it is", A_RECALL, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request, lot: UUID) -> Response:
        data = RecallIn(data=request.data)
        data.is_valid(raise_exception=True)
        row = get_object_or_404(Lot.objects.select_related("product"), pk=lot)
        row = services.recall_lot(
            lot=row, number=data.validated_data["number"], by=person_of(request), now=clock.now()
        )
        return Response(_recall(request, services.recall_of(row)))


def _recall(request: Request, found: Recall) -> dict[str, Any]:
    """Who asks is written down with the doses that the list names."""
    record(
        actor=actor_of(request),
        action="read",
        subject_type="naloxone_dose",
        subject_ids=[one.dose_id for one in (*found.doses, *found.maybe) if one.dose_id],
        now=clock.now(),
        detail={"lot": str(found.lot.pk)},
    )
    lot = found.lot
    held = [
        {"kit": kit.label, "unit": kit.unit.call_sign if kit.unit else None, "quantity": quantity}
        for kit, quantity in found.in_kits
    ]
    body = {
        "id": lot.pk,
        "product": str(lot.product),
        "number": lot.number,
        "recalled_at": lot.recalled_at,
        "recall_number": lot.recall_number,
        "in_kits": held,
        "doses": _gone(found.doses),
        "maybe": _gone(found.maybe),
        "left_behind": _gone(found.left_behind),
    }
    return dict(RecallOut(body).data)


def _gone(rows: Iterable[Gone]) -> list[dict[str, Any]]:
    return [
        {
            "dose": row.dose_id,
            "unit": row.unit.call_sign if row.unit else None,
            "at": row.at,
        }
        for row in rows
    ]


def _told(kits: QuerySet[Kit]) -> Any:
    rows = list(kits)
    shelf = shelf_of([kit.pk for kit in rows])
    warned = warnings_on(shelf, now=clock.now())
    products = Product.objects.in_bulk({product for _, product in shelf.had})
    lots = Lot.objects.in_bulk({place.lot_id for place in shelf.levels if place.lot_id})

    def lot(pk: UUID | None) -> Lot | None:
        return lots.get(pk) if pk else None

    bodies = [
        {
            "id": kit.pk,
            "label": kit.label,
            "unit": kit.unit.call_sign if kit.unit else None,
            "stock": [
                {
                    "product": str(products.get(place.product_id, "unknown")),
                    "lot": known.number if (known := lot(place.lot_id)) else None,
                    "expires_on": known.expires_on if known else None,
                    "quantity": quantity,
                }
                for place, quantity in shelf.levels.items()
                if place.kit_id == kit.pk
            ],
            "warnings": [
                {
                    "kind": one.kind,
                    "product": str(products.get(one.product_id, "unknown")),
                    "lot": known.number if (known := lot(one.lot_id)) else None,
                }
                for one in warned
                if one.kit_id == kit.pk
            ],
        }
        for kit in rows
    ]
    return KitOut(bodies, many=True).data


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise ProblemError(INVALID, errors=[FieldError("/unit", "Not a UUID.")]) from None
