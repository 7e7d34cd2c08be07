"""Overdoses that lie near each other, in place and time. Pure.

An overdose is an encounter in which somebody was given naloxone. Several at one place within a day
may be one bad supply: supervisors hear of it before anybody has counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Final
from uuid import UUID

_EARTH_RADIUS_M: Final = 6_371_008.8  # mean radius (IUGG)


@dataclass(frozen=True, slots=True)
class Point:
    """Degrees, WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Overdose:
    """One encounter with naloxone: when the first dose was given, and where."""

    encounter_id: UUID
    assignment_id: UUID
    at: datetime
    where: Point


@dataclass(frozen=True, slots=True)
class Limits:
    """At least `overdoses` within `metres` and `within` of the latest of them; both count to the
    very edge."""

    overdoses: int
    metres: float
    within: timedelta


def metres_between(one: Point, other: Point) -> float:
    """The way over the ground (haversine)."""
    lat1, lat2 = radians(one.lat), radians(other.lat)
    half = (
        sin((lat2 - lat1) / 2) ** 2
        + cos(lat1) * cos(lat2) * sin(radians(other.lon - one.lon) / 2) ** 2
    )
    return 2 * _EARTH_RADIUS_M * asin(sqrt(min(half, 1.0)))


def spikes(overdoses: Iterable[Overdose], limits: Limits) -> list[Sequence[Overdose]]:
    """The groups that are large enough, the latest overdose of each first in it and first of all.
    An overdose that is in one group begins no other."""
    rows = sorted(overdoses, key=lambda one: (one.at, str(one.encounter_id)), reverse=True)
    found: list[Sequence[Overdose]] = []
    counted: set[UUID] = set()
    for number, latest in enumerate(rows):
        if latest.encounter_id in counted:
            continue
        near = [
            one
            for one in rows[number:]
            if latest.at - one.at <= limits.within
            and metres_between(latest.where, one.where) <= limits.metres
        ]
        if len(near) >= limits.overdoses:
            found.append(near)
            counted |= {one.encounter_id for one in near}
    return found
