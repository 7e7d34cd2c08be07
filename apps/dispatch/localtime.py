"""Local wall-clock times without a zone, turned into instants."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

# Of the files that Seattle publishes, whatever city this server is for.
SEATTLE = ZoneInfo("America/Los_Angeles")

AMBIGUOUS = "ambiguous local time"
NON_EXISTENT = "non-existent local time"


def to_utc(wall: datetime, zone: ZoneInfo = SEATTLE) -> tuple[datetime, str]:
    """The instant of a naive local time, and a flag ("" where there is no doubt).

    In the hour that occurs twice when the clocks go back, the first is taken: a response must not
    look shorter than it was. A time in the hour that the spring change skips is read with the
    offset before the change, so it lands one hour later on the wall.
    """
    first = wall.replace(tzinfo=zone, fold=0)
    second = wall.replace(tzinfo=zone, fold=1)
    instant = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return instant, ""
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant, AMBIGUOUS
    return instant, NON_EXISTENT
