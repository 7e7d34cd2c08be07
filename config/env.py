"""The only place that reads the environment. Each reader fails loudly and names the variable.

A secret may come from a file: where `NAME_FILE` is set, its content is taken (Docker and systemd
hand out secrets that way).
"""

from __future__ import annotations

import base64
import binascii
import math
import os
from datetime import time
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo


class Misconfigured(SystemExit):
    """Stops the process with one line that says which variable to mend, instead of a traceback."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"Configuration: {name} {problem}. See README.md, 'Settings'.")


def text(name: str, default: str | None = None) -> str:
    """The variable, the content of the file that `NAME_FILE` names, or the default."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Misconfigured(f"{name}_FILE", f"cannot be read ({error.strerror})") from error
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise Misconfigured(name, "is not set")
    return default


def flag(name: str, default: bool) -> bool:
    """true/false, yes/no, on/off or 1/0."""
    value = text(name, str(default)).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise Misconfigured(name, f"must be true or false, not {value!r}")


def number(name: str, default: float, *, least: float | None = None) -> float:
    """A number, not below `least`."""
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Misconfigured(name, f"must be a number, not {raw!r}")
    if least is not None and value < least:
        raise Misconfigured(name, f"must be at least {least:g}, not {raw}")
    return value


def whole(name: str, default: int, *, least: int | None = None) -> int:
    """A whole number, not below `least`."""
    value = number(name, default, least=least)
    if value != int(value):
        raise Misconfigured(name, f"must be a whole number, not {value:g}")
    return int(value)


def choice(name: str, default: str | None, options: tuple[str, ...]) -> str:
    """One of the options."""
    value = text(name, default)
    if value not in options:
        raise Misconfigured(name, f"must be one of {', '.join(options)}, not {value!r}")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A list, separated by commas."""
    return [word for part in text(name, default).split(",") if (word := part.strip())]


def zone(name: str, default: str | None = None) -> str:
    """The name of a time zone of the IANA database."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        wanted = "must be the name of a time zone, such as America/Los_Angeles"
        raise Misconfigured(name, f"{wanted}, not {value!r}") from None
    return value


def wall_time(name: str, default: str) -> time:
    """A time on the wall, `HH:MM`."""
    value = text(name, default)
    try:
        found = time.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or len(value) != 5:
        raise Misconfigured(name, f"must be a time of the day such as 22:00, not {value!r}")
    return found


def redis(name: str, default: str | None = None) -> str:
    """`redis://user:password@host:port/number`, or `rediss://` over TLS."""
    value = text(name, default)
    _address(name, value, "redis", "rediss")
    return value


def database(name: str, default: str | None = None) -> dict[str, Any]:
    """`postgresql://user:password@host:port/name?option=value` as Django's connection settings."""
    url = _address(name, text(name, default), "postgresql", "postgres")
    options: dict[str, Any] = dict(parse_qsl(url.query))
    host = options.pop("host", None) or url.hostname or ""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host,
        "PORT": str(url.port or ""),
        "OPTIONS": options,
    }


def _address(name: str, value: str, *schemes: str) -> SplitResult:
    """The parts of an address. What is wrong is said without the address: it holds a password."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (reads it, which is where a wrong one shows)
    except ValueError:
        escapes = "in a password write / as %2F, # as %23, ? as %3F, @ as %40, [ as %5B"
        raise Misconfigured(name, f"is no address; {escapes}") from None
    if parts.scheme not in schemes:
        raise Misconfigured(name, f"must start with {schemes[0]}://")
    return parts


def key(name: str, default: str | None = None) -> str:
    """A key of 32 bytes, as base64."""
    return _key(name, text(name, default))


def _key(name: str, secret: str) -> str:
    try:
        size = len(base64.b64decode(secret, validate=True))
    except binascii.Error:
        size = 0
    if size != 32:
        raise Misconfigured(name, "must hold 32 bytes as base64: see manage.py new_field_key")
    return secret


def keys(name: str, default: str | None = None) -> dict[str, str]:
    """A key ring, `id:base64,id:base64`, the newest first. Ids are up to four letters or digits,
    keys have 32 bytes."""
    ring: dict[str, str] = {}
    for entry in words(name, default or ""):
        key_id, _, secret = entry.partition(":")
        if not (0 < len(key_id) <= 4 and key_id.isascii() and key_id.isalnum() and secret):
            raise Misconfigured(name, "must be a list like 'k2:<base64>,k1:<base64>'")
        ring[key_id] = _key(name, secret)
    if not ring:
        raise Misconfigured(name, "is not set")
    return ring
