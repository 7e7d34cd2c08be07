"""`manage.py recovery_report`: which tablets have come back since a restore, and with what."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.sync.report import recovery_report


class Command(BaseCommand):
    help = "Says what has come back since the server was put back in time, and what cannot."

    def handle(self, *args: Any, **options: Any) -> None:
        for line in recovery_report():
            self.stdout.write(line)
