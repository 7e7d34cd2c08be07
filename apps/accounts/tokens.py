"""Tokens and codes: made here, stored as hashes, compared by the database's unique index."""

from __future__ import annotations

import hashlib
import secrets

from apps.core.crypto import blind_index

# Crockford's base 32: no I, L, O or U to mistake when read aloud or typed with gloves on.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIASES = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def new_token(prefix: str) -> str:
    """A bearer token of 256 random bits; the prefix tells people and secret scanners what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> bytes:
    """SHA-256: enough for a random token, and fast enough for every request."""
    return hashlib.sha256(token.encode()).digest()


def new_code() -> str:
    """Ten characters, 50 bits, shown as XXXXX-XXXXX."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    return f"{code[:5]}-{code[5:]}"


def code_hash(code: str) -> bytes:
    """Keyed, because 50 bits could be searched. Case, dashes and look-alikes do not matter."""
    return blind_index(code.upper().translate(_ALIASES), purpose="enrolment")
