"""Notes as they are written, for those who write a client."""

from __future__ import annotations

from typing import Any, Final

_ENCOUNTER: Final = "7d2c0f0e-3a56-5f0e-8f0b-3c1d8e0a9b11"
_ASSIGNMENT: Final = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"

CONTACT: Final[dict[str, Any]] = {
    "encounter_id": _ENCOUNTER,
    "assignment_id": _ASSIGNMENT,
    "outcome": "contact_made",
    "presenting_needs": ["person_down", "shelter", "substance_use"],
    "screen": {"q1": "yes", "q2": "no", "q6": "refused"},
    "mental_status": ["3519025", "3519011", "3519013"],
    "barriers": ["3101033"],
    "interventions": ["de_escalation", "basic_needs", "information", "warm_handoff"],
    "supplies": ["water", "socks", "blanket"],
    "disposition": "15",
    "narrative": (
        "Man in his fifties asleep in the doorway, rousable to voice, oriented to person and "
        "place. Said he had been drinking since noon and had lost his bed two nights ago. Wished "
        "not to wake up on some mornings, no thoughts of killing himself; did not want to speak of "
        "earlier years. Drank water, changed socks. Walked with him to the day center, where he "
        "was known; the desk will hold a mat until 20:00."
    ),
}

HIGH_RISK: Final[dict[str, Any]] = {
    "encounter_id": _ENCOUNTER,
    "assignment_id": _ASSIGNMENT,
    "outcome": "contact_made",
    "presenting_needs": ["suicidality", "grief"],
    "screen": {
        "q1": "yes",
        "q2": "yes",
        "q3": "yes",
        "q4": "yes",
        "q5": "no",
        "q6": "yes",
        "q6_recent": "no",
    },
    "mental_status": ["3519011", "3519013", "3519015", "3519017"],
    "barriers": ["3101031"],
    "interventions": ["de_escalation", "support", "means_safety", "dcr_requested", "stayed"],
    "supplies": ["none"],
    "disposition": "15",
    "narrative": (
        "Woman on the bridge approach, alone, crying; sister died last week. Willing to sit in the "
        "car. Handed over her medication to her friend. Evaluated by the designated crisis "
        "responder on scene; not willing to go."
    ),
    "involuntary": {
        "decided_by": "dcr",
        "decided_by_unit": "King County DCR",
        "requested_at": "2026-03-04T22:50:00Z",
        "decided_at": "2026-03-04T23:35:00Z",
        "left_at": "2026-03-04T23:52:00Z",
        "facts_observed": "Said twice that she would go back to the rail. Would not agree to stay "
        "with anybody tonight.",
        "taken_by": "ambulance",
        "taken_to": "Harborview Medical Center",
    },
}

NOBODY_FOUND: Final[dict[str, Any]] = {
    "encounter_id": _ENCOUNTER,
    "assignment_id": _ASSIGNMENT,
    "outcome": "unable_to_locate",
    "retry_plan": {
        "again": "today",
        "not_before": "2026-03-05T02:00:00Z",
        "where": "Under the awning at 2nd and Yesler, where he sleeps",
        "ask": "The security desk of the library",
    },
}

REFUSED: Final[dict[str, Any]] = {
    "encounter_id": _ENCOUNTER,
    "assignment_id": _ASSIGNMENT,
    "outcome": "refused",
    "disposition": "42",
    "refusal": {
        "refused": ["contact", "medics"],
        "capacity": "yes",
        "risks_explained": "yes",
        "witness": "fire",
        "witness_note": "Crew of E2",
        "left": ["water", "resource_card"],
    },
}

EXAMPLES: Final = (CONTACT, HIGH_RISK, NOBODY_FOUND, REFUSED)
