"""Words of the timeline: event kinds and the codes that go with them.

Sources: the secondary unit statuses are those of the EIDO registry "Secondary Unit
Status-Common" (NENA-STA-021), the dispositions those of APCO 1.111.2-2018. Everything else
is this project's own: no standard has a word for a scene secured by police, for a police
release, or for a reason to decline. An event always keeps its own code; the EIDO status stands
beside it where one exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SOURCES: Final = ("tablet", "cad", "desk", "system")

AGENCIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "care": "CARE",
        "spd": "Seattle Police Department",
        "sfd": "Seattle Fire Department",
    }
)

# Whoever may secure a scene: transit, county or campus police are "other".
SECURED_BY: Final[Mapping[str, str]] = MappingProxyType({**AGENCIES, "other": "Another agency"})

# Who decided that the police may leave.
RELEASE_DECIDED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "spd": "Police",
        "sfd": "Fire",
        "care": "CARE",
        "together": "Police and CARE together",
        "dispatch": "The 911 centre",
    }
)

CANCELLED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {**AGENCIES, "dispatch": "The 911 centre", "caller": "The caller"}
)

# How an assignment began. The last four start on the tablet, without a CAD number.
ENTRY_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dual_911": "Dispatched by 911 with police or fire",
        "solo_911": "Dispatched by 911, CARE only",
        "request_spd": "Requested by police",
        "request_sfd": "Requested by fire",
        "on_view": "Seen by the responders themselves",
        "patrol": "Logged patrol",
        "community_engagement": "Community engagement",
        "follow_up": "Follow-up",
    }
)
RESPONDER_STARTED: Final = frozenset({"on_view", "patrol", "community_engagement", "follow_up"})


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of fact.

    `eido`: secondary unit statuses of the EIDO registry, empty where it has none.
    `told_by`: the sources that may write it (a service checks; the timeline does not).
    """

    label: str
    eido: tuple[str, ...] = ()
    told_by: frozenset[str] = frozenset({"tablet", "cad", "desk"})


_DESK: Final = frozenset({"cad", "desk", "system"})

EVENTS: Final[Mapping[str, EventKind]] = MappingProxyType(
    {
        "assigned": EventKind("Assigned", ("Assigned",), _DESK),
        "reassigned": EventKind("Given to another unit", ("Assigned",), _DESK),
        "reopened": EventKind("Reopened", (), _DESK),
        "opened": EventKind(
            "Started by the responders", ("ResponderInitiatedEvent",), frozenset({"tablet"})
        ),
        "received": EventKind("Received on a tablet", (), frozenset({"tablet", "system"})),
        "acknowledged": EventKind("Acknowledged", ("AcknowledgedTransmission",)),
        "en_route": EventKind("En route", ("EnRoute",)),
        "staged": EventKind("Staged", ("Staging",)),
        "on_scene": EventKind("On scene", ("OnScene",)),
        "scene_secured": EventKind("Scene secured"),
        "scene_unsafe": EventKind("Scene no longer safe"),
        "contact_made": EventKind("Contact made", ("PatientContact",)),
        "unable_to_locate": EventKind("Unable to locate"),
        "police_arrived": EventKind("Police arrived"),
        "police_released": EventKind("Police released"),
        "transporting": EventKind("Transporting", ("Transporting",)),
        # "Arrived" alone means the incident's location or some other one; with
        # "AlternateLocation" it is the other one.
        "arrived_destination": EventKind(
            "Arrived at the destination", ("Arrived", "AlternateLocation")
        ),
        "cleared": EventKind("Cleared", ("Cleared",)),
        "cancelled": EventKind("Cancelled", ("AssignmentCancelled",)),
        "declined": EventKind("Declined"),
        "assist": EventKind("Assistance requested"),
        # EIDO has a component for this (Unit Emergency State), not a unit status.
        "emergency": EventKind("Emergency"),
        # "All well", to the question that is asked of a crew on scene.
        "check_in": EventKind("Checked in: all well", (), frozenset({"tablet", "desk"})),
        "harm": EventKind("A responder came to harm", (), frozenset({"tablet", "desk"})),
        "cad_status": EventKind("Status of another agency's unit", (), frozenset({"cad"})),
        "corrected": EventKind("Corrected"),
    }
)

