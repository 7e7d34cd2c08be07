"""The tests of a file by the names that pytest gives them, read without importing it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


def exists(test: str) -> bool:
    """Whether there is such a file of tests (`tests/x.py`), or such a test in it (`tests/x.py::y`,
    `tests/x.py::X::y`)."""
    path, _, name = test.partition("::")
    return name in _names_in(path)


@cache
def _names_in(path: str) -> frozenset[str]:
    """The names in a file of tests, and "" for the file itself; none where there is no file."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    found = {""}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inner = (one for one in node.body if isinstance(one, ast.FunctionDef))
            found |= {node.name, *(f"{node.name}::{one.name}" for one in inner)}
    return frozenset(found)
