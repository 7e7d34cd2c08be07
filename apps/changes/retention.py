"""How long the log is kept: until everybody who follows it has read it, and some days more.

Who follows the log says how far they have come in a module `logreaders.py`, which is found at
start-up like `admin.py`. Commits stay for good: a checkpoint names one, and that of a collection in
which nothing happens may be years old. See docs/adr/0029.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

Reader = Callable[[], int]
_readers: dict[str, Reader] = {}

# Rows of one transaction, and transactions of one tick: the rest has time until the next.
LARGEST_BATCH: Final = 5_000
MOST_BATCHES: Final = 40


def reads_log(name: str) -> Callable[[Reader], Reader]:
    """Registers who follows the log: a function that returns the commit up to which they have read
    everything (its `seq`), 0 where they have not begun."""

    def register(function: Reader) -> Reader:
        _readers[name] = function
        return function

    return register


def readers() -> dict[str, int]:
    """Who follows the log, and how far each has come."""
    return {name: function() for name, function in sorted(_readers.items())}


def let_old_go(*, now: datetime) -> int:
    """Deletes rows of the log that are older than `CHANGE_LOG_DAYS` and that every reader has
    passed, oldest first, in batches that commit on their own. Returns how many. Two at once do no
    harm: one waits for the other's batch, and finds it gone."""
    read_up_to = min(readers().values(), default=0)
    older_than, gone = now - timedelta(days=settings.CHANGE_LOG_DAYS), 0
    for _ in range(MOST_BATCHES):
        with transaction.atomic(), transaction.get_connection().cursor() as cursor:
            cursor.execute(
                "select feed_let_go(%s, %s, %s)", [read_up_to, older_than, LARGEST_BATCH]
            )
            batch = int(cursor.fetchone()[0])
        gone += batch
        if batch < LARGEST_BATCH:
            break
    return gone