# Published of each fact that has a status in EIDO and that CAD has not told itself: CAD wants it.
PROGRESSED: Final = "assignment.progressed"

# To the dispatch desk and the supervisors in the same moment.
ALERTING: Final = frozenset({"emergency", "assist", "scene_unsafe"})

# What a responder tells of themselves or a colleague. It is for its author and the supervisors of
# their team, and no part of the call: `FactQuerySet.of_calls` leaves it out for everyone.
PRIVATE: Final = frozenset({"harm"})
# Taken whatever is wrong with it, and whoever is signed in.
HEARD: Final = ALERTING | PRIVATE

# What may happen to a responder. Assault: "violent acts, including physical assaults and threats of
# assault, directed toward persons at work or on duty" (NIOSH's definition of workplace violence, in
# OSHA 3148-06R). Exposure: an "exposure incident" of OSHA's bloodborne pathogens standard, 29 CFR
# 1910.1030(b): contact of eye, mouth, mucous membrane, non-intact skin or under the skin with blood
# or other potentially infectious materials. Death: somebody died on the call; no standard has a
# code for it.
HARMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "assault": "Assault, or a threat of it",
        "exposure": "Exposure to blood or another infectious material",
        "death": "A death on the call",
    }
)
# What to do first after an exposure, in NIOSH's words. Nothing of it is this project's own.
EXPOSURE_SOURCE: Final = (
    "CDC/NIOSH, Bloodborne Infectious Diseases: Emergency Needlestick Information"
)
EXPOSURE_STEPS: Final = (
    "Wash needlesticks and cuts with soap and water.",
    "Flush splashes to the nose, mouth, or skin with water.",
    "Irrigate eyes with clean water, saline, or sterile irrigants.",
    "Report the incident to your supervisor.",
    "Immediately seek medical treatment.",
)

# Statuses of another agency's unit, with the EIDO statuses that mean them. "cancelled" is a
# unit taken off the call, which is no release from the scene.
UNIT_STATUSES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "dispatched": ("Dispatched", "Assigned"),
        "en_route": ("EnRoute",),
        "staged": ("Staging",),
        "arrived": ("OnScene", "Arrived"),
        "cleared": ("Cleared",),
        "cancelled": ("AssignmentCancelled",),
    }
)

_ELSEWHERE: Final = frozenset({"AlternateLocation", "Hospital"})

# Where one message carries several statuses, the one that says most about the unit wins.
_TELLING: Final = ("cancelled", "cleared", "arrived", "staged", "en_route", "dispatched")
_OWN_TELLING: Final = (
    "transporting",
    "contact_made",
    "on_scene",
    "staged",
    "en_route",
    "acknowledged",
)


def unit_status(eido: Iterable[str]) -> str | None:
    """The status of another agency's unit for EIDO secondary statuses; None for none of ours.

    >>> unit_status(["OnScene"])
    'arrived'
    """
    told = set(eido)
    if told & _ELSEWHERE:
        told -= {"Arrived", "EnRoute"}  # not at the scene, and not on the way there
    elif "Staging" in told:
        told -= {"Staging"} if "EnRoute" in told else {"Arrived"}
    return next((code for code in _TELLING if told & set(UNIT_STATUSES[code])), None)


def own_unit_event(eido: Iterable[str]) -> str | None:
    """The event that EIDO secondary statuses of a CARE unit amount to, or None.

    "Arrived" alone is arrival at the scene; combined with another place it is the destination.
    "EnRoute" to another place is none of our events, to the staging area it is one.
    """
    told = set(eido)
    if told & {"Cleared", "AssignmentCancelled"}:
        return "cancelled" if "AssignmentCancelled" in told else "cleared"
    elsewhere = bool(told & {*_ELSEWHERE, "Transporting"})
    if "Staging" in told:
        return "en_route" if "EnRoute" in told else "staged"
    if "Arrived" in told or told == {"Hospital"}:
        return "arrived_destination" if elsewhere else "on_scene"
    if "EnRoute" in told and elsewhere:
        return "transporting" if "Transporting" in told else None
    return next((event for event in _OWN_TELLING if told & set(EVENTS[event].eido)), None)


