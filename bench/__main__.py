"""The command line; see the package's docstring."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from bench import (
    cockpit,
    exports,
    figures,
    flat,
    handler,
    herd,
    memory,
    notes,
    parts,
    pull,
    push,
    reminders,
    rows,
    webhooks,
)
from bench.figures import Figure
from bench.stack import Stack, raise_file_limit, running

MEASUREMENTS: Final = {
    "push": push.measure,
    "pull": pull.measure,
    "flat": flat.measure,
    "handler": handler.measure,
    "memory": memory.measure,
    "rows": rows.measure,
    "herd": herd.measure,
    "parts": parts.measure,
    "exports": exports.measure,
    "notes": notes.measure,
    "webhooks": webhooks.measure,
    "reminders": reminders.measure,
    "cockpit": cockpit.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and prints what was found. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the product.")
    parser.add_argument("measurement", nargs="*", help=", ".join(MEASUREMENTS))
    parser.add_argument("--quick", action="store_true", help="fewer samples, smaller databases")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args(arguments)
    if unknown := set(options.measurement) - set(MEASUREMENTS):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    wanted = options.measurement or list(MEASUREMENTS)
    raise_file_limit()
    found: list[Figure] = []
    log = Path(tempfile.mkstemp(prefix="carefield-bench-", suffix=".log")[1])
    with running(log) as stack:
        for name in wanted:
            _say(f"Measuring {name}")
            part = uvloop.run(_measured(stack, name, quick=options.quick))
            found += part
            _say(figures.table(part))
    log.unlink()
    if options.json:
        document = {
            "quick": options.quick,
            "machine": figures.machine(),
            "figures": [one.as_json() for one in found],
        }
        print(json.dumps(document, indent=2))
    else:
        print(figures.table(found))
    return 0


async def _measured(stack: Stack, name: str, *, quick: bool) -> list[Figure]:
    """A measurement alone on the machine: its processes end with it."""
    try:
        return await MEASUREMENTS[name](stack, quick=quick)
    finally:
        stack.end()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
