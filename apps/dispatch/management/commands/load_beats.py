"""`manage.py load_beats FILE`: outlines of beats for the map, from GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.dispatch import outlines, services


class Command(BaseCommand):
    help = "Draws the beats of a GeoJSON file on the map, instead of those that it has."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--code", default="beat", help="the property with the beat's code")
        parser.add_argument("--source", required=True, help="whose map it is, shown beside ours")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = outlines.parse(options["file"].read_bytes(), code_field=options["code"])
        except (OSError, outlines.NotOutlines) as error:
            raise CommandError(str(error)) from None
        source = options["source"].strip()[:200]
        count = services.load_beats(outlines=found, source=source, by=SYSTEM, now=clock.now())
        self.stdout.write(f"{count} beats are on the map.")
