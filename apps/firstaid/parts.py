"""What first aid contributes to the picture of an encounter, in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from apps.core import clock
from apps.core.clock import iso
from apps.firstaid import codes, services
from apps.firstaid.aid import Aid, aids
from apps.firstaid.documents import CaseAct
from apps.firstaid.doses import Answer, Dose, answer_of, doses
from apps.firstaid.handover import aid_in_words, answer_in_words, dose_in_words
from apps.firstaid.models import FirstAidLog, NaloxoneDose, OverdoseAnswer
from apps.firstaid.prompts import Prompt, prompts
from apps.people.ids import ordinal_of
from apps.people.models import Encounter


@dataclass(frozen=True)
class Care:
    """What was given and done in one encounter, as it stands."""

    doses: list[Dose]
    answers: list[Answer]
    aids: list[Aid]

    def open_questions(self, day: date) -> list[Prompt]:
        """What the log asks of it, by the protocol of a day, with the time from which it is due."""
        return prompts(self.doses, self.answers, services.protocol_of(day))


def care_of(encounter_id: UUID) -> Care:
    """Read from the whole assignment: a correction may say that it was for somebody else. What is
    told of another assignment, or of none, is nothing of it, whatever encounter it names."""
    given = NaloxoneDose.objects.filter(assignment_id__in=_cases(NaloxoneDose, encounter_id))
    answered = OverdoseAnswer.objects.filter(encounter_id=encounter_id)
    told = list(answered.filter(assignment_id__in=_cases(OverdoseAnswer, encounter_id)))
    return Care(
        doses=[one for one in doses(given, told) if one.encounter_id == encounter_id],
        answers=[answer_of(row) for row in sorted(told, key=lambda row: row.order)],
        aids=_aids_of(encounter_id),
    )


def doses_part(encounter_id: UUID) -> dict[str, Any] | None:
    """The doses with their times, how many were naloxone that somebody got, what was answered, and
    what is still asked. None for none."""
    if not _cases(NaloxoneDose, encounter_id):
        return None  # as of most encounters, whose notes ask with each save: one statement
    care = care_of(encounter_id)
    if not care.doses:
        return None
    today = clock.now().astimezone(clock.city()).date()
    return {
        "naloxone_given": sum(dose.gave_naloxone for dose in care.doses),
        "doses": [dose_in_words(dose) for dose in care.doses],
        "answers": [answer_in_words(one) for one in care.answers],
        "open": [
            {"question": codes.QUESTIONS[one.question], "due_at": iso(one.due_at)}
            for one in care.open_questions(today)
        ],
    }


def aid_part(encounter_id: UUID) -> list[dict[str, Any]] | None:
    """First aid, each row in words. None for none."""
    return [aid_in_words(one) for one in _aids_of(encounter_id)] or None


def _aids_of(encounter_id: UUID) -> list[Aid]:
    done = FirstAidLog.objects.filter(assignment_id__in=_cases(FirstAidLog, encounter_id))
    return [one for one in aids(done) if one.encounter_id == encounter_id]


def _cases(model: type[CaseAct], encounter_id: UUID) -> set[UUID]:
    """The encounter's assignment, where something is told of it."""
    rows = model.objects.filter(encounter_id=encounter_id).values_list("assignment_id", flat=True)
    return {id for id in rows if id and ordinal_of(encounter_id, id)}


def dose_ids(encounter: Encounter) -> Iterable[UUID]:
    """The documents of doses on an encounter's call."""
    return NaloxoneDose.objects.of(encounter.assignment_id).values_list("pk", flat=True)


def aid_ids(encounter: Encounter) -> Iterable[UUID]:
    """Those of first aid."""
    return FirstAidLog.objects.of(encounter.assignment_id).values_list("pk", flat=True)


def answer_ids(encounter: Encounter) -> Iterable[UUID]:
    """Those of answers of the log."""
    return OverdoseAnswer.objects.of(encounter.assignment_id).values_list("pk", flat=True)
