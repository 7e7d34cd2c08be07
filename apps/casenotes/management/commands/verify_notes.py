"""`manage.py verify_notes`: every signed note still says what was signed.

Reads only. One line for each note that does not, without anything of it, and a sum; exit code 1
where there is one.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.casenotes.verifying import check_signed


class Command(BaseCommand):
    """See the module."""

    help = "Checks that every signed note, as stored and as sent, hashes to what was signed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the findings."""
        seen = wrong = 0
        for finding in check_signed():
            seen += 1
            if finding is not None:
                wrong += 1
                self.stderr.write(str(finding))
        self.stdout.write(f"{seen} signed notes, {wrong} not as they were signed.")
        if wrong:
            raise CommandError("Signed notes have been changed: see the lines above.")
