"""The handover to medics: one page of what is known of an encounter now. Nobody types anything.

Each room says its part (`people.parts`); here stand the note's part, and the whole as a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from apps.assignments.codes import DISPOSITIONS, EVENTS
from apps.casenotes import codes
from apps.casenotes.content import cssrs
from apps.casenotes.models import CaseNote
from apps.casenotes.records import addenda_of, text_of
from apps.core.clock import city, iso
from apps.people import documents as people
from apps.people.models import Encounter, Match, Person
from apps.people.parts import parts_of
from apps.people.services.encounters import record_of

# What of a note helps whoever takes over: fields that are lists of codes, with their labels.
_CODED: Final[Mapping[str, Mapping[str, str]]] = {
    "presenting_needs": codes.PRESENTING_NEEDS,
    "mental_status": codes.MENTAL_STATUS,
    "barriers": codes.BARRIERS,
    "interventions": codes.INTERVENTIONS,
    "supplies": codes.SUPPLIES,
}
# What of a person does. Their record stays where it is.
_OF_PERSON: Final = (
    *("given_name", "family_name", "aliases", "description", "birth_year", "approximate_age"),
    *("sex", "language", "interpreter", "helps", "harms", "animals"),
)
_WORDS: Final = frozenset({"narrative", "addenda"})
# What was given stands before what was said.
_URGENT: Final = ("doses", "aid")
_OF_CALL: Final = ("cad_number", "call_type", "address", "unit", "times")


def note_part(encounter_id: UUID) -> dict[str, Any] | None:
    """The note's part of an encounter; None while nobody has begun one. Nothing of the fields of a
    mandated report; whether there is one (`restricted`), so that who shows it can leave out the
    words too."""
    row = CaseNote.objects.of(encounter_id).first()
    if row is None:
        return None
    content = text_of(row)
    screen = content.get("screen")
    found: dict[str, Any] = {
        "state": row.state,
        "restricted": row.restricted,
        "outcome": codes.OUTCOMES.get(str(content.get("outcome")), content.get("outcome")),
        "risk": codes.RISKS[cssrs.risk(screen)] if isinstance(screen, Mapping) else None,
        **{name: _labels(content.get(name), known) for name, known in _CODED.items()},
        "disposition": DISPOSITIONS.get(
            str(content.get("disposition")), content.get("disposition")
        ),
        "narrative": content.get("narrative"),
        "addenda": [one.text for one in addenda_of(row) if one.text],
    }
    return {name: said for name, said in found.items() if said}


def handover(
    encounter: Encounter, *, by: AbstractBaseUser | AnonymousUser, now: datetime
) -> dict[str, Any]:
    """What is known of an encounter now, for somebody who may see it: the call, the person as far
    as `by` may see them, and each room's part."""
    of = record_of(encounter.assignment_id)
    call = people.summary(of) if of else None
    return {
        "as_of": iso(now),
        "call": {name: call[name] for name in _OF_CALL} if call else None,
        "person": _person(encounter, by),
        "parts": _parts(encounter.pk),
    }


@dataclass(frozen=True)
class Section:
    """A part of the page: lines, each with what it says; a line may have no name."""

    title: str
    lines: Sequence[tuple[str, str]]


def page(told: Mapping[str, Any]) -> list[Section]:
    """The handover as it is printed: what nobody knows has no line. Pure."""
    call = dict(told["call"] or {})
    times = call.pop("times", None) or {}
    parts = sorted(told["parts"], key=lambda name: (name not in _URGENT, name))
    found = [
        Section("Person", list(_lines(told["person"] or {}))),
        *(Section(_words(name), list(_lines(told["parts"][name]))) for name in parts),
        Section("Call", list(_lines(call))),
        Section("Times", [(_event(name), _clock(at)) for name, at in times.items() if at]),
    ]
    return [section for section in found if section.lines]


def _labels(value: Any, known: Mapping[str, str]) -> list[str]:
    return [known.get(str(one), str(one)) for one in value] if isinstance(value, list) else []


def _parts(encounter_id: UUID) -> dict[str, Any]:
    """What each room says. The words of a restricted note may speak of the report: they stay with
    its authors and their supervisors; codes and risk are for who goes on with the care."""
    told = parts_of(encounter_id)
    note = told.get("note")
    if isinstance(note, Mapping) and note.get("restricted"):
        told["note"] = {name: said for name, said in note.items() if name not in _WORDS}
    return told


def _person(encounter: Encounter, by: AbstractBaseUser | AnonymousUser) -> dict[str, Any] | None:
    if encounter.match == Match.NONE or encounter.person_id is None:
        return None
    row = Person.objects.visible_to(by).root_of(encounter.person_id)
    if row is None:
        return None
    known = {name: row.content.get(name) for name in _OF_PERSON}
    return {"match": encounter.match, **{name: said for name, said in known.items() if said}}


def _lines(part: Any) -> Iterator[tuple[str, str]]:
    """Whatever a room says: an object line by line, a list one line an item."""
    if isinstance(part, Mapping):
        for name, said in part.items():
            if text := _text(said):
                yield _words(name), text
    elif isinstance(part, list):
        for one in part:
            if text := _text(one):
                yield "", text
    elif text := _text(part):
        yield "", text


def _text(said: Any) -> str:
    match said:
        case None:
            return ""
        case bool():
            return "yes" if said else "no"
        case Mapping():
            told = ((name, _text(one)) for name, one in said.items())
            return "; ".join(f"{_words(name)}: {text}" for name, text in told if text)
        case list():
            return "; ".join(text for one in said if (text := _text(one)))
        case _:
            return _clock(str(said))


def _clock(text: str) -> str:
    """A time by the city's clock; everything else as it is."""
    try:
        at = datetime.fromisoformat(text)
        return f"{at.astimezone(city()):%H:%M:%S}" if at.tzinfo else text
    except (ValueError, OverflowError):  # the latter at either end of the calendar
        return text


def _event(name: str) -> str:
    kind = EVENTS.get(name)
    return kind.label if kind else _words(name)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
