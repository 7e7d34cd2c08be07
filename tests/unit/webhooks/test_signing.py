"""Signatures, held against the official library, and against the standard's own example."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks.signing import Keys, headers, new_keys

BODY = b'{"type":"thing.changed","data":{"name":"caf\xc3\xa9"}}'


def keys() -> tuple[Keys, str, str]:
    made = new_keys()
    return Keys(made.secret, made.private), made.secret, made.public


def test_the_official_library_verifies_v1() -> None:
    pair, secret, _ = keys()
    found = headers(uuid7(), clock.now(), BODY, [pair])
    assert Webhook(secret).verify(BODY, found)["type"] == "thing.changed"


def test_the_public_key_verifies_v1a() -> None:
    pair, _, public = keys()
    id, at = uuid7(), clock.now()
    found = headers(id, at, BODY, [pair])
    (signature,) = [
        one.removeprefix("v1a,") for one in found["webhook-signature"].split() if "v1a" in one
    ]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    content = f"{id}.{found['webhook-timestamp']}.".encode() + BODY
    key.verify(base64.b64decode(signature), content)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(signature), content + b" ")


def test_the_example_of_the_standard() -> None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    pair = Keys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsk_" + "A" * 43 + "=")
    id = UUID("01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11")
    at = datetime.fromtimestamp(1614265330, UTC)
    (v1, _) = pair.sign(id, at, b'{"test": 2432232314}')
    official = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert v1 == official.sign(str(id), at, '{"test": 2432232314}')


def test_old_and_new_keys_both_sign() -> None:
    (old, old_secret, _), (new, new_secret, _) = keys(), keys()
    found = headers(uuid7(), clock.now(), BODY, [new, old])
    assert len(found["webhook-signature"].split()) == 4
    for secret in (old_secret, new_secret):
        assert Webhook(secret).verify(BODY, found)


def test_keys_have_the_length_of_the_standard() -> None:
    made = new_keys()
    assert 24 <= len(base64.b64decode(made.secret.removeprefix("whsec_"))) <= 64
    assert len(base64.b64decode(made.public.removeprefix("whpk_"))) == 32
