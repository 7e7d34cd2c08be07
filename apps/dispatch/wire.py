"""Reading of messages from other systems: take what can be taken, say what could not be.

A `Node` is one JSON object at its JSON Pointer. What is asked of it is converted with tolerance (a
number where text is due, one value where a list is due); what nobody asked for is `unread`, so that
the parser can keep it. `Findings` gathers what was wrong on the way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson

from apps.core.clock import city
from apps.dispatch.calls import Extra, Malformed
from apps.dispatch.localtime import to_utc

Word = TypeVar("Word", bound=str)

MAX_DEPTH = 40
MAX_FLAGS = 200
TEXT_LIMIT = 100_000

# Never printed, and PostgreSQL or UTF-8 refuse some of them: control characters other than tab and
# line breaks, halves of surrogate pairs, and invisible characters that could split a word in two.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u00ad\u200b-\u200f\u2060\ufeff]"
)
#: Outside of these a time is a placeholder or a slip, and some have no local time at all.
_YEARS = range(1970, 2200)
_PLAIN_KEY = re.compile(r"[A-Za-z_@$][A-Za-z0-9_@$.:-]{0,63}|[0-9]{1,4}")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,20})?")


class Findings:
    """What was wrong with one message: what stops it, what is not readable, what is flagged."""

    def __init__(self) -> None:
        self.flags: list[str] = []
        self.extras: list[Extra] = []
        self._fatal: list[tuple[str, str]] = []
        self._bad: list[tuple[str, str]] = []

    def flag(self, what: str, pointer: str = "") -> None:
        """Note a doubt about the data."""
        text = f"{what}: {pointer}" if pointer else what
        if text not in self.flags and len(self.flags) < MAX_FLAGS:
            self.flags.append(text)

    def bad(self, pointer: str, mend: str) -> None:
        """A field that cannot be read. The rest of the message is taken all the same."""
        self._bad.append((pointer, mend))
        self.flag("not readable", pointer)

    def fatal(self, pointer: str, mend: str) -> None:
        """A field without which the message cannot be taken."""
        self._fatal.append((pointer, mend))

    def keep(self, pointer: str, value: object, *, why: str = "kept, not shown") -> None:
        """Keep a part that has no place in a call, as JSON."""
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        self.extras.append(Extra(pointer=pointer, value=text))
        self.flag(why, pointer)

    def stop_if_fatal(self) -> None:
        """Refuse the message where it must be refused, with every bad field named."""
        if self._fatal:
            self.stop_if_any()

    def stop_if_any(self) -> None:
        """Refuse the message for any bad field."""
        if self._fatal or self._bad:
            raise Malformed(self._fatal + self._bad)


def clean(value: Any, depth: int = 0) -> Any:
    """A copy of decoded JSON without characters that no store takes; refuses absurd depth."""
    if depth > MAX_DEPTH:
        raise Malformed([("", f"nested deeper than {MAX_DEPTH} levels")])
    if isinstance(value, str):
        return _UNPRINTABLE.sub("", value)
    if isinstance(value, Mapping):
        return gathered((clean(str(key)), clean(item, depth + 1)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return [clean(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


def gathered(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object of its members. What comes twice under one name becomes a list: nothing is lost."""
    found: dict[str, Any] = {}
    for name, value in members:
        found[name] = [*many(found[name]), *many(value)] if name in found else value
    return found


def step(pointer: str, key: str | int) -> str:
    """The pointer to a member. A key that is no plain word may be anything: it is not shown."""
    name = str(key)
    return f"{pointer}/{name if _PLAIN_KEY.fullmatch(name) else '(unnamed)'}"


def instant(value: str) -> tuple[datetime | None, str]:
    """The UTC instant of an ISO 8601 time, and a flag; None where it is not a time.

    A time without offset is read by the city's clock.
    """
    text = value.strip().upper()  # RFC 3339 allows "t" and "z"
    if "T" not in text and " " not in text:
        return None, ""
    try:
        moment = datetime.fromisoformat(text)
        if moment.year not in _YEARS:
            return None, ""
        if moment.tzinfo is None:
            moment, doubt = to_utc(moment, city())
            return moment, doubt or "time without offset, read as local time"
        return moment.astimezone(UTC), ""
    except (ValueError, OverflowError):
        return None, ""


