"""What the demo's screen says of what is left to do."""

from __future__ import annotations

import pytest

from apps.simulator.figures import Figures
from apps.simulator.picture import COLUMNS
from apps.simulator.screen import afterwards

BORDERS = 4


@pytest.mark.parametrize(("owed", "said"), [(None, "-"), (0, "0"), (12, "12")])
def test_it_says_how_many_records_are_owed(owed: int | None, said: str) -> None:
    line = afterwards(Figures(), owed)
    assert line.plain.startswith(f"records owed {said} ")
    assert "follow-ups" in line.plain
    assert line.cell_len <= COLUMNS - BORDERS
