"""Several statements in one journey to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def pipelined() -> Iterator[None]:
    """What is executed inside is sent without waiting for what came before it, and runs in order,
    each statement in a snapshot of its own. To fetch is to wait. An error of any of them is raised
    at the next fetch or at the end, as psycopg's own; what came after it has not run."""
    connection.ensure_connection()
    with connection.connection.pipeline():
        yield
