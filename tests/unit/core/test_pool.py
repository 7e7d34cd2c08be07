"""How the database is found again after it was away."""

from __future__ import annotations

from typing import Any

from psycopg_pool.base import AttemptWithBackoff

from config import settings


def pauses(options: dict[str, Any]) -> list[float]:
    """The seconds between two tries of the pool to connect, by its own reckoning, from a failure
    until it gives up: whoever asks for a connection then begins anew."""
    attempt, now, found = AttemptWithBackoff(timeout=options["reconnect_timeout"]), 0.0, []
    while not attempt.time_to_give_up(now):
        attempt.update_delay(now)
        now += attempt.delay
        found.append(attempt.delay)
    return found


def test_the_pool_is_back_soon_however_long_postgresql_was_away() -> None:
    pool: dict[str, Any] = settings._POOL
    assert max(pauses(pool)) <= pool["timeout"]
