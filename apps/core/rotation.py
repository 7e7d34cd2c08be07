"""Sealing again under the newest key. Encrypted fields are found by themselves; an app that seals
bytes by hand says in its `rotation.py` how to walk them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import models, transaction

from apps.core import crypto
from apps.core.fields import EncryptedField, Sealed
from apps.core.querysets import QuerySet


@dataclass(frozen=True)
class Rotated:
    """What a walk has come to: `done` were sealed again; `closed` do not open with any key of the
    ring, or were altered, and stay as they are, to be looked into."""

    done: int = 0
    closed: int = 0

    def __add__(self, other: Rotated) -> Rotated:
        return Rotated(self.done + other.done, self.closed + other.closed)

    def __str__(self) -> str:
        said = f"{self.done} sealed again"
        return f"{said}, {self.closed} do not open" if self.closed else said


# Walks everything in small transactions of the given size.
Walk = Callable[[int], Rotated]

walks: dict[str, Walk] = {}


def rotates(name: str) -> Callable[[Walk], Walk]:
    """Registers a walk under the name that `rotate_field_keys` prints."""

    def register(walk: Walk) -> Walk:
        walks[name] = walk
        return walk

    return register


def rotate_rows(model: type[models.Model], batch: int) -> Rotated:
    """Walks a table by key and seals again what is not under the newest key. One row that does not
    open holds up no other. Each in a transaction of its own: who holds several rows may wait for
    whoever works with them in another order."""
    fields = [f for f in model._meta.concrete_fields if isinstance(f, EncryptedField)]
    total, last = Rotated(), None
    while True:
        rows: QuerySet[models.Model] = QuerySet(model)
        page = list((rows.filter(pk__gt=last) if last else rows).order_by("pk")[:batch])
        total = sum((_rotate(row, fields) for row in page if _stale(row, fields)), total)
        if not page:
            return total
        last = page[-1].pk


@transaction.atomic
def _rotate(read: models.Model, fields: Sequence[EncryptedField]) -> Rotated:
    rows: QuerySet[models.Model] = QuerySet(type(read))
    row = rows.select_for_update(no_key=True).filter(pk=read.pk).first()
    if row is None:
        return Rotated()
    stale = _stale(row, fields)
    opened = [field for field in stale if _opens(row, field)]
    if opened:
        row.save(update_fields=[field.name for field in opened])
    return Rotated(done=bool(opened), closed=len(opened) < len(stale))


def _stale(row: models.Model, fields: Sequence[EncryptedField]) -> list[EncryptedField]:
    newest = crypto.newest_key_id()
    return [field for field in fields if _is_stale(row, field, newest)]


def _opens(row: models.Model, field: EncryptedField) -> bool:
    """Opens it, so that saving seals it again."""
    try:
        getattr(row, field.attname)
    except crypto.Undecryptable:
        return False
    return True


def _is_stale(row: models.Model, field: EncryptedField, newest: str) -> bool:
    value = row.__dict__[field.attname]
    return isinstance(value, Sealed) and crypto.key_id_of(value.data) != newest
