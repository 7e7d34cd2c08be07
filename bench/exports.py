"""What it takes to export 10,000 encounters as NEMSIS: memory at its peak, and time.

Floor: the same with a thousand. A file of any length is to take the memory of a page, and as long
for each encounter.
"""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from bench.figures import Aim, Figure
from bench.stack import Stack, Usage, in_thread

_UNIT: Final = "CARE21"
_MEMORY: Final = Aim("ratio", most=1.1)
_TIME: Final = Aim("ratio", most=1.3)


async def measure(stack: Stack, *, quick: bool) -> list[Figure]:
    """Megabytes at the peak, and milliseconds of the processor for each encounter."""
    few, many = (200, 2_000) if quick else (1_000, 10_000)
    database = await in_thread(stack.database, "bench_exports")
    await in_thread(lambda: stack.prepare(database, "people", crews={_UNIT: 1}))
    made = await in_thread(
        lambda: stack.prepare(database, "encounters", call_sign=_UNIT, count=many)
    )
    since = datetime.fromisoformat(made["since"])
    least = await in_thread(lambda: _export(stack, database, since, few))
    most = await in_thread(lambda: _export(stack, database, since, many))
    # What every command takes before it begins.
    command = ["manage.py", "export_odmap", *_period(since, 0)]
    start = await in_thread(lambda: stack.measured(database, command))
    name = f"export of {many:,} encounters"
    each = 1000 * (most.processor - start.processor) / many
    floor = 1000 * (least.processor - start.processor) / few
    return [
        Figure("exports", f"{name}, memory", "MB", most.peak_mb, least.peak_mb, _MEMORY),
        Figure("exports", f"{name}, processor for each", "ms", each, floor, _TIME, many),
        Figure("exports", name, "s", most.seconds),
    ]


def _export(stack: Stack, database: str, since: datetime, count: int) -> Usage:
    """The command of the operator, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="carefield-bench-") as folder:
        path = Path(folder, "encounters.xml")
        command = ["manage.py", "export_nemsis", *_period(since, count), "--output", str(path)]
        usage = stack.measured(database, command)
        written = _count(path)
    if written != count:
        raise RuntimeError(f"{written} encounters were exported, not {count}.")
    return usage


def _period(since: datetime, count: int) -> list[str]:
    """The period of the first encounters; they are a minute apart."""
    until = since + timedelta(minutes=count) - timedelta(seconds=1 if count else -1)
    return ["--from", since.isoformat(), "--to", until.isoformat()]


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(line.lstrip().startswith(b"<PatientCareReport ") for line in file)
