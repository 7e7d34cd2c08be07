"""Checkpoints: how far one local database has come in one collection. Opaque to clients.

    version 1 | schema version 2 | seq 8 | nonce of that commit 8 | document 16 | holder 16 |
    collection 4 | MAC 16                                             (71 bytes, base64url)

A checkpoint is a function of the position alone: a pull and a socket that stand at the same place
give out the same text, so a client can tell by comparing whether it has everything. The commit's
nonce ties it to this history: where `(seq, nonce)` is no commit of ours, the server was put back in
time, or the checkpoint is from another server. The MAC (HMAC-SHA256, truncated) is keyed with
SECRET_KEY, and SECRET_KEY_FALLBACKS are taken too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.conf import settings

from apps.changes.reading import BEGINNING, Head
from apps.core.problems import ProblemError
from apps.sync.problems import BAD_CHECKPOINT

VERSION = 1
NOWHERE = UUID(int=0)
_LAYOUT = struct.Struct(">BHQQ16s16s4s")
_MAC = 16
_PURPOSE = b"carefield.checkpoint\0"


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to and including this row has been given out. `commit` is the row's."""

    commit: Head = BEGINNING
    doc_id: UUID = NOWHERE


START = Position()


def sign(position: Position, *, holder: UUID, collection: str, schema: int) -> str:
    """The text that a client keeps."""
    packed = _LAYOUT.pack(
        VERSION,
        schema,
        position.commit.seq,
        position.commit.nonce,
        position.doc_id.bytes,
        holder.bytes,
        _tag(collection),
    )
    mac = hmac.digest(_keys()[0], packed, "sha256")[:_MAC]
    return base64.urlsafe_b64encode(packed + mac).rstrip(b"=").decode("ascii")


def read(text: str, *, holder: UUID, collection: str) -> Position:
    """The position that a checkpoint stands for.

    Raises ProblemError (BAD_CHECKPOINT, 400) that says whether it was altered or is of another
    local database or collection.
    """
    if len(text) > 200:
        raise ProblemError(BAD_CHECKPOINT, "It is too long to be one of ours.")
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise ProblemError(BAD_CHECKPOINT, "It is not base64url text.") from None
    packed, mac = raw[:-_MAC], raw[-_MAC:]
    if len(packed) != _LAYOUT.size or not any(
        hmac.compare_digest(hmac.digest(key, packed, "sha256")[:_MAC], mac) for key in _keys()
    ):
        raise ProblemError(BAD_CHECKPOINT, "It was altered, or signed by another server.")
    version, _schema, seq, nonce, doc_id, of, tag = _LAYOUT.unpack(packed)
    if version != VERSION:
        raise ProblemError(BAD_CHECKPOINT, "It is of another version.")
    if of != holder.bytes:
        raise ProblemError(BAD_CHECKPOINT, "It belongs to another local database.")
    if tag != _tag(collection):
        raise ProblemError(BAD_CHECKPOINT, "It belongs to another collection.")
    return Position(Head(seq, nonce), UUID(bytes=doc_id))


def schema_of(text: str) -> int:
    """The version of the schema that the documents up to a checkpoint were given out in. Of one
    that `read` has taken."""
    packed = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    return int.from_bytes(packed[1:3], "big")


@lru_cache(maxsize=64)
def _tag(collection: str) -> bytes:
    return hashlib.sha256(collection.encode()).digest()[:4]


def _keys() -> tuple[bytes, ...]:
    return _derived((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _derived(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(_PURPOSE + secret.encode()).digest() for secret in secrets)
