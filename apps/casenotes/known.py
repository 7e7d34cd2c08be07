"""What is known of an encounter without its note: from the timeline, and from what other rooms tell
of it. Nobody is asked for it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from apps.assignments.models import Assignment
from apps.assignments.records import facts_of, limits, told
from apps.assignments.timeline import Timeline, derive
from apps.casenotes.content import RecordFacts
from apps.core.clock import city
from apps.people.ages import is_minor
from apps.people.models import Encounter, Person
from apps.people.parts import part_of


def known_of(
    assignment: Assignment | None,
    encounter_ids: Iterable[UUID],
    *,
    timeline: Timeline | None = None,
    now: datetime,
) -> RecordFacts:
    """The facts that a note's path depends on. `assignment` None: it is not here yet, and nothing
    of its timeline is known. `timeline`: the assignment's, where the caller has it."""
    encounters = list(encounter_ids)
    counted = [_care(one) for one in encounters]
    doses, aid = sum(given for given, _ in counted), sum(more for _, more in counted)
    minor = _minor(encounters, assignment.given_at if assignment else now)
    if assignment is None:
        return RecordFacts(at=now, doses=doses, aid=aid, minor=minor)
    timeline = timeline or timeline_of(assignment)
    closing = timeline.closing
    return RecordFacts(
        at=assignment.given_at,
        contact=timeline.met,
        doses=doses,
        aid=aid,
        closing=closing.kind if closing else None,
        disposition=closing.disposition if closing else None,
        minor=minor,
    )


def _minor(encounters: Iterable[UUID], at: datetime) -> bool | None:
    """Whether one of those who were met is under 18; None: nobody knows of anyone."""
    met = Encounter.objects.filter(pk__in=list(encounters)).exclude(person_id=None)
    on = at.astimezone(city()).date()
    told = {_is_minor(person, on) for person in met.values_list("person_id", flat=True) if person}
    return True if True in told else False if False in told else None


def _is_minor(person_id: UUID, on: date) -> bool | None:
    """By the record to go on with, else by one that was merged into it."""
    told = (is_minor(row.content, on) for row in Person.objects.line_of(person_id))
    return next((one for one in told if one is not None), None)


def timeline_of(assignment: Assignment) -> Timeline:
    """What happened on an assignment, without its call."""
    facts = facts_of([assignment.pk])
    return derive([told(fact, fact.order) for fact in facts], limits=limits())


def _care(encounter_id: UUID) -> tuple[int, int]:
    """Doses of naloxone that somebody got, and what else firstaid tells (`people.parts`): first
    aid, and of the log of doses what was refused or is no naloxone. It is no dose to be reviewed,
    and a sign that somebody was met all the same."""
    log, aid = part_of("doses", encounter_id), part_of("aid", encounter_id)
    told = log if isinstance(log, Mapping) else {}
    given, rows = told.get("naloxone_given", 0), len(told.get("doses", ()))
    return given, rows - given + len(aid or ())
