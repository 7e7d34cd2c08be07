"""The device's own clock. It is never set right here: the server measures how far it is off."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class Device:
    """A clock that is `offset` ahead of the true time (behind where negative)."""

    offset: timedelta = timedelta(0)
    _round_trip_ms: int | None = field(default=None, init=False)

    def now(self) -> datetime:
        """What this device takes for the present instant, in UTC."""
        return datetime.now(UTC) + self.offset

    def sync_clock(self) -> str:
        """The `Sync-Clock` header: the device's time in Unix milliseconds, and how long the last
        exchange took, which bounds the error of the server's measurement."""
        stamp = str(int(self.now().timestamp() * 1000))
        return stamp if self._round_trip_ms is None else f"{stamp};rtt={self._round_trip_ms}"

    def exchanged(self, began: float) -> None:
        """An exchange that began at this reading of `time.monotonic()` has ended."""
        self._round_trip_ms = int((time.monotonic() - began) * 1000)


def stamp(at: datetime) -> str:
    """A time as documents carry it: ISO 8601 in UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
