"""Small cells are left out of what is given out: a number of few may name somebody. Pure.

The rule is that of the Centers for Medicare & Medicaid Services (CMS, its policy on the suppression
of small cells): no cell from 1 to 10 is shown, and none from which such a cell can be worked out.
Nought is shown: it is about nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

SMALLEST_SHOWN: Final = 11


def is_small(count: int) -> bool:
    """Whether a count is of so few that it is left out."""
    return 0 < count < SMALLEST_SHOWN


def hidden(counts: Sequence[int]) -> frozenset[int]:
    """Which of these counts, by place, are left out where their total is shown.

    All small ones; and where the total would tell what is hidden (one cell is, or several that
    together are few), the smallest of the others with them, until it does not.
    """
    found = {place for place, count in enumerate(counts) if is_small(count)}
    others = sorted(
        (place for place, count in enumerate(counts) if count and place not in found),
        key=lambda place: (counts[place], place),
    )
    while found and (len(found) == 1 or is_small(sum(counts[place] for place in found))):
        if not others:
            break
        found.add(others.pop(0))
    return frozenset(found)


def shown(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Counts by name; None: left out."""
    left_out = hidden(list(counts.values()))
    return {
        name: None if place in left_out else count
        for place, (name, count) in enumerate(counts.items())
    }
