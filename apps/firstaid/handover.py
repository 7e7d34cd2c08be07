"""What medics are told of the care that was given, from the documents that a tablet holds. Pure;
tablets work it out alike, offline.

What was corrected is told as it stands. A row that the server has not numbered yet is the last.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from apps.assignments.timeline import corrected_time
from apps.core.clock import iso
from apps.firstaid import codes
from apps.firstaid.aid import Aid, aid_details, standing_aids
from apps.firstaid.doses import Answer, Dose, dose_details, standing_doses, text
from apps.people.ids import encounter_id, ordinal_of
from apps.people.parts import Held
from apps.sync.values import uuid_of

Document = Mapping[str, Any]
_NEVER = datetime.min.replace(tzinfo=UTC)


def care(held: Held, encounter: UUID) -> dict[str, Any]:
    """The sections `fire` (is the fire department called, and when), `doses`, `answers` and `aid`
    of an encounter; those of which nothing is known are left out."""
    answers = [
        answer_told(one)
        for one in held.get("facts", ())
        if one.get("kind") == "overdose_answer" and _case(one, encounter)
    ]
    mine = [one for one in answers if one.encounter_id == encounter]
    mine.sort(key=lambda one: one.order)
    doses = [dose_told(one) for one in held.get("naloxone_doses", ()) if _case(one, encounter)]
    aids = [aid_told(one) for one in held.get("first_aid_logs", ()) if _case(one, encounter)]
    found = {
        "fire": _fire(mine),
        "doses": [
            dose_in_words(one)
            for one in standing_doses(doses, mine)
            if one.encounter_id == encounter
        ],
        "answers": [answer_in_words(one) for one in mine if one.question != "fire_called"],
        "aid": [aid_in_words(one) for one in standing_aids(aids) if one.encounter_id == encounter],
    }
    return {name: said for name, said in found.items() if said}


def dose_told(document: Document) -> Dose:
    """A dose as its document tells it. What cannot be read of it is left open."""
    before = document.get("before_arrival") is True
    return Dose(
        **_common(document, "given_at", unknown=before),
        corrects=uuid_of(document.get("corrects")),
        **dose_details(document),
    )


def aid_told(document: Document) -> Aid:
    """First aid as its document tells it."""
    before = document.get("before_arrival") is True
    return Aid(
        **_common(document, "done_at", unknown=before),
        corrects=uuid_of(document.get("corrects")),
        **aid_details(document),
    )


def answer_told(document: Document) -> Answer:
    """An answer as its document tells it."""
    called = _instant(document.get("called_at"))
    return Answer(
        **_common(document, None),
        question=text(document, "question"),
        answer=text(document, "answer"),
        dose_id=uuid_of(document.get("dose_id")),
        response=text(document, "response"),
        called_at=corrected_time(called, _offset(document)) if called else None,
        witness=text(document, "witness"),
        note=text(document, "note"),
    )


def dose_in_words(dose: Dose) -> dict[str, Any]:
    """One dose for people; what was not told is an empty text."""
    return {
        "at": iso(dose.at),
        "drug": _word(codes.DRUGS, dose.drug),
        "dose": f"{dose.amount:f} {_word(codes.UNITS, dose.amount_unit)}" if dose.amount else "",
        "route": _word(codes.ROUTES, dose.route),
        "given_by": _giver(dose.given_by),
        "before_arrival": dose.before_arrival,
        "breathing_before": _word(codes.BREATHING, dose.breathing_before),
        "breathing_after": _word(codes.BREATHING, dose.breathing_after),
        "response": _word(codes.RESPONSES, dose.response),
        "complications": _words(codes.COMPLICATIONS, dose.complications),
        "not_given": _word(codes.PERTINENT_NEGATIVES, dose.withheld),
    }


def answer_in_words(one: Answer) -> dict[str, Any]:
    """One answer to the log for people; what was not told is an empty text, or no time."""
    return {
        "question": codes.QUESTIONS.get(one.question, one.question),
        "answer": _word(codes.ANSWERS.get(one.question, {}), one.answer),
        "at": iso(one.at),
        "called_at": iso(one.called_at),
        "response": _word(codes.RESPONSES, one.response),
        "witness": one.witness,
        "note": one.note,
    }


def aid_in_words(one: Aid) -> dict[str, Any]:
    """One first aid log for people."""
    return {
        "at": iso(one.at),
        "given_by": _giver(one.given_by),
        "before_arrival": one.before_arrival,
        "injuries": _words(codes.INJURIES, one.injuries),
        "procedures": _words(codes.PROCEDURES, one.procedures),
        "refused": [
            f"{_word(codes.PROCEDURES, refusal.procedure)}: "
            f"{_word(codes.PERTINENT_NEGATIVES, refusal.reason)}"
            for refusal in one.refused
        ],
        "vitals": [
            f"{codes.VITALS[name].label} {number:g} {codes.VITALS[name].unit}"
            for name, number in one.vitals.items()
        ],
        "level": _word(codes.LEVELS, one.level),
        "breathing": _word(codes.BREATHING, one.breathing),
        "outcome": _word(codes.RESPONSES, one.outcome),
        "note": one.note,
    }


def _fire(answers: Sequence[Answer]) -> dict[str, Any] | None:
    """The last answer about the fire department, and when it was called."""
    asked = [one for one in answers if one.question == "fire_called"]
    if not asked:
        return None
    last = asked[-1]
    told = {"fire_department": _word(codes.ANSWERS["fire_called"], last.answer)}
    at = last.called_at or (last.at if last.answer == "called" else None)
    return {**told, **({"called_at": iso(at)} if at else {})}


def _case(document: Document, encounter: UUID) -> bool:
    """Whether a document is of the call that an encounter is of: a correction may say that what it
    replaces was somebody else's."""
    assignment = uuid_of(document.get("assignment_id"))
    return assignment is not None and ordinal_of(encounter, assignment) is not None


def _common(document: Document, stated: str | None, *, unknown: bool = False) -> dict[str, Any]:
    """What every act has. Without an encounter it is of the call's first."""
    assignment = uuid_of(document.get("assignment_id"))
    at = _instant(document.get(stated)) if stated else None
    tapped = None if unknown else _instant(document.get("device_time"))
    order = document.get("order")
    return {
        "id": uuid_of(document.get("id")) or UUID(int=0),
        "assignment_id": assignment,
        "encounter_id": uuid_of(document.get("encounter_id"))
        or (encounter_id(assignment) if assignment else None),
        "order": order if type(order) is int else sys.maxsize,
        "at": corrected_time(at or tapped, _offset(document)),
        "received_at": _instant(document.get("received_at")) or tapped or _NEVER,
    }


def _offset(document: Document) -> int | None:
    offset = document.get("clock_offset_ms")
    return offset if type(offset) is int else None


def _instant(value: object) -> datetime | None:
    """A time with its zone; None for what is none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _giver(code: str) -> str:
    known = codes.GIVERS.get(code)
    return known.label if known else code


def _word(known: Mapping[str, str], code: str) -> str:
    return known.get(code, code)


def _words(known: Mapping[str, str], told: Iterable[str]) -> list[str]:
    return [known.get(code, code) for code in told]
