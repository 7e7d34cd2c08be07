"""Words of follow-ups: codes with their labels. No standard has them: all are the project's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OWN: Final = "Carefield"

PURPOSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "check_in": "See how they are",
        "after_overdose": "After an overdose",
        "safety_plan": "Go over the safety plan",
        "referral": "Ask whether the referral was of use",
        "appointment": "Before or after an appointment",
        "basic_needs": "Bring what they need",
        "look_again": "Look for somebody who was not found",
        "other": "Another reason",
    }
)

WAYS: Final[Mapping[str, str]] = MappingProxyType(
    {"visit": "Visit", "phone": "Telephone", "text": "Text message"}
)

# On what a follow-up rests: without one of the first two none is made.
BASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agreed": "The person agrees",
        "clinician": "A clinician's written reason, until a day",
        "refused": "The person wants none",
    }
)

# What is told of a follow-up: the events of the facts `follow_up_event`.
EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "acknowledged": "Reminder acknowledged",
        "snoozed": "Reminded again later",
        "attempted": "Tried",
        "taken": "Taken over",
        "released": "Given back to the team",
        "paused": "Paused",
        "resumed": "Goes on",
        "moved": "Moved to another time",
        "ended": "Ended by hand",
        "withdrawn": "Taken back: told by mistake",
    }
)

RESULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reached": "Reached",
        "left_word": "Left word with somebody who knows them",
        "not_reached": "Not reached",
        "wrong_place": "Not to be found there any more",
        "declined": "Wants no more follow-ups",
        "in_jail": "In jail",
        "in_hospital": "In hospital",
        "deceased": "Has died",
    }
)
# Of a result, what it is to a follow-up: these end it, those pause it, the others are one try more.
ENDING: Final[Mapping[str, str]] = MappingProxyType(
    {"reached": "reached", "declined": "declined", "deceased": "deceased"}
)
PAUSING: Final[Mapping[str, str]] = MappingProxyType({"in_jail": "jail", "in_hospital": "hospital"})

PAUSES: Final[Mapping[str, str]] = MappingProxyType(
    {"jail": "In jail", "hospital": "In hospital", "other": "Another reason"}
)

OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reached": "Reached",
        "met": "Met on a call",
        "declined": "The person wants none",
        "deceased": "The person has died",
        "not_reached": "Not reached in as many tries as the plan has",
        "merged": "The same follow-up of the same person goes on",
        "withdrawn": "Ended by hand",
        "no_basis": "No agreement and no clinician's reason any more",
    }
)

FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bad_field": "A detail cannot be used",
        "unknown_code": "A code that this version does not know",
        "too_late": "Told after it had ended",
        "not_here_yet": "Its follow-up is not here yet",
        "no_basis": "Without an agreement or a clinician's reason: not reminded of",
    }
)

# The lists that tablets are given (collection `reference`).
LISTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "follow_up_purposes": PURPOSES,
        "follow_up_ways": WAYS,
        "follow_up_bases": BASES,
        "follow_up_events": EVENTS,
        "follow_up_results": RESULTS,
        "follow_up_pauses": PAUSES,
        "follow_up_outcomes": OUTCOMES,
        "follow_up_flags": FLAGS,
    }
)
