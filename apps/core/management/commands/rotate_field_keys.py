"""`manage.py rotate_field_keys`: seals again, with the newest key, what an older key sealed.

Safe to stop and to repeat: rows are done in small transactions, and a row that already has the
newest key is passed over. Append-only rows keep the key they were written with; their key stays on
the ring for reading.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import autodiscover_modules

from apps.core.fields import encrypted_names
from apps.core.models import Model
from apps.core.rotation import Rotated, rotate_rows, walks

BATCH = 500


class Command(BaseCommand):
    """See the module."""

    help = "Seals rows again with the newest key of FIELD_KEYS. Safe to stop and repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--batch`: rows per transaction."""
        parser.add_argument("--batch", type=int, default=BATCH, help="rows per transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints a line per model and per walk. CommandError where something does not open."""
        total = Rotated()
        for model in apps.get_models():
            if not encrypted_names(model) or not issubclass(model, Model):
                continue
            if model.APPEND_ONLY:
                self.stdout.write(f"{model._meta.label}: append-only, keeps its keys")
                continue
            rows = rotate_rows(model, options["batch"])
            self.stdout.write(f"{model._meta.label}: {rows}")
            total += rows
        autodiscover_modules("rotation")
        for name, walk in walks.items():
            found = walk(options["batch"])
            self.stdout.write(f"{name}: {found}")
            total += found
        if total.closed:
            raise CommandError(
                f"{total.closed} do not open with any key of FIELD_KEYS. The others are done."
            )
