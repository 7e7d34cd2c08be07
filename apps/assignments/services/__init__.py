"""The verbs of assignments. Nothing else writes these rows.

Each is one transaction: it locks the assignment, adds facts, derives the state from all of them,
stores, publishes and audits. See `writing`.
"""

from apps.assignments.services.alarms import (
    acknowledge_alert,
    let_cleared_go,
    raise_alert,
    raise_due_alarms,
)
from apps.assignments.services.asking import ask_for_check_ins
from apps.assignments.services.following import follow_incident
from apps.assignments.services.giving import (
    acknowledge_for_unit,
    assign,
    cancel,
    reassign,
)
from apps.assignments.services.linking import confirm_link, link, refuse_link, take_back_link
from apps.assignments.services.support import close_support, offer_support, record_answer
from apps.assignments.services.telling import (
    NotYours,
    Telling,
    crewed,
    record_from_desk,
    record_from_tablet,
    spoken_for,
)

__all__ = [
    "NotYours",
    "Telling",
    "acknowledge_alert",
    "acknowledge_for_unit",
    "ask_for_check_ins",
    "assign",
    "cancel",
    "close_support",
    "confirm_link",
    "crewed",
    "follow_incident",
    "let_cleared_go",
    "link",
    "offer_support",
    "raise_alert",
    "raise_due_alarms",
    "reassign",
    "record_answer",
    "record_from_desk",
    "record_from_tablet",
    "refuse_link",
    "spoken_for",
    "take_back_link",
]
