"""State, times and durations of one assignment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from apps.assignments.timeline.corrections import Entry, resolve
from apps.assignments.timeline.episodes import Closing, Episode, Refusal, read_episodes
from apps.assignments.timeline.facts import Fact, Flag, Limits
from apps.assignments.timeline.times import Duration, Moment


@dataclass(frozen=True, slots=True)
class Timeline:
    """One assignment as its facts tell it.

    `current` is the episode that counts now, `earlier` those that a reassignment or a reopening
    ended. `needs_ack`: open, and the call was materially changed (or given) since the last
    acknowledgement. `history` holds every fact, in the order of precedence.
    """

    current: Episode
    earlier: tuple[Episode, ...]
    needs_ack: bool
    flags: tuple[Flag, ...]
    history: tuple[Entry, ...]
    _flagged: Mapping[UUID, tuple[str, ...]] = field(repr=False)

    @property
    def state(self) -> str:
        """One of `codes.STATES`."""
        return self.current.state

    @property
    def closing(self) -> Closing | None:
        return self.current.closing

    @property
    def closing_refused(self) -> tuple[Refusal, ...]:
        return self.current.closing_refused

    @property
    def unit(self) -> str | None:
        return self.current.unit

    @property
    def acknowledged_revision(self) -> int:
        return self.current.acknowledged_revision

    @property
    def met(self) -> bool:
        """Whether contact was made with somebody, in this episode or an earlier one."""
        return any("contact" in one.times for one in (self.current, *self.earlier))

    @property
    def times(self) -> dict[str, Moment]:
        return self.current.times

    @property
    def durations(self) -> dict[str, Duration]:
        return self.current.durations

    def flags_of(self, fact: UUID) -> tuple[str, ...]:
        """The codes of one fact's flags."""
        return self._flagged.get(fact, ())


_DEFAULT_LIMITS = Limits()


def derive(
    facts: Iterable[Fact], *, call_revision: int = 1, limits: Limits = _DEFAULT_LIMITS
) -> Timeline:
    """The timeline of one assignment; of no facts, one that is assigned and unacknowledged.

    `call_revision`: the call's last material revision, which has to be acknowledged.
    """
    entries, flags = resolve(facts, limits)
    episodes, told = read_episodes(entries)
    current = episodes[-1]
    places = {entry.fact.id: place for place, entry in enumerate(entries)}
    every = sorted({*flags, *told}, key=lambda flag: (places[flag.fact], flag.code, flag.text))
    flagged: dict[UUID, tuple[str, ...]] = {}
    for flag in every:
        flagged[flag.fact] = (*flagged.get(flag.fact, ()), flag.code)
    return Timeline(
        current=current,
        earlier=tuple(episodes[:-1]),
        needs_ack=current.closing is None and call_revision > current.acknowledged_revision,
        flags=tuple(every),
        history=tuple(entries),
        _flagged=flagged,
    )
