"""What the processor does for a pushed row, in groups of 250: of the server, and of PostgreSQL.

No floor and no network: the function that answers a group is called in a process of its own, on one
connection. The server's parts are told by a profiler that counts processor time; it makes all of
them slower, so only their shares say something. PostgreSQL's are told by doing them alone.
"""

from __future__ import annotations

from bench.figures import Figure
from bench.stack import Stack, in_thread

_UNIT = "CARE21"


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Microseconds a row, and percent of the server's."""
    database = await in_thread(stack.database, "bench_parts")
    people = await in_thread(lambda: stack.prepare(database, "people", crews={_UNIT: 5}))
    found = await in_thread(
        lambda: stack.prepare(
            database, "parts", tablets=people["tablets"][_UNIT], groups=8 if quick else 30
        )
    )
    return [
        Figure("parts", name, unit, value)
        for unit, parts in found.items()
        for name, value in parts.items()
    ]
