"""Sealing of protected health information: AES-256-GCM, a key ring, and data bound to its row.

A sealed value is `version (1) | key id (4) | nonce (12) | ciphertext and tag`. What it is bound to
(table, field and row, or collection and document) is authenticated with it: a sealed value moved to
another row does not open. With random nonces one key seals up to 2^32 values (NIST SP 800-38D 8.3);
rotate long before.
"""

from __future__ import annotations

import base64
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = b"\x01"
_HEADER = 1 + 4 + 12


class Undecryptable(Exception):
    """The value was not sealed for this place, was altered, or its key is not on the ring."""


_Ring = tuple[bytes, dict[bytes, AESGCM]]


def _ring(keys: dict[str, str]) -> _Ring:
    ring = {
        key_id.encode().ljust(4, b"\0"): AESGCM(base64.b64decode(secret))
        for key_id, secret in keys.items()
    }
    return next(iter(ring)), ring


_last: tuple[dict[str, str], _Ring] | None = None


def _current() -> _Ring:
    """The ring of the settings. Compared by identity: this is asked for every document."""
    global _last  # noqa: PLW0603  (one for the process)
    keys = settings.FIELD_KEYS
    if _last is None or _last[0] is not keys:
        _last = keys, _ring(keys)
    return _last[1]


def seal(plain: bytes, *, bound_to: str) -> bytes:
    """Encrypts with the newest key. `bound_to` must be given again to open it."""
    key_id, ring = _current()
    nonce = os.urandom(12)
    return VERSION + key_id + nonce + ring[key_id].encrypt(nonce, plain, bound_to.encode())


def unseal(sealed: bytes, *, bound_to: str) -> bytes:
    """Decrypts; raises `Undecryptable`, whose text names no content."""
    if len(sealed) <= _HEADER or sealed[:1] != VERSION:
        raise Undecryptable("not a sealed value")
    key = _current()[1].get(sealed[1:5])
    if key is None:
        raise Undecryptable(f"key {key_id_of(sealed)!r} is not on the ring")
    try:
        return key.decrypt(sealed[5:_HEADER], sealed[_HEADER:], bound_to.encode())
    except InvalidTag:
        raise Undecryptable("altered, or sealed for another place") from None


def key_id_of(sealed: bytes) -> str:
    """The id of the key that a sealed value was sealed with."""
    return sealed[1:5].rstrip(b"\0").decode("ascii", "replace")


def newest_key_id() -> str:
    """The id of the key that new values are sealed with."""
    return _current()[0].rstrip(b"\0").decode("ascii")


def blind_index(value: str, *, purpose: str) -> bytes:
    """16 bytes that are equal for equal values and tell nothing else (HMAC-SHA256, truncated).

    `purpose` keeps two indexes over the same value apart.
    """
    key = base64.b64decode(settings.INDEX_KEY)
    return hmac.digest(key, f"{purpose}\0{value}".encode(), "sha256")[:16]
