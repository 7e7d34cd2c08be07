"""`manage.py naloxone_report --from 2026-01-01 --to 2027-01-01`: see `exports.improved`."""

from __future__ import annotations

import json
from typing import Any

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.firstaid.exports.command import PeriodCommand
from apps.firstaid.exports.services import report_improved


class Command(PeriodCommand):
    help = "Counts how often naloxone was given and a better response was noted: a proxy."

    def handle(self, *args: Any, **options: Any) -> None:
        found = report_improved(rows=self.rows(options), actor=SYSTEM, now=clock.now())
        self.stdout.write(json.dumps(found.as_json(), indent=2))
