"""What is followed up, when and how: a plan as a value, read from data with every mistake named.

A plan is a list of items. Each says for which encounters it is (`When`), how long after which
moment its window opens, how long that stays open, and how the person is looked for. Whether anybody
may be followed up at all, no plan decides: see `agreeing`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from apps.core.problems import FieldError
from apps.followups.codes import PURPOSES, WAYS

# How an encounter ended, as a plan asks for it.
ENDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "met": "Somebody was met",
        "refused": "Somebody was met and wanted no help",
        "nobody_found": "Nobody was found",
        "not_met": "Called off, or somebody else went",
    }
)
# From what the hours of an item are counted.
MOMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "contact": "the contact, or the end of the call where there was none",
        "dose": "the last dose",
        "referral": "the last referral",
    }
)
# The risk that a screen establishes: `apps.casenotes.codes.RISKS`, which a test compares.
RISKS: Final = ("high", "moderate", "low", "none", "not_determined", "incomplete")
HOUR: Final = timedelta(hours=1)
MOST_ITEMS: Final = 30

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Hours, lowest and highest, and whole numbers: what lies beyond is a slip of the pen.
_HOURS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "after_hours": (0.5, 2160),
        "window_hours": (1, 720),
        "retry_hours": (1, 720),
        "missed_after_hours": (0, 336),
    }
)
_TRIES: Final = (1, 10)
_CHOICES: Final[Mapping[str, Collection[str]]] = MappingProxyType(
    {"purpose": PURPOSES, "way": WAYS, "after": MOMENTS}
)
_YES_NO: Final = ("dose", "referral", "known")
_LISTS: Final[Mapping[str, Collection[str]]] = MappingProxyType(
    {"outcomes": ENDINGS, "risk": RISKS}
)


class Unusable(Exception):
    """A definition that is no plan. `errors` name what to mend, by JSON Pointers (RFC 6901)."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{one.pointer or '/'}: {one.detail}" for one in self.errors))


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """For which encounters an item is; all that is said must hold. `outcomes` are of `ENDINGS`,
    `risk` of `RISKS`; an empty one and None ask for nothing. `known`: somebody has confirmed who
    the person is."""

    outcomes: tuple[str, ...]
    risk: tuple[str, ...] = ()
    dose: bool | None = None
    referral: bool | None = None
    known: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One follow-up that a plan asks for. Times are hours. `tries`: how often the person is looked
    for at most, each `retry_hours` after the one before. `missed_after_hours` after its window has
    closed untried, the supervisors have it."""

    code: str
    purpose: str
    when: When
    after: str = "contact"
    after_hours: float
    window_hours: float
    way: str
    tries: int
    retry_hours: float
    missed_after_hours: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The items, in their order."""

    items: tuple[Item, ...]

    def item(self, code: str) -> Item | None:
        """The item of this code; None: it has none."""
        return next((one for one in self.items if one.code == code), None)

    def definition(self) -> dict[str, Any]:
        """As data, as `read` takes it."""
        return {"items": [_compact(asdict(one)) for one in self.items]}


