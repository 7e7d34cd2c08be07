"""Removal of criminal-history text before anything is stored, so that the system holds none.

By rule, at the grain of a sentence: a sentence in which a pattern is found is replaced by "text
withheld, ask dispatch". What the sentence tells of a hazard is kept in plain words before it. The
patterns would rather take a sentence too many: the 911 centre still has it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from apps.dispatch import reference
from apps.dispatch.calls import Call, Extra, Location
from apps.dispatch.cji_patterns import KEY, PATTERNS
from apps.dispatch.hazards import LABELS, spans

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

WITHHELD = "text withheld, ask dispatch"

# A dot after a single letter ("N.C.I.C.", "D. O. B.") ends no sentence.
_BREAK = re.compile(r"(?<![.\s][A-Za-z])[.!?;]+(?=\s|$)|[\r\n]+|\.{2,}|\s//\s|\|")
# In an address only the part between commas or brackets goes: the place must not be lost.
_CLAUSE_BREAK = re.compile(rf"{_BREAK.pattern}|[,()/]|\s-\s")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_Item = TypeVar("_Item", bound="DataclassInstance")


@dataclass(frozen=True, slots=True, repr=False)
class Scrubbed:
    """A text without criminal history, and how many passages were withheld."""

    text: str
    withheld: int


def found(text: str) -> frozenset[str]:
    """The names of the patterns that a text holds."""
    return frozenset(name for name, pattern in PATTERNS.items() if pattern.search(text))


def scrub_text(text: str, *, clauses: bool = False) -> Scrubbed:
    """Withhold every sentence that holds criminal history; keep its hazards in plain words.

    Nothing else is changed. What comes out holds no pattern, speaks of every hazard that went in,
    and is left alone when it is scrubbed again. With `clauses`, as for addresses, less than a
    sentence goes: what lies between commas or brackets.
    """
    breaks = _CLAUSE_BREAK if clauses else _BREAK
    text = _INVISIBLE.sub("", text)
    withheld = 0
    for _ in range(5):
        text, count = _once(text, breaks)
        if not count:
            return Scrubbed(text, withheld)
        withheld += count
    # Reached only if what was left on both sides of a withheld passage kept forming a new one.
    return Scrubbed(_stand_in(text, 0, len(text)), withheld)


def _once(text: str, breaks: re.Pattern[str]) -> tuple[str, int]:
    hits = [m.span() for pattern in PATTERNS.values() for m in pattern.finditer(text)]
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
    parts, done = [], 0
    for start, end in passages:
        parts += [text[done:start], _stand_in(text, start, end)]
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


def _stand_in(text: str, start: int, end: int) -> str:
    """What stands for a withheld passage. Hazards that begin or end inside it count."""
    hazards = {hazard for a, b, hazard in spans(text) if a < end and b > start}
    labels = [label for hazard, label in LABELS.items() if hazard in hazards]
    return f"{' and '.join(labels)} mentioned; {WITHHELD}" if labels else WITHHELD


def scrub(call: Call) -> tuple[Call, int]:
    """The call without criminal history in any free text, and how many passages were withheld.

    Codes (known call types, statuses, dispositions, units) are no history of a person and stay.
    """
    by = _Scrubber()
    clean = replace(
        call,
        initial_call_type=by.call_type(call.initial_call_type),
        final_call_type=by.call_type(call.final_call_type),
        address=by.address(call.address),
        premise=by.text(call.premise),
        clearance=by.text(call.clearance),
        location=by.place(call.location) if call.location else None,
        other_locations=tuple(by.place(place) for place in call.other_locations),
        narrative=by.texts_of(call.narrative, "text", "author"),
        cautions=by.texts_of(call.cautions, "text", "source"),
        links=by.texts_of(call.links, "reason"),
        merges=by.texts_of(call.merges, "reason"),
        alternates=by.texts_of(call.alternates, "value"),
        extras=tuple(by.kept(extra) for extra in call.extras),
    )
    return clean, by.withheld


class _Scrubber:
    """Scrubs the parts of one call and counts."""

    def __init__(self) -> None:
        self.withheld = 0

    def text(self, text: str, *, clauses: bool = False) -> str:
        result = scrub_text(text, clauses=clauses)
        self.withheld += result.withheld
        return result.text

    def address(self, text: str) -> str:
        return self.text(text, clauses=True)

    def call_type(self, text: str) -> str:
        return text if reference.call_type(text) else self.text(text)

    def place(self, place: Location) -> Location:
        return replace(
            place,
            address=self.address(place.address),
            place_name=self.address(place.place_name),
            description=self.text(place.description),
        )

    def texts_of(self, items: tuple[_Item, ...], *names: str) -> tuple[_Item, ...]:
        return tuple(
            replace(item, **{name: self.text(getattr(item, name)) for name in names})
            for item in items
        )

    def kept(self, extra: Extra) -> Extra:
        value = self.json(orjson.loads(extra.value), extra.pointer)
        return replace(extra, value=orjson.dumps(value).decode())

    def json(self, value: Any, key: str = "") -> Any:
        """Decoded JSON: what stands under a key of criminal history goes whole."""
        if KEY.search(key) and not (isinstance(value, str) and value.endswith(WITHHELD)):
            self.withheld += 1
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            return _stand_in(text, 0, len(text))
        if isinstance(value, dict):
            return {name: self.json(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.json(item) for item in value]
        return self.text(value) if isinstance(value, str) else value
