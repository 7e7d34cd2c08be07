"""Reactions that failed: kept as rows, tried again, shown until they have succeeded.

1. A writer publishes; a reaction to it fails. Its savepoint is rolled back, a row remembers it, and
   the writer's transaction commits both.
2. A tick claims the row, counts the attempt and commits that: a reaction that kills its process is
   counted too, and comes again later and later instead of at once.
3. In a second transaction the reaction runs, and then the row goes, if nobody has touched it since
   it was counted. Of two ticks at once the other one finds it not due any more.
4. The row is not held meanwhile, nor waited for: a writer whose reaction fails writes it while it
   holds what this reaction waits for. One that is written again stays, and comes again.

A reaction brings things to how they ought to stand, so that it does no harm if somebody else's
later event has made it run meanwhile.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.changes import locks, reactions
from apps.changes.models import ParkedReaction
from apps.changes.published import Event
from apps.changes.reactions import Registered

log = logging.getLogger(__name__)

FIRST_RETRY: Final = timedelta(seconds=5)
LONGEST_RETRY: Final = timedelta(hours=1)
# The transaction that has written a row last says which version of it there is.
_VERSION: Final = "select xmin::text from changes_parkedreaction where id = %s"
_DONE: Final = """
delete from changes_parkedreaction where id in (
  select id from changes_parkedreaction where id = %s and xmin::text = %s for update skip locked)
"""
# A tick that finds more leaves them to the next one.
LARGEST_TICK: Final = 100


def is_certain(event: Event) -> bool:
    """Whether something that must succeed reacts to it."""
    return any(one.must_succeed for one in reactions.to(event.name))


def run_certain(event: Event, *, now: datetime) -> None:
    """Calls what must succeed of the reactions to an event, in the caller's transaction."""
    for reaction in reactions.to(event.name):
        if reaction.must_succeed:
            reaction.react(event, now=now)


def run(events: Sequence[Event], *, now: datetime) -> None:
    """Calls the other reactions to these events, in the caller's transaction. They may publish, and
    so cause further reactions: what those lock is held by then."""
    if not _is_reacting():
        _lock(events)
    with _reacting():
        for event in events:
            for reaction in reactions.to(event.name):
                if not reaction.must_succeed:
                    _run(reaction, event, now)


def _run(reaction: Registered, event: Event, now: datetime) -> None:
    try:
        with transaction.atomic():
            reaction.react(event, now=now)
    except Exception as error:  # noqa: BLE001 - whatever it is, the writer's work stands
        # The exception's text may hold what a record says.
        log.error("a reaction is parked: %s, %s", reaction.name, type(error).__name__)
        _park(reaction.name, event, error, now)


def _lock(events: Sequence[Event]) -> None:
    """Takes what the reactions to these events will lock. Where that fails, each of them takes its
    own: what is wrong shows there, and costs the writer nothing."""
    if not any(one.locks for event in events for one in reactions.to(event.name)):
        return
    try:
        with transaction.atomic():
            locks.hold(lambda: reactions.locks_of(events))
    except Exception as error:  # noqa: BLE001 - the writer's work stands
        log.error("what reactions lock is not locked first: %s", type(error).__name__)


_here = threading.local()  # a transaction belongs to one thread


def _is_reacting() -> bool:
    return getattr(_here, "reacting", False)


@contextmanager
def _reacting() -> Iterator[None]:
    before = _is_reacting()
    _here.reacting = True
    try:
        yield
    finally:
        _here.reacting = before


def retry_parked(*, now: datetime) -> int:
    """Tries the parked reactions whose time has come. Returns how many have succeeded."""
    done = 0
    for pk in ParkedReaction.objects.due(now).values_list("pk", flat=True)[:LARGEST_TICK]:
        if (version := _count(pk, now)) is not None:
            done += _retry(pk, version, now)
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


def _count(pk: UUID, now: datetime) -> str | None:
    """Counts the attempt before it is made; which version of the row that makes. None: somebody
    else has made it."""
    with transaction.atomic():
        rows = ParkedReaction.objects.due(now).filter(pk=pk)
        row = rows.select_for_update(no_key=True, skip_locked=True).first()
        if row is None:
            return None
        row.due_at = now + min(FIRST_RETRY * 2**row.attempts, LONGEST_RETRY)
        row.attempts += 1
        row.save(update_fields=["attempts", "due_at"])
        with connection.cursor() as cursor:
            cursor.execute(_VERSION, [pk])
            [version] = cursor.fetchone()
            return str(version)


def _retry(pk: UUID, version: str, now: datetime) -> int:
    try:
        with transaction.atomic():
            row = ParkedReaction.objects.filter(pk=pk).first()
            if row is None:
                return 0
            event = Event(row.event, row.subject)
            locks.hold(lambda: reactions.locks_of([event]))
            with _reacting():
                for reaction in reactions.to(row.event):
                    if reaction.name == row.reaction:
                        reaction.react(event, now=now)
            with connection.cursor() as cursor:
                cursor.execute(_DONE, [pk, version])
                return int(cursor.rowcount)
    except Exception as error:  # noqa: BLE001 - it stays parked, and comes again
        log.error("a parked reaction failed again: %s", type(error).__name__)
        ParkedReaction.objects.filter(pk=pk).update(error=type(error).__name__)
        return 0
