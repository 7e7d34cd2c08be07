"""By what notes are judged: a policy as a value, read from data with every mistake named.

A policy has three parts: which signed notes a second person looks at (`Rule`), by when the law asks
for something (`Interval`), and what the local protocol asks for at a risk (`Act`). What each of
them means for a note is in `content`: `reviews`, `grave`, `completeness`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar
from uuid import UUID

from apps.casenotes import codes
from apps.core.problems import FieldError

# What a rule asks for.
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "co_signature": "a further responder's signature, or a supervisor's look",
        "review": "a supervisor's look",
    }
)
# Which sign of the record a rule is about. `content.reviews` says when each is there.
SIGNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "risk": "the screen's risk is one of those named",
        "risk_may_be_higher": "the risk may be higher than what was answered",
        "act_not_done": "what the protocol asks for was not done",
        "involuntary": "somebody was held against their will",
        "mandated_report": "a mandated report",
        "minor": "a minor",
        "death": "a death",
        "refusal": "what was offered was refused",
        "capacity_doubtful": "refused by somebody who may not be able to decide",
        "dose": "naloxone was given",
        "new_responder": "the author has been a responder for fewer days than named",
        "sample": "a random sample, so many percent of all notes",
    }
)
# What a sign needs to be told besides.
PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {"risk": "risks", "new_responder": "days", "sample": "percent"}
)
# The intervals of the law that notes reckon with, and in what: hours (0: at once) from when it
# began, or an age in years.
INTERVALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "child_report": "hours",
        "vulnerable_adult_report": "hours",
        "death_notice": "hours",
        "own_consent": "age",
    }
)
INTERVAL_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "child_report": "Report of a child's abuse or neglect, from when it was known",
        "vulnerable_adult_report": "Report of a vulnerable adult's, from when it was known",
        "death_notice": "Notice to the medical examiner, from when death was pronounced",
        "own_consent": "Own consent of a minor to outpatient treatment",
    }
)
# At these risks an act may be asked for. While a question is blank nobody knows the risk.
ACT_RISKS: Final = tuple(risk for risk in codes.RISKS if risk != "incomplete")
# Who has to confirm each part.
TO_CONFIRM: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rules": "to be confirmed by the agency and, for care, by the medical director",
        "intervals": "to be confirmed by counsel",
        "acts": "to be confirmed by the medical director",
    }
)
MOST_RULES: Final = 30

_T = TypeVar("_T")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Lowest and highest: what lies beyond is a slip of the pen.
_LIMITS: Final[Mapping[str, tuple[int, int, str]]] = MappingProxyType(
    {
        "days": (1, 3650, "days"),
        "percent": (0, 100, "percent"),
        "hours": (0, 8760, "hours"),
        "age": (1, 21, "years"),
    }
)
_WHOLE: Final = ("days", "age")
_LONGEST: Final = 2000


class Unusable(Exception):
    """A definition that is no policy. `errors` name what to mend, by JSON Pointers (RFC 6901)."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{one.pointer or '/'}: {one.detail}" for one in self.errors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which signed notes a second person looks at, and why. `kind` is of `KINDS`, `sign` of
    `SIGNS`; `risks` (of `codes.RISKS`), `days` and `percent` (0 to 100) where the sign asks for
    them (`PARAMETERS`)."""

    code: str
    kind: str
    label: str
    sign: str
    risks: tuple[str, ...] = ()
    days: int | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A legal interval or age. `code` is of `INTERVALS`, which says which of `hours` (0: at once)
    and `age` (years) it has. `read`: what of the law was read for it."""

    code: str
    label: str
    citation: str
    read: str = ""
    hours: float | None = None
    age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the local protocol asks for at a risk (of `ACT_RISKS`). `done_by`: interventions
    (`codes`) of which one must be told before a note is signed; empty: it is shown, and asks for
    nothing."""

    risk: str
    words: str
    citation: str
    done_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The three parts, each in its order. What is not in it is not asked for."""

    rules: tuple[Rule, ...]
    intervals: tuple[Interval, ...]
    acts: tuple[Act, ...]

    def rule(self, code: str) -> Rule | None:
        """The rule of this code; None: it has none."""
        return next((one for one in self.rules if one.code == code), None)

    def interval(self, code: str) -> Interval | None:
        """The interval of this code; None: the law asks for nothing."""
        return next((one for one in self.intervals if one.code == code), None)

    def act(self, risk: str) -> Act | None:
        """What is asked for at a risk; None: nothing."""
        return next((one for one in self.acts if one.risk == risk), None)

    def definition(self) -> dict[str, Any]:
        """As data, as `read` takes it."""
        return {
            "rules": [_compact(asdict(one)) for one in self.rules],
            "intervals": [_compact(asdict(one)) for one in self.intervals],
            "acts": [_compact(asdict(one)) for one in self.acts],
        }


