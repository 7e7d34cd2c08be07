"""`manage.py rebuild_figures`: what figures are counted from, made anew from the records.

After a change of what is counted, and after records were mended by hand. It may run beside the
service, and again.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.metrics.services import rebuild


class Command(BaseCommand):
    """See the module."""

    help = "Makes the rows that figures are counted from anew, for every incident."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints how many incidents were counted."""
        self.stdout.write(f"{rebuild()} incidents counted anew.")
