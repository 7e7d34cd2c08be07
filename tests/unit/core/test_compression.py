from __future__ import annotations

import gzip

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from apps.core.compression import LEAST_BYTES, accepts_gzip, compress

LONG = b'{"text":"%s"}' % (b"much the same " * 200)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=1.0, *;q=0", True),
        ("", False),
        ("br, deflate", False),
        ("gzip;q=0", False),
        ("gzip; q = 0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("x-gzip-not", False),
    ],
)
def test_what_takes_gzip(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


def answer(body: bytes, **headers: str) -> HttpResponse:
    return compress(RequestFactory().get("/", headers=headers), HttpResponse(body))


def test_a_long_answer_is_packed_for_who_takes_it() -> None:
    packed = answer(LONG, accept_encoding="gzip")
    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < len(LONG) / 10
    assert gzip.decompress(packed.content) == LONG


def test_it_is_not_for_who_does_not() -> None:
    plain = answer(LONG)
    assert plain.content == LONG
    assert "Content-Encoding" not in plain


def test_a_short_answer_stays_as_it_is() -> None:
    plain = answer(b"x" * (LEAST_BYTES - 1), accept_encoding="gzip")
    assert "Content-Encoding" not in plain


def test_a_cache_is_told_in_any_case() -> None:
    assert answer(b"short")["Vary"] == "Accept-Encoding"
    assert answer(LONG, accept_encoding="gzip")["Vary"] == "Accept-Encoding"
