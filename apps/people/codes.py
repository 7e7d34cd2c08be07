"""Words of encounters and persons.

The roles are those of the EIDO registry "Person Role-Common" (NENA-STA-021) that a responder meets,
sex is NEMSIS 3.5.1 ePatient.25, housing NEMSIS ePatient.22 (2522001, homeless). The rest is this
project's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Whether the person of this encounter is who their record says.
MATCHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "none": "Nobody known",
        "possible": "Possibly this person",
        "confirmed": "Confirmed by a responder",
    }
)

ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Patient": "Patient",
        "InvolvedPerson": "Involved person",
        "PatientAcquaintance": "Acquaintance of the patient",
        "PatientRelative": "Relative of the patient",
        "Caller": "Caller",
        "ReportingParty": "Reporting party",
        "Witness": "Witness",
        "Victim": "Victim",
    }
)
# They are there for somebody else's sake: no record of their own is asked for.
FOR_SOMEBODY_ELSE: Final = frozenset(
    {"PatientAcquaintance", "PatientRelative", "Caller", "ReportingParty", "Witness"}
)

SEXES: Final[Mapping[str, str]] = MappingProxyType(
    {"9919001": "Female", "9919003": "Male", "9919005": "Unknown"}
)

HOUSING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unsheltered": "Outside",
        "vehicle": "In a vehicle",
        "shelter": "In a shelter",
        "doubled_up": "With others for now",
        "housed": "Housed",
        "unknown": "Not known",
    }
)
# NEMSIS ePatient.22 says so of them.
HOMELESS: Final = frozenset({"unsheltered", "vehicle", "shelter", "doubled_up"})

CONTACT_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "phone": "Telephone",
        "text": "Text message",
        "email": "E-mail",
        "through": "Through somebody else",
    }
)

# Where a safety note comes from. What nobody saw says so.
SAFETY_SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "seen": "Seen by the responder",
        "told_by_person": "Told by the person",
        "told_by_other": "Told by somebody else",
        "cad": "Said by the 911 centre",
        "partner": "Said by a partner agency",
    }
)

# How a safety note stands, and what a supervisor said of it.
STANDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"holds": "Holds", "expired": "Expired", "ended": "Ended by a supervisor"}
)
VERDICTS: Final[Mapping[str, str]] = MappingProxyType(
    {"stands": "It stands", "ended": "It holds no longer"}
)

FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown_code": "A code that this version does not know",
        "bad_field": "A detail cannot be used",
        "not_here_yet": "Its assignment is not here yet",
        "no_source": "A safety note does not say where it comes from",
        "no_date": "A safety note does not say when it was seen",
        "not_recorded": "Immigration status is never recorded: it was left out",
    }
)
