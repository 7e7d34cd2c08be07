"""A dispatch rule as a value, and its reading from data with every mistake named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import cache
from typing import Any, Literal, get_args
from zoneinfo import available_timezones

from shapely import Polygon

from apps.core.clock import city
from apps.dispatch import reference
from apps.dispatch.calls import EXCLUSIONS, Malformed
from apps.dispatch.wire import Findings, Node, clean

Mode = Literal["dual", "solo", "request"]
MODES: tuple[Mode, ...] = get_args(Mode)

_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One version of an agreement on where CARE may go.

    In force from `effective_from` to before `effective_to`. The area is a list of beats and, for
    calls without one, an outline as a ring of (longitude, latitude), good to `outline_tolerance_m`.
    Hours are local, from the first to before the last, over midnight if the last is the smaller,
    all day if both are equal. `weekdays` are ISO (1 Monday). `common_types` are APCO 2.103.2-2019.
    """

    version: str
    effective_from: datetime
    effective_to: datetime | None
    citation: str
    title: str = ""
    mode: Mode = "dual"
    partner: str = "SPD"
    beats: frozenset[str] = frozenset()
    outline: tuple[tuple[float, float], ...] = ()
    outline_tolerance_m: float = 0
    hours_from: time = time(0)
    hours_to: time = time(0)
    weekdays: frozenset[int] = frozenset(range(1, 8))
    tz: str = "America/Los_Angeles"
    common_types: frozenset[str] = frozenset()
    exclusions: frozenset[str] = frozenset()
    note: str = ""

    def in_force(self, at: datetime) -> bool:
        """Whether the rule is effective at an instant."""
        return self.effective_from <= at and (self.effective_to is None or at < self.effective_to)

    def definition(self) -> dict[str, Any]:
        """The rule without version, dates and citation, as `read` takes it."""
        return {
            "title": self.title,
            "mode": self.mode,
            "partner": self.partner,
            "beats": sorted(self.beats),
            "outline": [list(point) for point in self.outline],
            "outline_tolerance_m": self.outline_tolerance_m,
            "hours": {"from": f"{self.hours_from:%H:%M}", "to": f"{self.hours_to:%H:%M}"},
            "weekdays": sorted(self.weekdays),
            "tz": self.tz,
            "common_types": sorted(self.common_types),
            "exclusions": [name for name in EXCLUSIONS if name in self.exclusions],
            "note": self.note,
        }


def read(
    *,
    version: str,
    effective_from: datetime,
    effective_to: datetime | None,
    citation: str,
    definition: Mapping[str, Any],
) -> Rule:
    """The rule that data describe. Raises `Malformed` with every mistake, pointers into definition.

    Unlike a call, a rule is refused for any doubt: a beat with a typing mistake would silently
    leave a part of the city out.
    """
    findings = Findings()
    if not isinstance(definition, Mapping):
        raise Malformed([("", "must be a JSON object")])
    node = Node(clean(definition), "", findings)
    _datetimes(effective_from, effective_to, findings)
    if not citation.strip():
        findings.fatal("/citation", "name the agreement that the rule comes from")
    hours = next(iter(node.nodes("hours")), Node({}, "/hours", findings))
    tz = node.text("tz") or city().key
    if tz not in available_timezones():
        findings.fatal("/tz", "must be the name of a time zone, such as America/Los_Angeles")
        tz = "UTC"
    beats = _words(node, "beats", reference.beats(), "is no known beat")
    outline = _outline(node, findings)
    if not beats and not outline:
        findings.fatal("/beats", "name beats, draw an outline, or both")
    common_types = _words(node, "common_types", reference.common_types(), "is no APCO type")
    if not common_types:
        findings.fatal("/common_types", "name at least one common type")
    rule = Rule(
        version=version,
        effective_from=effective_from,
        effective_to=effective_to,
        citation=citation,
        title=node.text("title"),
        mode=node.choice("mode", MODES) or "dual",
        partner=node.text("partner") or "SPD",
        beats=beats,
        outline=outline,
        outline_tolerance_m=node.number("outline_tolerance_m", 0, 100_000) or 0,
        hours_from=_hour(hours, "from", findings),
        hours_to=_hour(hours, "to", findings),
        weekdays=_weekdays(node, findings),
        tz=tz,
        common_types=common_types,
        exclusions=_words(node, "exclusions", dict.fromkeys(EXCLUSIONS), "is no known exclusion"),
        note=node.text("note"),
    )
    for pointer, _ in [*node.unread(), *hours.unread()]:
        findings.fatal(pointer, "is not part of a rule")
    findings.stop_if_any()
    return rule


@cache
def shipped() -> tuple[Rule, ...]:
    """The rules that come with the product, oldest first."""
    return tuple(
        read(
            version=item["version"],
            effective_from=datetime.fromisoformat(item["effective_from"]),
            effective_to=datetime.fromisoformat(item["effective_to"])
            if item["effective_to"]
            else None,
            citation=item["citation"],
            definition=item["definition"],
        )
        for item in reference.load("rules")["items"]
    )


def _datetimes(start: datetime, end: datetime | None, findings: Findings) -> None:
    if start.tzinfo is None or (end is not None and end.tzinfo is None):
        findings.fatal("/effective_from", "dates must be aware")
    elif end is not None and end <= start:
        findings.fatal("/effective_to", "must lie after effective_from")


def _words(node: Node, key: str, known: Mapping[str, object], complaint: str) -> frozenset[str]:
    words = node.texts(key)
    for index, word in enumerate(words):
        if word not in known:
            node.findings.fatal(f"/{key}/{index}", complaint)
    return frozenset(words)


def _outline(node: Node, findings: Findings) -> tuple[tuple[float, float], ...]:
    ring = node.raw("outline") or []
    try:
        points = tuple((float(lon), float(lat)) for lon, lat in ring)
    except (TypeError, ValueError):
        findings.fatal("/outline", "must be a list of [longitude, latitude]")
        return ()
    if not points:
        return ()
    on_earth = all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in points)
    if len(points) < 4 or not on_earth or not Polygon(points).is_valid:
        findings.fatal(
            "/outline",
            "must be a ring of at least 4 [longitude, latitude] that does not cross itself",
        )
        return ()
    return points


def _hour(hours: Node, key: str, findings: Findings) -> time:
    text = hours.text(key)
    if not _HOUR.fullmatch(text):
        findings.fatal(hours.at(key), "must be a local time such as 11:00")
        return time(0)
    return time(0) if text == "24:00" else time.fromisoformat(text)


def _weekdays(node: Node, findings: Findings) -> frozenset[int]:
    days = node.raw("weekdays")
    if (
        not isinstance(days, list)
        or not days
        or not all(type(day) is int and 1 <= day <= 7 for day in days)
    ):
        findings.fatal("/weekdays", "must be a list of 1 (Monday) to 7 (Sunday)")
        return frozenset(range(1, 8))
    return frozenset(days)


__all__ = ["MODES", "Malformed", "Mode", "Rule", "read", "shipped"]
