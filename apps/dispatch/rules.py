"""Dispatch rules as data, and what they say of a call.

An evaluation explains; it decides nothing. It speaks of the rules' own terms: area, hours, call
types, exclusions. Whatever a rule needs and the call does not tell is unknown, and unknown never
makes a call eligible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from shapely import Point, Polygon

from apps.dispatch import reference
from apps.dispatch.calls import Answer, Call
from apps.dispatch.exclusions import Evidence, derive
from apps.dispatch.merging import NOT_THE_PLACE
from apps.dispatch.pidf import distance_m
from apps.dispatch.ruledata import MODES, Mode, Rule, read, shipped

__all__ = ["MODES", "Evaluation", "Mode", "Rule", "Verdict", "evaluate", "read", "shipped"]

Verdict = Literal["eligible", "not_eligible", "not_determined"]

_NO_RULE = "no dispatch rule in force"
_WORDS: dict[Verdict, str] = {
    "eligible": "eligible",
    "not_eligible": "not eligible",
    "not_determined": "not determined",
}
_RANK: dict[Verdict, int] = {"not_eligible": 0, "not_determined": 1, "eligible": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the rules in force say of a call.

    `matched` answers area, hours, call_type and, for rules on request, request. `considered` are
    all rules in force with their verdicts; `rule_version` is the one that `text` speaks of ("" if
    none).
    """

    verdict: Verdict
    rule_version: str
    text: str
    exclusions: Mapping[str, Answer]
    matched: Mapping[str, Answer]
    reasons: tuple[str, ...]
    considered: tuple[tuple[str, Verdict], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The evaluation for storage beside the incident. It holds no PHI."""
        return {
            "verdict": self.verdict,
            "rule_version": self.rule_version,
            "text": self.text,
            "exclusions": dict(self.exclusions),
            "matched": dict(self.matched),
            "reasons": list(self.reasons),
            "considered": [list(pair) for pair in self.considered],
        }


@dataclass(frozen=True, slots=True)
class _Finding:
    """The answer to one term of a rule, and its words where it stands in the way."""

    answer: Answer
    words: str = ""


def evaluate(call: Call, rules: Sequence[Rule], at: datetime) -> Evaluation:
    """Apply the rules in force at that instant, and tell the most favourable verdict.

    Among equal verdicts the rule with the fewest terms in the way is told, then the latest one.
    `at` must be aware.
    """
    if at.tzinfo is None:
        raise ValueError("at must be aware")
    evidence = derive(call)
    in_force = [rule for rule in rules if rule.in_force(at)]
    if not in_force:
        return Evaluation(
            verdict="not_determined",
            rule_version="",
            text=f"not determined: {_type_words(call)}, {_beat_words(call)}; {_NO_RULE}",
            exclusions={name: found.answer for name, found in evidence.items()},
            matched={},
            reasons=(_NO_RULE,),
        )
    judged = [_apply(call, rule, at, evidence) for rule in in_force]
    best, _ = max(
        zip(judged, in_force, strict=True),
        key=lambda pair: (
            _RANK[pair[0].verdict],
            -len(pair[0].reasons),
            pair[1].effective_from,
            pair[1].version,
        ),
    )
    return replace(best, considered=tuple((one.rule_version, one.verdict) for one in judged))


def _apply(call: Call, rule: Rule, at: datetime, evidence: Mapping[str, Evidence]) -> Evaluation:
    terms = {
        "area": _area(call, rule),
        "hours": _hours(rule, at),
        "call_type": _call_type(call, rule),
    }
    if rule.mode == "request":
        terms["request"] = _request(call)
    excluded = _named(evidence, rule.exclusions, "yes")
    open_questions = _named(evidence, rule.exclusions, "unknown")
    against = [term.words for term in terms.values() if term.answer == "no"]
    if excluded:
        against.append(f"excluded by the rule: {excluded}")
    unknown = [term.words for term in terms.values() if term.answer == "unknown"]
    if open_questions:
        unknown.append(f"{open_questions} unknown")

    verdict: Verdict = "not_eligible" if against else "not_determined" if unknown else "eligible"
    local = at.astimezone(ZoneInfo(rule.tz))
    parts = [f"{_type_words(call)}, {_beat_words(call)}, {local:%H:%M}"]
    parts += against or unknown or _permission(call, rule)
    # What the rule does not exclude is told all the same: first what is reported, and where the
    # call may go, what is not known.
    others = frozenset(evidence) - rule.exclusions
    if reported := _named(evidence, others, "yes"):
        parts.append(f"{reported} reported")
    if verdict == "eligible" and (left_open := _named(evidence, others, "unknown")):
        parts.append(f"{left_open} unknown")
    return Evaluation(
        verdict=verdict,
        rule_version=rule.version,
        text=f"{_WORDS[verdict]}: {'; '.join(parts)}",
        exclusions={name: found.answer for name, found in evidence.items()},
        matched={name: term.answer for name, term in terms.items()},
        reasons=(*against, *unknown),
    )


def _permission(call: Call, rule: Rule) -> list[str]:
    """How the rule lets CARE go."""
    words = {
        "dual": f"dual dispatch with {rule.partner}",
        "solo": "solo dispatch",
        "request": "on request",
    }
    parts = [words[rule.mode]]
    if call.requested_by:
        parts.append(f"requested by {call.requested_by.upper()}")
    return parts


def _named(evidence: Mapping[str, Evidence], names: frozenset[str], answer: str) -> str:
    """The exclusions with that answer, as words in their usual order."""
    return ", ".join(
        name.replace("_", " ")
        for name, found in evidence.items()
        if name in names and found.answer == answer
    )


def _area(call: Call, rule: Rule) -> _Finding:
    """By beat where the call names a known one, else by coordinates against the outline."""
    beat = call.beat.strip().upper()
    if rule.beats and beat in reference.beats():
        if beat in rule.beats:
            return _Finding("yes")
        return _Finding("no", f"beat {beat} lies outside the rule's area")
    place = call.location
    if not rule.outline or place is None or place.lat is None or place.lon is None:
        return _Finding("unknown", "area unknown")
    if place.kind in NOT_THE_PLACE:
        return _Finding("unknown", "area unknown")
    # Metres on a plane around the point: a city is small enough.
    east, north = distance_m(place.lat, 0, place.lat, 1), distance_m(0, 0, 1, 0)
    outline = Polygon(
        [((lon - place.lon) * east, (lat - place.lat) * north) for lon, lat in rule.outline]
    )
    here = Point(0, 0)
    doubt = rule.outline_tolerance_m + (place.uncertainty_m or 0)
    if outline.exterior.distance(here) <= doubt:
        return _Finding("unknown", "coordinates too near the edge of the rule's area")
    if outline.contains(here):
        return _Finding("yes")
    return _Finding("no", "coordinates lie outside the rule's area")


def _hours(rule: Rule, at: datetime) -> _Finding:
    """Local hours, from the first to before the last; after midnight the day before counts."""
    local = at.astimezone(ZoneInfo(rule.tz))
    now, start, end = local.time(), rule.hours_from, rule.hours_to
    day = local.date()
    if start == end:
        within = True
    elif start < end:
        within = start <= now < end
    else:
        within = now >= start or now < end
        if now < end:
            day -= timedelta(days=1)
    if not within:
        return _Finding("no", f"outside the rule's hours, {start:%H:%M} to {_until(end)}")
    if day.isoweekday() not in rule.weekdays:
        return _Finding("no", "not a day of the rule")
    return _Finding("yes")


def _until(end: time) -> str:
    return "24:00" if end == time(0) else f"{end:%H:%M}"


def _call_type(call: Call, rule: Rule) -> _Finding:
    common = call.common_type or reference.common_type_of(
        call.initial_call_type, call.final_call_type
    )
    if common in rule.common_types:
        return _Finding("yes")
    known = reference.call_type(call.call_type) is not None
    if common in reference.common_types() or (not common and known):
        return _Finding("no", "the call type is not in the rule")
    return _Finding("unknown", "call type unknown")


def _request(call: Call) -> _Finding:
    if call.requested_by:
        return _Finding("yes")
    return _Finding("unknown", "no request on record")


def _type_words(call: Call) -> str:
    """Words for the call type from the reference lists, never the sender's own."""
    for text in (call.initial_call_type, call.final_call_type):
        known = reference.call_type(text)
        if known and known.label and call.common_type in ("", known.common_type):
            return known.label
    common = call.common_type or reference.common_type_of(
        call.initial_call_type, call.final_call_type
    )
    found = reference.common_types().get(common)
    return found.label if found else "call type not in the list"


def _beat_words(call: Call) -> str:
    beat = call.beat.strip().upper()
    return f"beat {beat}" if beat in reference.beats() else "beat unknown"
