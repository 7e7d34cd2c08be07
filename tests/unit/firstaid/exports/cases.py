"""Two encounters as the exports are given them, and what the agency says of itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from apps.core.ids import uuid7
from apps.firstaid import codes
from apps.firstaid.aid import Aid, Refusal
from apps.firstaid.doses import Dose
from apps.firstaid.exports.care import Care, Patient, Response
from apps.firstaid.exports.nemsis import Agency

AGENCY = Agency(number="CARE-UNLICENSED", name="Seattle CARE", state="53", county="53033")
CALLED = datetime(2026, 11, 3, 13, 2, 10, tzinfo=ZoneInfo("America/Los_Angeles"))
RESPONDER = UUID("0193a000-0000-7000-8000-000000000021")


def at(minutes: float) -> datetime:
    """So many minutes after the call."""
    return CALLED + timedelta(minutes=minutes)


def response(**given: Any) -> Response:
    """A call that was answered from end to end."""
    usual: dict[str, Any] = {
        "id": UUID("0193a000-0000-7000-8000-000000000001"),
        "unit": "CARE21",
        "entry_kind": "dual_911",
        "cad_number": "26000123456",
        "call_type": "2301079",
        "called_at": CALLED,
        "notified_at": at(1),
        "back_in_service_at": at(40),
        "times": {"acknowledged": at(1.5), "en_route": at(2), "on_scene": at(8), "contact": at(9)},
        "closing": "cleared",
        "disposition": "18",
    }
    return Response(**{**usual, **given})


def care(**given: Any) -> Care:
    """Somebody was met, nothing was given or done."""
    usual: dict[str, Any] = {
        "id": UUID("5f2d1c52-6f0a-5b7e-9a51-0d7a8f4b2c11"),
        "report_id": UUID("8a1b7f60-1d8b-5a0f-8c3e-52a6c1b9f0d2"),
        "response": response(),
        "contact": True,
        "place": (47.602345, -122.331987),
    }
    return Care(**{**usual, **given})


def dose(**given: Any) -> Dose:
    """4 mg of naloxone in the nose, by CARE."""
    usual: dict[str, Any] = {
        "id": uuid7(),
        "assignment_id": None,
        "encounter_id": None,
        "received_at": at(11),
        "at": at(10),
        "drug": codes.NALOXONE,
        "route": codes.INTRANASAL,
        "amount": Decimal(4),
        "amount_unit": codes.MILLIGRAMS,
        "given_by": codes.CARE,
        "author_id": RESPONDER,
        "authorization": "9918005",
    }
    return Dose(**{**usual, **given})


def bystanders(**given: Any) -> Dose:
    """What a bystander gave before CARE came: nobody knows when, nor how much."""
    unknown = {"at": None, "amount": None, "amount_unit": "", "authorization": ""}
    return dose(**{**unknown, "given_by": "bystander", "before_arrival": True, **given})


def aid(**given: Any) -> Aid:
    """First aid by CARE."""
    usual: dict[str, Any] = {
        "id": uuid7(),
        "assignment_id": None,
        "encounter_id": None,
        "received_at": at(16),
        "at": at(15),
        "given_by": codes.CARE,
        "author_id": RESPONDER,
    }
    return Aid(**{**usual, **given})


OVERDOSE = care(
    response=response(
        call_type="2301053",
        times={
            "acknowledged": at(1.5),
            "en_route": at(2),
            "staged": at(7),
            "on_scene": at(8),
            "contact": at(9),
        },
        disposition="44",
        police_on_scene=True,
        fire_on_scene=True,
    ),
    patient=Patient(
        id=UUID("0193a000-0000-7000-8000-000000000031"), age=34, sex="9919003", homeless=True
    ),
    doses=(
        bystanders(response="9916003"),
        dose(
            breathing_before=codes.GASPING,
            breathing_after=codes.BREATHING_NORMALLY,
            response=codes.IMPROVED,
            complications=("3708041", "3708029"),
        ),
    ),
    aids=(
        aid(
            injuries=("none",),
            procedures=(codes.OPEN_AIRWAY, codes.RECOVERY_POSITION),
            vitals={"respiratory_rate": 14, "oxygen": 94.4, "pulse": 96, "temperature": 36.4},
            level="3326003",
        ),
    ),
    barriers=("3101035",),
    mental_status=("3519025", "9999999"),
    medics_came=True,
    narrative="Found <unresponsive> at 3rd & Pike.\x0b Breathing after the 2nd dose.",
)

# Somebody with a bleeding hand, who wants nobody to touch it.
REFUSAL = care(
    id=UUID("c1b7f600-1d8b-5a0f-8c3e-52a6c1b9f0d3"),
    report_id=UUID("d2b7f600-1d8b-5a0f-8c3e-52a6c1b9f0d4"),
    response=response(
        entry_kind="on_view",
        cad_number="",
        call_type="",
        called_at=None,
        times={"on_scene": at(1), "contact": at(2)},
        disposition="42",
    ),
    aids=(
        aid(
            at=at(4),
            injuries=("bleeding",),
            refused=(Refusal("447686008", codes.REFUSED), Refusal("61746007", codes.REFUSED)),
        ),
    ),
    barriers=("3101007", "9999999"),
)
