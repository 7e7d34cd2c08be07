"""What synchronisation does when tablets and people come and go."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.changes.published import Event
from apps.changes.reactions import reacts_to
from apps.core import clock
from apps.sync.services import lost, waiting


@reacts_to("tablet.signed_in")
def take_what_waited(event: Event, *, now: datetime) -> None:
    """After the sign-in is committed: nothing of it may hold up or undo the sign-in, and each row
    takes its locks in a transaction of its own. A tick does it where this process ends before."""
    transaction.on_commit(
        lambda: waiting.take_waiting(tablet_id=event.subject, now=clock.now()), robust=True
    )


@reacts_to("tablet.found")
def count_anew(event: Event, *, now: datetime) -> None:
    """Should it get lost again, it may hand in as much again."""
    lost.forget(tablet_id=event.subject)
