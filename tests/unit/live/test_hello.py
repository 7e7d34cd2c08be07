from __future__ import annotations

import json
from typing import Any

import pytest

from apps.changes.reading import Head
from apps.live.hello import LARGEST, BadHello, parse

INSTANCE = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"  # fixed: test names must not change


def said(**changed: Any) -> str:
    return json.dumps({"type": "hello", "instance": INSTANCE, **changed})


def test_a_full_hello() -> None:
    hello = parse(said(checkpoints={"facts": "abc", "signs": None}, seen="3.4", clock="5;rtt=6"))
    assert hello.checkpoints == {"facts": "abc", "signs": None}
    assert hello.seen == Head(3, 4)
    assert hello.clock == "5;rtt=6"
    assert hello.frames


def test_a_plain_client_is_only_told_to_pull() -> None:
    assert not parse(said(mode="resync")).frames


def test_what_is_left_out_is_unknown() -> None:
    hello = parse('{"type":"hello"}')
    assert (hello.instance, hello.checkpoints, hello.seen, hello.ticket) == (None, None, None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[]", "object"),
        ('"hello"', "object"),
        ('{"type":"pull"}', "type hello"),
        (said(instance="7"), "instance"),
        (said(mode="fast"), "mode"),
        (said(checkpoints=["facts"]), "checkpoints"),
        (said(checkpoints={"facts": 7}), "checkpoints"),
        (said(seen="yesterday"), "seen"),
        (said(ticket=7), "ticket"),
        (" " * (LARGEST + 1), "at most"),
    ],
)
def test_what_is_wrong_is_said_and_not_repeated(text: str, reason: str) -> None:
    with pytest.raises(BadHello, match=reason) as raised:
        parse(text)
    assert len(str(raised.value).encode()) <= 123
    assert "yesterday" not in str(raised.value)
