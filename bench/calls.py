"""The call that is posted again and again, each time as a new one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

PLAIN: Final = "/api/v1/dispatch/incidents"


def call(number: str, call_sign: str, at: datetime) -> bytes:
    """A welfare check with CARE and police on it, as plain JSON."""
    now = at.isoformat()
    return json.dumps(
        {
            "cad_number": number,
            "agency_id": "care.seattle.wa.us",
            "received_at": now,
            "updated_at": now,
            "initial_call_type": "SERVICE - WELFARE CHECK",
            "priority_text": "3",
            "how_received": "911",
            "address": "5TH AVE S / S JACKSON ST",
            "location": {"lat": 47.5993, "lon": -122.3277, "uncertainty_m": 30, "method": "GPS"},
            "premise": "bus stop",
            "premise_type": "street",
            "beat": "K3",
            "narrative": [
                {"at": now, "text": "CALLER SAYS A WOMAN SITS ON THE GROUND, CRYING, NO COAT"}
            ],
            "cautions": [
                {
                    "severity": "high",
                    "kind": "weapon",
                    "text": "pocket knife seen last week",
                    "source": "caller",
                    "since": now,
                }
            ],
            "units": [
                _unit(call_sign, "care.seattle.wa.us", now),
                _unit("1K11", "spd.seattle.gov", now),
            ],
            "exclusions": {"violence": "no", "medical": "no", "residence": "no"},
        }
    ).encode()


def _unit(call_sign: str, agency: str, at: str) -> dict[str, object]:
    return {
        "unit_id": f"{call_sign.lower()}@{agency}",
        "call_sign": call_sign,
        "primary_status": "NotAvailable",
        "statuses": [{"status": "Dispatched", "at": at}],
    }
