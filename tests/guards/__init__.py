"""Guards: what upholds a guarantee, and the tests that fail without it.

`guards.toml` holds each as data: the guarantee (the first cell of its row in docs/protocol.md,
section 19), the very text that upholds it, what is put in its place to take it out, and the tests
that must fail then. `python -m tests.guards` tries them; the suite itself checks only that every
text is still found and every test exists.

Tools that mutate at random (mutmut, cosmic-ray) find lines that no test looks at. They cannot name
the guarantee that a line upholds, and know neither SQL nor JavaScript.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("guards.toml")


@dataclass(frozen=True)
class Guard:
    """One guard. `what` it is, in the words of docs/protocol.md; `tests` as pytest names them."""

    of: str
    what: str
    file: str
    found: str
    put: str
    tests: tuple[str, ...]

    def taken_out(self, root: Path = ROOT) -> str:
        """The text of its file without it. ValueError where it is not found exactly once."""
        text = (root / self.file).read_text(encoding="utf-8")
        if (times := text.count(self.found)) != 1:
            raise ValueError(f"{self.file} has it {times} times, not once: {self.found}")
        return text.replace(self.found, self.put)


def guards() -> list[Guard]:
    """All of them, in the order of the list."""
    rows = tomllib.loads(LIST.read_text(encoding="utf-8"))["guard"]
    return [Guard(**{**row, "tests": tuple(row["tests"])}) for row in rows]
