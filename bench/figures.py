"""Figures, their floors and aims; printed as a table, or as one JSON document."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Aim:
    """What a figure should be: a bound for its ratio to the floor, or for the figure itself."""

    of: Literal["ratio", "figure"]
    most: float | None = None
    least: float | None = None

    def met(self, value: float) -> bool:
        return (self.most is None or value <= self.most) and (
            self.least is None or value >= self.least
        )

    def __str__(self) -> str:
        sign, bound = ("<=", self.most) if self.least is None else (">=", self.least)
        return f"{sign} {bound:g}{'x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True)
class Figure:
    """One measured value in `unit`. `floor` is None where nothing comparable was measured."""

    measurement: str
    name: str
    unit: str
    value: float
    floor: float | None = None
    aim: Aim | None = None
    samples: int = 1

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    @property
    def met(self) -> bool | None:
        """Whether the aim was reached; None without an aim."""
        if self.aim is None:
            return None
        judged = self.ratio if self.aim.of == "ratio" else self.value
        return judged is not None and self.aim.met(judged)

    def as_json(self) -> dict[str, Any]:
        return {
            "measurement": self.measurement,
            "name": self.name,
            "unit": self.unit,
            "value": round(self.value, 3),
            "floor": None if self.floor is None else round(self.floor, 3),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "aim": None if self.aim is None else str(self.aim),
            "met": self.met,
            "samples": self.samples,
        }


def median(values: Sequence[float]) -> float:
    """The middle one of the sorted values."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the sorted values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def table(figures: Sequence[Figure]) -> str:
    """The figures as text in columns."""
    rows = [("", "figure", "floor", "unit", "ratio", "aim", ""), *(_row(one) for one in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = {0, 3, 6}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(one: Figure) -> tuple[str, ...]:
    return (
        f"{one.measurement}: {one.name}",
        f"{one.value:,.2f}",
        "" if one.floor is None else f"{one.floor:,.2f}",
        one.unit,
        "" if one.ratio is None else f"{one.ratio:.2f}x",
        "" if one.aim is None else str(one.aim),
        {True: "met", False: "MISSED", None: ""}[one.met],
    )


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
