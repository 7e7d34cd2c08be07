"""Figures as files: CSV and XLSX. Pure: rows in, bytes out.

What a spreadsheet would take for a formula is told as text: in CSV by an apostrophe before it (the
advice of OWASP on CSV injection), in XLSX by the type of the cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

import xlsxwriter

Cell = str | float | None

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_csv(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 with a byte order mark, which spreadsheets want, and CRLF (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([harmless(head) for head in heads])
    for row in rows:
        writer.writerow([harmless(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A workbook of one sheet. Texts are texts, whatever they begin with."""
    file = io.BytesIO()
    plain: dict[str, Any] = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(file, plain) as book:
        sheet = book.add_worksheet(name[:31])
        sheet.write_row(0, 0, heads, book.add_format({"bold": True}))
        for place, row in enumerate(rows, 1):
            sheet.write_row(place, 0, row)
        sheet.freeze_panes(1, 0)
    return file.getvalue()


def harmless(cell: Cell) -> Cell:
    """A cell that no spreadsheet runs. Numbers are numbers."""
    if isinstance(cell, str) and cell.startswith(_STARTS_A_FORMULA):
        return f"'{cell}"
    return cell
