"""Content as it is compared: the same whatever the order of keys and the spelling of numbers.

JavaScript writes 1.0 as 1, and every store has its own order of keys. What differs only in that is
the same content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from apps.core.crypto import blind_index

# Which save it was is no part of what was written.
_NOT_WRITTEN = frozenset({"editor", "edit_no"})
# What JSON holds as a whole number here; a larger one stays as it is spelled.
_LEAST, _BEYOND = -(2**63), 2**64


def canonical(value: Any) -> bytes:
    """One text for all spellings of a JSON value."""
    return orjson.dumps(_plain(value), option=orjson.OPT_SORT_KEYS)


def fingerprint(document: Mapping[str, Any]) -> bytes:
    """16 bytes, equal for equal content however it is spelled. Keyed: content is PHI."""
    content = {name: value for name, value in document.items() if name not in _NOT_WRITTEN}
    return blind_index(canonical(content).decode(), purpose="pushed")


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same content. (In Python `True == 1`.)"""
    return one is other or canonical(one) == canonical(other)


def covers(whole: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether `whole` says the same as `part` in every field that `part` names. A field that is
    missing and one that is null are the same here: both hold nothing."""
    return all(same(whole.get(name), value) for name, value in part.items())


def _plain(value: Any) -> Any:
    match value:
        case float() if value.is_integer() and _LEAST <= value < _BEYOND:
            return int(value)
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value
