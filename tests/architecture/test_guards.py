"""The list of guards is up to date. That their tests fail without them, `make guards` shows."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

import pytest

from tests.engines import VARIABLES
from tests.guards import ROOT, Guard, guards
from tests.guards.__main__ import holds
from tests.names import exists


@pytest.mark.parametrize("guard", guards(), ids=lambda guard: f"{guard.of}: {guard.what}")
def test_a_guard_is_found_and_its_tests_exist(guard: Guard) -> None:
    assert guard.taken_out() != (ROOT / guard.file).read_text(encoding="utf-8")
    assert guard.tests
    assert [test for test in guard.tests if not exists(test)] == []


def test_the_command_tells_a_guard_from_what_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    tried = partial(holds, servers={name: os.environ[name] for name in VARIABLES})
    guard = Guard(
        of="one text for all spellings",
        what="sorted keys",
        file="apps/sync/canonical.py",
        found="option=orjson.OPT_SORT_KEYS",
        put="option=None",
        tests=(
            "tests/unit/sync/test_canonical.py::test_numbers_and_keys_are_compared_by_what_they_say",
        ),
    )
    assert tried(guard)
    assert "sorted keys" in capsys.readouterr().out
    assert not tried(replace(guard, put=f"{guard.found} "))
    assert "STILL GREEN" in capsys.readouterr().out
    with pytest.raises(ValueError, match="0 times"):
        tried(replace(guard, found="what is not there"))
