"""The only place that reads the environment. Each reader fails loudly and names the variable.

A secret may come from a file: where `NAME_FILE` is set, its content is taken (Docker and systemd
hand out secrets that way).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


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
    except ValueError as error:
        raise Misconfigured(name, f"must be a number, not {raw!r}") from error
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


def database(name: str, default: str | None = None) -> dict[str, Any]:
    """`postgresql://user:password@host:port/name?option=value` as Django's connection settings."""
    url = urlsplit(text(name, default))
    if url.scheme not in {"postgresql", "postgres"}:
        raise Misconfigured(name, "must start with postgresql://")
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


def keys(name: str, default: str | None = None) -> dict[str, str]:
    """A key ring, `id:base64,id:base64`, the newest first. Ids are up to four letters or digits."""
    ring: dict[str, str] = {}
    for entry in words(name, default or ""):
        key_id, _, secret = entry.partition(":")
        if not (0 < len(key_id) <= 4 and key_id.isascii() and key_id.isalnum() and secret):
            raise Misconfigured(name, "must be a list like 'k2:<base64>,k1:<base64>'")
        ring[key_id] = secret
    if not ring:
        raise Misconfigured(name, "is not set")
    return ring
