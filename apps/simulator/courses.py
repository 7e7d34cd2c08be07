"""What comes of meeting somebody. Most talk and are helped, some want nothing; the gravest courses
are seldom, and each of them comes up in a long run.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Course:
    """`weight`: how often it comes, beside the others. `disposition`: what the call is closed with
    (APCO 1.111.2); "" where that follows from what is done. `goes_on`: whether they are asked what
    else they want, and may be taken or referred somewhere."""

    name: str
    weight: int
    disposition: str = ""
    goes_on: bool = True


TALKS: Final = Course("talks", 560)
REFUSES: Final = Course("refuses", 120, "42", goes_on=False)
OVERDOSE: Final = Course("overdose", 100, goes_on=False)
AT_RISK: Final = Course("at_risk", 50)
HELD: Final = Course("held", 25, "15", goes_on=False)
CHILD: Final = Course("child_at_risk", 20)
VULNERABLE: Final = Course("adult_at_risk", 20)
MINOR: Final = Course("minor", 40)
DIED: Final = Course("died", 10, "39", goes_on=False)
COURSES: Final = MappingProxyType(
    {
        one.name: one
        for one in (TALKS, REFUSES, OVERDOSE, AT_RISK, HELD, CHILD, VULNERABLE, MINOR, DIED)
    }
)
_BY_DISPOSITION: Final = {one.disposition: one for one in (REFUSES, DIED)}


def drawn(dice: random.Random) -> Course:
    """One of them, as often as each comes."""
    courses = list(COURSES.values())
    return dice.choices(courses, [one.weight for one in courses])[0]


def told_by(disposition: str | None) -> Course:
    """The course that a closed call tells of, for who was not there themselves."""
    return _BY_DISPOSITION.get(disposition or "", TALKS)
