from __future__ import annotations

from typing import Any

import pytest

from apps.core.problems import ProblemError
from apps.sync.push import rows_of


def refused(body: Any) -> dict[str, str]:
    with pytest.raises(ProblemError) as raised:
        rows_of(body)
    assert raised.value.status_code == 400
    return {error.pointer: error.detail for error in raised.value.errors}


@pytest.mark.parametrize("body", [None, {}, "x", 1])
def test_a_push_is_a_list(body: Any) -> None:
    assert "list" in refused(body)[""]


@pytest.mark.parametrize("count", [0, 501])
def test_the_number_of_rows_is_bounded(count: int) -> None:
    rows = [{"newDocumentState": {"id": str(n)}} for n in range(count)]
    assert f"1 to 500 rows, not {count}" in refused(rows)[""]


def test_every_row_that_cannot_be_answered_is_named() -> None:
    good = {"newDocumentState": {"id": "a"}}
    rows = [
        good,
        5,
        {},
        {"newDocumentState": {}},
        {"newDocumentState": {"id": 7}},
        {"newDocumentState": {"id": ""}},
        {"newDocumentState": {"id": "x" * 65}},
        {"newDocumentState": {"id": "a\0"}},
        {**good, "assumedMasterState": []},
    ]
    assert set(refused(rows)) == {
        "/1",
        "/2/newDocumentState",
        *(f"/{n}/newDocumentState/id" for n in range(3, 8)),
        "/8/assumedMasterState",
    }


def test_rows_keep_their_order() -> None:
    assert [row.id for row in rows_of([{"newDocumentState": {"id": i}} for i in "abc"])] == [
        "a",
        "b",
        "c",
    ]
