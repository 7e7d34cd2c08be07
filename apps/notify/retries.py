"""When a message that a gateway did not take is tried again. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from apps.core import clock

# Seconds after each failure: a server that restarts, one that is mended, one that is not. A message
# that none of nine attempts got away, in ten hours, is given up and stands in the admin.
RETRY_SECONDS: Final = (15, 60, 300, 900, 1800, 3600, 3 * 3600, 4 * 3600)
MOST_TRIES: Final = len(RETRY_SECONDS) + 1


def retry_after(tries: int) -> timedelta | None:
    """How long after the failure of so many attempts the next one is due; None: it is given up."""
    return clock.domain(RETRY_SECONDS[tries - 1]) if tries < MOST_TRIES else None