# Reasons to decline an assignment (a CARE unit) or to decline CARE (another agency's unit).
# The unit declines, never a named person.
DECLINE_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "weapon": "Weapon reported or seen",
        "violence": "Violence, or a threat of it",
        "scene_not_secured": "Scene not secured",
        "hazard": "Another hazard at the place",
        "medical": "Medical emergency: fire or medics are needed",
        "crime": "Crime to investigate, or an arrest",
        "involuntary": "Involuntary hold decided",
        "outside_rules": "Outside the dispatch rules (area, hours or call type)",
        "handled": "Already handled by the unit that declined",
        "too_far": "CARE would arrive too late",
        "unavailable": "No unit free",
        "no_answer": "The request was not answered",
        "no_reason": "No reason given",
        "other": "Another reason",
    }
)
# Reasons that nobody may be asked to justify further.
SAFETY_REASONS: Final = frozenset({"weapon", "violence", "scene_not_secured", "hazard"})

CORRECTION_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mis_tap": "Tapped by mistake",
        "wrong_time": "The time was wrong",
        "wrong_event": "Another event was meant",
        "wrong_detail": "A detail was wrong",
        "did_not_happen": "It did not happen",
        "duplicate": "Told twice",
        "other": "Another reason",
    }
)

# APCO 1.111.2-2018, the ones offered on the tablet. Any code of the standard is taken.
DISPOSITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "01": "Report Taken",
        "02": "No Report Taken",
        "05": "Assignment Completed/Settled By Phone Contact",
        "08": "Follow-Up Report Taken",
        "10": "Event Cancelled",
        "13": "Information/Administrative",
        "14": "Gone On Arrival (GOA)/Unable To Locate (UATL)",
        "15": "Referred to partner agency/Animal Control/Medics/Fire, etc",
        "16": "Transport/Escort Given",
        "18": "Assignment Completed/Settled By Contact",
        "21": "Unit Cancelled enroute",
        "22": "Cancelled - Duplicate Call",
        "32": "Cancelled (Prior to Arrival at Scene)",
        "35": "Standby-No Services or Support Provided",
        "38": "No Patient Found",
        "39": "Patient Dead at Scene-No EMS Transport",
        "41": "Patient Evaluated, No Treatment/Transport Required",
        "42": "Patient Refused Evaluation/Care",
        "43": "Patient Treated, Released (Without Transport)",
        "44": "Patient Treated, Transferred Care to Another EMS",
        "45": "Patient Treated, Transported by EMS",
    }
)
# Of these somebody died: "Patient Dead at Scene", without transport and transported by EMS.
DEATHS: Final = frozenset({"39", "40"})
DISPOSITION_CODES: Final = frozenset(f"{number:02d}" for number in range(1, 46))

STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "assigned": "Assigned",
        "received": "Received",
        "acknowledged": "Acknowledged",
        "en_route": "En route",
        "staged": "Staged",
        "on_scene": "On scene",
        "contact": "In contact",
        "transporting": "Transporting",
        "at_destination": "At the destination",
        "closed": "Closed",
    }
)
CLOSINGS: Final = ("cleared", "unable_to_locate", "cancelled", "declined")

# The flag of a fact whose assignment is not here yet.
NOT_HERE_YET: Final = "not_here_yet"

# What a flag on a timeline means, in words for a supervisor.
FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown_event": "An event that this version does not know",
        "bad_field": "A detail is missing or cannot be used",
        "missing_time": "The time is missing",
        "time_in_future": "The time lies after the server received the fact; it is not used",
        "clock_suspect": "The device's clock was wrong, or could hardly be measured",
        "clock_unmeasured": "The device's clock was not measured",
        "time_stated": "The time was stated in a correction",
        "out_of_order": "The times contradict the order of the events",
        "impossible_sequence": "The order of the taps is not possible",
        "after_close": "Tapped after the assignment was closed",
        "contact_after_close": "Contact made after the assignment was closed",
        "closing_refused": "Contact had been made: it takes a disposition to close",
        "already_closed": "The assignment was closed already",
        "not_closed": "Reopened although it was not closed",
        "already_assigned": "Given to the unit that had it already",
        "other_unit": "Told by another unit",
        "revision_unknown": "Acknowledged without saying which version of the call",
        "late_undo": "Undone later than a mis-tap may be",
        "target_missing": "Corrects a fact that is not here yet",
        "correction_cycle": "Corrections that correct each other; they have no effect",
    }
)
