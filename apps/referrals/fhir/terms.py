"""Names that resources are made of: profiles, code systems, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

Resource = dict[str, Any]

MEDIA_TYPE: Final = "application/fhir+json"
FHIR_VERSION: Final = "4.0.1"

_GUIDE: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare"
TASK_PROFILE: Final = f"{_GUIDE}/StructureDefinition/SDOHCC-TaskForReferralManagement"
REQUEST_PROFILE: Final = f"{_GUIDE}/StructureDefinition/SDOHCC-ServiceRequest"
CONSENT_PROFILE: Final = f"{_GUIDE}/StructureDefinition/SDOHCC-Consent"

SDOH: Final = f"{_GUIDE}/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
SNOMED: Final = "http://snomed.info/sct"
CONSENT_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
INTERPRETER: Final = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"

# Ours.
NUMBER: Final = "urn:carefield:referral-number"
CASE_NUMBER: Final = "urn:carefield:partner-case-number"
REASON: Final = "urn:carefield:referral-reason"
NEED: Final = "urn:carefield:need"
CATEGORY: Final = "urn:carefield:data-category"
PURPOSE: Final = "urn:carefield:purpose"
OUTPUT: Final = "urn:carefield:task-output"

SOCIAL_SERVICE: Final = ("410606002", "Social service procedure")  # SNOMED CT

# Needs that the guide has no category for are ours (`referrals.codes.NEEDS`).
OUR_NEEDS: Final = frozenset(
    {"crisis-stabilization", "mental-health-care", "substance-use-treatment", "sobering"}
    | {"medical-care"}
)


def concept(system: str, code: str, display: str = "") -> dict[str, Any]:
    """A CodeableConcept of one code."""
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding]}


def named_by(id: UUID, kind: str, display: str = "") -> dict[str, Any]:
    """A logical reference: to something that is not served, under an id that tells nothing."""
    identifier = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{id}"}
    return {"type": kind, "identifier": identifier, **({"display": display} if display else {})}


def without_empty(resource: Mapping[str, Any]) -> Resource:
    """FHIR knows no null and no empty list."""
    return {name: one for name, one in resource.items() if one not in (None, "", [], {})}
