"""What takes long is begun first, by all workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.order import dealt


@dataclass(eq=False)
class Item:
    path: Path
    slow: bool = False
    package: Any = None
    name: object = field(default_factory=object)

    def get_closest_marker(self, name: str) -> object:
        return self.slow if name == "slow" else None

    def getparent(self, kind: type) -> Any:
        return self.package


def items(count: int, path: str, *, slow: bool = False, package: Any = None) -> list[Any]:
    return [Item(Path(path), slow, package) for _ in range(count)]


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_every_stretch_begins_with_its_share_of_what_takes_long(workers: int) -> None:
    slow = items(workers * 2, "tests/functional/a.py", slow=True)
    modules = [items(3, f"tests/functional/{number}.py") for number in range(workers)]
    fast = items(workers * 50 + 1, "tests/unit/b.py")
    ordered = dealt([*fast, *chain(*zip(*modules, strict=True)), *slow], workers)
    assert sorted(map(id, ordered)) == sorted(map(id, [*slow, *chain(*modules), *fast]))
    assert [item for item in ordered if item in fast] == fast
    start = 0
    for number in range(workers):
        stretch = ordered[start : start + (len(ordered) - start) // (workers - number)]
        start += len(stretch)
        assert all(item.slow for item in stretch[:2])
        assert stretch[2:5] in modules
        assert all(item in fast for item in stretch[5:])
    assert start == len(ordered)


def test_no_test_is_lost_where_few_are_chosen() -> None:
    few = [*items(1, "tests/functional/a.py", slow=True), *items(7, "tests/functional/b.py")]
    assert sorted(map(id, dealt(few, 3))) == sorted(map(id, few))


def test_a_package_with_a_server_of_its_own_stays_together() -> None:
    live = SimpleNamespace(path=Path("tests/functional/live"))
    modules = [items(3, f"tests/functional/live/{n}.py", package=live) for n in range(2)]
    others = items(3, "tests/functional/a.py")
    ordered = dealt([*modules[0], *others, *modules[1], *items(60, "tests/unit/b.py")], 2)
    together = [*modules[0], *modules[1]]
    assert ordered[:6] == together
