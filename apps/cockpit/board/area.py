"""The outlines of the service area, as a map draws them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from apps.dispatch.models import BeatOutline, DispatchRule


def outlines(*, now: datetime) -> list[dict[str, Any]]:
    """`{kind, name, rings}` of each: the beats, where their outlines were loaded (`beat`), then the
    areas of the dispatch rules in force (`rule`). `rings` are lists of [latitude, longitude] in
    degrees (WGS 84)."""
    return [*_of_beats(), *_of_rules(now)]


def sources() -> list[str]:
    """Whose maps the beats are from."""
    rows = BeatOutline.objects.order_by("source").values_list("source", flat=True)
    return list(rows.distinct())


def _of_beats() -> Iterator[dict[str, Any]]:
    for beat in BeatOutline.objects.order_by("code"):
        yield {"kind": "beat", "name": f"beat {beat.code}", "rings": _turned(beat.rings)}


def _turned(rings: Iterable[Iterable[tuple[float, float]]]) -> list[list[list[float]]]:
    """GeoJSON puts the longitude first, maps on pages the latitude."""
    return [[[lat, lon] for lon, lat in ring] for ring in rings]


def _of_rules(now: datetime) -> Iterator[dict[str, Any]]:
    for rule in DispatchRule.objects.in_force(now):
        if outline := rule.definition.get("outline"):
            yield {
                "kind": "rule",
                "name": rule.definition.get("title") or rule.version,
                "rings": _turned([outline]),
            }
