"""Eight writers at once: no deadlock, no tablet wrong. `CAREFIELD_RUSH_SECONDS` makes it longer."""

from __future__ import annotations

import os
from collections.abc import Callable

import psycopg
import pytest

from tests.integration.changes.conftest import FEED_SQL, Connect
from tests.integration.changes.rush import Rush

SECONDS = float(os.environ.get("CAREFIELD_RUSH_SECONDS", "4"))

Load = Callable[..., psycopg.Connection]

ROUND_TWO = "feed_apply after insert on feed_commit\n  deferrable initially "
MUTANTS = {
    # The lock is taken among other deferred checks, which wait for rows whose owners wait for it.
    "applied in the first round": FEED_SQL.replace(ROUND_TWO + "deferred", ROUND_TWO + "immediate"),
    # A session that keeps numbers back commits an old one after newer ones were read.
    "the sequence is cached": FEED_SQL.replace("as bigint cache 1;", "as bigint cache 20;"),
    # Two commits take their numbers in one order and become visible in the other.
    "no lock": FEED_SQL.replace("  perform pg_advisory_xact_lock(7301, 1);\n", ""),
}


def wrong(counts: dict[str, int]) -> dict[str, int]:
    return {name: n for name, n in counts.items() if n and name.startswith(("wrong", "deadlocks"))}


def test_no_interleaving_makes_a_tablet_wrong(load_feed: Load, feed_database: Connect) -> None:
    load_feed().close()
    counts = Rush(feed_database, SECONDS).run(writers=8)
    print(dict(counts))  # noqa: T201 - shown by -rP: how far the run looked
    assert wrong(counts) == {}
    assert counts["comparisons"] > 5 * SECONDS
    assert counts["comparisons of news"] > SECONDS


@pytest.mark.parametrize("name", MUTANTS)
def test_a_rush_notices_a_broken_rule(load_feed: Load, feed_database: Connect, name: str) -> None:
    if SECONDS < 10:
        pytest.skip("needs CAREFIELD_RUSH_SECONDS=10 or more")
    assert MUTANTS[name] != FEED_SQL
    load_feed(MUTANTS[name]).close()
    counts = Rush(feed_database, SECONDS).run(writers=8)
    print(wrong(counts), dict(counts))  # noqa: T201
    assert wrong(counts)
