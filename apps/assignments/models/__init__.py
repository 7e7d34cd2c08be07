"""Who goes where, and everything that happens on the way: assignments, facts, alerts."""

from apps.assignments.models.alerts import (
    STAMP,
    Alert,
    AlertKind,
    AlertQuerySet,
    SupportOffer,
    SupportOfferQuerySet,
    SupportState,
)
from apps.assignments.models.assignments import Assignment, AssignmentQuerySet, State
from apps.assignments.models.facts import Fact, FactQuerySet, FactSource, NextInOrder

__all__ = [
    "STAMP",
    "Alert",
    "AlertKind",
    "AlertQuerySet",
    "Assignment",
    "AssignmentQuerySet",
    "Fact",
    "FactQuerySet",
    "FactSource",
    "NextInOrder",
    "State",
    "SupportOffer",
    "SupportOfferQuerySet",
    "SupportState",
]
