"""What a tablet pushes, in a test's own transaction, which never commits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from apps.accounts.auth import session_of
from apps.sync import registry
from apps.sync.push import Row, commit, told
from apps.sync.registry import Contact
from tests.factories import EnrolledTablet


def commit_now() -> None:
    """Runs deferred triggers and checks, as COMMIT would; with nothing open they have run."""
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")
            cursor.execute("set constraints all deferred")


def pushed(
    of: EnrolledTablet,
    to: str,
    rows: Sequence[Row],
    *,
    commits: Callable[[], None],
    now: datetime,
    offset_ms: int | None = 0,
) -> list[dict[str, Any]]:
    """The answer: [] for "all taken as they were sent". What happens at COMMIT (`commits`) happens
    where a push has it: after the rows are judged, before the answer is looked up."""
    collection = registry.get(to)
    assert collection
    contact = Contact(session_of(of.tablet), of.instance, offset_ms, 50)
    judged = commit(collection, contact, rows, now)
    commits()
    return [orjson.loads(answer) for answer in told(collection, contact, judged)]
