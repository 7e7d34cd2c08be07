"""One table of cases for the rule of who fits: what the server says before a referral, and what the
reference client says without a network, is held to it alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

# Wednesday 4 March 2026, 12:00 in Seattle.
AT = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
DAY = date(2026, 3, 4)
PIONEER_SQUARE = (47.6020, -122.3338)
PIKE_PLACE = (47.6088, -122.3402)  # 896 m from there

HERE = {"id": "here", "lat": PIONEER_SQUARE[0], "lon": PIONEER_SQUARE[1]}
OPEN = {"open": [["2026-03-04T17:00Z", "2026-03-05T01:00Z"]]}
CLOSED = {"open": [["2026-03-05T17:00Z", "2026-03-06T01:00Z"]]}
TEXT_ONLY = {"open": None, "hours": "1st Tuesday"}


def service(**said: Any) -> dict[str, Any]:
    """A document of kind `service`: open now, takes everybody, verified yesterday."""
    return {
        "id": "019cb0f0-0000-7000-8000-000000000001",
        "kind": "service",
        "name": "A service",
        "used_for": "shelter",
        "reach": "on_site",
        "status": "active",
        "conditions": [],
        "steps": [],
        "assured_on": "2026-03-03",
        "hours_from": "2026-03-02T08:00Z",
        "hours_until": "2026-03-30T07:00Z",
        "places": [{**HERE, **OPEN}],
        "capacity": None,
        **said,
    }


def capacity(status: str, until: str = "2026-03-04T21:00:00.000Z") -> dict[str, Any]:
    return {"capacity": {"status": status, "valid_until": until}}


def needs(code: str, about: str, **rule: Any) -> dict[str, Any]:
    return {"conditions": [{"code": code, "about": about, **rule}]}


@dataclass(frozen=True)
class Case:
    """`said` of the service, `asked` of it: what is answered, with which codes."""

    name: str
    said: dict[str, Any]
    asked: dict[str, Any]
    answer: str
    reasons: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    metres: float | None = None


ADULT = needs("too_young", "age", least=18)
YOUTH = needs("too_old", "age", most=24)
WOMEN = needs("women_only", "sex", only=["9919001"])
SOBER = needs("sober_only", "sober", only=[True])

CASES = [
    Case("open, nothing is in the way", {}, {}, "yes"),
    Case("closed now", {"places": [{**HERE, **CLOSED}]}, {}, "no", ("closed",)),
    Case("closes at this minute", {}, {"at": datetime(2026, 3, 5, 1, 0, tzinfo=UTC)}, "no",
         ("closed",)),
    Case("opens at this minute", {}, {"at": datetime(2026, 3, 4, 17, 0, tzinfo=UTC)}, "yes"),
    Case("hours are text", {"places": [{**HERE, **TEXT_ONLY}]}, {}, "ask", ("hours_unknown",)),
    Case("nobody heard of it for weeks", {}, {"at": datetime(2026, 4, 4, tzinfo=UTC)}, "ask",
         ("hours_unknown",)),
    Case("asked about the past", {}, {"at": datetime(2026, 2, 4, tzinfo=UTC)}, "ask",
         ("hours_unknown",)),
    Case("one of two is open", {"places": [{**HERE, **CLOSED}, {**HERE, **OPEN}]}, {}, "yes"),
    Case("without any place", {"places": [OPEN], "reach": "remote"},
         {"near": PIKE_PLACE, "within_m": 100}, "yes"),
    Case("it comes, wherever that is", {"reach": "comes"}, {"near": PIKE_PLACE, "within_m": 100},
         "yes"),
    Case("near enough", {}, {"near": PIKE_PLACE, "within_m": 900}, "yes", metres=896),
    Case("too far", {}, {"near": PIKE_PLACE, "within_m": 800}, "no", ("too_far",), metres=896),
    Case("far, but nobody minds", {}, {"near": PIKE_PLACE}, "yes", metres=896),
    Case("nobody knows where", {"places": [{**OPEN, "lat": None, "lon": None}]},
         {"near": PIKE_PLACE, "within_m": 800}, "ask", ("place_unknown",)),
    Case("too young", ADULT, {"person": {"age": 17}}, "no", ("too_young",)),
    Case("just old enough", ADULT, {"person": {"age": 18}}, "yes"),
    Case("age not known", ADULT, {}, "ask", ("too_young",)),
    Case("still young enough", YOUTH, {"person": {"age": 24.9}}, "yes"),
    Case("too old", YOUTH, {"person": {"age": 25}}, "no", ("too_old",)),
    Case("women only, a man", WOMEN, {"person": {"sex": "9919003"}}, "no", ("women_only",)),
    Case("women only, a woman", WOMEN, {"person": {"sex": "9919001"}}, "yes"),
    Case("women only, nobody said", WOMEN, {"person": {"sex": None}}, "ask", ("women_only",)),
    Case("sober only, is not", SOBER, {"person": {"sober": False}}, "no", ("sober_only",)),
    Case("sober only, is", SOBER, {"person": {"sober": True}}, "yes"),
    Case("a condition of a later server", needs("left_handed", "hand", only=["left"]), {}, "ask",
         ("left_handed",)),
    Case("not there any more", {"status": "temporarily closed"}, {}, "no", ("not_active",)),
    Case("for something else", {}, {"used_for": "sobering"}, "no", ("other_use",)),
    Case("for this", {}, {"used_for": "shelter"}, "yes"),
    Case("verified lately", {}, {"verified_within_days": 1}, "yes"),
    Case("verified too long ago", {}, {"verified_within_days": 0}, "no", ("not_verified",)),
    Case("never verified", {"assured_on": None}, {"verified_within_days": 9999}, "no",
         ("not_verified",)),
    Case("never verified, and nobody minds", {"assured_on": None}, {}, "yes"),
    Case("has room", capacity("capacity"), {}, "yes"),
    Case("full", capacity("no-capacity"), {}, "no", ("full",)),
    Case("full an hour ago", capacity("no-capacity", "2026-03-04T20:00:00.000Z"), {}, "ask",
         ("capacity_stale",)),
    Case("had room an hour ago", capacity("capacity", "2026-03-04T19:00:00.000Z"), {}, "ask",
         ("capacity_stale",)),
    Case("a waiting list", capacity("waitlist"), {}, "yes", steps=("waitlist",)),
    Case("they look first", capacity("additional-assessment-required"), {}, "yes",
         steps=("assessment",)),
    Case("call first", {"steps": ["first_responders_only", "call_first"]}, {}, "yes",
         steps=("first_responders_only", "call_first")),
    Case("all that is against it is told", {**ADULT, "status": "defunct"}, {"person": {"age": 9}},
         "no", ("not_active", "too_young")),
    Case("what is against it goes before what is not known",
         {"conditions": [*ADULT["conditions"], *WOMEN["conditions"]]}, {"person": {"age": 9}},
         "no", ("too_young",)),
]  # fmt: skip
