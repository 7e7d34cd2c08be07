"""Rows become plain values: encounters with their calls, doses and first aid, a page at a time.

However many encounters a page has, it takes the same number of statements; narratives alone are
asked for one by one, where they are wanted at all.
"""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from apps.assignments.codes import RESPONDER_STARTED
from apps.assignments.models import Assignment
from apps.assignments.models import Fact as FactRow
from apps.assignments.records import facts_of, limits, told
from apps.assignments.timeline import PairedUnit, Timeline, derive, ledger
from apps.core import clock
from apps.dispatch.models import Agency, CallType, Incident, IncidentUnit
from apps.firstaid import codes
from apps.firstaid.aid import Aid, aids
from apps.firstaid.doses import Answer, Dose, answer_of, doses
from apps.firstaid.exports.care import Care, Patient, Response
from apps.firstaid.exports.nemsis_codes import DEAD_AT_SCENE
from apps.firstaid.models import FirstAidLog, NaloxoneDose, OverdoseAnswer
from apps.firstaid.prompts import last_answers
from apps.people.codes import HOMELESS
from apps.people.ids import encounter_id, record_id
from apps.people.models import Encounter, Match, Person
from apps.people.parts import part_of
from apps.people.signs import signs_of

log = logging.getLogger(__name__)

LANGUAGE_BARRIER: Final = "3101007"  # eHistory.01
# Persons are merged by hand: more in a row is a circle.
_MOST_MERGES: Final = 10
_HANDED_OVER: Final = frozenset({"44", "45"})  # APCO 1.111.2-2018: to another EMS
_MEDICS: Final = frozenset({"medics", "fire"})
_TOLD_OF_MEDICS: Final = frozenset(
    {
        ("handover", "medics"),
        ("handover", codes.PRONOUNCED_DEAD),
        ("fire_called", "on_scene"),
    }
)

T = TypeVar("T", NaloxoneDose, FirstAidLog, OverdoseAnswer)
A = TypeVar("A", Dose, Aid, Answer)


class LeftOut(StrEnum):
    """Why an encounter is not exported."""

    OPEN = "open"  # the call is not over, or not here yet: what stands is not the end of it
    UNREADABLE = "unreadable"  # something sealed does not open, or is not what it should be


@dataclass(frozen=True)
class Read:
    """A page: the encounters that can be exported, and why the others cannot."""

    cares: list[Care] = field(default_factory=list)
    left_out: dict[UUID, LeftOut] = field(default_factory=dict)


def read(encounters: Sequence[Encounter], *, narrative: bool = False) -> Read:
    """These encounters, in their order. `narrative`: with that of a signed case note.

    One that cannot be read is left out and logged by its id; it keeps no other back.
    """
    page = _Page.of(encounters)
    found = Read()
    for row in encounters:
        try:
            care = page.care(row, narrative=narrative)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the rest goes
            log.error("an encounter cannot be exported: %s %s", row.pk, type(error).__name__)
            found.left_out[row.pk] = LeftOut.UNREADABLE
            continue
        if care is None:
            found.left_out[row.pk] = LeftOut.OPEN
        else:
            found.cares.append(care)
    return found


