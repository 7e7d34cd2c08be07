"""The timeline of an assignment: a function of the set of its facts.

`derive` gives state, times and durations, `ledger` the handoff between police, fire and CARE.
Neither reads a clock nor a database, and the order in which the facts are given never matters:
whatever reaches the server first, the same facts give the same answer. Whatever is odd about a
fact (a time out of order, an impossible sequence, a wrong clock, a bad detail) is taken and
flagged, never refused. See `facts` for precedence, `corrections` for what corrections do,
`episodes` for the rules of the state, `presence` for the rules of the time given back, `onscene`
for what check-ins go by.
"""

from __future__ import annotations

from apps.assignments.timeline.corrections import Correction, Entry
from apps.assignments.timeline.derive import Timeline, derive
from apps.assignments.timeline.documents import (
    handoff_document,
    history_document,
    timeline_document,
)
from apps.assignments.timeline.episodes import Closing, Episode, Refusal
from apps.assignments.timeline.facts import (
    LATE,
    Arrival,
    Fact,
    Flag,
    Limits,
    Stamp,
    arrival_of,
    corrected_time,
    in_precedence,
)
from apps.assignments.timeline.fields import (
    is_known,
    problems_of,
    read,
    unit_name,
    without_persons,
)
from apps.assignments.timeline.handoff import Declined, Handoff, Request, SceneChange, ledger
from apps.assignments.timeline.onscene import OnScene, on_scene
from apps.assignments.timeline.presence import AgencyHandoff, PairedUnit, Stay, UnitHandoff
from apps.assignments.timeline.times import DURATIONS, MILESTONES, Claim, Duration, Moment

__all__ = [
    "DURATIONS",
    "LATE",
    "MILESTONES",
    "AgencyHandoff",
    "Arrival",
    "Claim",
    "Closing",
    "Correction",
    "Declined",
    "Duration",
    "Entry",
    "Episode",
    "Fact",
    "Flag",
    "Handoff",
    "Limits",
    "Moment",
    "OnScene",
    "PairedUnit",
    "Refusal",
    "Request",
    "SceneChange",
    "Stamp",
    "Stay",
    "Timeline",
    "UnitHandoff",
    "arrival_of",
    "corrected_time",
    "derive",
    "handoff_document",
    "history_document",
    "in_precedence",
    "is_known",
    "ledger",
    "on_scene",
    "problems_of",
    "read",
    "timeline_document",
    "unit_name",
    "without_persons",
]
