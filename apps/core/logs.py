"""Log lines: one JSON object each, made of named facts. Free text of requests never gets here.

An exception is logged by type and place, without its message: messages quote values (a database
error repeats the row), and values may be PHI.
"""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime

import orjson

# Numbers and codes that a line may carry beside its message; Django gives the first.
_ALLOWED = ("status_code", "collection", "tablet", "seen_seq", "head_seq")


class JSONFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _without_query(record.getMessage()),
        }
        for name in _ALLOWED:
            if (value := getattr(record, name, None)) is not None:
                line[name] = value
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])[-8:]
            ]
        return orjson.dumps(line, default=str).decode()


def ailment(error: BaseException) -> str:
    """What ails the database, by the driver's own word: LockNotAvailable, DiskFull, PoolTimeout.
    Django calls them all OperationalError; the message may quote a row."""
    return type(error.__cause__ or error).__name__


def _without_query(message: str) -> str:
    """A path keeps its address and loses its query string."""
    return " ".join(word.split("?", 1)[0] if "/" in word else word for word in message.split(" "))