@dataclass(frozen=True)
class _Page:
    """Everything that a page of encounters is made of, unopened. Acts, facts: by assignment."""

    zone: ZoneInfo
    assignments: Mapping[UUID, Assignment]
    facts: Mapping[UUID, list[FactRow]]
    units: Mapping[UUID, list[IncidentUnit]]
    call_types: Mapping[str, CallType]
    doses: Mapping[UUID, list[NaloxoneDose]]
    aids: Mapping[UUID, list[FirstAidLog]]
    answers: Mapping[UUID, list[OverdoseAnswer]]
    persons: Mapping[UUID, Person]
    signed: Mapping[UUID, Mapping[str, Any]] | None

    @classmethod
    def of(cls, encounters: Sequence[Encounter]) -> _Page:
        ids = {row.assignment_id for row in encounters}
        rows = Assignment.objects.filter(pk__in=ids).select_related("incident", "unit")
        assignments = {row.pk: row for row in rows}
        incidents = [row.incident for row in assignments.values()]
        facts: dict[UUID, list[FactRow]] = defaultdict(list)
        for fact in facts_of(ids):
            if fact.assignment_id:
                facts[fact.assignment_id].append(fact)
        units: dict[UUID, list[IncidentUnit]] = defaultdict(list)
        for unit in IncidentUnit.objects.filter(
            incident__in=incidents, agency__in=[Agency.SPD, Agency.SFD]
        ):
            units[unit.incident_id].append(unit)
        return cls(
            zone=clock.city(),
            assignments=assignments,
            facts=facts,
            units=units,
            call_types=CallType.objects.in_bulk({_type_of(row) for row in incidents}),
            doses=_by_assignment(NaloxoneDose.objects.filter(assignment_id__in=ids)),
            aids=_by_assignment(FirstAidLog.objects.filter(assignment_id__in=ids)),
            answers=_by_assignment(OverdoseAnswer.objects.filter(assignment_id__in=ids)),
            persons=_persons({row.person_id for row in encounters if row.match == Match.CONFIRMED}),
            signed=_signed([row.pk for row in encounters]),
        )

    def care(self, row: Encounter, *, narrative: bool) -> Care | None:
        """One encounter; None while its call is open or not here."""
        assignment = self.assignments.get(row.assignment_id)
        if assignment is None:
            return None
        timeline = derive(
            [told(fact, fact.order) for fact in self.facts.get(assignment.pk, ())],
            call_revision=assignment.revision_base + assignment.incident.call_revision,
            limits=limits(),
        )
        if timeline.closing is None or assignment.closed_at is None:
            return None
        answers = self.answers.get(assignment.pk, [])
        given = self._of(row, doses(self.doses.get(assignment.pk, []), answers))
        signed = self._signed(row.pk)
        response = self._response(assignment, timeline, signed.get("disposition", ""))
        said = last_answers(self._of(row, map(answer_of, answers)))
        person = self.persons.get(row.person_id) if row.person_id else None
        return Care(
            id=row.pk,
            report_id=record_id(row.pk, "patient_care_report"),
            response=response,
            contact=timeline.met,
            patient=_patient(person, response.notified_at) if person else None,
            doses=given,
            aids=self._of(row, aids(self.aids.get(assignment.pk, []))),
            barriers=_barriers(person, signed.get("barriers", ())),
            mental_status=tuple(signed.get("mental_status", ())),
            fatal=_is_fatal(response, signed, said.get("handover")),
            place=place_of(assignment.incident.details.get("location"))
            or next((place for dose in given if (place := place_of(dose.position))), None),
            medics_came=_medics_came(response, given, answers),
            narrative=_narrative(row.pk) if narrative else None,
        )

    def _signed(self, encounter: UUID) -> Mapping[str, Any]:
        """What its signed note says in codes; nothing without one."""
        found = _notes([encounter]) if self.signed is None else self.signed
        return found.get(encounter, {})

    def _of(self, row: Encounter, acts: Iterable[A]) -> tuple[A, ...]:
        """Those of this encounter, by the city's clock. What names none is the first one's."""
        first = encounter_id(row.assignment_id)
        mine = [act for act in acts if (act.encounter_id or first) == row.pk]
        return tuple(
            replace(act, at=act.at.astimezone(self.zone)) if act.at else act for act in mine
        )

    def _response(self, row: Assignment, timeline: Timeline, by_note: str) -> Response:
        incident = row.incident
        paired = [
            PairedUnit(unit.call_sign, unit.agency) for unit in self.units.get(incident.pk, [])
        ]
        facts = [entry.fact for entry in timeline.history]
        handoff = ledger(facts, paired, limits=limits())
        times = {name: at.astimezone(self.zone) for name, at in _times(timeline).items()}
        closing, closed_at = timeline.closing, row.closed_at
        assert closing is not None, "an open call is left out"
        assert closed_at is not None, "likewise"
        call_type = self.call_types.get(_type_of(incident))
        called = None if incident.entry_kind in RESPONDER_STARTED else incident.occurred_at
        return Response(
            id=row.pk,
            unit=row.unit.call_sign,
            entry_kind=row.entry_kind,
            notified_at=times.get("assigned") or row.given_at.astimezone(self.zone),
            back_in_service_at=times.get("closed") or closed_at.astimezone(self.zone),
            cad_number=incident.cad_number or "",
            call_type=call_type.nemsis_code if call_type else "",
            called_at=called and called.astimezone(self.zone),
            times=times,
            closing=closing.kind,
            disposition=closing.disposition or by_note,
            police_on_scene=handoff.police.arrived is not None,
            fire_on_scene=handoff.fire.arrived is not None,
        )


def _by_assignment(rows: QuerySet[T]) -> dict[UUID, list[T]]:
    """Acts by their assignment, in the server's order. What names only an encounter is told by
    whoever likes: who may tell an act is asked of its assignment."""
    found: dict[UUID, list[T]] = defaultdict(list)
    for row in rows.order_by("order"):
        if row.assignment_id is not None:
            found[row.assignment_id].append(row)
    return found


def _type_of(incident: Incident) -> str:
    return incident.final_call_type or incident.initial_call_type


