"""What is true of follow-ups at the end of a run, found out from all sides.

- **due**: the reminders that the server has written down, one for each follow-up, occasion, channel
  and level. Read from its database: no page lists them all.
- **delivered**: those for tablets that came to one that may see them. **overtaken**: those whose
  occasion was over before any tablet could hear of it: its crew was out of contact, had heard its
  own tablet ring, and had acted.
- **lost**: neither of the two; what was due and was never written down, as the follow-ups say
  themselves; mails that were handed over and never came.
- **duplicated**: one reminder that is written down twice, or that a tablet was shown anew after it
  had been shown it.
- **late**: real milliseconds from the time at which a reminder was due to its being on a tablet
  whose socket was open all the while; where the follow-up, or its occasion, came about later than
  that, from then. Days are played fast, clocks are not: what is shortened is the time until a
  reminder is due, never its way. Up to `FOLLOW_UP_TICK_SECONDS` of it is the tick.
- **follow-ups lost**: what was typed of them and is nowhere, and people who agreed, were met and
  left, and whom no plan follows up.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString, NamedTuple

import psycopg

from apps.simulator.figures import Figures
from apps.simulator.journal import Journal, Shown
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

# What has been due for longer was forgotten.
TICKS_COME: Final = timedelta(seconds=15)
# What a reaction left undone is done by then: it comes again after seconds, then later and later.
DONE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.5
# A tablet that listens has heard of it by then.
HEARD_WITHIN: Final = timedelta(seconds=5)
LOG: Final = "log"

_REMINDERS: Final = """
select follow_up_id::text, occasion, channel, level, due_at, raised_at from followups_reminder
"""
_LEFT_UNDONE: Final = "select count(*) from changes_parkedreaction"
_HANDED: Final = """
select id::text from notify_message where channel = 'email' and state = 'handed'
"""


class Reminder(NamedTuple):
    """One that the server has written down."""

    follow_up: str
    occasion: int
    channel: str
    level: int
    due_at: datetime
    raised_at: datetime

    def __str__(self) -> str:
        return f"of {self.follow_up}, occasion {self.occasion}, level {self.level}"


@dataclass(frozen=True)
class Written:
    """What the server has written down by an instant: reminders, and the ids of the mails that it
    has handed over."""

    at: datetime
    reminders: Sequence[Reminder]
    handed: Collection[str]


@dataclass
class Followed:
    """Counts, and what was found wrong, one line each. `delays` in milliseconds, sorted."""

    made: int = 0
    tried: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    due: int = 0
    delivered: int = 0
    overtaken: int = 0
    mailed: int = 0
    delays: list[float] = field(default_factory=list)
    reminders_lost: list[str] = field(default_factory=list)
    reminders_duplicated: list[str] = field(default_factory=list)
    follow_ups_lost: list[str] = field(default_factory=list)


async def written(database_url: str) -> Written:
    """What the server has written down, once no reaction has anything left to do."""
    ends = time.monotonic() + DONE_SECONDS
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while (  # noqa: ASYNC110  (another process does it)
            await _number(connection, _LEFT_UNDONE) and time.monotonic() < ends
        ):
            await asyncio.sleep(LOOK_SECONDS)
        now = datetime.now(UTC)
        rows = await (await connection.execute(_REMINDERS)).fetchall()
        handed = await (await connection.execute(_HANDED)).fetchall()
    return Written(now, [Reminder(*row) for row in rows], {id for (id,) in handed})


async def _number(connection: psycopg.AsyncConnection[Any], asked: LiteralString) -> int:
    row = await (await connection.execute(asked)).fetchone()
    assert row is not None, "a count is one row"
    return int(row[0])


def judge(
    *, figures: Figures, before: Written, reader: Tablet, kept: Collection[str], over: set[str]
) -> Followed:
    """All of it. `before`: written down before the tablets caught up for the last time. `reader`: a
    supervisor's tablet. `kept`: ids of rows that the server refused and keeps. `over`: assignments
    that are closed."""
    found = Followed()
    follow_ups = {one["id"]: one for one in reader.store.documents("follow_ups")}
    facts = {one["id"]: one for one in reader.store.documents("facts")}
    found.made = len(follow_ups)
    found.tried = sum(_is_tried(one) for one in follow_ups.values())
    found.outcomes.update(one["outcome"] for one in follow_ups.values() if one["outcome"])
    compare_reminders(found, before.reminders, figures.follow_ups)
    compare_dues(found, follow_ups.values(), before.at)
    compare_mails(found, before.handed, figures.digests)
    there = follow_ups.keys() | facts.keys() | set(kept)
    compare_typed(found, figures.follow_ups, there)
    compare_plans(found, figures, follow_ups.values(), over)
    return found


def compare_reminders(found: Followed, rows: Sequence[Reminder], journal: Journal) -> None:
    """What was written down, against what tablets were shown."""
    for name, times in Counter(row[:4] for row in rows).items():
        if times > 1:
            found.reminders_duplicated.append(f"reminder {name} is written down {times} times")
    for (id, label, occasion, level), times in Counter(journal.risen()).items():
        if times > 1:
            found.reminders_duplicated.append(
                f"{label} was reminded {times} times of {id}, occasion {occasion}, level {level}"
            )
    for row in rows:
        if row.channel != LOG:
            continue
        found.due += 1
        tablets = journal.shown.get(row.follow_up, {})
        told = [
            first
            for versions in tablets.values()
            if (first := next((v for v in versions if v.is_told(row.occasion, row.level)), None))
        ]
        if told:
            found.delivered += 1
            found.delays += _delays(row, told, journal)
        elif _is_overtaken(row, tablets):
            found.overtaken += 1
        else:
            found.reminders_lost.append(f"the reminder {row} came to no tablet")
    found.delays.sort()


def compare_dues(found: Followed, follow_ups: Collection[Document], at: datetime) -> None:
    """What follow-ups say of when they ring, against how far they have risen."""
    for one in follow_ups:
        for ring in one.get("rings") or ():
            due = datetime.fromisoformat(ring["at"])
            if one["state"] == "open" and ring["level"] > one["level"] and due < at - TICKS_COME:
                found.reminders_lost.append(
                    f"nobody was reminded of {one['id']} at level {ring['level']}"
                )


def compare_mails(found: Followed, handed: Collection[str], came: Mapping[str, str]) -> None:
    """What was handed over to the mail server, against what came. The same may come again, under
    the same id. `came`: the ids, each with whose it was."""
    ids = {id.partition("@")[0] for id in came}
    found.mailed = len(ids)
    found.reminders_lost += [f"the mail {id} never came" for id in handed if id not in ids]


def compare_typed(found: Followed, journal: Journal, there: Collection[str]) -> None:
    """What was typed, against what a supervisor is shown and what is kept."""
    found.follow_ups_lost += [
        f"{collection} {id} ({typed.get('event') or typed.get('basis') or 'follow-up'}) is nowhere"
        for id, (collection, typed) in journal.typed.items()
        if id not in there
    ]


def compare_plans(
    found: Followed, figures: Figures, follow_ups: Collection[Document], over: set[str]
) -> None:
    """Whoever agreed, and was met on a call that is over, is followed up by the plan; unless they
    said, to whoever looked for them before it could begin, that they want no more."""
    cleared = {fact["assignment_id"] for _, fact in figures.taps.values() if _clears(fact)}
    planned = {one["encounter_id"] for one in follow_ups if one["created_by"] is None}
    declined = {one["encounter_id"] for one in follow_ups if one["outcome"] == "declined"}
    for _, said in figures.follow_ups.typed.values():
        agreed = said.get("basis") == "agreed" and said["assignment_id"] in cleared & over
        if agreed and said["encounter_id"] not in planned | declined:
            found.follow_ups_lost.append(f"no plan follows up encounter {said['encounter_id']}")


def _delays(row: Reminder, told: Sequence[Shown], journal: Journal) -> list[float]:
    """How late it came to each of the tablets that listened all the while."""
    known = journal.known_since(row.follow_up, row.occasion)
    since = max(row.due_at, known) if known else row.due_at
    return [
        max(0.0, (one.at - since).total_seconds() * 1000)
        for one in told
        if one.live_since is not None and one.live_since < since
    ]


def _is_overtaken(row: Reminder, tablets: Mapping[str, Sequence[Shown]]) -> bool:
    """Whether tablets were shown that this occasion is over, and none of those that listened had
    the time to hear of the reminder before."""
    later = False
    for versions in tablets.values():
        before = [one for one in versions if one.at < row.raised_at]
        past = next((one for one in versions if one.is_past(row.occasion)), None)
        later = later or past is not None
        had_it = bool(before) and before[-1].state != "gone"
        until = past.at if past else datetime.max.replace(tzinfo=UTC)
        listened = past is None or (past.live_since or until) < row.raised_at
        if had_it and listened and until - row.raised_at > HEARD_WITHIN:
            return False
    return later


def _is_tried(one: Document) -> bool:
    return any(event["event"] == "attempted" for event in one.get("events") or ())


def _clears(fact: Document) -> bool:
    return bool(fact["event"] == "cleared")
