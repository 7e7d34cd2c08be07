"""Random histories of the feed against the oracle in `histories.py`.

Short by default; `CAREFIELD_HISTORIES_SECONDS=600` looks longer, and a change to feed.sql deserves
it: a subtle mistake can take ten thousand histories. `CAREFIELD_HISTORIES_SEED` starts elsewhere.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.integration.changes.conftest import FEED_SQL
from tests.integration.changes.histories import Diverged, History
from tests.integration.changes.mutants import MUTANTS, broken

SECONDS = float(os.environ.get("CAREFIELD_HISTORIES_SECONDS", "8"))
SEED = int(os.environ.get("CAREFIELD_HISTORIES_SEED", "1"))
TABLES = (
    "feed_commit, feed_change, feed_document, feed_member, feed_holding, feed_item, feed_last_page"
)

Load = Callable[..., psycopg.Connection]


def histories(db: psycopg.Connection, seconds: float, seed: int) -> Iterator[History]:
    """Plays histories until the time is up."""
    db.prepare_threshold = 3
    end = time.monotonic() + seconds
    for number in itertools.count():
        if time.monotonic() > end:
            return
        if number % 200 == 0:
            db.execute(f"truncate {TABLES}")
        history = History(db, seed * 10_000_000 + number)
        try:
            history.run(history.dice.choice([5, 10, 20, 40, 80]))
        except (Diverged, psycopg.Error) as error:
            error.add_note(f"Seed {history.seed}:\n" + "\n".join(history.log))
            raise
        yield history


def test_every_tablet_always_holds_exactly_what_it_may(load_feed: Load) -> None:
    counts: Counter[str] = Counter()
    with load_feed() as db:
        for history in histories(db, SECONDS, SEED):
            counts += history.counts
            counts["histories"] += 1
    print(dict(counts))  # noqa: T201 - shown by -rP: how far the run looked
    assert counts["histories"] > SECONDS


# These take hundreds of histories to be noticed, and so time that only a long run takes.
SUBTLE = {"tombstones go while a page may still carry them"}


@pytest.mark.parametrize("name", MUTANTS)
def test_histories_notice_a_broken_rule(load_feed: Load, name: str) -> None:
    if name in SUBTLE and SECONDS < 60:
        pytest.skip("needs CAREFIELD_HISTORIES_SECONDS=60 or more")
    with (
        load_feed(broken(FEED_SQL, name)) as db,
        pytest.raises((Diverged, psycopg.Error)) as noticed,
    ):
        # It ends with the first that is noticed: within seconds, on a machine that is not busy.
        for _ in histories(db, max(SECONDS, 120), SEED):
            pass
    print(type(noticed.value).__name__, noticed.value)  # noqa: T201 - shown by -rP
