"""How many units were free at a moment: on duty, and on no call. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Span:
    """A unit was crewed, or had a call, from `begins` to before `ends` (None: it goes on)."""

    unit: UUID
    begins: datetime
    ends: datetime | None


def free_at(
    moments: Sequence[datetime], on_duty: Iterable[Span], busy: Iterable[Span]
) -> list[int]:
    """How many units were free at each of these moments, in one walk through all of them.

    A unit with two people, or two calls, is one unit.
    """
    duty, calls = Counter[UUID](), Counter[UUID]()
    steps = [
        (at, counter, span.unit, change)
        for counter, spans in ((duty, on_duty), (calls, busy))
        for span in spans
        for at, change in ((span.begins, 1), (span.ends, -1))
        if at is not None
    ]
    steps.sort(key=lambda step: step[0])
    found, place = [0] * len(moments), 0
    for index in sorted(range(len(moments)), key=lambda one: moments[one]):
        while place < len(steps) and steps[place][0] <= moments[index]:
            _, counter, unit, change = steps[place]
            counter[unit] += change
            place += 1
        found[index] = sum(1 for unit, n in duty.items() if n > 0 and not calls[unit] > 0)
    return found
