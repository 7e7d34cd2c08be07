"""What can go wrong on a day, and which of it really has.

A fault counts where it took effect, not where it was ordered: an answer was lost when the server
had done what was asked, a supervisor came at the same moment when a tablet waited for an answer
just then. So a soak can say what it has played, and one that nobody meets any more is noticed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from apps.simulator.radio import Fault

__all__ = ["CERTAIN", "EVERY", "Fault", "missing", "said"]

TYPED_ON = "an edit of what was on its way just then"
AT_ONCE = "two tablets that pushed at the same moment"
NO_FRAMES = "all heard with every frame lost"
NO_POKES = "all heard of what no socket was poked for"
ALL_CUT = "all sockets killed at once, and back"
HERD = "a herd of sockets killed at once, and back"
RESTARTED = "the app killed with something unsent"
OLD_APP = "an app of last year served"
UPDATED = "an app updated over what it held"
WRONG_CLOCK = "a tablet served whose clock is three hours off"
REFUSED = "a row refused"
REFUSED_AMONG = "a row refused among others that were taken"
REVOKED = "access lost while away with an unsent edit"
ANOTHER = "another signed in where something was unsent"
LOST = "a tablet lost with something unsent"
COMPROMISED = "a compromised tablet turned away"
RESTORED = "the server put back in time"
RESTORED_LIVE = "the server put back in time under open sockets"
SUPERVISED = "a supervisor at the same moment"

# What a soak of the full time has to play.
EVERY = (
    *Fault,
    *(TYPED_ON, AT_ONCE, NO_FRAMES, NO_POKES, ALL_CUT, HERD, RESTARTED, OLD_APP, UPDATED),
    *(WRONG_CLOCK, REFUSED, REFUSED_AMONG, REVOKED, ANOTHER, LOST, COMPROMISED, RESTORED),
    *(RESTORED_LIVE, SUPERVISED),
)
# What every day plays, whatever is drawn.
CERTAIN = (Fault.CUT, ALL_CUT, NO_POKES, REVOKED, COMPROMISED)


def missing(played: Counter[str], among: Iterable[str] = EVERY) -> list[str]:
    """Those of these faults that have not happened."""
    return [fault for fault in among if not played[fault]]


def said(played: Counter[str], say: Callable[[str], None]) -> None:
    """How often each has happened, the rarest first."""
    for fault in sorted(EVERY, key=lambda one: played[one]):
        say(f"{played[fault]:8}  {fault}")
