"""Bars of a chart as a page draws them, without a script. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WIDTH = 320


@dataclass(frozen=True)
class Bar:
    """One line of a chart. `width` and `to_p90` in units of the drawing; None: left out."""

    label: str
    text: str
    width: int | None
    to_p90: int | None = None


def bars(values: Mapping[str, tuple[float | None, float | None]], *, unit: str) -> list[Bar]:
    """A bar for each name: its value, and a mark at the 90th percentile where there is one."""
    known = [one for pair in values.values() for one in pair if one is not None]
    largest = max(known, default=0) or 1
    return [
        Bar(
            name,
            "left out"
            if value is None
            else f"{value:g} {unit}" + (f" (p90 {p90:g})" if p90 else ""),
            None if value is None else round(WIDTH * value / largest),
            None if p90 is None else round(WIDTH * p90 / largest),
        )
        for name, (value, p90) in values.items()
    ]