class Node:
    """One JSON object of a message, with its pointer."""

    def __init__(self, value: Mapping[str, Any], pointer: str, findings: Findings) -> None:
        self.value = value
        self.pointer = pointer
        self.findings = findings
        self._asked: set[str] = set()

    def at(self, key: str) -> str:
        """The pointer of a member."""
        return step(self.pointer, key)

    def raw(self, key: str) -> Any:
        """A member as it came."""
        self._asked.add(key)
        return self.value.get(key)

    def ignore(self, *keys: str) -> None:
        """Members that are known and deliberately not held."""
        self._asked.update(keys)

    def unread(self) -> Iterator[tuple[str, Any]]:
        """Pointer and value of every member that nobody asked for."""
        for key, value in self.value.items():
            if key not in self._asked:
                yield self.at(key), value

    def keep_unread(self) -> None:
        """Keep what nobody asked for."""
        for pointer, value in self.unread():
            self.findings.keep(pointer, value, why="not understood, kept")

    def text(self, key: str, limit: int = TEXT_LIMIT) -> str:
        """A text; a number becomes its digits, a list its first member."""
        value = self.raw(key)
        if isinstance(value, list):
            if len(value) > 1:
                self.findings.keep(self.at(key), value[1:], why="several values, the first taken")
            value = value[0] if value else None
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.findings.bad(self.at(key), "must be text")
            self.findings.keep(self.at(key), value)
            return ""
        text = str(value).strip()
        if len(text) > limit:
            self.findings.bad(self.at(key), f"at most {limit} characters")
            self.findings.keep(self.at(key), text)
        return text[:limit].strip()

    def texts(self, key: str, limit: int = TEXT_LIMIT) -> tuple[str, ...]:
        """A list of texts; one value alone is a list of one."""
        value = self.raw(key)
        found = []
        for index, item in enumerate(many(value)):
            if isinstance(item, str) and item.strip():
                found.append(item.strip()[:limit])
            elif isinstance(item, str) or item is None:
                continue
            else:
                pointer = step(self.at(key), index)
                self.findings.bad(pointer, "must be text")
                self.findings.keep(pointer, item)
        return tuple(dict.fromkeys(found))

    def number(self, key: str, low: float, high: float) -> float | None:
        """A number within limits; digits in a text count."""
        value = self.raw(key)
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value = float(value)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.findings.bad(self.at(key), "must be a number")
            self.findings.keep(self.at(key), value)
            return None
        if not low <= value <= high:
            self.findings.bad(self.at(key), f"must lie between {low:g} and {high:g}")
            self.findings.keep(self.at(key), value)
            return None
        return float(value)

    def integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number within limits."""
        number = self.number(key, low, high)
        if number is None:
            return None
        if number != int(number):
            self.findings.bad(self.at(key), "must be a whole number")
            self.findings.keep(self.at(key), number)
            return None
        return int(number)

    def time(self, key: str) -> datetime | None:
        """An instant in UTC."""
        value = self.raw(key)
        if value is None or value == "":
            return None
        moment, doubt = instant(value) if isinstance(value, str) else (None, "")
        if moment is None:
            self.findings.bad(self.at(key), "must be a date-time with offset, ISO 8601")
            self.findings.keep(self.at(key), value)
        elif doubt:
            self.findings.flag(doubt, self.at(key))
        return moment

    def choice(self, key: str, allowed: Sequence[Word]) -> Word | None:
        """One of the allowed words, whatever its case."""
        word = self.text(key)
        for option in allowed:
            if option.casefold() == word.casefold():
                return option
        if word:
            self.findings.bad(self.at(key), f"must be one of: {', '.join(o for o in allowed if o)}")
            self.findings.keep(self.at(key), word)
        return None

    def nodes(self, key: str) -> list[Node]:
        """The objects of a list, or the one object that stands where a list is due."""
        return as_nodes(self.raw(key), self.at(key), self.findings)

    def worded(self, key: str) -> list[Node]:
        """The objects of a list; a bare text stands for an object with that text."""
        items = [{"text": one} if isinstance(one, str) else one for one in many(self.raw(key))]
        return as_nodes(items, self.at(key), self.findings)


def as_nodes(value: Any, pointer: str, findings: Findings) -> list[Node]:
    """Objects as nodes; what is no object is kept and flagged."""
    found = []
    for index, item in enumerate(many(value)):
        place = step(pointer, index) if isinstance(value, list) else pointer
        if isinstance(item, dict):
            found.append(Node(item, place, findings))
        elif item is not None:
            findings.bad(place, "must be an object")
            findings.keep(place, item)
    return found


def many(value: Any) -> list[Any]:
    """A list, whether one or several values came."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def words(text: str) -> frozenset[str]:
    """The words of a text, for lists of codes."""
    return frozenset(text.split())
