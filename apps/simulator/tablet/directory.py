"""Where somebody can go, found in the tablet's own store, without a network.

"Open now, takes this person, within 2 km, verified in the last three days": the documents of kind
`service` say everything in computed form (hours as instants, admission as conditions), so that no
rule, calendar or time zone is needed here. `fit` is the server's own rule, word for word; both are
held to one table of cases.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .database import Database, Document

_EARTH_METRES = 6_371_008.8


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What is asked. `person`: what is known of somebody, by the names that conditions are `about`
    (age in years, sex, sober, pets, walks, stable, id, willing); what is not known is left out.
    `day` is today by the wall clock. None of `near`, `within_m`, `verified_within_days`,
    `used_for`: it does not matter."""

    at: datetime
    day: date
    person: Mapping[str, Any] = field(default_factory=dict, repr=False)
    used_for: str | None = None
    near: tuple[float, float] | None = None
    within_m: float | None = None
    verified_within_days: int | None = None


@dataclass(frozen=True)
class Fit:
    """`answer`: yes, ask (something is not known) or no; `reasons` are the codes of that. `steps`:
    what is to be done first. `place`: the nearest of the best."""

    answer: str
    reasons: tuple[str, ...]
    steps: tuple[str, ...]
    place: Mapping[str, Any]
    metres: float | None


@dataclass(frozen=True)
class Found:
    """A service that may take somebody. `verified_days` ago somebody saw to its entry; None: never.
    `capacity` is shown with its age, and as old (`fit.reasons`) once it is past its time."""

    service: Document
    fit: Fit
    verified_days: int | None


def find(store: Database, ask: Ask) -> list[Found]:
    """The services that fit, those of which something must be asked after them; each by distance.
    What does not take this person, is closed, full, too far or unverified is not among them."""
    found = [
        Found(service, fit(service, ask), verified_days(service, ask.day))
        for service in store.documents("reference")
        if service.get("kind") == "service"
    ]
    fitting = [one for one in found if one.fit.answer != "no"]
    return sorted(fitting, key=lambda one: (rank(one.fit), one.service["name"]))


def fit(service: Mapping[str, Any], ask: Ask) -> Fit:
    """How well a service fits, at that of its places that fits best."""
    against, open_questions = _of_service(service, ask)
    found = [
        _at(service, place, ask, against, open_questions) for place in service.get("places") or [{}]
    ]
    return min(found, key=rank)


def rank(one: Fit) -> tuple[int, int, float]:
    """The order in which services are shown: what fits first, then what has fewer questions, then
    what is near."""
    distance = math.inf if one.metres is None else one.metres
    return ("yes", "ask", "no").index(one.answer), len(one.reasons), distance


def _at(
    service: Mapping[str, Any],
    place: Mapping[str, Any],
    ask: Ask,
    against: list[str],
    questions: list[str],
) -> Fit:
    metres = None
    against, questions = list(against), list(questions)
    if service["reach"] == "on_site" and ask.near is not None:
        metres = _metres(place, ask.near)
        if ask.within_m is not None and metres is None:
            questions.append("place_unknown")
        elif ask.within_m is not None and metres is not None and metres > ask.within_m:
            against.append("too_far")
    match is_open(service, place, ask.at):
        case None:
            questions.append("hours_unknown")
        case False:
            against.append("closed")
    answer = "no" if against else "ask" if questions else "yes"
    return Fit(answer, tuple(against or questions), tuple(_steps(service, ask)), place, metres)


def is_open(service: Mapping[str, Any], place: Mapping[str, Any], at: datetime) -> bool | None:
    """Whether a place is open at an instant. None: nobody can say."""
    known = place.get("open")
    begin, end = (_time(service[name]) for name in ("hours_from", "hours_until"))
    if known is None or not begin <= at < end:
        return None
    return any(_time(opens) <= at < _time(closes) for opens, closes in known)


def _of_service(service: Mapping[str, Any], ask: Ask) -> tuple[list[str], list[str]]:
    """What is against it wherever it is, and what is not known."""
    against: list[str] = []
    questions: list[str] = []
    if service["status"] != "active":
        against.append("not_active")
    if ask.used_for is not None and service["used_for"] != ask.used_for:
        against.append("other_use")
    for condition in service["conditions"]:
        match _holds(condition, ask.person.get(condition["about"])):
            case None:
                questions.append(condition["code"])
            case False:
                against.append(condition["code"])
    if ask.verified_within_days is not None:
        days = verified_days(service, ask.day)
        if days is None or days > ask.verified_within_days:
            against.append("not_verified")
    match has_room(service, ask.at):
        case None:
            questions.append("capacity_stale")
        case False:
            against.append("full")
    return against, questions


def has_room(service: Mapping[str, Any], at: datetime) -> bool | None:
    """Whether there is room, or a way to it. None: what was told is past its time. Of a service
    that tells nothing of its capacity nothing is asked."""
    capacity = service.get("capacity")
    if capacity is None:
        return True
    if _time(capacity["valid_until"]) <= at:
        return None
    return bool(capacity["status"] != "no-capacity")


def verified_days(service: Mapping[str, Any], day: date) -> int | None:
    """So many days ago it was verified; None: never."""
    assured = service.get("assured_on")
    return (day - date.fromisoformat(assured)).days if assured else None


def _holds(condition: Mapping[str, Any], known: Any) -> bool | None:
    if known is None:
        return None
    if "only" in condition and known not in condition["only"]:
        return False
    if "least" in condition and known < condition["least"]:
        return False
    # Whoever is 24 stays so until the day on which they are 25.
    return not ("most" in condition and math.floor(known) > condition["most"])


def _steps(service: Mapping[str, Any], ask: Ask) -> Iterator[str]:
    yield from service["steps"]
    capacity = service.get("capacity")
    if capacity is not None and _time(capacity["valid_until"]) > ask.at:
        if capacity["status"] == "waitlist":
            yield "waitlist"
        elif capacity["status"] == "additional-assessment-required":
            yield "assessment"


def _metres(place: Mapping[str, Any], near: tuple[float, float]) -> float | None:
    """Along a great circle (haversine)."""
    lat, lon = place.get("lat"), place.get("lon")
    if lat is None or lon is None:
        return None
    here, there = (tuple(map(math.radians, point)) for point in (near, (lat, lon)))
    half = (
        math.sin((there[0] - here[0]) / 2) ** 2
        + math.cos(here[0]) * math.cos(there[0]) * math.sin((there[1] - here[1]) / 2) ** 2
    )
    return 2 * _EARTH_METRES * math.asin(math.sqrt(half))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
