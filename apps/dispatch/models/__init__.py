"""Incidents from CAD, the units and crews that answer them, and the rules that explain."""

from apps.dispatch.models.crews import (
    Agency,
    CrewMember,
    CrewMemberQuerySet,
    Shift,
    ShiftQuerySet,
    Unit,
)
from apps.dispatch.models.held import HeldMessage, HeldMessageQuerySet
from apps.dispatch.models.incidents import (
    STARTED_BY_RESPONDER,
    EntryKind,
    Incident,
    IncidentLink,
    IncidentQuerySet,
    IncidentStatus,
    IncidentUnit,
    Source,
    details,
)
from apps.dispatch.models.rulebook import BeatOutline, CallType, DispatchRule, DispatchRuleQuerySet

__all__ = [
    "STARTED_BY_RESPONDER",
    "Agency",
    "BeatOutline",
    "CallType",
    "CrewMember",
    "CrewMemberQuerySet",
    "DispatchRule",
    "DispatchRuleQuerySet",
    "EntryKind",
    "HeldMessage",
    "HeldMessageQuerySet",
    "Incident",
    "IncidentLink",
    "IncidentQuerySet",
    "IncidentStatus",
    "IncidentUnit",
    "Shift",
    "ShiftQuerySet",
    "Source",
    "Unit",
    "details",
]
