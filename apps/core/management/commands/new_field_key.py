"""`manage.py new_field_key`: a fresh key for the ring: first put last in FIELD_KEYS, until
every process can read it, then first. See the runbook."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Prints a new key for FIELD_KEYS. Nothing is stored."

    def handle(self, *args: Any, **options: Any) -> None:
        number = 1
        while (name := f"k{number}") in settings.FIELD_KEYS:
            number += 1
        self.stdout.write(f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}")
