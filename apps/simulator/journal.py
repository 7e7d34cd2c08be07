"""What tablets were shown of follow-ups, version by version, as each of them heard it.

Times are the true ones, in UTC. A tablet that pulls is shown the newest version alone: what lay
between two of its pulls it never hears of.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet


@dataclass(frozen=True, slots=True)
class Shown:
    """A version of a follow-up on a tablet. `state` "gone": it left. `live_since`: since when the
    tablet's socket had been open; None: it pulled this."""

    at: datetime
    state: str
    occasion: int = 0
    level: int = 0
    outcome: str | None = None
    live_since: datetime | None = None

    def is_told(self, occasion: int, level: int) -> bool:
        """Whether this occasion's reminder of this level stands in it."""
        return self.occasion == occasion and self.level >= level

    def is_past(self, occasion: int) -> bool:
        """Whether it knows that this occasion is over."""
        return self.state in {"ended", "paused"} or self.occasion > occasion


@dataclass
class Journal:
    """By follow-up and tablet. `latest`: the newest version that any tablet was shown; `typed`:
    what was typed of follow-ups, by its id, with the collection that it went to."""

    shown: dict[str, dict[str, list[Shown]]] = field(default_factory=dict)
    latest: dict[str, Shown] = field(default_factory=dict)
    typed: dict[str, tuple[str, Document]] = field(default_factory=dict)
    _revs: dict[tuple[str, str], int] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=dict)

    def heard(self, tablet: Tablet, documents: Sequence[Document]) -> list[Shown]:
        """A tablet was shown these. Returns what is news to everybody."""
        news = []
        now, up_since = datetime.now(UTC), tablet.live_since
        live_since = now - timedelta(seconds=time.monotonic() - up_since) if up_since else None
        for one in documents:
            id, rev = one["id"], one.get("rev", 0)
            versions = self.shown.setdefault(id, {}).setdefault(tablet.label, [])
            if one.get("_deleted"):
                versions.append(Shown(now, "gone", live_since=live_since))
                continue
            if "due_from" not in one or rev <= self._revs.get((id, tablet.label), -1):
                continue  # an echo of what was typed, or a version that was overtaken
            self._revs[id, tablet.label] = rev
            version = Shown(
                now, one["state"], one["occasion"], one["level"], one["outcome"], live_since
            )
            versions.append(version)
            if rev > self._newest.get(id, -1):
                self._newest[id] = rev
                before, self.latest[id] = self.latest.get(id), version
                if before is None or _key(before) != _key(version):
                    news.append(version)
        return news

    def counts(self) -> Counter[str]:
        """How follow-ups stand, as the newest version of each says: made, due, overdue (nobody
        tried in time), missed (the supervisors know), and by their outcomes."""
        found = Counter(made=len(self.latest))
        for one in self.latest.values():
            if one.state == "open":
                found["due"] += one.level >= 1
                found["overdue"] += one.level >= 2
                found["missed"] += one.level >= 3
            elif one.outcome:
                found[one.outcome] += 1
        return found

    def known_since(self, id: str, occasion: int) -> datetime | None:
        """When the first tablet was shown this occasion of a follow-up, or a later one."""
        versions = (one for told in self.shown.get(id, {}).values() for one in told)
        return min((one.at for one in versions if one.occasion >= occasion), default=None)

    def risen(self) -> Iterator[tuple[str, str, int, int]]:
        """Each time that a tablet was shown a reminder anew: (follow-up, tablet, occasion, level).
        Twice the same: it was reminded of twice."""
        for id, tablets in self.shown.items():
            for label, versions in tablets.items():
                for occasion, level in _rises(versions):
                    yield id, label, occasion, level


def _rises(versions: Iterable[Shown]) -> Iterator[tuple[int, int]]:
    reached = (0, 0)
    for one in versions:
        if one.state == "gone":
            continue
        start = reached[1] if reached[0] == one.occasion else 0
        for level in range(start + 1, one.level + 1):
            yield one.occasion, level
        reached = one.occasion, one.level


def _key(one: Shown) -> tuple[object, ...]:
    return one.state, one.occasion, one.level
