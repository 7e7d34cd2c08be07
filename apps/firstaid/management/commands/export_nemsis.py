"""`manage.py export_nemsis --from 2026-03-01 --to 2026-04-01 --output march.xml`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.firstaid.exports.command import ExportCommand
from apps.firstaid.exports.services import Tally, export_nemsis


class Command(ExportCommand):
    help = (
        "Writes encounters as a NEMSIS 3.5.1 EMSDataSet for the fire department's medical review. "
        "The file holds health records."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--narrative", action="store_true", help="with the narratives of signed case notes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tally = Tally()
        parts = export_nemsis(
            rows=self.rows(options),
            actor=SYSTEM,
            now=clock.now(),
            tally=tally,
            narrative=options["narrative"],
        )
        self.write(parts, tally, options["output"])
