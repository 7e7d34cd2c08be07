"""Words of consent, disclosure and referral.

Task and ServiceRequest states and SDOH categories are HL7 FHIR R4 and Gravity's SDOH Clinical Care
guide (HL7/fhir-sdoh-clinicalcare, 6604b7a). Needs that the guide has no category for,
categories of data, reasons and flags are this project's own; reasons why a referral fails follow
what 211 callers report (no funds, did not qualify).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from apps.referrals.directory.codes import FIT_REASONS

Codes = Mapping[str, str]

# FHIR R4 Task.status without `ready` and `received` (SDOHCC-ValueSetReferralTaskStatus).
TASK_STATUSES: Final[Codes] = MappingProxyType(
    {
        "draft": "Not sent",
        "requested": "Asked",
        "accepted": "Accepted",
        "rejected": "Declined",
        "cancelled": "Cancelled",
        "in-progress": "In progress",
        "on-hold": "On hold",
        "failed": "Not served",
        "completed": "Served",
        "entered-in-error": "Entered in error",
    }
)
# FHIR R4 ServiceRequest.status, as far as a requester sets it.
REQUEST_STATUSES: Final[Codes] = MappingProxyType(
    {
        "active": "Open",
        "completed": "Closed with an outcome",
        "revoked": "Withdrawn",
        "entered-in-error": "Entered in error",
    }
)

# How soon help is needed, and FHIR's priority of it.
URGENCIES: Final[Codes] = MappingProxyType(
    {"tonight": "Tonight", "72h": "Within 72 hours", "2w": "Within 2 weeks"}
)
PRIORITIES: Final[Mapping[str, str]] = MappingProxyType(
    {"tonight": "stat", "72h": "urgent", "2w": "routine"}
)

NEEDS: Final[Codes] = MappingProxyType(
    {
        "homelessness": "Shelter, a place to sleep",
        "housing-instability": "Housing",
        "inadequate-housing": "Repairs, safe housing",
        "food-insecurity": "Food",
        "material-hardship": "Clothes, hygiene, goods",
        "transportation-insecurity": "Transport",
        "financial-insecurity": "Money, benefits",
        "utility-insecurity": "Heat, light, water",
        "employment-status": "Work",
        "veteran-status": "Services for veterans",
        "health-insurance-coverage-status": "Health insurance",
        "medical-cost-burden": "Medical cost",
        "intimate-partner-violence": "Safety from a partner",
        "elder-abuse": "Protection of an elder",
        "social-connection": "Company",
        "stress": "Support",
        "language-access": "Interpreting",
        "digital-access": "A telephone, the internet",
        "incarceration-status": "Re-entry, legal help",
        # Not in the guide: ours.
        "crisis-stabilization": "A crisis centre",
        "mental-health-care": "Mental health care",
        "substance-use-treatment": "Substance use treatment",
        "sobering": "Sobering",
        "medical-care": "Medical care",
    }
)

# The use of a service in the directory (`directory.codes.USES`) that meets a need.
USED_FOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "homelessness": "shelter",
        "housing-instability": "housing",
        "inadequate-housing": "housing",
        "food-insecurity": "food",
        "material-hardship": "hygiene",
        "social-connection": "day_center",
        "crisis-stabilization": "crisis_care",
        "mental-health-care": "behavioral_health",
        "substance-use-treatment": "detox",
        "sobering": "sobering",
        "medical-care": "clinic",
        "financial-insecurity": "case_management",
        "health-insurance-coverage-status": "case_management",
    }
)

# What may be told of a person, as a consent names it.
DATA_CATEGORIES: Final[Codes] = MappingProxyType(
    {
        "identity": "Name, birth date",
        "contact": "How to reach them",
        "whereabouts": "Where they can be found",
        "needs": "What they need",
        "housing": "How they live",
        "access": "Language, interpreter, animals",
        "helps": "What helps, what makes it worse",
        "safety": "What to beware of",
        "health": "Health",
        "mental_health": "Mental health",
        "substance_use": "Alcohol and drugs",
    }
)

PURPOSES: Final[Codes] = MappingProxyType(
    {
        "referral": "To arrange a service",
        "treatment": "To treat",
        "care_coordination": "To coordinate care",
        "transport": "To transport",
    }
)

CONSENT_FORMS: Final[Codes] = MappingProxyType(
    {"verbal": "Spoken, with a witness", "written": "Signed"}
)

# What a disclosure rests on. Exactly one of them.
BASES: Final[Codes] = MappingProxyType(
    {
        "consent": "Consent",
        "treatment_handover": "Handover for treatment",
        "medical_emergency": "Medical emergency (42 CFR 2.51)",
        "imminent_threat": "Imminent threat",
        "mandated_report": "Mandated report",
        "court_order": "Court order",
    }
)

VERBS: Final[Codes] = MappingProxyType(
    {
        "accept": "Accepts",
        "decline": "Declines",
        "ask": "Asks",
        "hold": "Puts on hold",
        "begin": "Has begun",
        "appointment": "Sets an appointment",
        "attended": "The person came",
        "not_attended": "The person did not come",
        "served": "Served",
        "not_served": "Not served",
        "send": "Sends it",
        "reply": "Replies",
        "warm_handoff": "Handed over in person",
        "transport": "Took them there",
        "cancel": "Cancels",
        "error": "Was entered in error",
        "close": "Closes the referral",
        "withdraw": "Withdraws the referral",
    }
)

WAYS: Final[Codes] = MappingProxyType(
    {
        "api": "Programming interface",
        "link": "Signed link",
        "telephone": "Telephone",
        "fhir": "FHIR",
        "tablet": "Tablet",
        "desk": "Desk",
        "system": "Carefield",
    }
)

# By what a partner without a system of its own is sent a link.
CHANNELS: Final[Codes] = MappingProxyType({"email": "E-mail", "text": "Text message"})

# Why a partner does not take, or did not serve, somebody.
REASONS: Final[Codes] = MappingProxyType(
    {
        "full": "Full",
        "no_funds": "No funds",
        "not_eligible": "Not eligible",
        "out_of_area": "Outside our area",
        "closed": "Closed",
        "needs_assessment": "An assessment is needed first",
        "cannot_reach": "Could not be reached",
        "no_show": "Did not come",
        "declined_by_person": "The person did not want it",
        "unsafe": "Not safe here",
        "duplicate": "Asked twice",
        "served_elsewhere": "Served elsewhere",
        "consent_revoked": "Consent was revoked",
        "waitlist": "On a waiting list",
        "other": "Something else",
    }
)

# How a referral ends. It is closed by one of these, and by nothing else.
OUTCOMES: Final[Codes] = MappingProxyType(
    {
        "served": "Served",
        "not_served": "Not served by anybody",
        "served_elsewhere": "Found help elsewhere",
        "declined_by_person": "The person wants it no more",
        "lost_contact": "The person cannot be found",
        "deceased": "The person has died",
    }
)

FLAGS: Final[Codes] = MappingProxyType(
    {
        "unknown_code": "A code that this version does not know",
        "bad_field": "A detail cannot be used",
        "not_here_yet": "Its assignment is not here yet",
        "duplicate": "This partner is asked for the same need already: not sent",
        "no_consent": "No consent names this partner: it is told to call us",
        "unknown_partner": "This partner is not known here",
        "inactive_partner": "This partner is not working with us now",
        "no_witness": "Spoken consent needs a witness",
        "no_signature": "Written consent needs a signature",
        "no_recipient": "Consent names nobody",
        "no_categories": "Consent names no categories",
        "no_purpose": "Consent names no purpose",
        "no_expiry": "Consent has no end",
        "given_later": "Consent was given later than it came",
        "given_long_ago": "Consent was given more than a year before it came",
        "too_long": "Consent ends more than two years after it was given",
        "ends_before": "Consent ended before it was given",
        "no_recipient_named": "Nobody is named to whom it was told",
        "no_affiliation": "Whose people the recipient is of is not named",
        "no_nature": "The emergency is not described",
        "no_time": "When is not told",
        "too_late": "It came after the end",
        # What the directory says of the service that was asked: see `precheck`.
        **{f"check:{code}": f"The directory: {words}" for code, words in FIT_REASONS.items()},
    }
)

# Lists that tablets are given: name -> source and codes with labels.
_FHIR: Final = "HL7 FHIR R4, SDOH Clinical Care"
_OURS: Final = "This project"
LISTS: Final[Mapping[str, tuple[str, Codes]]] = MappingProxyType(
    {
        "referral_statuses": (_FHIR, TASK_STATUSES),
        "referral_urgencies": (_OURS, URGENCIES),
        "referral_needs": (f"{_FHIR} (SDOH categories); others: {_OURS}", NEEDS),
        "referral_reasons": (_OURS, REASONS),
        "referral_outcomes": (_OURS, OUTCOMES),
        "referral_verbs": (_OURS, VERBS),
        "consent_categories": (_OURS, DATA_CATEGORIES),
        "consent_purposes": (_OURS, PURPOSES),
        "consent_forms": (_OURS, CONSENT_FORMS),
        "disclosure_bases": ("42 CFR Part 2, 45 CFR 164", BASES),
        "referral_flags": (_OURS, FLAGS),
    }
)
