"""The handover to medics: one page of what is known of an encounter now. Nobody types anything.

Pure: it is made of the documents that a tablet holds, so a tablet makes it offline, and the server
answers by the same functions from the same documents. What other rooms tell (`people.parts`) comes
in as a function each: `firstaid.handover.care`.

1. What may endanger: the call's cautions, words that stand for what was withheld, and what is known
   of the person, as long as it has not expired.
2. Whether the fire department is called and when, every dose with its time, first aid.
3. A refusal with its witness, and what of the note helps whoever goes on with the care.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from apps.assignments.codes import DISPOSITIONS, EVENTS
from apps.casenotes import codes
from apps.casenotes.content import cssrs, restricted
from apps.casenotes.content.words import in_words
from apps.core.clock import city, iso
from apps.people import safety
from apps.people.parts import Held, Said

Document = Mapping[str, Any]

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
# Words may speak of a mandated report: those of a restricted note stay with its authors and their
# supervisors. Codes and risk are for who goes on with the care.
_WORDS: Final = frozenset({"narrative", "addenda"})
_WORDS_OF_REFUSAL: Final = frozenset({"capacity_observed", "witness_note", "left_note"})
# What was given stands before what was said.
_URGENT: Final = ("doses", "answers", "aid", "refusal")
_OF_CALL: Final = ("cad_number", "call_type", "address", "unit", "times")


def handover(
    held: Held, encounter: UUID, *, rooms: Iterable[Said] = (), now: datetime
) -> dict[str, Any]:
    """What is known of an encounter. `held`: the documents of `assignments`, `encounters`,
    `persons`, `case_notes`, `naloxone_doses`, `first_aid_logs` and `facts` that somebody has, more
    than the encounter's too; what is not among them is not known. `rooms`: what other rooms tell.
    """
    met = _one(held, "encounters", encounter) or {}
    call = _one(held, "assignments", met.get("assignment_id"))
    told: dict[str, Any] = {}
    for said in rooms:
        told |= said(held, encounter)
    fire = {**told.pop("fire", {}), **_fire(call or {})}
    return {
        "as_of": iso(now),
        "cautions": [one for one in _list(call, "cautions") if isinstance(one, Mapping)],
        "withheld": (call or {}).get("withheld") or None,
        "call": _call(call, met.get("summary")),
        "person": _person(held, met, now.astimezone(city()).date()),
        "fire": fire or None,
        "parts": {**told, **_of_note(held, encounter)},
    }


def note_in_words(
    content: Mapping[str, Any], *, state: object, hidden: bool, addenda: Sequence[str]
) -> dict[str, Any]:
    """What a note says, without the fields of a mandated report. `hidden`: it is restricted, and
    whoever shows it can leave out its words too."""
    screen = content.get("screen")
    found: dict[str, Any] = {
        "state": state,
        "restricted": hidden,
        "outcome": codes.OUTCOMES.get(str(content.get("outcome")), content.get("outcome")),
        "risk": codes.RISKS[cssrs.risk(screen)] if isinstance(screen, Mapping) else None,
        **{name: _labels(content.get(name), known) for name, known in _CODED.items()},
        "disposition": DISPOSITIONS.get(
            str(content.get("disposition")), content.get("disposition")
        ),
        "narrative": content.get("narrative"),
        "addenda": list(addenda),
    }
    return {name: said for name, said in found.items() if said}


@dataclass(frozen=True)
class Section:
    """A part of the page: lines, each with what it says; a line may have no name."""

    title: str
    lines: Sequence[tuple[str, str]]


def page(told: Mapping[str, Any]) -> list[Section]:
    """The handover as it is printed: what nobody knows has no line. Pure."""
    call = dict(told["call"] or {})
    times = call.pop("times", None) or {}
    person = dict(told["person"] or {})
    notes = person.pop("safety_notes", None) or []
    parts = sorted(told["parts"], key=_place)
    found = [
        Section("Beware", [*_cautions(told), *_safety(notes)]),
        Section("Person", list(_lines(person))),
        Section("Fire department", list(_lines(told["fire"] or {}))),
        *(Section(_words(name), list(_lines(told["parts"][name]))) for name in parts),
        Section("Call", list(_lines(call))),
        Section("Times", [(_event(name), _clock(at)) for name, at in times.items() if at]),
    ]
    return [section for section in found if section.lines]


def _one(held: Held, collection: str, id: object) -> Document | None:
    return next((one for one in held.get(collection, ()) if one.get("id") == str(id)), None)


def _list(document: Document | None, name: str) -> list[Any]:
    value = (document or {}).get(name)
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _labels(value: Any, known: Mapping[str, str]) -> list[str]:
    return [known.get(str(one), str(one)) for one in value] if isinstance(value, list) else []


def _call(assignment: Document | None, summary: object) -> dict[str, Any] | None:
    """The call as its assignment has it, or, where that has left the tablet, its encounter."""
    if assignment is None:
        known = _mapping(summary)
        return {name: known.get(name) for name in _OF_CALL} if known else None
    types, unit = _mapping(assignment.get("call_types")), _mapping(assignment.get("unit"))
    times = _mapping(assignment.get("times"))
    return {
        "cad_number": assignment.get("cad_number"),
        "call_type": types.get("final") or types.get("initial"),
        "address": assignment.get("address"),
        "unit": unit.get("call_sign"),
        "times": {name: _mapping(one).get("at") for name, one in times.items()},
    }


def _fire(assignment: Document) -> dict[str, Any]:
    """What the timeline knows: when the crew asked for the fire department, and when it came."""
    handoff = _mapping(assignment.get("handoff"))
    asked = [one for one in _list(handoff, "requests") if _mapping(one).get("agency") == "sfd"]
    arrived = _mapping(_mapping(handoff.get("fire")).get("arrived")).get("at")
    found = {"asked_for_at": asked[0].get("at") if asked else None, "arrived_at": arrived}
    return {name: at for name, at in found.items() if at}


def _person(held: Held, met: Document, today: date) -> dict[str, Any] | None:
    """What is known of whom the encounter names; of somebody who is said to be the same as another,
    that one's record."""
    if met.get("match") in (None, "none"):
        return None
    person = _one(held, "persons", met.get("person_id"))
    seen: set[str] = set()
    while person and person.get("merged_into") and str(person["merged_into"]) not in seen:
        seen.add(str(person["merged_into"]))
        further = _one(held, "persons", person["merged_into"])
        if further is None:
            break
        person = further
    if person is None:
        return None
    reviews = [one for one in _list(person, "safety_reviews") if isinstance(one, Mapping)]
    known = {
        "safety_notes": [
            one.note
            for one in safety.notes({"safety_notes": _list(person, "safety_notes")}, reviews)
            if one.standing(today) == safety.Standing.HOLDS
        ],
        **{name: person.get(name) for name in _OF_PERSON},
    }
    return {"match": met["match"], **{name: said for name, said in known.items() if said}}


