"""Signatures as Standard Webhooks 1.0.0 has them: v1 (HMAC-SHA256) and v1a (ed25519), both sent.

Signed is `{id}.{timestamp}.{raw body}`. https://github.com/standard-webhooks/standard-webhooks
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

_SECRET_BYTES = 32  # the standard asks for 24 to 64


@dataclass(frozen=True)
class Keys:
    """What signs: `secret` is `whsec_...`, `private` is `whsk_...`."""

    secret: str
    private: str

    @cached_property
    def _v1(self) -> Webhook:
        return Webhook(self.secret)

    @cached_property
    def _v1a(self) -> Ed25519PrivateKey:
        seed = base64.b64decode(self.private.removeprefix("whsk_"))
        return Ed25519PrivateKey.from_private_bytes(seed[:32])

    def sign(self, id: UUID, at: datetime, body: bytes) -> list[str]:
        """Both signatures. `at` must be UTC: the library signs another time for any other zone."""
        content = f"{id}.{int(at.timestamp())}.".encode() + body
        asymmetric = base64.b64encode(self._v1a.sign(content)).decode()
        return [self._v1.sign(str(id), at, body.decode()), f"v1a,{asymmetric}"]


@lru_cache(maxsize=512)
def opened(secret: str, private: str) -> Keys:
    """Keys, kept: to read an ed25519 key takes as long as to sign with it."""
    return Keys(secret, private)


def headers(id: UUID, at: datetime, body: bytes, keys: Iterable[Keys]) -> dict[str, str]:
    """The three headers of one attempt, signed by each of the keys."""
    signatures = [one for pair in keys for one in pair.sign(id, at, body)]
    return {
        "webhook-id": str(id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@dataclass(frozen=True, slots=True)
class NewKeys:
    """Fresh keys in the standard's writing. `secret` and `public` are for the receiver."""

    secret: str
    private: str
    public: str


def new_keys() -> NewKeys:
    """A random secret and a random pair."""
    private = Ed25519PrivateKey.generate()
    return NewKeys(
        secret="whsec_" + _b64(secrets.token_bytes(_SECRET_BYTES)),
        private="whsk_" + _b64(private.private_bytes_raw()),
        public="whpk_" + _b64(private.public_key().public_bytes_raw()),
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
