"""Ticks: notes whose lock is due, signatures that waited for their text, records and reports
that are owed."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.casenotes import services
from apps.core import clock


@shared_task(name="casenotes.lock_due")
def lock_due(**kwargs: Any) -> None:
    """A note is locked some minutes after its time, never before."""
    services.lock_due(now=clock.now())


@shared_task(name="casenotes.take_early_signatures")
def take_early_signatures(**kwargs: Any) -> None:
    """What the end of a process has kept from being taken when its text came."""
    services.take_early_signatures(now=clock.now())


@shared_task(name="casenotes.remind_of_debts")
def remind_of_debts(**kwargs: Any) -> None:
    """Whoever owes a record for half a day is told so, minutes late at most."""
    services.remind_of_debts(now=clock.now())


@shared_task(name="casenotes.remind_of_reports")
def remind_of_reports(**kwargs: Any) -> None:
    """Whoever owes a report that the law asks for is told so a minute late at most."""
    services.remind_of_reports(now=clock.now())
