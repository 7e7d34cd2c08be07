"""How a follow-up stands: a function of what was told of it and of its person.

Read from the events in their order of precedence (`tellings`), whatever the order of their arrival;
nothing here reads a clock or a database.

What was told by mistake is withdrawn, and then counts as never told. What is told of the person (a
decline, a death, jail or hospital) counts for all follow-ups of theirs. What is told after the end
is late: history, not a fault.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from apps.followups import codes
from apps.followups.tellings import Told, code_of, in_precedence, instant, withdrawn
from apps.sync.values import uuid_of

Basis = Literal["holds", "none", "over"]

# A snooze postpones the end of a window by no more than this, however often it is told.
SNOOZED_BEYOND: Final = timedelta(hours=24)
# By hand, or where the plan's line is not known any more.
TRIES: Final = 3
RETRY_AFTER: Final = timedelta(hours=24)
# What a column holds; whoever snoozes more often than that is reminded in the last occasion.
_MOST_OCCASIONS: Final = 32_767
# Ends that are the person's, and so those of all their follow-ups.
_OF_THE_PERSON: Final = frozenset({"declined", "deceased"})
# How a follow-up can end by a person's word.
BY_HAND: Final = frozenset({"reached", "met", "declined", "deceased", "not_reached", "withdrawn"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """What a follow-up began with, and what its plan says of further tries."""

    made_at: datetime
    first_from: datetime
    first_until: datetime
    most_tries: int = TRIES
    retry_after: timedelta = RETRY_AFTER


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """What holds for the person. `told`: the events of their other follow-ups. `met`: when they
    were met on other calls. `basis`: on what following up rests now, `over_at` since when it is
    over, `held_since` since when somebody says that it holds. `merged_at`: since when an elder
    follow-up is for the same, because two records of the person were put together."""

    told: Sequence[Told] = ()
    met: Sequence[datetime] = ()
    basis: Basis = "holds"
    held_since: datetime | None = None
    over_at: datetime | None = None
    merged_at: datetime | None = None


NOTHING_AROUND: Final = Around()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """`rings`: it may be reminded of. `late`: the events of it that were told after its end."""

    state: str
    outcome: str | None
    ended_at: datetime | None
    due_from: datetime
    due_until: datetime
    occasion: int
    tries: int
    owner: UUID | None
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    paused_at: datetime | None
    paused_for: str | None
    paused_until: datetime | None
    rings: bool
    late: frozenset[UUID]


def stand(
    begun: Begun, events: Iterable[Told], around: Around = NOTHING_AROUND, *, now: datetime
) -> Standing:
    """How a follow-up stands at `now`, by its own events and what is `around` it."""
    told = list(events)
    own = {event.id for event in told}
    return _folded(begun, _counting((*around.told, *told)), around, own=own, now=now)


def _counting(told: Iterable[Told]) -> list[tuple[Told, bool]]:
    """The events that count, in the order in which they do: none that was taken back. With each
    whether it is told of the person, and so counts for all follow-ups of theirs."""
    every = {event.id: event for event in told}
    gone = withdrawn(every.values())
    ordered = in_precedence(every.values())
    counting = (one for one in ordered if one.id not in gone and one.event != "withdrawn")
    return [(one, _is_of_the_person(one)) for one in counting]


def _is_of_the_person(event: Told) -> bool:
    if event.event == "attempted":
        result = code_of(event.content, "result")
        return result in codes.PAUSING or result in _OF_THE_PERSON
    if event.event == "ended":
        return code_of(event.content, "outcome") in _OF_THE_PERSON
    return event.event in {"paused", "resumed"}


def _folded(
    begun: Begun,
    counting: Iterable[tuple[Told, bool]],
    around: Around,
    *,
    own: Collection[UUID],
    now: datetime,
) -> Standing:
    marks = sorted(around.met)
    fold = _Fold(begun, around)
    for event, of_the_person in counting:
        if not of_the_person and event.id not in own:
            continue
        while marks and marks[0] < event.at:
            fold.meet(marks.pop(0))
        fold.take(event, own=event.id in own)
    for met in marks:
        if met <= now:
            fold.meet(met)
    fold.wake(now)
    return fold.standing()


def occasion_after(
    found: Standing, *, occasion: int, window: tuple[datetime, datetime], ended: bool
) -> int:
    """The number of the present occasion, after one of this number with this window that had
    `ended` or not. It only grows, also where a try is taken back, or two persons are taken apart
    again: what was reminded of in one occasion is never taken for reminded of in another."""
    if found.occasion > occasion:
        return found.occasion
    again = ended and found.state != "ended"
    if again or (found.due_from, found.due_until) != window:
        return min(occasion + 1, _MOST_OCCASIONS)
    return occasion


class _Fold:
    """The state on the way through the events."""

    def __init__(self, begun: Begun, around: Around) -> None:
        self.begun, self.around = begun, around
        self.outcome: str | None = None
        self.ended_at: datetime | None = None
        self.due_from, self.due_until = begun.first_from, begun.first_until
        self.length = begun.first_until - begun.first_from
        # What the person must have been met after; and how far snoozing goes.
        self.wanted_from = begun.first_from
        self.snoozed_to = begun.first_until + SNOOZED_BEYOND
        self.occasion, self.occasion_at = 1, begun.made_at
        self.tries = 0
        self.owner: UUID | None = None
        self.acknowledged: tuple[datetime, UUID] | None = None
        self.paused_at: datetime | None = None
        self.paused_for: str | None = None
        self.paused_until: datetime | None = None
        # Since when the clock stands still; None: the window was set to a day while it did.
        self.still_since: datetime | None = None
        self.late: set[UUID] = set()

    def take(self, event: Told, *, own: bool) -> None:
        """One event of this follow-up, or (not `own`) of another one of the person."""
        self.wake(event.at)
        if self.outcome is not None:
            if own:
                self.late.add(event.id)
            return
        if self._of_the_person(event, own):
            return
        match event.event:
            case "attempted":
                self._try(event)
            case "acknowledged":
                self._acknowledge(event)
            case "snoozed":
                self._snooze(event)
            case "moved":
                self._move(event)
            case "ended":
                outcome = code_of(event.content, "outcome")
                self._end(outcome if outcome in BY_HAND else "withdrawn", event.at)
            case _:
                self._change_hands(event)

    def meet(self, at: datetime) -> None:
        """The person was met on another call: enough, where they had begun to be wanted."""
        self.wake(at)
        if self.outcome is None and self.wanted_from <= at:
            self._end("met", at)

    def wake(self, at: datetime) -> None:
        """Ends a pause whose last instant has passed."""
        if self.paused_at is not None and self.paused_until and self.paused_until <= at:
            self._resume(self.paused_until)

    def standing(self) -> Standing:
        """What it has come to."""
        merged, over = self.around.merged_at, self.around.over_at
        if merged is not None and (self.ended_at is None or merged < self.ended_at):
            self._end("merged", merged)
        if self.outcome is None and self.around.basis == "over" and over is not None:
            self._end("no_basis", over)
        acknowledged_at, acknowledged_by = self.acknowledged or (None, None)
        paused = self.paused_at is not None
        state = "ended" if self.outcome else "paused" if paused else "open"
        return Standing(
            state=state,
            outcome=self.outcome,
            ended_at=self.ended_at,
            due_from=self.due_from,
            due_until=self.due_until,
            occasion=self.occasion,
            tries=self.tries,
            owner=self.owner,
            acknowledged_at=acknowledged_at,
            acknowledged_by=acknowledged_by,
            paused_at=self.paused_at,
            paused_for=self.paused_for,
            paused_until=self.paused_until,
            rings=state == "open" and self.around.basis == "holds",
            late=frozenset(self.late),
        )

    def _of_the_person(self, event: Told, own: bool) -> bool:
        """Does what an event says of the person; whether it says something of that kind."""
        told = event.content
        if event.event == "attempted":
            result = code_of(told, "result")
            if result in codes.PAUSING:
                self._pause(event.at, codes.PAUSING[result], None)
                return True
            outcome = codes.ENDING.get(result, "")
        elif event.event == "ended":
            outcome = code_of(told, "outcome")
        elif event.event == "paused":
            reason = code_of(told, "reason")
            until = instant(told, "until", event.at)
            later = until if until is not None and until > event.at else None
            self._pause(event.at, reason if reason in codes.PAUSES else "other", later)
            return True
        elif event.event == "resumed":
            self._resume(event.at)
            return True
        else:
            return False
        if outcome not in _OF_THE_PERSON:
            return False
        if own or outcome == "deceased" or not self._agreed_since(event):
            self._end(outcome, event.at)
        return True

    def _agreed_since(self, event: Told) -> bool:
        """Whether it was made after that decline because the person, or a clinician, has said
        otherwise meanwhile."""
        held = self.around.held_since
        return event.at < self.begun.made_at and held is not None and held > event.at

    def _change_hands(self, event: Told) -> None:
        named = uuid_of(event.content.get("to"))
        if event.event == "taken":
            self.owner = named or event.author or self.owner
        elif event.event == "released" and named in (None, self.owner):
            self.owner = None

    def _try(self, event: Told) -> None:
        if code_of(event.content, "result") == "reached":
            self._end("reached", event.at)
            return
        self.tries = min(self.tries + 1, _MOST_OCCASIONS)
        if self.tries >= self.begun.most_tries:
            self._end("not_reached", event.at)
            return
        start = instant(event.content, "next_from", event.at)
        told = start is not None and start >= event.at
        if start is None or not told:
            start = event.at + self.begun.retry_after
        self._window(start, instant(event.content, "next_until", event.at) if told else None)
        self._begin_occasion(event.at, fixed=told)

    def _acknowledge(self, event: Told) -> None:
        """A late acknowledgement of an earlier occasion says nothing of this one."""
        if event.author is None or event.at < self.occasion_at:
            return
        self.acknowledged = self.acknowledged or (event.at, event.author)
        self.owner = self.owner or event.author

    def _snooze(self, event: Told) -> None:
        until = instant(event.content, "until", event.at)
        if until is None or until <= event.at or self.paused_at is not None:
            return
        until = min(until, self.snoozed_to)
        limit = self.snoozed_to
        self.due_from, self.due_until = until, max(self.due_until, until)
        self._begin_occasion(event.at, fixed=True)
        self.snoozed_to = limit

    def _move(self, event: Told) -> None:
        start = instant(event.content, "due_from", event.at)
        if start is None:
            return
        self._window(start, instant(event.content, "due_until", event.at))
        self.length = self.due_until - self.due_from
        self.wanted_from = start
        self._begin_occasion(event.at, fixed=True)

    def _window(self, start: datetime, until: datetime | None) -> None:
        fits = until is not None and until >= start
        self.due_from = start
        self.due_until = until if fits and until is not None else start + self.length

    def _begin_occasion(self, at: datetime, *, fixed: bool) -> None:
        self.occasion = min(self.occasion + 1, _MOST_OCCASIONS)
        self.occasion_at = at
        self.acknowledged = None
        self.snoozed_to = self.due_until + SNOOZED_BEYOND
        if self.paused_at is not None:
            self.still_since = None if fixed else at

    def _pause(self, at: datetime, reason: str, until: datetime | None) -> None:
        if self.outcome is not None:
            return
        if self.paused_at is None:
            self.paused_at = at
            self.still_since = max(at, self.begun.made_at)
        self.paused_for, self.paused_until = reason, until

    def _resume(self, at: datetime) -> None:
        """The window goes on where it stood still; one that was set meanwhile stays, but for what
        of it has passed."""
        if self.paused_at is None or self.outcome is not None:
            return
        still = self.still_since
        self.paused_at = self.paused_for = self.paused_until = self.still_since = None
        if at <= self.begun.made_at:
            return
        passed = max(at - still, timedelta(0)) if still else max(at - self.due_from, timedelta(0))
        self.due_from, self.due_until = self.due_from + passed, self.due_until + passed
        self._begin_occasion(at, fixed=True)

    def _end(self, outcome: str, at: datetime) -> None:
        self.outcome, self.ended_at = outcome, at
        self.paused_at = self.paused_for = self.paused_until = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One of the follow-ups of a person, to be judged with the others. `person`: the record that
    its encounter names, before any merge."""

    id: UUID
    person: UUID | None
    purpose: str
    begun: Begun
    told: tuple[Told, ...] = ()
    met: tuple[datetime, ...] = ()
    basis: Basis = "holds"
    held_since: datetime | None = None
    over_at: datetime | None = None


