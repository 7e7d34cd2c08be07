"""What stands in a note, for people who know none of its codes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.casenotes.content import cssrs
from apps.casenotes.content.parts import FIELDS
from apps.casenotes.content.shapes import Code, Codes, Field, Part, blank

_IDS: Final = frozenset({"encounter_id", "assignment_id"})


def in_words(content: Mapping[str, Any]) -> dict[str, Any]:
    """What is told, in the order of the note's fields, with its codes in words and the questions of
    the screener by their titles; what a newer tablet sent besides, as it is, stands last."""
    named = {name: field for name, field in FIELDS.items() if name not in _IDS}
    told = {name: _labelled(named[name], content.get(name)) for name in named}
    further = {name: one for name, one in content.items() if name not in FIELDS}
    return {name: one for name, one in (told | further).items() if not blank(one)}


def _labelled(field: Field, value: Any) -> Any:
    """What a field holds, with its codes in words; what has another shape as it is."""
    match field, value:
        case Code(), str():
            return field.known.get(value, value)
        case Codes(), list():
            return [field.known.get(str(one), one) for one in value]
        case Part(), Mapping():
            return {
                _name(name): _labelled(field.fields[name], one) if name in field.fields else one
                for name, one in value.items()
            }
    return value


def _name(part: str) -> str:
    question = cssrs.QUESTIONS.get(part)
    return question.title if question else part
