"""pytest plugin: how many workers a parallel run has, and that what takes long is begun first.

`--dist worksteal` gives each worker a stretch of the collection, and who has done theirs takes over
the end of another's. So each stretch begins with its share of what takes long, that none is left to
one worker when the others have ended: one by one the tests marked `slow`, then the functional tests
by packages or modules, whose servers are started once. For the rest, the order is the random one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: what takes long mostly waits."""
    return math.ceil(1.5 * (os.cpu_count() or 1))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After the plugins that shuffle and sort. Every worker comes to the same order."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = dealt(items, workers)


def dealt(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """The stretches of all workers, one after the other: each as many items, as xdist cuts them."""
    slow, groups, rest = [], {}, []
    for item in items:
        if item.get_closest_marker("slow"):
            slow.append([item])
        elif "functional" in item.path.parts:
            groups.setdefault(_served_together(item), []).append(item)
        else:
            rest.append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for number, group in enumerate([*slow, *groups.values()]):
        shares[number % workers] += group
    ordered: list[pytest.Item] = []
    for number, share in enumerate(shares):
        size = (len(items) - len(ordered)) // (workers - number)
        room = max(0, size - len(share))
        ordered += [*share, *rest[:room]]
        rest = rest[room:]
    return ordered


def _served_together(item: pytest.Item) -> Path:
    """The module of a functional test, or its package where that has a server for all of them."""
    package = item.getparent(pytest.Package)
    has_server = package is not None and "functional" in package.path.parts
    return package.path if package and has_server else item.path
