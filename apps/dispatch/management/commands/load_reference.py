"""`manage.py load_reference`: call types, dispatch rules, code lists. Run after every migration."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.dispatch import services


class Command(BaseCommand):
    help = "Adds the shipped call types and dispatch rules, and publishes code lists to tablets."

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = services.load_reference(by=SYSTEM, now=clock.now())
        counts = {"call types": loaded.call_types, "dispatch rules": loaded.rules, **loaded.others}
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        self.stdout.write(f"{told} and {loaded.documents} documents were new.")
