"""pytest plugin: how many workers a parallel run has, and what each of them begins with.

`--dist worksteal` gives each worker a stretch of the collection, and who has done theirs takes over
the end of another's. So each stretch begins with its share of what takes long, that none is left to
one worker when the others have ended: one by one the tests marked `slow`, then the functional tests
by packages or modules, whose servers are started once. For the rest, the order is the random one.

Before that, each worker imports all modules. In those of a fresh checkout pytest rewrites every
`assert` first, twenty seconds of a processor: each worker begins with a share of its own, so that
it finds the others' in the cache.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
from collections.abc import Sequence
from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are processors: what takes long mostly waits."""
    return math.ceil(1.5 * (os.cpu_count() or 1))


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """What cannot be imported is imported again, and told of, when it is collected. A module of a
    package is left alone: pytest has another name for it, and would have it twice."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        return
    root, workers = session.config.rootpath, worker["workercount"]
    first = int(worker["workerid"].removeprefix("gw")) % workers
    folders = (root / argument for argument in session.config.args)
    found = sorted(module for folder in folders for module in folder.rglob("test_*.py"))
    modules = [module for module in found if not (module.parent / "__init__.py").exists()]
    for module in modules[first::workers]:
        name = ".".join(module.relative_to(root).with_suffix("").parts)
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)


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
