"""A moment of a story, and the order in which moments are told. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Model

from apps.core.clock import local

# What came so much later than it happened was not known to whoever decided in between.
TOLD_LATE: Final = timedelta(minutes=10)


class Kind(StrEnum):
    """What a moment is of: as it is called on the page."""

    CALL = "call"
    HANDOFF = "handoff"
    ALERT = "alert"
    PERSON = "person"
    NOTE = "note"
    CARE = "first aid"
    REFERRAL = "referral"
    CONSENT = "consent"
    FOLLOW_UP = "follow-up"
    MESSAGE = "message"


@dataclass(frozen=True)
class Record:
    """A row that is told of: it was read by whoever is shown the moment, and has a page."""

    model: type[Model]
    id: UUID

    @classmethod
    def of(cls, row: Model) -> Record:
        return cls(type(row), row.pk)


# A line under a moment: what it is, and what was told, both for people.
Line = tuple[str, str | datetime]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One thing that happened. `at` is when, as far as that is known; `told_at` when it came here,
    where that is known beside. `record`, with `part` where it has several moments, tells it apart
    from all others. `of`: the assignment that it belongs to, if it does. `lines` (PHI) are what was
    told; `flags` are doubts, in words."""

    at: datetime
    kind: Kind
    what: str
    record: Record
    part: str = ""
    of: UUID | None = None
    who: str = ""
    source: str = ""
    told_at: datetime | None = None
    lines: tuple[Line, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Names it in an address: an id, never a time, which is the person's."""
        return f"{self.record.id}.{self.part}" if self.part else str(self.record.id)

    @property
    def is_late(self) -> bool:
        """Whether it was told so much later that others had gone on without it."""
        return self.told_at is not None and self.told_at - self.at >= TOLD_LATE


@dataclass(frozen=True)
class Day:
    """The moments of one day of the city."""

    date: date
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Page:
    """A part of a story that is long. `before` and `after` are the keys from which its neighbours
    go on, None where there is none; `first` and `last` count from 1 among `total`."""

    moments: tuple[Moment, ...]
    total: int
    first: int
    before: str | None = None
    after: str | None = None

    @property
    def last(self) -> int:
        return self.first + len(self.moments) - 1


def in_order(moments: Iterable[Moment]) -> list[Moment]:
    """As they happened. What happened at the same instant stands as it was told, and then as it
    came: each source tells what it knows in an order that is the same each time."""
    return sorted(moments, key=lambda one: (one.at, one.told_at or one.at))


def page_of(moments: Sequence[Moment], *, size: int, before: str = "", after: str = "") -> Page:
    """The last `size` moments of a story in order; or those before, or after, the one that a key
    names. A key that names none of them (any more) is as none: the story's end."""
    keys = [one.key for one in moments]
    end = len(keys)
    if before in keys:
        end = keys.index(before)
    elif after in keys:
        end = min(keys.index(after) + 1 + size, end)
    start = max(0, end - size)
    shown = tuple(moments[start:end])
    return Page(
        moments=shown,
        total=len(keys),
        first=start + 1,
        before=keys[start] if start > 0 else None,
        after=keys[end - 1] if 0 < end < len(keys) else None,
    )


def by_day(moments: Iterable[Moment], zone: ZoneInfo) -> Iterator[Day]:
    """Moments in order, a day of the city at a time."""
    for day, found in groupby(moments, key=lambda one: local(one.at, zone).date()):
        yield Day(day, tuple(found))


def first_of_each(moments: Iterable[Moment], most: int) -> tuple[list[Moment], dict[UUID, int]]:
    """Of each assignment no more than `most` moments, and of how many the rest was left out."""
    counted: dict[UUID, int] = {}
    kept: list[Moment] = []
    for one in moments:
        if one.of is not None:
            counted[one.of] = counted.get(one.of, 0) + 1
            if counted[one.of] > most:
                continue
        kept.append(one)
    return kept, {id: count - most for id, count in counted.items() if count > most}
