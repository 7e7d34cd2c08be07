"""`manage.py new_history`: after a restore or a promotion, so that tablets hand over what was lost.

Run it once the database serves again, as the application. It is safe to repeat.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.sync import recovery
from apps.sync.histories import Comeback


class Command(BaseCommand):
    help = (
        "Begins another history after a restore of an older state: every tablet first sends what "
        "it holds, then pulls everything anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--again",
            action="store_true",
            help="also where nothing was served under the newest history yet",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        history = recovery.begin(actor=SYSTEM, again=options["again"], now=clock.now())
        if history is None:
            self.stdout.write(
                "Nothing has been served under the newest history yet, so none was begun. If this "
                "database was restored from a copy that was made after new_history, and tablets "
                "were served in between, run it with --again."
            )
            return
        waiting = Comeback.objects.filter(epoch=history.epoch).count()
        since = f"commit {history.last_seq}" if history.last_at else "nothing"
        at = f" of {history.last_at:%Y-%m-%d %H:%M:%S %Z}" if history.last_at else ""
        self.stdout.write(
            f"Another history has begun: {history.epoch}. It goes on from {since}{at}. "
            f"{waiting} local databases of tablets are awaited; running servers close their "
            "sockets within a heartbeat. Follow it with: manage.py recovery_report"
        )
