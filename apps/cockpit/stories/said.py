"""What was typed or told, as lines for people. Pure: codes by their labels, times as times, what
nobody told has no line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from apps.cockpit.stories.moments import Line

Labels = Mapping[str, Mapping[str, str]]

_NONE: Final[Labels] = {}


def words(code: object) -> str:
    """A code as a person reads it."""
    return str(code).replace("_", " ")


def lines(told: Any, labels: Labels = _NONE) -> tuple[Line, ...]:
    """Each part of an object that says something; `labels`: the codes of a part, by its name."""
    return tuple(_lines(told, labels)) if isinstance(told, Mapping) else ()


def line(name: str, said: Any) -> tuple[Line, ...]:
    """One line; none where nothing was said."""
    return tuple(_lines({name: said}, _NONE))


def _lines(told: Mapping[str, Any], labels: Labels) -> Iterator[Line]:
    for name, value in told.items():
        if (said := _said(value, labels.get(name, {}))) not in (None, ""):
            yield words(name), said


def _said(value: Any, known: Mapping[str, str]) -> str | datetime | None:
    if isinstance(value, str) and value in known:
        return known[value]
    return _instant(value) or _text(value, known)


def _text(value: Any, known: Mapping[str, str]) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Mapping():
            parts = ((name, _text(one, {})) for name, one in value.items())
            return "; ".join(f"{words(name)}: {text}" for name, text in parts if text)
        case list() | tuple():
            return "; ".join(text for one in value if (text := _text(one, known)))
        case _:
            return known.get(str(value), str(value))


def _instant(value: Any) -> datetime | None:
    """An instant with its zone, or the text of one."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo else None
