"""Sealing: bound to its place, with a key ring, and honest about what it cannot open."""

from __future__ import annotations

import base64
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core import crypto


def key(name: str) -> dict[str, str]:
    return {name: base64.b64encode(secrets.token_bytes(32)).decode()}


@given(st.binary(max_size=300), st.text(max_size=40))
def test_what_was_sealed_opens_in_its_place(plain: bytes, place: str) -> None:
    assert crypto.unseal(crypto.seal(plain, bound_to=place), bound_to=place) == plain


def test_a_value_moved_to_another_row_does_not_open() -> None:
    sealed = crypto.seal(b"note", bound_to="row 1")
    with pytest.raises(crypto.Undecryptable):
        crypto.unseal(sealed, bound_to="row 2")


@given(st.data())
def test_any_altered_byte_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(crypto.seal(b"the man with the grey dog", bound_to="x"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(crypto.Undecryptable):
        crypto.unseal(bytes(sealed), bound_to="x")


@given(st.binary(max_size=40))
def test_what_was_never_sealed_does_not_open(junk: bytes) -> None:
    with pytest.raises(crypto.Undecryptable):
        crypto.unseal(junk, bound_to="x")


def test_an_older_key_still_opens_and_the_newest_seals(settings: object) -> None:
    old, new = key("k1"), key("k2")
    settings.FIELD_KEYS = old  # type: ignore[attr-defined]
    sealed = crypto.seal(b"note", bound_to="x")
    settings.FIELD_KEYS = {**new, **old}  # type: ignore[attr-defined]
    assert crypto.unseal(sealed, bound_to="x") == b"note"
    assert crypto.key_id_of(crypto.seal(b"", bound_to="x")) == "k2"
    settings.FIELD_KEYS = new  # type: ignore[attr-defined]
    with pytest.raises(crypto.Undecryptable, match="k1"):
        crypto.unseal(sealed, bound_to="x")


def test_two_seals_of_one_text_differ() -> None:
    assert crypto.seal(b"x", bound_to="") != crypto.seal(b"x", bound_to="")


def test_a_blind_index_is_equal_for_equal_values_of_one_purpose_only() -> None:
    index = crypto.blind_index("smith", purpose="name")
    assert index == crypto.blind_index("smith", purpose="name")
    assert index != crypto.blind_index("smith", purpose="place")
    assert index != crypto.blind_index("smyth", purpose="name")
