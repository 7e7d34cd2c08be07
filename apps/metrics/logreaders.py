"""How far figures were made from the log: what comes after that is not let go."""

from __future__ import annotations

from apps.changes.retention import reads_log
from apps.metrics.models import LogReader


@reads_log("figures")
def read_up_to() -> int:
    """The commit before the reader's: of that one something may be left."""
    seqs = LogReader.objects.values_list("seq", flat=True)
    return max(0, min(seqs, default=0) - 1)
