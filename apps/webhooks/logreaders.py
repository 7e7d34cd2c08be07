"""How far events were made from the log: what comes after that is not let go."""

from __future__ import annotations

from apps.changes.retention import reads_log
from apps.webhooks.models import Cursor


@reads_log("events")
def read_up_to() -> int:
    """The commit before the cursor's: of that one something may be left."""
    seqs = Cursor.objects.values_list("seq", flat=True)
    return max(0, min(seqs, default=0) - 1)
