"""`manage.py export_odmap --from 2026-03-01 --to 2026-04-01 --output march.csv`."""

from __future__ import annotations

from typing import Any

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.firstaid.exports.command import ExportCommand
from apps.firstaid.exports.services import Tally, export_odmap


class Command(ExportCommand):
    help = "Writes overdoses in ODMAP's terms as CSV, without a word about the person."

    def handle(self, *args: Any, **options: Any) -> None:
        tally = Tally()
        parts = export_odmap(rows=self.rows(options), actor=SYSTEM, now=clock.now(), tally=tally)
        self.write(parts, tally, options["output"])
