"""`manage.py new_client NAME`: a CAD system and its token, shown once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts import services
from apps.accounts.models import Client
from apps.audit.services import SYSTEM
from apps.core import clock


class Command(BaseCommand):
    help = "Makes a machine client (a CAD system) and prints its token. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name or Client.objects.filter(name=name).exists():
            raise CommandError("Give a name that no client has yet.")
        token, _ = services.create_client(name=name, by=SYSTEM, now=clock.now())
        self.stdout.write(token)
