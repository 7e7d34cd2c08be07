"""Reactions that failed: kept as rows, tried again, shown until they have succeeded.

1. A writer publishes; a reaction to it fails. Its savepoint is rolled back, a row remembers it, and
   the writer's transaction commits both.
2. A tick claims the row, counts the attempt and commits that: a reaction that kills its process is
   counted too, and comes again later and later instead of at once.
3. In a second transaction, which holds the row, the reaction runs and the row goes. Of two ticks at
   once the other one finds the row taken, or not due any more.

A reaction brings things to how they ought to stand, so that it does no harm if somebody else's
later event has made it run meanwhile.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction

from apps.changes import reactions
from apps.changes.models import ParkedReaction
from apps.changes.published import Event

log = logging.getLogger(__name__)

FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(hours=1)
# A tick that finds more leaves them to the next one.
LARGEST_TICK: Final = 100


def run(event: Event, *, now: datetime) -> None:
    """Calls the reactions to one event, in the caller's transaction. They may publish, and so cause
    further reactions."""
    for reaction in reactions.to(event.name):
        if reaction.must_succeed:
            reaction.react(event, now=now)
            continue
        try:
            with transaction.atomic():
                reaction.react(event, now=now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the writer's work stands
            # The exception's text may hold what a record says.
            log.error("a reaction is parked: %s, %s", reaction.name, type(error).__name__)
            _park(reaction.name, event, error, now)


def retry_parked(*, now: datetime) -> int:
    """Tries the parked reactions whose time has come. Returns how many have succeeded."""
    done = 0
    for pk in ParkedReaction.objects.due(now).values_list("pk", flat=True)[:LARGEST_TICK]:
        if _count(pk, now):
            done += _retry(pk, now)
    return done


def _park(name: str, event: Event, error: Exception, now: datetime) -> None:
    """One row for each reaction and subject: it is due again however often it has failed."""
    row = ParkedReaction(
        reaction=name,
        event=event.name,
        subject=event.subject,
        error=type(error).__name__,
        failed_at=now,
        due_at=now + FIRST_RETRY,
    )
    ParkedReaction.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["reaction", "event", "subject"],
        update_fields=["error", "due_at"],
    )


def _count(pk: UUID, now: datetime) -> bool:
    """Counts the attempt before it is made. False: somebody else has made it."""
    with transaction.atomic():
        rows = ParkedReaction.objects.due(now).filter(pk=pk)
        row = rows.select_for_update(skip_locked=True).first()
        if row is None:
            return False
        row.due_at = now + min(FIRST_RETRY * 2**row.attempts, LONGEST_RETRY)
        row.attempts += 1
        row.save(update_fields=["attempts", "due_at"])
        return True


def _retry(pk: UUID, now: datetime) -> int:
    try:
        with transaction.atomic():
            row = ParkedReaction.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                return 0
            event = Event(row.event, row.subject)
            for reaction in reactions.to(row.event):
                if reaction.name == row.reaction:
                    reaction.react(event, now=now)
            row.delete()
            return 1
    except Exception as error:  # noqa: BLE001 - it stays parked, and comes again
        log.error("a parked reaction failed again: %s", type(error).__name__)
        ParkedReaction.objects.filter(pk=pk).update(error=type(error).__name__)
        return 0
