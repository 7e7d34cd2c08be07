"""A day: how it begins and ends, and what its rules share."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from apps.accounts.models import User
from tests.oracle import evening, faults
from tests.oracle.held import Held
from tests.oracle.world import World

which = st.integers(0, 11)


class BadDay(BaseException):
    """Something is wrong. No failure for hypothesis: it would play the day again, and tell of that
    one, where radio and threads may have done something else."""


def noted(function: Callable[..., None]) -> Callable[..., None]:
    """A step that is written down before it is taken, and that ends the day where it fails."""

    @wraps(function)
    def step(day: Day, /, **drawn: Any) -> None:
        said = ", ".join(f"{name}={value!r}" for name, value in drawn.items())
        day.played.append(f"{function.__name__}({said})")
        try:
            function(day, **drawn)
        except Exception as error:
            day.bad = True
            error.add_note("\n".join(["The day:", *day.played]))
            raise BadDay from error

    return step


def busy_rule(when: Callable[[Any], Any] = lambda day: True, **drawn: Any) -> Callable[[Any], Any]:
    """A rule of days on which something happens, while the day is like that."""
    return lambda function: precondition(lambda day: not day.idle and when(day))(
        rule(**drawn)(noted(function))
    )


class Day(RuleBasedStateMachine):
    """Set `urls` of running servers before it is played, how large a `crowd` may come, where to
    count what has `happened`, and which faults are `due`: they come today if a day can order them.

    Where it is played is for subclasses to say: in which world, how it begins, what is typed there,
    and what supervisors do."""

    urls: ClassVar[list[str]] = []
    crowd: ClassVar[int] = 0
    happened: ClassVar[Counter[str]] = Counter()
    due: ClassVar[frozenset[str]] = frozenset()
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.played: list[str] = []
        self.bad = False

    @initialize(day=st.integers(0, 2**32))
    @noted
    def begin_the_day(self, day: int) -> None:
        """The people, their tablets, and what happens every day."""
        self.idle = day == 0  # the simplest day, which hypothesis always plays first
        if self.idle:
            return
        self.compromises = day % 4 == 1
        self.herds = day % 8 == 2 or faults.HERD in self.due
        # It copies all that there is.
        restores = day % 3 == 0 or faults.RESTORED_LIVE in self.due
        self.restores = "not yet" if restores else "never"
        folder = tempfile.TemporaryDirectory()
        self.stack = contextlib.ExitStack()
        self.stack.enter_context(folder)
        self.world = self._open_the_world(day, Path(folder.name))
        self.stack.callback(self.world.close)
        self._begin(day)

    def teardown(self) -> None:
        if not self.idle:
            with self.stack:
                if not self.bad:
                    self.evening()

    @noted
    def evening(self) -> None:
        self.end_the_day()

    def end_the_day(self) -> None:
        evening.come_to_rest(self.world)
        if self.world.finish():
            evening.come_to_rest(self.world)
        evening.judge(self.world)

    @precondition(lambda day: day.idle)
    @rule()
    def nothing(self) -> None:
        """Nothing happens."""

    # --- where it is played ---

    def _open_the_world(self, day: int, folder: Path) -> World:
        raise NotImplementedError

    def _begin(self, day: int) -> None:
        """What happens every day."""
        raise NotImplementedError

    def _scribble(self, held: Held, n: int, field: int = 0) -> None:
        """Type something, into what there is or anew; `field` from 0 to 6 says where."""
        raise NotImplementedError

    def _poison(self, held: Held, how: int) -> None:
        """Type something that cannot be taken; `how` from 1 to 6."""
        raise NotImplementedError

    def _supervise(self, n: int) -> None:
        """A supervisor settles something, where there is anything to settle."""
        raise NotImplementedError

    def _publish(self, n: int, *, poked: bool) -> None:
        """The server writes something by itself; `poked`: whether any socket is told."""
        raise NotImplementedError

    # --- what the rules share ---

    def _meet(self, held: Held, n: int) -> None:
        """Contact, in one of two ways. Then it holds what it may, and nothing else."""
        world = self.world
        if world.is_shut(held):
            world.is_turned_away(held)
            return
        world.quiet()
        if n % 2:
            world.exchange(held)
        else:
            world.push_all(held)
            world.pull(held)
        wrong = world.amiss(held, world.documents())
        assert not wrong, "\n".join(wrong)

    def _heard(self) -> list[Held]:
        """The local databases that hear of everything, and do as they are told."""
        return [one for one in self.world.let_in if one.of.tablet != self.world.lost]

    def _held(self, n: int) -> Held:
        return self.world.held[n % len(self.world.held)]

    def _person(self, n: int) -> User:
        return self.world.people[n % len(self.world.people)]
