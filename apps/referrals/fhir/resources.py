"""Task, ServiceRequest, Consent and Organization, as they are served."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final
from uuid import UUID

from apps.accounts.models import Partner
from apps.core.clock import iso
from apps.referrals.codes import DATA_CATEGORIES, NEEDS, PRIORITIES, PURPOSES, REASONS
from apps.referrals.fhir import terms
from apps.referrals.fhir.terms import Resource, concept, named_by, without_empty
from apps.referrals.models import Consent, ReferralTask
from apps.referrals.pages.shown import lines
from apps.referrals.payload import Payload
from apps.referrals.states import FINAL

_DAY: Final = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
# NEMSIS 3.5.1 ePatient.25, as a person's record has it.
_GENDERS: Final = {"9919001": "female", "9919003": "male", "9919005": "unknown"}
_TELECOMS: Final = {"phone": "phone", "email": "email", "sms": "sms", "text": "sms"}
# What has an element of its own; everything else that was told stands in notes.
_IN_REQUEST: Final = frozenset(
    {"id", "number", "task", "person", "needs", "urgency", "contact_prohibited", "call_us"}
)
_IN_PATIENT: Final = frozenset(
    {"given_name", "family_name", "birth_date", "birth_year", "sex", "language", "interpreter"}
    | {"contacts"}
)


def request_status(task_status: str) -> str:
    """A ServiceRequest's status as one partner may know it: by its own task. Of the referral's own,
    whoever has declined would learn that somebody else has served.

    >>> request_status("on-hold"), request_status("completed"), request_status("rejected")
    ('active', 'completed', 'revoked')
    """
    if task_status not in FINAL:
        return "active"
    return task_status if task_status in {"completed", "entered-in-error"} else "revoked"


def task(row: ReferralTask, *, version: int, updated_at: datetime, requester: str) -> Resource:
    """SDOHCC-TaskForReferralManagement of one partner's task, with `referral` and `partner` at
    hand. It says how the task stands, and nothing of anybody."""
    said = row.said
    return without_empty(
        {
            "resourceType": "Task",
            "id": str(row.pk),
            "meta": {
                "versionId": str(version),
                "lastUpdated": iso(updated_at),
                "profile": [terms.TASK_PROFILE],
            },
            "identifier": _identifiers(row),
            "status": row.status,
            "statusReason": _reason(row.reason_for_partner, said.get("reason_code")),
            "intent": "order",
            "code": concept(terms.TASK_CODE, "fulfill", "Fulfill the focal request"),
            "focus": {"reference": f"ServiceRequest/{row.referral_id}"},
            "for": named_by(row.referral_id, "Patient"),
            "authoredOn": iso(row.sent_at),
            "lastModified": iso(updated_at),
            "requester": {"type": "Organization", "display": requester},
            "owner": {"reference": f"Organization/{row.partner_id}", "display": row.partner.name},
            "note": [{"text": said["question"]}] if said.get("question") else [],
            "output": list(_outputs(row)),
        }
    )


def service_request(
    document: Mapping[str, Any],
    payload: Payload,
    *,
    row: ReferralTask,
    requester: str,
    zone: tzinfo,
) -> Resource:
    """SDOHCC-ServiceRequest of a document that is disclosed to a partner (`disclosures`): all that
    it tells, and nothing else. Where it tells nothing it says "call us"."""
    person = document.get("person", {})
    patient = _patient(person)
    needs = [str(one) for one in document.get("needs", ())]
    category = [concept(terms.SNOMED, *terms.SOCIAL_SERVICE), *map(_need, needs)]
    notes = [f"{label}: {text}" for label, text in _notes(document, person, zone)]
    call_us = document["call_us"]
    notes.append(" ".join(filter(None, [call_us["text"], call_us["phone"]])))
    part2 = [{"system": terms.ACT_CODE, "code": "42CFRPart2"}] if payload.part2 else []
    prohibited = "contacting-subject-prohibited"
    return without_empty(
        {
            "resourceType": "ServiceRequest",
            "id": str(row.referral_id),
            "meta": without_empty({"profile": [terms.REQUEST_PROFILE], "security": part2}),
            "contained": [patient] if patient else [],
            "identifier": [{"system": terms.NUMBER, "value": document["number"]}],
            "status": request_status(row.status),
            "intent": "order",
            "category": category,
            "priority": PRIORITIES.get(str(document.get("urgency"))),
            "code": {
                **concept(terms.SNOMED, *terms.SOCIAL_SERVICE),
                **({"text": "; ".join(NEEDS.get(one, one) for one in needs)} if needs else {}),
            },
            "orderDetail": [concept(terms.SDOH, prohibited, "Contacting Subject Prohibited")]
            if document.get("contact_prohibited")
            else [],
            "subject": {"reference": "#person"}
            if patient
            else named_by(row.referral_id, "Patient"),
            # Of the referral's own time the next partner would learn that others were asked before.
            "authoredOn": iso(row.sent_at),
            "requester": {"type": "Organization", "display": requester},
            "performer": [organization_of(row.partner)],
            "supportingInfo": [{"reference": f"Consent/{one}"} for one in payload.consents],
            "note": [{"text": text} for text in notes],
        }
    )


def consent(
    row: Consent, *, active: bool, recipients: Sequence[Partner], organization: str
) -> Resource:
    """SDOHCC-Consent of a consent for one of its recipients: what it opens, to whom, how long. It
    names nobody. `recipients` are those whom the reader may know of: itself."""
    named = [str(one) for one in row.content.get("categories") or ()]
    categories = [one for one in named if one in DATA_CATEGORIES]
    purpose = str(row.content.get("purpose") or "")
    text = (
        f"{organization} may tell: {', '.join(DATA_CATEGORIES[one] for one in categories)}. "
        f"{PURPOSES.get(purpose, '')}. It may be revoked at any time. Recipients that are not "
        "covered by HIPAA are outside its protection."
    )
    return without_empty(
        {
            "resourceType": "Consent",
            "id": str(row.pk),
            "meta": {
                "lastUpdated": iso(row.revoked_at or row.received_at),
                "profile": [terms.CONSENT_PROFILE],
            },
            "status": "active" if active else "inactive",
            "scope": concept(terms.CONSENT_SCOPE, "patient-privacy", "Privacy Consent"),
            "category": [concept(terms.ACT_CODE, "IDSCL", "information disclosure")],
            "patient": named_by(row.pk, "Patient"),
            "dateTime": iso(row.given_at),
            "organization": [{"type": "Organization", "display": organization}],
            "sourceAttachment": {"contentType": "text/plain", "title": text},
            "policyRule": {"text": "42 CFR part 2; 45 CFR part 164"},
            "provision": without_empty(
                {
                    "type": "permit",
                    "period": without_empty(
                        {
                            "start": iso(row.given_at),
                            "end": iso(_first(row.revoked_at, row.expires_at)),
                        }
                    ),
                    "actor": [
                        {
                            "role": concept(terms.ROLE_CODE, "IRCP", "information recipient"),
                            "reference": organization_of(one),
                        }
                        for one in recipients
                    ],
                    "purpose": [
                        {"system": terms.PURPOSE, "code": purpose, "display": PURPOSES[purpose]}
                    ]
                    if purpose in PURPOSES
                    else [],
                    "code": [
                        concept(terms.CATEGORY, one, DATA_CATEGORIES[one]) for one in categories
                    ],
                }
            ),
        }
    )


def organization(partner: Partner) -> Resource:
    """The partner itself, to whom `owner` and `performer` refer."""
    return {
        "resourceType": "Organization",
        "id": str(partner.pk),
        "active": partner.is_active,
        "name": partner.name,
    }


def organization_of(partner: Partner) -> dict[str, Any]:
    """A reference to a partner."""
    return {"reference": f"Organization/{partner.pk}", "display": partner.name}


def bundle(
    resources: Sequence[Resource], *, base: str, total: int, itself: str, following: str | None
) -> Resource:
    """What a search has found. `base` is the address of the service, without its last slash."""
    links = [{"relation": "self", "url": itself}]
    if following:
        links.append({"relation": "next", "url": following})
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": links,
        **(
            {
                "entry": [
                    {
                        "fullUrl": f"{base}/{one['resourceType']}/{one['id']}",
                        "resource": one,
                        "search": {"mode": "match"},
                    }
                    for one in resources
                ]
            }
            if resources
            else {}
        ),
    }


def _identifiers(row: ReferralTask) -> list[dict[str, str]]:
    found = [{"system": terms.NUMBER, "value": row.referral.number}]
    if row.case_number:
        found.append({"system": terms.CASE_NUMBER, "value": row.case_number})
    return found


def _reason(text: str | None, code: str | None) -> dict[str, Any] | None:
    if not text:
        return None
    coded = concept(terms.REASON, code, REASONS[code]) if code in REASONS and code else {}
    return {**coded, "text": text}


def _outputs(row: ReferralTask) -> Iterator[dict[str, Any]]:
    """What came of it. Services in words have a type of ours: `resulting-activity` asks for a code
    of US Core."""

    def output(code: str, **value: Any) -> dict[str, Any]:
        return {"type": concept(terms.OUTPUT, code), **value}

    said = row.said
    if at := said.get("appointment_at"):
        yield output("appointment", valueDateTime=at)
    if place := said.get("appointment_place"):
        yield output("appointment-place", valueString=place)
    if row.attended is not None:
        yield output("attended", valueBoolean=row.attended)
    for one in said.get("services") or ():
        yield output("service", valueString=str(one))


def _need(code: str) -> dict[str, Any]:
    system = terms.NEED if code in terms.OUR_NEEDS else terms.SDOH
    return concept(system, code, NEEDS.get(code, ""))


def _notes(
    document: Mapping[str, Any], person: Mapping[str, Any], zone: tzinfo
) -> Iterator[tuple[str, str]]:
    rest = {name: one for name, one in document.items() if name not in _IN_REQUEST}
    yield from lines(rest, zone)
    about = {name: one for name, one in person.items() if name not in _IN_PATIENT}
    yield from lines(about, zone)


def _patient(person: Mapping[str, Any]) -> Resource | None:
    """Whom it is about, as far as it is told. None: nothing is."""
    if not set(person) & _IN_PATIENT:
        return None
    name = without_empty(
        {
            "given": [person["given_name"]] if person.get("given_name") else [],
            "family": person.get("family_name"),
        }
    )
    born = str(person.get("birth_date") or person.get("birth_year") or "")
    language = person.get("language")
    needed = person.get("interpreter")
    return without_empty(
        {
            "resourceType": "Patient",
            "id": "person",
            "extension": [{"url": terms.INTERPRETER, "valueBoolean": needed}]
            if isinstance(needed, bool)
            else [],
            "name": [name] if name else [],
            "telecom": [_telecom(one) for one in person.get("contacts") or ()],
            "gender": _GENDERS.get(str(person.get("sex"))),
            "birthDate": born if _DAY.fullmatch(born) else None,
            "communication": [{"language": {"text": str(language)}}] if language else [],
        }
    )


def _telecom(contact: Mapping[str, Any]) -> dict[str, Any]:
    note = contact.get("note")
    return without_empty(
        {
            "extension": [{"url": "urn:carefield:note", "valueString": str(note)}] if note else [],
            "system": _TELECOMS.get(str(contact.get("kind")), "other"),
            "value": str(contact.get("value")),
            "rank": 1 if contact.get("preferred") else None,
        }
    )


def _first(*times: datetime | None) -> datetime | None:
    return min((one for one in times if one is not None), default=None)


def id_in(reference: object, kind: str) -> UUID | None:
    """The id in a reference to a resource of ours: `Organization/<id>`, or the id alone."""
    text = str(reference or "").rpartition(f"{kind}/")[2]
    try:
        return UUID(text)
    except ValueError:
        return None
