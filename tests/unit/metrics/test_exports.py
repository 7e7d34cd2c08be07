"""No spreadsheet runs what it is given."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from apps.metrics.exports import as_csv, as_xlsx

NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]


@pytest.mark.parametrize("text", NASTY)
def test_a_formula_is_text_in_csv(text: str) -> None:
    body = as_csv(["beat"], [[text]]).decode("utf-8-sig")
    [_, [cell]] = list(csv.reader(io.StringIO(body, newline="")))
    assert cell == f"'{text}"


def test_a_negative_number_is_a_number() -> None:
    assert as_csv(["n"], [[-1.5]]).decode("utf-8-sig") == "n\r\n-1.5\r\n"


def test_no_cell_of_a_workbook_is_a_formula() -> None:
    body = as_xlsx("Dispatches", ["beat", "n"], [[text, 1] for text in NASTY])
    with zipfile.ZipFile(io.BytesIO(body)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<v>1</v>" in sheet
