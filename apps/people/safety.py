"""Safety notes: until when one holds, and what a supervisor said of it as they read it. Pure.

A note is over after its own last day, else 180 days after it was seen: what was true of somebody
once is not true of them for ever. A supervisor who has read it says that it stands, which gives one
that is over another 180 days, or that it holds no longer. Either is said of the note as they read
it, with its source and its dates: written otherwise it is a note that nobody has looked at.

`last_day` and `standing` take what is in a person's document, a note and the one of
`safety_reviews` that names it: a tablet shows its notes by the same rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from apps.people.ages import day_of
from apps.sync.canonical import canonical

HOLDS_FOR: Final = timedelta(days=180)

Note = Mapping[str, Any]
Review = Mapping[str, Any]


class Verdict(StrEnum):
    """What a supervisor says of a note."""

    STANDS = "stands"
    ENDED = "ended"


class Standing(StrEnum):
    """Whether a note is to be believed on a day."""

    HOLDS = "holds"
    EXPIRED = "expired"
    ENDED = "ended"


def last_day(note: Note, review: Review | None) -> date | None:
    """The last day on which a note holds, by the city's clock. None: it names no day."""
    if review is not None and (renewed := day_of(review.get("until"))) is not None:
        return renewed
    if (named := day_of(note.get("expires_on"))) is not None:
        return named
    seen = day_of(note.get("seen_on"))
    return None if seen is None else _later(seen)


def standing(note: Note, review: Review | None, on: date) -> Standing:
    """How a note stands on a day, by the city's clock."""
    if review is not None and review.get("verdict") == Verdict.ENDED:
        return Standing.ENDED
    last = last_day(note, review)
    return Standing.EXPIRED if last is not None and last < on else Standing.HOLDS


def renewed_until(note: Note, on: date) -> date | None:
    """Until when a note holds of which a supervisor says on a day that it stands, where that is not
    what the note says itself: it is over by then, or names no day."""
    last = last_day(note, None)
    return _later(on) if last is None or last < on else None


def mark_of(note: Note) -> str:
    """What a review names a note by: another text, source or date is another mark."""
    return sha256(canonical(note)).hexdigest()


@dataclass(frozen=True, slots=True)
class SafetyNote:
    """A note with the review that it has as it stands."""

    note: Note
    review: Review | None

    @property
    def mark(self) -> str:
        return mark_of(self.note)

    @property
    def ended(self) -> bool:
        return self.said(Verdict.ENDED)

    @property
    def last_day(self) -> date | None:
        return last_day(self.note, self.review)

    def said(self, verdict: Verdict) -> bool:
        """Whether that is what a supervisor says of it."""
        return self.review is not None and self.review.get("verdict") == verdict

    def standing(self, on: date) -> Standing:
        return standing(self.note, self.review, on)


def notes(content: Mapping[str, Any], reviews: Sequence[Review]) -> Iterator[SafetyNote]:
    """The safety notes of a person's record, each with what was said of it as it stands."""
    said = {one.get("of"): one for one in reviews}
    for note in content.get("safety_notes") or ():
        if isinstance(note, Mapping):
            yield SafetyNote(note, said.get(mark_of(note)))


def _later(day: date) -> date:
    try:
        return day + HOLDS_FOR
    except OverflowError:  # at the end of the calendar
        return date.max
