"""Sealing again under the newest key. Encrypted fields are found by themselves; an app that seals
bytes by hand says in its `rotation.py` how to walk them."""

from __future__ import annotations

from collections.abc import Callable

from django.db import models, transaction

from apps.core import crypto
from apps.core.fields import EncryptedField, Sealed
from apps.core.querysets import QuerySet

# Walks everything in small transactions of the given size; returns how many it sealed again.
Walk = Callable[[int], int]

walks: dict[str, Walk] = {}


def rotates(name: str) -> Callable[[Walk], Walk]:
    """Registers a walk under the name that `rotate_field_keys` prints."""

    def register(walk: Walk) -> Walk:
        walks[name] = walk
        return walk

    return register


def rotate_rows(model: type[models.Model], batch: int) -> int:
    """Walks a table by key and seals again what is not under the newest key. Returns the count."""
    fields = [f for f in model._meta.concrete_fields if isinstance(f, EncryptedField)]
    newest, done, last = crypto.newest_key_id(), 0, None
    while True:
        with transaction.atomic():
            rows: QuerySet[models.Model] = QuerySet(model)
            rows = rows.order_by("pk").select_for_update(no_key=True)
            page = list(rows.filter(pk__gt=last)[:batch] if last else rows[:batch])
            for row in page:
                stale = [field for field in fields if _is_stale(row, field, newest)]
                for field in stale:
                    getattr(row, field.attname)  # opens it, so that saving seals it again
                if stale:
                    row.save(update_fields=[field.name for field in stale])
                    done += 1
        if not page:
            return done
        last = page[-1].pk


def _is_stale(row: models.Model, field: EncryptedField, newest: str) -> bool:
    value = row.__dict__[field.attname]
    return isinstance(value, Sealed) and crypto.key_id_of(value.data) != newest