def _of_note(held: Held, encounter: UUID) -> dict[str, Any]:
    """The sections `refusal` and `note`; of several notes the oldest counts."""
    notes = [one for one in held.get("case_notes", ()) if one.get("encounter_id") == str(encounter)]
    if not notes:
        return {}
    note = min(notes, key=lambda one: (str(one.get("begun_at") or "9999"), str(one.get("id"))))
    added = list(_addenda(held, note))
    hidden = (
        restricted(note)
        or note.get("restricted") is True
        or any("mandated_report" in _mapping(one.get("changes")) for one in added)
    )
    texts = [str(one["text"]) for one in added if one.get("text")]
    told = note_in_words(note, state=note.get("state"), hidden=hidden, addenda=texts)
    refusal = dict(_mapping(in_words({"refusal": note.get("refusal")}).get("refusal")))
    if hidden:
        told = {name: said for name, said in told.items() if name not in _WORDS}
        refusal = {name: said for name, said in refusal.items() if name not in _WORDS_OF_REFUSAL}
    return {**({"refusal": refusal} if refusal else {}), **({"note": told} if told else {})}


def _addenda(held: Held, note: Document) -> Iterator[Document]:
    """What was added, as its fact has it where that is there: the note may cut it short."""
    facts = {
        str(one.get("id")): one
        for one in held.get("facts", ())
        if one.get("kind") == "note_addendum" and one.get("note_id") == note.get("id")
    }
    for one in _list(note, "addenda"):
        if isinstance(one, Mapping):
            yield facts.pop(str(one.get("id")), one)
    yield from facts.values()


def _cautions(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in told["cautions"]:
        name = ", ".join(str(one[key]) for key in ("kind", "severity") if one.get(key))
        since = _text(one.get("since"))
        yield _words(name or "caution"), _said(one, one.get("source"), since, one.get("origin"))
    if told["withheld"]:
        yield "Withheld", str(told["withheld"])


def _safety(notes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in notes:
        seen = f"seen {one['seen_on']}" if one.get("seen_on") else ""
        yield "Of the person", _said(one, one.get("source"), seen)


def _said(one: Mapping[str, Any], *beside: Any) -> str:
    """A text, with whom and when it is from."""
    behind = ", ".join(str(said) for said in beside if said)
    return f"{_text(one.get('text'))}{f' ({behind})' if behind else ''}"


def _place(name: str) -> tuple[int, str]:
    return (_URGENT.index(name) if name in _URGENT else len(_URGENT), name)


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
