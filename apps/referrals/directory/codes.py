"""Words of the directory.

`STATUSES` and `LOCATION_TYPES` are the enumerations of Open Referral HSDS 3.0 (openreferral/
specification @ 279fd2e, service.json and location.json). `CAPACITY_STATUSES` are the value set
SDOHCC Capacity Status of the FHIR profile "SDOH Clinical Care" (HL7/fhir-sdoh-clinicalcare). Sexes
are NEMSIS 3.5.1 ePatient.25, as everywhere here. The rest is this project's own: HSDS leaves what a
service is for and whom it admits to free text and to licensed taxonomies.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "active": "Active",
        "inactive": "Inactive",
        "defunct": "Defunct",
        "temporarily closed": "Temporarily closed",
    }
)
ACTIVE: Final = "active"

LOCATION_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"physical": "Physical", "postal": "Postal", "virtual": "Virtual"}
)

# What a service is for.
USES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "crisis_solutions": "Crisis solutions centre",
        "crisis_care": "Crisis care centre",
        "sobering": "Sobering centre",
        "detox": "Withdrawal management",
        "shelter": "Shelter for the night",
        "day_center": "Day centre",
        "hygiene": "Showers, laundry, toilets",
        "food": "Food",
        "clinic": "Medical clinic",
        "behavioral_health": "Behavioural health clinic",
        "housing": "Way into housing",
        "case_management": "Case management",
        "crisis_line": "Crisis line (988)",
        "mobile_crisis": "Mobile crisis team",
        "other": "Something else",
    }
)
# They receive somebody whom responders bring: beds are asked for, arrivals are announced.
RECEIVING: Final = frozenset(
    {"crisis_solutions", "crisis_care", "sobering", "detox", "shelter", "day_center"}
)

# How somebody comes to it.
REACHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "on_site": "People go there",
        "comes": "It comes to people",
        "remote": "By telephone or screen",
    }
)

# Whom a service takes, and how. What it says of a person stands in `CONDITIONS`, what is to be done
# first in `STEPS`; the others are there to be read.
CRITERIA: Final[Mapping[str, str]] = MappingProxyType(
    {
        "first_responders_only": "First responders only",
        "call_first": "Call first",
        "referral_required": "A referral is required",
        "appointment_only": "By appointment only",
        "walk_in": "Walk-in",
        "sober_only": "Sober only",
        "women_only": "Women only",
        "men_only": "Men only",
        "no_pets": "No animals but service animals",
        "pets_welcome": "Animals welcome",
        "walks_unaided": "Must be able to walk and to care for themselves",
        "medically_stable": "Medically stable only",
        "id_required": "Identification is required",
        "voluntary_only": "Voluntary only",
        "couples_welcome": "Couples together",
    }
)
FEMALE: Final = "9919001"
MALE: Final = "9919003"
# What must hold of the person: `about` names what is known of them, `only` the values that fit.
CONDITIONS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "sober_only": {"about": "sober", "only": [True]},
        "women_only": {"about": "sex", "only": [FEMALE]},
        "men_only": {"about": "sex", "only": [MALE]},
        "no_pets": {"about": "pets", "only": [False]},
        "walks_unaided": {"about": "walks", "only": [True]},
        "medically_stable": {"about": "stable", "only": [True]},
        "id_required": {"about": "id", "only": [True]},
        "voluntary_only": {"about": "willing", "only": [True]},
    }
)
# What whoever brings somebody has to do, or to be.
STEPS: Final = ("first_responders_only", "call_first", "referral_required", "appointment_only")

CAPACITY_STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "capacity": "Has capacity",
        "no-capacity": "No capacity",
        "waitlist": "No capacity, has a waiting list",
        "additional-assessment-required": "Additional assessment required",
    }
)
HAS_CAPACITY: Final = "capacity"
NO_CAPACITY: Final = "no-capacity"
WAITLIST: Final = "waitlist"
ASSESSMENT: Final = "additional-assessment-required"
# What is counted.
CAPACITY_UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {"beds": "Beds", "chairs": "Chairs", "slots": "Appointments or places"}
)

# What somebody in the field found to be wrong.
REPORT_ABOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "phone": "Telephone number",
        "hours": "Opening hours",
        "place": "Address or way in",
        "closed": "It is closed for good",
        "criteria": "Whom it takes",
        "capacity": "It was full, or was not",
        "other": "Something else",
    }
)
# Why a task is there: a report's `about`, or that nobody has looked for long.
STALE: Final = "stale"
TASK_ABOUT: Final[Mapping[str, str]] = MappingProxyType(
    {**REPORT_ABOUT, STALE: "Nobody has verified it for long"}
)
OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "corrected": "Corrected",
        "confirmed": "It is right as it stands",
        "closed": "The service is closed",
        "unreachable": "Nobody could be reached",
        "not_ours": "Cannot be settled here",
    }
)
# Whoever settled a task so has looked at the whole entry.
VERIFIED_BY: Final = frozenset({"corrected", "confirmed"})

# What was answered to a call for a bed.
BED_ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "held": "A bed is held",
        "come": "Come, first come first served",
        "full": "No bed",
        "not_eligible": "They do not take this person",
        "call_back": "They will call back",
        "no_answer": "Nobody answered",
    }
)
# Between CARE and a crisis line or a mobile crisis team.
DIRECTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"to_them": "CARE called them", "from_them": "They called CARE"}
)
HANDOVER_ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "taken_over": "They took over",
        "together": "Both stay",
        "we_took_over": "CARE took over",
        "declined": "Declined",
        "no_answer": "Nobody answered",
    }
)

FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown_code": "A code that this version does not know",
        "bad_field": "A detail cannot be used",
        "not_here_yet": "Its assignment is not here yet",
        "service_unknown": "It names no service of the directory",
    }
)

# What is against a service, or not known of it: see `fit`.
FIT_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not_active": "It is not offered now",
        "other_use": "It is for something else",
        "too_young": "They are too young for it",
        "too_old": "They are too old for it",
        **{code: CRITERIA[code] for code in CONDITIONS},
        "not_verified": "Nobody has verified it lately",
        "full": "Full",
        "capacity_stale": "What is known of its room is old",
        "closed": "Closed at that time",
        "hours_unknown": "Its hours are not known",
        "too_far": "Too far",
        "place_unknown": "Where it is is not known",
    }
)

# Lists that tablets are given: name -> source and items.
_OURS: Final = "This project"


def _items(known: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"code": code, "label": label} for code, label in known.items()]


LISTS: Final[Mapping[str, tuple[str, list[dict[str, str]]]]] = MappingProxyType(
    {
        "service_statuses": ("Open Referral HSDS 3.0, service.status", _items(STATUSES)),
        "service_uses": (_OURS, _items(USES)),
        "service_reaches": (_OURS, _items(REACHES)),
        "admission_criteria": (_OURS, _items(CRITERIA)),
        "capacity_statuses": ("HL7 SDOH Clinical Care", _items(CAPACITY_STATUSES)),
        "capacity_units": (_OURS, _items(CAPACITY_UNITS)),
        "directory_report_about": (_OURS, _items(REPORT_ABOUT)),
        "bed_answers": (_OURS, _items(BED_ANSWERS)),
        "handover_answers": (_OURS, _items(HANDOVER_ANSWERS)),
    }
)