def _times(timeline: Timeline) -> dict[str, datetime]:
    """The milestones of the unit that ended the call: a call that was reopened, or came back to
    it, has those of the first time too. When it closed is the last time."""
    found: dict[str, datetime] = {}
    for episode in (*timeline.earlier, timeline.current):
        if episode.unit == timeline.unit:
            for name, moment in episode.times.items():
                if moment.at is not None and name != "closed":
                    found.setdefault(name, moment.at)
    closed = timeline.times.get("closed")
    if closed is not None and closed.at is not None:
        found["closed"] = closed.at
    return found


def _medics_came(
    response: Response, given: Iterable[Dose], answers: Iterable[OverdoseAnswer]
) -> bool:
    """Whether somebody else may have counted it: the facts say so, the crew, or who gave a dose."""
    said = {(one.question, one.answer) for one in map(answer_of, answers)}
    return (
        response.fire_on_scene
        or response.disposition in _HANDED_OVER
        or bool(said & _TOLD_OF_MEDICS)
        or any(dose.given_by in _MEDICS for dose in given)
    )


def place_of(location: object) -> tuple[float, float] | None:
    """Latitude and longitude of what a call or a tablet says, if it says them."""
    if not isinstance(location, Mapping):
        return None
    pair = (location.get("lat"), location.get("lon"))
    lat, lon = pair
    if isinstance(lat, int | float) and isinstance(lon, int | float):
        return float(lat), float(lon)
    return None


def _persons(ids: set[UUID | None]) -> dict[UUID, Person]:
    """Persons by the id that an encounter names; of merged ones the one that holds."""
    wanted = {id for id in ids if id is not None}
    rows = Person.objects.in_bulk(wanted)
    for _ in range(_MOST_MERGES):
        further = {row.merged_into_id for row in rows.values() if row.merged_into_id}
        if not further - set(rows):
            break
        rows |= Person.objects.in_bulk(further - set(rows))
    return {id: _holding(rows[id], rows) for id in wanted if id in rows}


def _holding(row: Person, rows: Mapping[UUID, Person]) -> Person:
    for _ in range(_MOST_MERGES):
        if row.merged_into_id is None or row.merged_into_id not in rows:
            break
        row = rows[row.merged_into_id]
    return row


def _patient(person: Person, at: datetime) -> Patient:
    content: Mapping[str, Any] = person.content
    return Patient(
        id=person.pk,
        age=_age(content, at),
        sex=_text(content.get("sex")) or "",
        homeless=content.get("housing") in HOMELESS,
    )


def _age(content: Mapping[str, Any], at: datetime) -> int | None:
    """Years on the day of the call: from the birth date, else the birth year, else as guessed."""
    with contextlib.suppress(TypeError, ValueError):
        born = date.fromisoformat(content.get("birth_date") or "")
        return at.year - born.year - ((at.month, at.day) < (born.month, born.day))
    year, guessed = content.get("birth_year"), content.get("approximate_age")
    if isinstance(year, int):
        return at.year - year
    return guessed if isinstance(guessed, int) else None


def _barriers(person: Person | None, noted: Sequence[str]) -> tuple[str, ...]:
    """What the note says stood in the way; the language too for who needs an interpreter."""
    needed = person is not None and person.content.get("interpreter") is True
    return tuple(dict.fromkeys((*noted, *((LANGUAGE_BARRIER,) if needed else ()))))


def _is_fatal(response: Response, signed: Mapping[str, Any], handover: Answer | None) -> bool:
    """Whether the person died, as far as anybody of CARE said so: how the call or the note ended,
    the note's part about a death, or the last answer to who has the person now."""
    return (
        DEAD_AT_SCENE in {response.disposition, signed.get("disposition")}
        or signed.get("death") is True
        or (handover is not None and handover.answer == codes.PRONOUNCED_DEAD)
    )


def _signed(encounters: Sequence[UUID]) -> Mapping[UUID, Mapping[str, Any]] | None:
    """The signed notes of a page at once. None where one of them cannot be read: then each is asked
    for alone, so that it keeps no other back."""
    try:
        return _notes(encounters)
    except Exception:  # noqa: BLE001 - whose fault it is shows with the encounter
        return None


def _notes(encounters: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    found = signs_of(encounters, of=("note",))
    return {id: signs["signed"] for id, signs in found.items() if "signed" in signs}


def _narrative(encounter: UUID) -> str | None:
    """What the crew signed of it in words, with what they added later. A draft is not theirs yet,
    and what only its authors may see is not told here."""
    note = part_of("note", encounter)
    if not isinstance(note, Mapping) or note.get("state") == "draft" or note.get("restricted"):
        return None
    told_later = note.get("addenda")
    addenda = told_later if isinstance(told_later, list) else []
    texts = [_text(note.get("narrative")), *(f"Addendum: {one}" for one in addenda)]
    return "\n\n".join(text for text in texts if text) or None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
