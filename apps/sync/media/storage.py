"""Bytes in Django's storage, sealed piece by piece.

Any backend will do that keeps what it has confirmed: the alias is `media` in STORAGES. Names are
ids and numbers. Each object is sealed with the key ring of `core.crypto` and bound to what it is a
piece of, to its number and to how many there are: pieces that were exchanged, left out or moved to
another file do not open.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages

from apps.core import crypto

log = logging.getLogger(__name__)

FILES, PIECES = "files", "pieces"
PIECE_BYTES = 256 * 1024  # of a file that is kept


class DurableStorage(FileSystemStorage):
    """Files in a folder of this machine, on the disk before `save` returns.

    Django's own leaves it to the system when bytes get to the disk: a tablet that was told "it is
    here" and drops its copy would lose the photo with the next power cut.
    """

    def _save(self, name: str, content: File[bytes]) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for chunk in content.chunks():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return name


class Unreadable(Exception):
    """An object is missing, or does not open."""


def storage() -> Storage:
    """Where the bytes are."""
    return storages["media"]


def put(name: str, plain: bytes, *, bound_to: str) -> None:
    """Seals bytes and stores them under a name; what was there is replaced."""
    there, sealed = storage(), crypto.seal(plain, bound_to=bound_to)
    there.delete(name)
    stored = there.save(name, ContentFile(sealed))
    if stored != name:  # a backend that never replaces has made up another name
        there.delete(stored)
        raise OSError("the storage does not take a name that it was given")


def get(name: str, *, bound_to: str) -> bytes:
    """What was stored under a name. Raises Unreadable."""
    try:
        return crypto.unseal(_sealed(name), bound_to=bound_to)
    except crypto.Undecryptable as error:
        raise Unreadable(str(error)) from None


def key_of(name: str) -> str:
    """The id of the key that an object is sealed with. Raises Unreadable."""
    return crypto.key_id_of(_sealed(name))


def _sealed(name: str) -> bytes:
    try:
        with storage().open(name, "rb") as file:
            return bytes(file.read())
    except OSError as error:
        raise Unreadable(f"the object is not there ({type(error).__name__})") from None


def remove(names: Iterable[str]) -> None:
    """Deletes objects. One that is not there, or cannot be deleted now, is left to the sweep."""
    for name in names:
        with contextlib.suppress(OSError):
            storage().delete(name)


def put_file(blob: UUID, plain: bytes, *, of: UUID) -> int:
    """Stores a file's bytes in pieces; how many there are. `of`: the file's id."""
    count = -(-len(plain) // PIECE_BYTES)
    for number in range(count):
        piece = plain[number * PIECE_BYTES : (number + 1) * PIECE_BYTES]
        put(file_name(blob, number), piece, bound_to=_file_bound_to(of, number, count))
    return count


def read_file(blob: UUID, count: int, *, of: UUID, start: int = 0) -> Iterator[bytes]:
    """A file's bytes from `start` on, piece by piece. Raises Unreadable."""
    first = start // PIECE_BYTES
    for number in range(first, count):
        piece = get(file_name(blob, number), bound_to=_file_bound_to(of, number, count))
        yield piece[start - first * PIECE_BYTES :] if number == first else piece


def file_names(blob: UUID, count: int) -> list[str]:
    """The names of a file's objects."""
    return [file_name(blob, number) for number in range(count)]


def file_name(blob: UUID, number: int) -> str:
    """The name of one piece of a file."""
    return f"{FILES}/{blob}.{number}"


def piece_name(upload: UUID, number: int) -> str:
    """The name of one piece of an upload."""
    return f"{PIECES}/{upload}.{number}"


def piece_bound_to(upload: UUID, number: int, start: int, total: int) -> str:
    """What a piece of an upload is sealed for. How many there will be, nobody knows yet: the bytes
    before it and of the whole stand for that."""
    return f"media-upload:{upload}:{number}@{start}/{total}"


def listed() -> Iterator[tuple[str, UUID]]:
    """Every object that is there, with the id that its name begins with."""
    for folder in (FILES, PIECES):
        try:
            names = storage().listdir(folder)[1]
        except (FileNotFoundError, NotImplementedError):
            continue
        for name in names:
            with contextlib.suppress(ValueError):
                yield f"{folder}/{name}", UUID(name[:36])


def _file_bound_to(of: UUID, number: int, count: int) -> str:
    return f"media-file:{of}:{number}/{count}"
