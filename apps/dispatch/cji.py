"""Removal of criminal-history text before anything is stored, so that the system holds none.

By rule, at the grain of a sentence: a sentence in which a pattern is found is replaced by "text
withheld, ask dispatch". What the sentence tells of a hazard is kept in plain words before it. The
patterns would rather take a sentence too many: the 911 centre still has it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Container
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from apps.dispatch import reference
from apps.dispatch.calls import Call, Extra, Location, Relation, UnitOnCall, worst_first
from apps.dispatch.cji_patterns import KEY, PATTERNS
from apps.dispatch.hazards import LABELS, Hazard, hidden_cautions, mentions, small, spans

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

WITHHELD = "text withheld, ask dispatch"

#: Ends of sentences. A dot after a single letter ("N.C.I.C.", "D. O. B.") ends none. Of a row of
#: signs the last few do: each of them would look through all the others.
BREAK = re.compile(r"(?<![.\s][A-Za-z])[.!?;]{1,8}(?=\s|$)|[\r\n]+|\.{2,}|\s//\s|\|")
# In an address only the part between commas or brackets goes: the place must not be lost.
_CLAUSE_BREAK = re.compile(rf"{BREAK.pattern}|[,()/]|\s-\s")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SCHEMA_WORD = re.compile(r"[A-Za-z0-9_]+")
_Item = TypeVar("_Item", bound="DataclassInstance")


@dataclass(frozen=True, slots=True, repr=False)
class Scrubbed:
    """A text without criminal history, and how many passages were withheld."""

    text: str
    withheld: int


def found(text: str) -> frozenset[str]:
    """The names of the patterns that a text holds."""
    text = small(text)
    return frozenset(name for name, pattern in PATTERNS.items() if pattern.search(text))


def scrub_text(text: str, *, clauses: bool = False) -> Scrubbed:
    """Withhold every sentence that holds criminal history; keep its hazards in plain words.

    Nothing else is changed. What comes out holds no pattern, speaks of every hazard that went in,
    and is left alone when it is scrubbed again. With `clauses`, as for addresses, less than a
    sentence goes: what lies between commas or brackets.
    """
    return scrub_between(_CLAUSE_BREAK if clauses else BREAK, text)


def scrub_between(breaks: re.Pattern[str], text: str) -> Scrubbed:
    """As `scrub_text`, with these between what goes and what stays."""
    text = _INVISIBLE.sub("", text)
    withheld = 0
    for _ in range(5):
        text, count = _once(text, breaks)
        if not count:
            return Scrubbed(text, withheld)
        withheld += count
    # Reached only if what was left on both sides of a withheld passage kept forming a new one.
    return Scrubbed(stand_in(mentions(text)), withheld)


def _once(text: str, breaks: re.Pattern[str]) -> tuple[str, int]:
    read = small(text)
    hits = [m.span() for pattern in PATTERNS.values() for m in pattern.finditer(read)]
    if not hits:
        return text, 0
    sentences = _sentences(text, breaks)
    starts = [start for start, _ in sentences]
    passages: list[tuple[int, int]] = []
    for start, end in sorted(hits):
        first = max(bisect_right(starts, start) - 1, 0)
        last = max(bisect_right(starts, end - 1) - 1, 0)
        passage = (min(sentences[first][0], start), max(sentences[last][1], end))
        if passages and passage[0] < passages[-1][1]:
            passages[-1] = (passages[-1][0], max(passages[-1][1], passage[1]))
        else:
            passages.append(passage)
    # Found once for the whole text: a long note may hold thousands of passages.
    hazards = _Hazards(text)
    parts, done = [], 0
    for start, end in passages:
        parts += [text[done:start], stand_in(hazards.within(start, end))]
        done = end
    return "".join([*parts, text[done:]]), len(passages)


def _sentences(text: str, breaks: re.Pattern[str]) -> list[tuple[int, int]]:
    """Start and end of each sentence, without the blanks around it."""
    sentences, start = [], 0
    for cut in [*breaks.finditer(text), None]:
        end = cut.start() if cut else len(text)
        passage = text[start:end]
        if passage.strip():
            lead = len(passage) - len(passage.lstrip())
            sentences.append((start + lead, start + len(passage.rstrip())))
        start = cut.end() if cut else end
    return sentences or [(0, len(text))]


class _Hazards:
    """Where a text speaks of hazards."""

    def __init__(self, text: str) -> None:
        self._spans = sorted(spans(text))
        self._starts = [start for start, _, _ in self._spans]
        self._longest = max((end - start for start, end, _ in self._spans), default=0)

    def within(self, start: int, end: int) -> frozenset[Hazard]:
        """Those that begin or end inside a passage."""
        first = bisect_left(self._starts, start - self._longest)
        last = bisect_left(self._starts, end)
        return frozenset(hazard for _, b, hazard in self._spans[first:last] if b > start)


def stand_in(hazards: frozenset[Hazard]) -> str:
    """What stands for a withheld passage that speaks of these hazards."""
    labels = [label for hazard, label in LABELS.items() if hazard in hazards]
    return f"{' and '.join(labels)} mentioned; {WITHHELD}" if labels else WITHHELD


def scrub(call: Call) -> tuple[Call, int]:
    """The call without criminal history in any free text, and how many passages were withheld.

    Codes (known types, ids and call signs of units) are no history of a person and stay. Where a
    code is due anything may come: what is none is looked through like any other text.
    """
    by = Scrubber()
    clean = replace(
        call,
        initial_call_type=by.call_type(call.initial_call_type),
        final_call_type=by.call_type(call.final_call_type),
        common_type=by.short("common_type", call.common_type, reference.common_types()),
        beat=by.short("beat", call.beat),
        priority_text=by.code(call.priority_text, room=40),
        how_received=by.code(call.how_received, room=60),
        premise_type=by.code(call.premise_type),
        sector=by.code(call.sector),
        precinct=by.code(call.precinct),
        statuses=tuple(by.code(status) for status in call.statuses),
        dispositions=tuple(by.code(code) for code in call.dispositions),
        agency_id=by.identifier(call.agency_id, room=120),
        incident_id=by.identifier(call.incident_id),
        address=by.address(call.address),
        premise=by.text(call.premise),
        clearance=by.text(call.clearance),
        location=by.place(call.location) if call.location else None,
        other_locations=tuple(by.place(place) for place in call.other_locations),
        narrative=by.texts_of(call.narrative, "text", "author"),
        cautions=by.texts_of(call.cautions, "text", "source"),
        units=tuple(by.unit(unit) for unit in call.units),
        links=tuple(by.relation(link) for link in call.links),
        merges=tuple(by.relation(merge) for merge in call.merges),
        alternates=by.texts_of(call.alternates, "value", "component", "element", "constituent"),
        extras=tuple(by.kept(extra) for extra in call.extras),
    )
    cautions = worst_first([*clean.cautions, *hidden_cautions(by.hidden)])
    return replace(clean, cautions=cautions, flags=(*call.flags, *by.flags)), by.withheld


class Scrubber:
    """Scrubs the parts of one call and counts."""

    def __init__(self) -> None:
        self.withheld = 0
        self.flags: list[str] = []
        self.hidden: set[Hazard] = set()

    def text(self, text: str, *, clauses: bool = False) -> str:
        result = scrub_text(text, clauses=clauses)
        self.withheld += result.withheld
        return result.text

    def address(self, text: str) -> str:
        return self.text(text, clauses=True)

    def call_type(self, text: str) -> str:
        return text if reference.call_type(text) else self.code(text)

    def code(self, text: str, room: int = 120) -> str:
        """What stands where a code is due goes whole: several stand-ins could be too long.

        Hazards that find no room in what stands there become a caution.
        """
        text = _INVISIBLE.sub("", text)
        if not found(text):
            return text
        self.withheld += 1
        hazards = mentions(text)
        shown = stand_in(hazards)
        if len(shown) <= room:
            return shown
        self.hidden |= hazards
        return WITHHELD if len(WITHHELD) <= room else ""

    def short(self, name: str, text: str, known: Container[str] = ()) -> str:
        """A code with less room than the stand-in takes: it is left out, and a flag says so."""
        shown = text if text in known else self.code(text, room=0)
        if text and not shown:
            self.flags.append(f"{WITHHELD}: {name}")
        return shown

    def identifier(self, text: str, room: int = 200) -> str:
        """The name of an incident or an agency is one word. Several are a text like any other."""
        return self.code(text, room=room) if len(text.split()) > 1 else text

    def relation(self, relation: Relation) -> Relation:
        incident_id, reason = self.identifier(relation.incident_id), self.text(relation.reason)
        return replace(relation, incident_id=incident_id, reason=reason)

    def unit(self, unit: UnitOnCall) -> UnitOnCall:
        """A unit whose statuses say nothing of a person. The rest of it is not stored."""
        told = [replace(one, status=self.code(one.status, room=40)) for one in unit.statuses]
        return replace(unit, statuses=tuple(told))

    def place(self, place: Location) -> Location:
        return replace(
            place,
            kind=self.code(place.kind, room=40),
            address=self.address(place.address),
            place_name=self.address(place.place_name),
            description=self.text(place.description),
            place_type=self.code(place.place_type),
            method=self.code(place.method),
            cross_streets=tuple(self.address(street) for street in place.cross_streets),
            url=self.code(place.url),
        )

    def texts_of(self, items: tuple[_Item, ...], *names: str) -> tuple[_Item, ...]:
        return tuple(
            replace(item, **{name: self.text(getattr(item, name)) for name in names})
            for item in items
        )

    def member(self, name: str, taken: Container[str]) -> str:
        """The name of a member. One that is no word of a schema may be a text like any other."""
        if _SCHEMA_WORD.fullmatch(name) or not found(name):
            return name
        self.withheld += 1
        return next(n for i in count(1) if (n := f"{WITHHELD} {i}") not in taken)

    def kept(self, extra: Extra) -> Extra:
        value = self.json(orjson.loads(extra.value), extra.pointer)
        return replace(extra, value=orjson.dumps(value).decode())

    def json(self, value: Any, key: str = "") -> Any:
        """Decoded JSON: what stands under a key of criminal history goes whole."""
        if KEY.search(key) and not (isinstance(value, str) and value.endswith(WITHHELD)):
            self.withheld += 1
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            return stand_in(mentions(text))
        if isinstance(value, dict):
            clean: dict[str, Any] = {}
            for name, item in value.items():
                clean[self.member(name, clean)] = self.json(item, name)
            return clean
        if isinstance(value, list):
            return [self.json(item) for item in value]
        return self.text(value) if isinstance(value, str) else value
