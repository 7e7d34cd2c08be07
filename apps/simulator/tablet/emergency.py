"""What the tablet shows after an emergency tap.

Within the window (5 s) the responder reads who answered, or that the radio is needed. Nothing is
ever shown as answered that was not, and "sent" is never shown as "answered".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

WINDOW: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Banner:
    """`text` as shown; `state` acknowledged, sending, waiting, not_sent or unanswered.

    `use_radio`: the tablet cannot promise help; it says so and sounds.
    """

    text: str
    state: str
    use_radio: bool


def banner(
    *,
    tapped_at: datetime,
    now: datetime,
    accepted_at: datetime | None = None,
    acknowledged_at: datetime | None = None,
    acknowledged_by: str | None = None,
    window: timedelta = WINDOW,
) -> Banner:
    """The banner at `now`, by the same (tablet's) clock that stamped the tap.

    `accepted_at`: when the server's verdict said that it holds the tap; an answer that never
    came, or a tap that lies in quarantine, is None. `acknowledged_by`: the name to show.

    An answer that comes late replaces the warning. A clock that was put back under the tap
    counts as time run out: nobody may wait because a clock is wrong.
    """
    if acknowledged_at is not None or acknowledged_by:
        by = f" BY {acknowledged_by.upper()}" if acknowledged_by else ""
        return Banner(f"ACKNOWLEDGED{by}", "acknowledged", use_radio=False)
    waiting = timedelta(0) <= now - tapped_at < window
    if accepted_at is None:
        if waiting:
            return Banner("SENDING", "sending", use_radio=False)
        return Banner("NOT SENT, USE RADIO", "not_sent", use_radio=True)
    if waiting:
        return Banner("SENT, WAITING FOR AN ANSWER", "waiting", use_radio=False)
    return Banner("SENT, NOBODY HAS ANSWERED, USE RADIO", "unanswered", use_radio=True)