def stand_all(
    cases: Sequence[Case], *, joined: Mapping[UUID, datetime] | None = None, now: datetime
) -> dict[UUID, Standing]:
    """How all follow-ups of one person stand. `joined`: of their records those that were put
    together with another one, and when."""
    # All that was told of the person is around each of them: put in order once, not for each.
    counting = _counting(event for case in cases for event in case.told)

    def standing(case: Case, merged_at: datetime | None = None) -> Standing:
        around = Around(
            met=case.met,
            basis=case.basis,
            held_since=case.held_since,
            over_at=case.over_at,
            merged_at=merged_at,
        )
        own = {event.id for event in case.told}
        return _folded(case.begun, counting, around, own=own, now=now)

    found = {case.id: standing(case) for case in cases}
    if joined:
        by_id = {case.id: case for case in cases}
        for id, at in _merged_away(cases, found, joined).items():
            found[id] = standing(by_id[id], at)
    return found


def _merged_away(
    cases: Sequence[Case], found: Mapping[UUID, Standing], joined: Mapping[UUID, datetime]
) -> dict[UUID, datetime]:
    """Of two that were for the same when the records of their persons were put together, the
    younger: nobody is visited twice for one purpose."""
    gone: dict[UUID, datetime] = {}
    eldest = sorted(cases, key=lambda one: (one.begun.made_at, one.id.int))
    for place, younger in enumerate(eldest):
        for elder in eldest[:place]:
            at = _joined_at(elder, younger, joined)
            if at is None or elder.id in gone or not _same(elder, younger):
                continue
            ends = [found[one.id].ended_at for one in (elder, younger)]
            if all(end is None or end > at for end in ends):
                gone[younger.id] = min(at, gone.get(younger.id, at))
    return gone


def _joined_at(elder: Case, younger: Case, joined: Mapping[UUID, datetime]) -> datetime | None:
    """Since when the two are of one person; None where they have always been."""
    if elder.person is None or younger.person is None or elder.person == younger.person:
        return None
    at = [joined[one] for one in (elder.person, younger.person) if one in joined]
    return max(at, default=None)


def _same(one: Case, other: Case) -> bool:
    return (
        one.purpose == other.purpose
        and one.begun.first_from <= other.begun.first_until
        and other.begun.first_from <= one.begun.first_until
    )
