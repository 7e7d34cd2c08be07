"""EIDOs of our own making, for the tests of what reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apps.dispatch import eido as reader
from apps.dispatch.calls import Call

INCIDENT = "urn:emergency:uid:incidentid:2026000123456:psap.seattle.wa.us"
AT = "2026-03-02T14:20:05-08:00"
MOMENT = datetime(2026, 3, 2, 22, 20, 5, tzinfo=UTC)  # the same instant


def component(name: str, /, **members: Any) -> dict[str, Any]:
    """A component with its prologue."""
    return {
        "$id": name,
        "lastUpdateTimeStamp": AT,
        "updatedByAgencyReference": {"$ref": "psap.seattle.wa.us"},
        **members,
    }


def incident(**members: Any) -> dict[str, Any]:
    """An incident component: a welfare check in beat K3."""
    return component(
        INCIDENT,
        **{
            "incidentTypeCommonRegistryText": "WELFARE",
            "incidentTypeInternalText": "SERVICE - WELFARE CHECK",
            "internalIncidentId": "2026000123456",
            "incidentStatusCommonRegistryText": ["Active"],
            "incidentPriorityInternalText": "3",
            "beatOrDispatchGroupText": "K3",
            **members,
        },
    )


def eido(**members: Any) -> dict[str, Any]:
    """A whole EIDO."""
    return component(
        INCIDENT,
        **{
            "eidoVersion": "1.0",
            "issuingElementIdentification": "cad.seattle.wa.us",
            "agencyComponent": [
                component(
                    "psap.seattle.wa.us",
                    agencyRoleDescriptionRegistryText=["Dispatching"],
                    agencyType=["psap"],
                )
            ],
            "incidentComponent": incident(),
            **members,
        },
    )


def note(name: str, text: str, at: str = AT) -> dict[str, Any]:
    """A note."""
    return {**component(name, notesActionComments=text), "lastUpdateTimeStamp": at}


def caution(name: str, text: str, severity: str = "high") -> dict[str, Any]:
    """A caution."""
    return component(
        name,
        cautionTypeInternalText=text,
        cautionTypeCommonRegistryText="Location",
        cautionSeverity=severity,
    )


def unit(name: str, *statuses: str, **members: Any) -> dict[str, Any]:
    """An emergency resource."""
    return component(
        name,
        **{
            "emergencyResourceTypeCommonRegistryText": "CrisisInterventionUnit",
            "primaryUnitStatusRegistryText": "NotAvailable",
            "secondaryUnitStatusRegistryText": list(statuses),
            "resourceAttributeRegistryText": ["CrisisInterventionSpecialist"],
            "agentReference": [],
            **members,
        },
    )


def location(name: str, kind: str, *, road: str = "", pos: str = "") -> dict[str, Any]:
    """A location by value."""
    civic = (
        '<civicAddress xmlns="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr">'
        f"<RD>{road}</RD></civicAddress>"
        if road
        else ""
    )
    point = f'<Point xmlns="http://www.opengis.net/gml"><pos>{pos}</pos></Point>' if pos else ""
    return component(
        name,
        locationTypeDescriptionRegistryText=kind,
        locationByValue=f"<presence>{point}{civic}</presence>",
    )


def parse(**members: Any) -> Call:
    """The call that such an EIDO tells."""
    return reader.parse(eido(**members))


def flagged(call: Call, words: str) -> bool:
    """Whether one of the doubts about the call speaks of this."""
    return any(words in flag for flag in call.flags)
