"""Ticks: what kits warn of, acts that came late, overdoses near each other, certificates."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.firstaid import services


@shared_task(name="firstaid.tell_kits")
def tell_kits(**kwargs: Any) -> None:
    """A lot expires with the city's day, and nobody moves it for that: the tablets hear of it
    within minutes."""
    services.tell_kits(now=clock.now())


@shared_task(name="firstaid.let_late_go")
def let_late_go(**kwargs: Any) -> None:
    """What came after its call had left the tablets leaves them too, minutes late at most."""
    services.let_late_go(now=clock.now())


@shared_task(name="firstaid.watch_for_spikes")
def watch_for_spikes(**kwargs: Any) -> None:
    """Every minute: this is how late supervisors hear of overdoses near each other."""
    services.watch_for_spikes(now=clock.now())


@shared_task(name="firstaid.remind_of_certificates")
def remind_of_certificates(**kwargs: Any) -> None:
    """A certificate runs out with a day: within the hour its holder is told."""
    services.remind_of_certificates(now=clock.now())
