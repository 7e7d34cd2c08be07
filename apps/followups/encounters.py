"""Encounters as a plan reads them: from their timelines, and from what other rooms know of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.assignments.models import Assignment
from apps.assignments.records import facts_of as told_of
from apps.assignments.records import limits, told
from apps.assignments.timeline import Timeline, derive
from apps.followups.plans import EncounterFacts
from apps.people.documents import met_by
from apps.people.models import Encounter, Match
from apps.people.signs import signs_of

# What a note calls it (`casenotes.codes.OUTCOMES`), as plans do.
_BY_NOTE: Final[Mapping[str, str]] = {
    "contact_made": "met",
    "refused": "refused",
    "unable_to_locate": "nobody_found",
    "cancelled": "not_met",
}


def facts_of(encounters: Sequence[Encounter]) -> dict[UUID, EncounterFacts]:
    """What a plan reads of each of these encounters whose call is here and over. A few statements,
    however many."""
    calls = Assignment.objects.exclude(closed_at=None).in_bulk(
        {one.assignment_id for one in encounters}
    )
    over = [one for one in encounters if one.assignment_id in calls]
    timelines = _timelines(calls.keys())
    signs = signs_of([one.pk for one in over])
    return {
        one.pk: _facts(one, calls[one.assignment_id], timelines[one.assignment_id], signs[one.pk])
        for one in over
    }


def ending_of(noted: str, timeline: Timeline, ordinal: int) -> str:
    """How an encounter ended, of `plans.ENDINGS`. Who writes of the person knows best; else the
    timeline, which tells of the first one alone: a further one is opened by who meets somebody."""
    if by_note := _BY_NOTE.get(noted):
        return by_note
    if ordinal > 1:
        return "met"
    met = met_by(timeline)
    return met if met in {"met", "nobody_found"} else "not_met"


def _facts(
    row: Encounter, call: Assignment, timeline: Timeline, signs: Mapping[str, Any]
) -> EncounterFacts:
    closed_at = call.closed_at
    assert closed_at is not None, "only calls that are over are read"
    return EncounterFacts(
        outcome=ending_of(signs.get("outcome", ""), timeline, row.ordinal),
        ended_at=_time(timeline, "closed", closed_at) or closed_at,
        contact_at=_time(timeline, "contact", closed_at),
        dose_at=signs.get("dose_at"),
        referral_at=signs.get("referral_at"),
        risk=signs.get("risk", ""),
        known=row.match == Match.CONFIRMED,
    )


def _time(timeline: Timeline, name: str, closed_at: datetime) -> datetime | None:
    """When something last happened, whichever episode it was in. Nothing happened after the closing
    had come, whatever a clock says."""
    for episode in (timeline.current, *reversed(timeline.earlier)):
        moment = episode.times.get(name)
        if moment is not None and moment.at is not None:
            return min(moment.at, closed_at)
    return None


def _timelines(calls: Collection[UUID]) -> dict[UUID, Timeline]:
    facts: dict[UUID, list[Any]] = {one: [] for one in calls}
    for fact in told_of(calls):
        if fact.assignment_id in facts:
            facts[fact.assignment_id].append(told(fact, fact.order))
    return {one: derive(rows, limits=limits()) for one, rows in facts.items()}
