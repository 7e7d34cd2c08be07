"""Figures from what was counted. Pure: rows in, figures out; `definitions` says what each means."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo

from apps.casenotes.models import RecordKind
from apps.dispatch.models import EntryKind

# Given by somebody, as against begun by the crew itself: only those are responded to.
SENT: Final = frozenset(
    {EntryKind.DUAL_911, EntryKind.SOLO_911, EntryKind.REQUEST_SPD, EntryKind.REQUEST_SFD}
)
# Ends of dispatches that never were to meet anybody.
CALLED_OFF: Final = frozenset({"cancelled", "declined"})


@dataclass(frozen=True)
class Dispatch:
    """One dispatch as figures read it."""

    entry_kind: str
    beat: str
    given_at: datetime
    on_scene_at: datetime | None
    closed: bool
    closing: str
    met: bool
    record: str
    doses: int
    naloxone: int


@dataclass(frozen=True)
class GivenBack:
    """What one agency was given back on one incident: its units, of which so many are known."""

    units: int
    known: int
    seconds: int


@dataclass(frozen=True)
class FollowedUp:
    """The follow-ups of one encounter. Times are of the first try, and of when they were reached;
    `ended_early`: it ended before its window began."""

    due_from: datetime
    tried_at: datetime | None
    reached_at: datetime | None
    ended_early: bool


@dataclass(frozen=True)
class Value:
    """A figure: `value` is None where there is nothing to take it of. `missing`: how many are in
    neither numerator nor denominator because it is not known. `parts`: the same, apart."""

    numerator: float
    denominator: float
    missing: int
    value: float | None
    parts: Mapping[str, Value] = field(default_factory=dict)
    p90: float | None = None


def share(part: int, whole: int, *, missing: int = 0) -> Value:
    """A percentage."""
    return Value(part, whole, missing, round(100 * part / whole, 1) if whole else None)


def percentile(sorted_values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: a value that occurred, of at least one."""
    rank = max(1, ceil(percent / 100 * len(sorted_values)))
    return sorted_values[rank - 1]


def dispatches(rows: Sequence[Dispatch]) -> Value:
    """How many, and of which kind of entry."""
    kinds = Counter(row.entry_kind for row in rows)
    parts = {kind: Value(n, len(rows), 0, n) for kind, n in sorted(kinds.items())}
    return Value(len(rows), len(rows), 0, len(rows), parts)


def response(rows: Iterable[Dispatch]) -> Value:
    """Median and 90th percentile, in minutes, of those that were sent by somebody."""
    sent = [row for row in rows if row.entry_kind in SENT]
    took = sorted(
        (row.on_scene_at - row.given_at).total_seconds() / 60
        for row in sent
        if row.on_scene_at is not None and row.on_scene_at >= row.given_at
    )
    missing = len(sent) - len(took)
    if not took:
        return Value(0, 0, missing, None)
    return Value(
        numerator=len(took),
        denominator=len(took),
        missing=missing,
        value=round(percentile(took, 50), 1),
        p90=round(percentile(took, 90), 1),
    )


def response_by_hour(rows: Iterable[Dispatch], zone: ZoneInfo) -> dict[str, Value]:
    """By the hour in which the call was given, on the city's clock."""
    return _apart(rows, lambda row: f"{row.given_at.astimezone(zone):%H}:00", response)


def response_by_beat(rows: Iterable[Dispatch]) -> dict[str, Value]:
    """By the beat of the call; `?` where none is known."""
    return _apart(rows, lambda row: row.beat or "?", response)


def contact(rows: Sequence[Dispatch]) -> Value:
    """Of those that were to meet somebody. Called off ones stand apart."""
    ended = [row for row in rows if row.closed]
    meant = [row for row in ended if row.closing not in CALLED_OFF]
    told = share(sum(row.met for row in meant), len(meant), missing=len(rows) - len(ended))
    called_off = len(ended) - len(meant)
    apart = {"called_off": Value(called_off, len(ended), 0, called_off)}
    return Value(told.numerator, told.denominator, told.missing, told.value, apart)


def outcomes(rows: Sequence[Dispatch]) -> Value:
    """How many ended how, the most frequent end first."""
    ended = [row for row in rows if row.closed]
    found = Counter(row.closing for row in ended)
    parts = {
        name: Value(n, len(ended), 0, round(100 * n / len(ended), 1))
        for name, n in found.most_common()
    }
    return Value(len(ended), len(ended), len(rows) - len(ended), len(ended), parts)


def minutes_given_back(rows: Iterable[GivenBack]) -> Value:
    """What is not known counts as nought, and is told."""
    units = known = seconds = 0
    for row in rows:
        units, known, seconds = units + row.units, known + row.known, seconds + row.seconds
    return Value(round(seconds / 60), units, units - known, round(seconds / 60) if units else None)


def doses(rows: Iterable[Dispatch], *, weeks: float) -> Value:
    """CARE's own for each week; those of others stand apart."""
    own = others = 0
    for row in rows:
        own, others = own + row.doses, others + row.naloxone - row.doses
    apart = {"by_others": Value(others, weeks, 0, round(others / weeks, 1))}
    return Value(own, weeks, 0, round(own / weeks, 1), apart)


def records(rows: Sequence[Dispatch]) -> Value:
    """How many have a record, and of which kind."""
    ended = [row for row in rows if row.closed]
    kinds = Counter(row.record for row in ended if row.record)
    parts = {kind: share(kinds[kind], len(ended)) for kind in RecordKind.values}
    told = share(kinds.total(), len(ended), missing=len(rows) - len(ended))
    return Value(told.numerator, told.denominator, told.missing, told.value, parts)


def referral_loop(closed: int, sent: int) -> Value:
    """Of the referrals that were sent, those with an outcome."""
    return share(closed, sent, missing=sent - closed)


def tried_within(rows: Iterable[FollowedUp], hours: int) -> Value:
    """Of those who were to be followed up, whom somebody looked for so soon."""
    return _within(rows, lambda row: row.tried_at, hours)


def reached_within(rows: Iterable[FollowedUp], hours: int) -> Value:
    """Of those who were to be followed up, who was reached so soon."""
    return _within(rows, lambda row: row.reached_at, hours)


def eligible_not_sent(eligible: int, not_sent: int, unknown: int) -> Value:
    """Of the calls that the rules would have let CARE take, those it was not sent to."""
    return share(not_sent, eligible, missing=unknown)


def _within(
    rows: Iterable[FollowedUp], at: Callable[[FollowedUp], datetime | None], hours: int
) -> Value:
    told = list(rows)
    meant = [row for row in told if not row.ended_early]
    limit = timedelta(hours=hours)
    done = sum((when := at(row)) is not None and when - row.due_from <= limit for row in meant)
    return share(done, len(meant), missing=len(told) - len(meant))


def _apart(
    rows: Iterable[Dispatch],
    by: Callable[[Dispatch], str],
    figure: Callable[[list[Dispatch]], Value],
) -> dict[str, Value]:
    found: dict[str, list[Dispatch]] = defaultdict(list)
    for row in rows:
        found[by(row)].append(row)
    return {name: figure(found[name]) for name in sorted(found)}