@dataclass(frozen=True, kw_only=True)
class Version:
    """A policy with its days: from `effective_from` to before `effective_to` (None: until further
    notice). `id`: of its row; None: it is the one that comes with the product."""

    version: str
    effective_from: datetime
    effective_to: datetime | None = None
    definition: Mapping[str, Any]
    citation: str = ""
    id: UUID | None = None

    @cached_property
    def policy(self) -> Policy:
        """What it says. Of the versions that there are few are asked."""
        return read(self.definition)

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies within its days."""
        return self.effective_from <= at and (self.effective_to is None or at < self.effective_to)


@dataclass(frozen=True)
class Policies:
    """All versions that there are; at least one."""

    versions: Sequence[Version]

    def at(self, at: datetime) -> Version:
        """The version by which something at this instant (aware) is judged: of those that hold the
        one that began last. There is always one: what happened before the first of them is judged
        by that, and no version is ended before another one holds (`gap`)."""
        ordered = sorted(self.versions, key=lambda one: (one.effective_from, one.version))
        holding = [one for one in ordered if one.holds(at)]
        return holding[-1] if holding else ordered[0]

    def gap(self, since: datetime) -> datetime | None:
        """The first instant, not before `since`, at which none of them holds; None: there is
        none."""
        at = since
        for one in sorted(self.versions, key=lambda one: one.effective_from):
            if one.effective_from > at:
                return at
            if one.effective_to is None:
                return None
            at = max(at, one.effective_to)
        return at


def read(definition: object) -> Policy:
    """The policy that data describe. Raises `Unusable` with every mistake, pointers into them.

    It is refused for any doubt: with a typing mistake nobody would look at a note, or be reminded
    of what the law asks for.
    """
    errors: list[FieldError] = []
    if not isinstance(definition, Mapping):
        raise Unusable([FieldError("", "Must be a JSON object with rules, intervals and acts.")])
    whole = _Object(definition, "", errors)
    whole.knows(TO_CONFIRM)
    rules = whole.parts("rules", MOST_RULES, _rule, lambda one: one.code)
    intervals = whole.parts("intervals", len(INTERVALS), _interval, lambda one: one.code)
    acts = whole.parts("acts", len(ACT_RISKS), _act, lambda one: one.risk)
    if errors:
        raise Unusable(errors)
    return Policy(tuple(rules), tuple(intervals), tuple(acts))


@cache
def shipped() -> tuple[Version, ...]:
    """The policies that come with the product, oldest first."""
    text = (Path(__file__).parent / "policies.json").read_text(encoding="utf-8")
    return tuple(
        Version(
            version=one["version"],
            effective_from=datetime.fromisoformat(one["effective_from"]),
            citation=one["citation"],
            definition=read(one["definition"]).definition(),
        )
        for one in json.loads(text)["items"]
    )


class _Object:
    """One object of a definition as it is read; what is wrong with it goes to `errors`."""

    def __init__(self, told: Mapping[Any, Any], at: str, errors: list[FieldError]) -> None:
        self.told, self.at, self.errors = told, at, errors

    def wrong(self, name: str, detail: str) -> None:
        self.errors.append(FieldError(f"{self.at}/{name}", detail))

    def knows(self, names: Collection[str]) -> None:
        """What else is there is refused."""
        for name in self.told:
            if name not in names:
                self.wrong(name, f"Is no part of it; known are {_words(sorted(names))}.")

    def parts(
        self, name: str, most: int, read_one: Callable[[_Object], _T], key: Callable[[_T], str]
    ) -> list[_T]:
        """A list of objects, no two of one key."""
        told = self.told.get(name)
        if not isinstance(told, list) or len(told) > most:
            self.wrong(name, f"A list of at most {most}.")
            return []
        found: list[_T] = []
        for index, one in enumerate(told):
            at, before = f"{self.at}/{name}/{index}", len(self.errors)
            if not isinstance(one, Mapping):
                self.errors.append(FieldError(at, "Must be a JSON object."))
                continue
            part = read_one(_Object(one, at, self.errors))
            if len(self.errors) > before:
                continue
            if any(key(part) == key(other) for other in found):
                self.errors.append(FieldError(at, f"{key(part)} is there already."))
            found.append(part)
        return found

    def text(self, name: str, *, needed: bool = True) -> str:
        told = self.told.get(name, "")
        if not isinstance(told, str) or len(told) > _LONGEST:
            self.wrong(name, f"A text of at most {_LONGEST} characters.")
        elif needed and not told.strip():
            self.wrong(name, "Is needed.")
        return told if isinstance(told, str) else ""

    def code(self, name: str) -> str:
        told = self.told.get(name)
        if not isinstance(told, str) or not _CODE.fullmatch(told):
            self.wrong(name, "A short name: a-z, 0-9 and _, beginning with a-z.")
        return str(told)

    def one_of(self, name: str, choices: Collection[str]) -> str:
        told = self.told.get(name)
        if not isinstance(told, str) or told not in choices:
            self.wrong(name, f"One of {_words(choices)}.")
        return str(told)

    def some_of(self, name: str, choices: Collection[str]) -> tuple[str, ...]:
        told = self.told.get(name, [])
        if not isinstance(told, list):
            self.wrong(name, "A list.")
            return ()
        for index, one in enumerate(told):
            if not isinstance(one, str) or one not in choices:
                self.wrong(f"{name}/{index}", f"One of {_words(choices)}.")
        return tuple(one for one in choices if one in told)

    def number(self, name: str) -> Any:
        told, (low, high, unit) = self.told.get(name), _LIMITS[name]
        if isinstance(told, bool) or not isinstance(told, int | float) or not low <= told <= high:
            self.wrong(name, f"From {low} to {high} {unit}.")
        elif name in _WHOLE and not isinstance(told, int):
            self.wrong(name, "A whole number.")
        return told

    def either(self, wanted: str | None, among: Iterable[str], what: str) -> None:
        """Of these, what is not wanted is not told."""
        for name in among:
            if name != wanted and self.told.get(name) not in (None, []):
                self.wrong(name, f"Is not for {what}.")


def _rule(told: _Object) -> Rule:
    told.knows(("code", "kind", "label", "sign", *PARAMETERS.values()))
    code, kind, label = told.code("code"), told.one_of("kind", KINDS), told.text("label")
    sign = told.one_of("sign", SIGNS)
    wanted = PARAMETERS.get(sign)
    told.either(wanted, PARAMETERS.values(), "a rule of this sign")
    risks = told.some_of("risks", codes.RISKS) if wanted == "risks" else ()
    if wanted == "risks" and not told.told.get("risks"):
        told.wrong("risks", f"Name at least one of {_words(codes.RISKS)}.")
    numbers = {wanted: told.number(wanted)} if wanted in {"days", "percent"} else {}
    return Rule(code=code, kind=kind, label=label, sign=sign, risks=risks, **numbers)


def _interval(told: _Object) -> Interval:
    told.knows(("code", "label", "citation", "read", "hours", "age"))
    code = told.one_of("code", INTERVALS)
    wanted = INTERVALS.get(code)
    told.either(wanted, ("hours", "age"), "this interval")
    numbers = {wanted: told.number(wanted)} if wanted else {}
    return Interval(
        code=code,
        label=told.text("label"),
        citation=told.text("citation"),
        read=told.text("read", needed=False),
        **numbers,
    )


def _act(told: _Object) -> Act:
    told.knows(("risk", "words", "citation", "done_by"))
    return Act(
        risk=told.one_of("risk", ACT_RISKS),
        words=told.text("words"),
        citation=told.text("citation"),
        done_by=told.some_of("done_by", codes.INTERVENTIONS),
    )


def _words(choices: Iterable[str]) -> str:
    return ", ".join(choices)


def _compact(one: dict[str, Any]) -> dict[str, Any]:
    """Without what is not told."""
    told = {name: list(it) if isinstance(it, tuple) else it for name, it in one.items()}
    return {name: it for name, it in told.items() if it not in (None, "", [])}