@dataclass(frozen=True, slots=True, kw_only=True)
class EncounterFacts:
    """What a plan reads of an encounter that is over. `outcome` is of `ENDINGS`, `risk` of `RISKS`,
    "" where nobody knows. `dose_at` and `referral_at`: of the last of them, None without any."""

    outcome: str
    ended_at: datetime
    contact_at: datetime | None = None
    dose_at: datetime | None = None
    referral_at: datetime | None = None
    risk: str = ""
    known: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A follow-up that a plan asks for, with its window."""

    item: Item
    due_from: datetime
    due_until: datetime


def wanted(plan: Plan, facts: EncounterFacts, *, hour: timedelta = HOUR) -> list[Planned]:
    """What a plan asks for after an encounter, in its order. `hour`: how long an hour of the plan
    is, where time is played fast."""
    found = []
    for item in plan.items:
        if is_for(item.when, facts):
            start = _moment(item.after, facts) + item.after_hours * hour
            found.append(Planned(item, start, start + item.window_hours * hour))
    return found


def is_for(when: When, facts: EncounterFacts) -> bool:
    """Whether an encounter is one of those that an item is for."""
    return (
        facts.outcome in when.outcomes
        and (not when.risk or facts.risk in when.risk)
        and when.dose in {None, facts.dose_at is not None}
        and when.referral in {None, facts.referral_at is not None}
        and when.known in {None, facts.known}
    )


def to_make(asked: Sequence[Planned], made: Collection[str], now: datetime) -> list[Planned]:
    """What of it is to be made now, where the items in `made` are made already.

    Whatever tells of it may come late, even after the window of an item. Then it is too late for
    that one, and the next of its purpose stands for it; where none is to come, the last one is made
    all the same and begins now, so that nobody is forgotten for a tablet that was out of contact.
    """
    missing = [one for one in asked if one.item.code not in made]
    found = [one for one in missing if one.due_until > now]
    served = {one.item.purpose for one in asked if one.item.code in made or one.due_until > now}
    last: dict[str, Planned] = {}
    for one in missing:
        purpose = one.item.purpose
        if purpose not in served and (
            purpose not in last or one.due_until >= last[purpose].due_until
        ):
            last[purpose] = one
    late = [Planned(one.item, now, now + (one.due_until - one.due_from)) for one in last.values()]
    return [*found, *late]


def read(definition: object) -> Plan:
    """The plan that data describe. Raises `Unusable` with every mistake, pointers into them.

    It is refused for any doubt: with a typing mistake somebody would never be looked for.
    """
    errors: list[FieldError] = []
    if not isinstance(definition, Mapping):
        raise Unusable([FieldError("", "Must be a JSON object with items.")])
    errors += _strange(definition, {"items"}, "")
    told = definition.get("items")
    if not isinstance(told, list) or len(told) > MOST_ITEMS:
        raise Unusable([*errors, FieldError("/items", f"A list of at most {MOST_ITEMS} items.")])
    items: list[Item] = []
    for index, one in enumerate(told):
        item = _item(one, f"/items/{index}", errors)
        if item is None:
            continue
        if any(item.code == other.code for other in items):
            errors.append(FieldError(f"/items/{index}/code", "Another item has this code."))
        items.append(item)
    if errors:
        raise Unusable(errors)
    return Plan(tuple(items))


@dataclass(frozen=True, slots=True)
class Shipped:
    """A plan that comes with the product."""

    version: str
    effective_from: datetime
    why: str
    plan: Plan


@cache
def shipped() -> tuple[Shipped, ...]:
    """The plans that come with the product, oldest first."""
    text = (Path(__file__).parent / "plans.json").read_text(encoding="utf-8")
    return tuple(
        Shipped(
            version=one["version"],
            effective_from=datetime.fromisoformat(one["effective_from"]),
            why=one["why"],
            plan=read(one["definition"]),
        )
        for one in json.loads(text)["items"]
    )


def _moment(name: str, facts: EncounterFacts) -> datetime:
    """From when an item counts. A dose or a referral that is not there is asked for by `when`."""
    told = {"dose": facts.dose_at, "referral": facts.referral_at}.get(name)
    return told or facts.contact_at or facts.ended_at


def _item(told: object, at: str, errors: list[FieldError]) -> Item | None:
    if not isinstance(told, Mapping):
        errors.append(FieldError(at, "Must be a JSON object."))
        return None
    before = len(errors)
    known = {"code", "when", "tries", *_CHOICES, *_HOURS}
    errors += _strange(told, known, at)
    code = told.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        errors.append(FieldError(f"{at}/code", "A short name: a-z, 0-9 and _, beginning with a-z."))
    values: dict[str, Any] = {"code": code, "after": "contact", **told}
    for name, choices in _CHOICES.items():
        _one_of(values.get(name), choices, f"{at}/{name}", errors)
    for name, limits in _HOURS.items():
        _within(values.get(name), limits, f"{at}/{name}", errors, "hours")
    if not isinstance(values.get("tries"), int):
        errors.append(FieldError(f"{at}/tries", "A whole number."))
    else:
        _within(values["tries"], _TRIES, f"{at}/tries", errors, "tries")
    when = _when(told.get("when"), values["after"], f"{at}/when", errors)
    if len(errors) > before:
        return None
    return Item(**{**values, "when": when})


def _when(told: object, after: object, at: str, errors: list[FieldError]) -> When | None:
    if not isinstance(told, Mapping):
        errors.append(FieldError(at, "Must be a JSON object: for which encounters it is."))
        return None
    errors += _strange(told, {*_LISTS, *_YES_NO}, at)
    values: dict[str, Any] = {}
    for name, choices in _LISTS.items():
        listed = told.get(name, [])
        if not isinstance(listed, list):
            errors.append(FieldError(f"{at}/{name}", "A list."))
            continue
        for index, one in enumerate(listed):
            _one_of(one, choices, f"{at}/{name}/{index}", errors)
        values[name] = tuple(listed)
    if told.get("outcomes", []) == []:
        errors.append(FieldError(f"{at}/outcomes", f"Name at least one of {_words(ENDINGS)}."))
    for name in _YES_NO:
        values[name] = told.get(name)
        if not isinstance(values[name], bool | None):
            errors.append(FieldError(f"{at}/{name}", "true, false or null."))
    if after in {"dose", "referral"} and values[str(after)] is not True:
        detail = f"An item that counts from the {after} is for encounters with one."
        errors.append(FieldError(f"{at}/{after}", detail))
    return When(**values) if {"outcomes", "risk"} <= values.keys() else None


def _strange(told: Mapping[Any, Any], known: Collection[str], at: str) -> list[FieldError]:
    return [
        FieldError(f"{at}/{name}", f"Is no part of it; known are {_words(sorted(known))}.")
        for name in told
        if name not in known
    ]


def _one_of(value: object, choices: Collection[str], at: str, errors: list[FieldError]) -> None:
    if not isinstance(value, str) or value not in choices:
        errors.append(FieldError(at, f"One of {_words(choices)}."))


def _within(
    value: object, limits: tuple[float, float], at: str, errors: list[FieldError], unit: str
) -> None:
    low, high = limits
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        errors.append(FieldError(at, f"From {low:g} to {high:g} {unit}."))


def _words(choices: Iterable[str]) -> str:
    return ", ".join(choices)


def _compact(item: dict[str, Any]) -> dict[str, Any]:
    """Without what an item does not ask for."""
    when = {
        name: list(one) if isinstance(one, tuple) else one for name, one in item["when"].items()
    }
    return {**item, "when": {name: one for name, one in when.items() if one not in (None, [])}}
