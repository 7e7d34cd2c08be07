"""`manage.py rotate_field_keys`: seals again, with the newest key, what an older key sealed.

Safe to stop and to repeat: rows are done in small transactions, and a row that already has the
newest key is passed over. Append-only rows keep the key they were written with; their key stays on
the ring for reading.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandParser
from django.db import models, transaction

from apps.core import crypto
from apps.core.fields import EncryptedField, Sealed
from apps.core.models import Model
from apps.core.querysets import QuerySet

BATCH = 500


class Command(BaseCommand):
    help = "Seals rows again with the newest key of FIELD_KEYS. Safe to stop and repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=BATCH, help="rows per transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        for model in apps.get_models():
            fields = [f for f in model._meta.concrete_fields if isinstance(f, EncryptedField)]
            if not fields or not issubclass(model, Model):
                continue
            if model.APPEND_ONLY:
                self.stdout.write(f"{model._meta.label}: append-only, keeps its keys")
                continue
            count = rotate(model, fields, options["batch"])
            self.stdout.write(f"{model._meta.label}: {count} rows sealed again")


def rotate(model: type[models.Model], fields: list[EncryptedField], batch: int = BATCH) -> int:
    """Walks the table by key and re-seals what is not under the newest key. Returns the count."""
    newest, done, last = crypto.newest_key_id(), 0, None
    while True:
        with transaction.atomic():
            rows = QuerySet(model).order_by("pk").select_for_update(no_key=True)
            page = list(rows.filter(pk__gt=last)[:batch] if last else rows[:batch])
            for row in page:
                stale = [field for field in fields if is_stale(row, field, newest)]
                for field in stale:
                    getattr(row, field.attname)  # opens it, so that saving seals it again
                if stale:
                    row.save(update_fields=[field.name for field in stale])
                    done += 1
        if not page:
            return done
        last = page[-1].pk


def is_stale(row: models.Model, field: EncryptedField, newest: str) -> bool:
    """Whether the stored value was sealed with another key than the newest."""
    value = row.__dict__[field.attname]
    return isinstance(value, Sealed) and crypto.key_id_of(value.data) != newest
