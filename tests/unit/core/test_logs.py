"""Log lines name where and what kind, never what was said."""

from __future__ import annotations

import logging
import sys

import orjson

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
    record.count, record.person = 3, "smith"
    assert line(record)["count"] == 3
    assert "smith" not in JSONFormatter().format(record)
