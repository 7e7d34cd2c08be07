"""On what a follow-up rests: what the person said, or a clinician's written reason. Pure.

1. The last word of the person holds, whichever encounter they said it in. A visit that nobody asked
   for is harassment: where they said nothing, nobody follows up.
2. A clinician's reason opens until the end of its last day, also after a refusal that its author
   knew of. A refusal that is said after it ends it.
3. A word that a device's clock puts into the future counts from when it came. Of two at one
   instant, a refusal counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from apps.core.clock import city

AGREED: Final = "agreed"
CLINICIAN: Final = "clinician"
REFUSED: Final = "refused"
# A clinician's reason whose last day has passed, and no word of the person.
OVER: Final = "over"
# Nobody was asked.
UNASKED: Final = "unasked"

# How long after it was said an agreement makes follow-ups of another encounter: who agreed after
# one crisis has not agreed to be looked for after every later one. Ours, to be confirmed.
CARRIES_OVER: Final = timedelta(days=30)
# How far ahead the last day of a clinician's reason may lie: an end that nobody lives to see is
# none. Ours, to be confirmed.
LONGEST_REASON: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said. `basis`: agreed, refused or clinician. `ends_on`: the last day of a
    clinician's reason, by the city's clock."""

    encounter_id: UUID
    basis: str
    said_at: datetime
    received_at: datetime
    ends_on: date | None = None

    @property
    def at(self) -> datetime:
        return min(self.said_at, self.received_at)


@dataclass(frozen=True, slots=True)
class Basis:
    """What holds at an instant, and by which word; None where nobody was asked. `over_at`: since
    when nobody may be followed up any more: the refusal, or the end of a reason that was given
    after it."""

    kind: Literal["agreed", "clinician", "refused", "over", "unasked"]
    said: Said | None = None
    over_at: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether anybody may be followed up on it."""
        return self.kind in {AGREED, CLINICIAN}

    @property
    def held_since(self) -> datetime | None:
        """Since when somebody says that it holds."""
        return self.said.at if self.said and self.holds else None

    @property
    def ends_at(self) -> datetime | None:
        """When it will be over by itself: the midnight after a reason's last day. None: no clock
        ends it."""
        return end_of(self.said) if self.said and self.kind == CLINICIAN else None

    def opens(self, encounter_id: UUID, ended_at: datetime) -> bool:
        """Whether follow-ups of an encounter that ended then are made on it: of the one in which
        it was said, and of those that came after."""
        if not self.holds or self.said is None:
            return False
        if self.said.encounter_id == encounter_id:
            return True
        since = ended_at - self.said.at
        return since >= timedelta(0) and (self.kind == CLINICIAN or since <= CARRIES_OVER)


def basis_of(said: Iterable[Said], at: datetime) -> Basis:
    """On what follow-ups of a person rest at an instant, by all that was said in the encounters
    with them, in any order."""
    rows = sorted(said, key=lambda one: (one.at, one.basis == REFUSED))
    word = next((one for one in reversed(rows) if one.basis in {AGREED, REFUSED}), None)
    if word is not None and word.basis == AGREED:
        return Basis(AGREED, word)
    since = word.at if word is not None else datetime.min.replace(tzinfo=UTC)
    reasons = [one for one in rows if one.basis == CLINICIAN and one.at > since]
    if reasons:
        last = max(reasons, key=end_of)
        if at < end_of(last):
            return Basis(CLINICIAN, last)
        return Basis(REFUSED if word is not None else OVER, word or last, over_at=end_of(last))
    return Basis(REFUSED, word, over_at=word.at) if word is not None else Basis(UNASKED)


def end_of(reason: Said) -> datetime:
    """When a clinician's reason is over: the midnight after its last day, by the city's clock.
    Without a last day it never began."""
    if reason.ends_on is None:
        return reason.at
    following = reason.ends_on + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=city())
