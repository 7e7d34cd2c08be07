"""Log lines name where and what kind, never what was said."""

from __future__ import annotations

import ast
import logging
import sys
from pathlib import Path

import orjson

import apps
from apps.core import logs
from apps.core.logs import JSONFormatter


def line(record: logging.LogRecord) -> dict[str, object]:
    parsed: dict[str, object] = orjson.loads(JSONFormatter().format(record))
    return parsed


def test_an_exception_is_logged_without_its_message() -> None:
    try:
        raise ValueError("the man with the grey dog")
    except ValueError:
        info = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), info)
    text = JSONFormatter().format(record)
    assert "grey dog" not in text
    assert line(record)["exception"] == "ValueError"
    assert "test_logs.py" in text


def test_a_query_string_is_cut_off() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "GET /api/v1/me?name=smith 200", (), None)
    assert line(record)["message"] == "GET /api/v1/me 200"


def test_unknown_extras_are_left_out() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "done", (), None)
    record.collection, record.person = "facts", "smith"
    assert line(record)["collection"] == "facts"
    assert "smith" not in JSONFormatter().format(record)


def test_every_fact_that_the_code_gives_a_line_is_let_through() -> None:
    given = {
        name.value
        for path in Path(apps.__path__[0]).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("log.")
        for keyword in call.keywords
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict)
        for name in keyword.value.keys
        if isinstance(name, ast.Constant)
    }
    assert "collection" in given
    assert given <= set(logs._ALLOWED)
