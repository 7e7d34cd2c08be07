"""Ticks: alarms and check-ins that are due, and closed calls that leave their tablets."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.assignments import services
from apps.core import clock


@shared_task(name="assignments.raise_due_alarms")
def raise_due_alarms(**kwargs: Any) -> None:
    """Every few seconds: this is how late an alarm may be."""
    services.raise_due_alarms(now=clock.now())


@shared_task(name="assignments.ask_for_check_ins")
def ask_for_check_ins(**kwargs: Any) -> None:
    """Every few seconds: this is how late a check-in may be asked for, and missed."""
    services.ask_for_check_ins(now=clock.now())


@shared_task(name="assignments.let_cleared_go")
def let_cleared_go(**kwargs: Any) -> None:
    """A closed call leaves its tablets some seconds after its time, never before."""
    services.let_cleared_go(now=clock.now())
