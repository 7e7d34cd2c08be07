"""The list of guards is up to date. That their tests fail without them, `make guards` shows."""

from __future__ import annotations

import pytest

from tests.guards import ROOT, Guard, guards
from tests.names import exists


@pytest.mark.parametrize("guard", guards(), ids=lambda guard: f"{guard.of}: {guard.what}")
def test_a_guard_is_found_and_its_tests_exist(guard: Guard) -> None:
    assert guard.taken_out() != (ROOT / guard.file).read_text(encoding="utf-8")
    assert guard.tests
    assert [test for test in guard.tests if not exists(test)] == []
