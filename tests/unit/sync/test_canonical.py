"""Content is compared, not its spelling."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from apps.sync.canonical import canonical, same


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ('{"a": 1, "b": [1.0, {"c": 2}]}', '{"b": [1, {"c": 2.0}], "a": 1.0}', True),
        ("1e18", "1000000000000000000", True),
        ("-0.0", "0", True),
        ("1e40", "1" + "0" * 40, True),
        ("18446744073709551615", "18446744073709551616", False),
        ("1e40", "1e41", False),
        ("1.5", "1", False),
        ("true", "1", False),
        ("null", "0", False),
    ],
)
def test_numbers_and_keys_are_compared_by_what_they_say(one: str, other: str, equal: bool) -> None:
    first, second = orjson.loads(one), orjson.loads(other)
    assert same(first, second) == equal
    assert (canonical(first) == canonical(second)) == equal


@pytest.mark.parametrize("value", [1e19, 1e300, -1e300, 2.0**63, -(2.0**63), 2.0**64])
def test_every_number_that_json_brings_has_one(value: Any) -> None:
    assert canonical(orjson.loads(orjson.dumps(value)))
