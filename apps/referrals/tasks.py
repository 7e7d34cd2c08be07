"""Ticks: referrals that nobody answers, links to send, the directory, what nobody has verified."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from apps.core import clock
from apps.referrals.services import clocks, directory, links


@shared_task(name="referrals.remind_due")
def remind_due(**kwargs: Any) -> None:
    """Reminds partners, then tells responders and supervisors, of what nobody answers."""
    clocks.remind_due(now=clock.now())


@shared_task(name="referrals.let_closed_go")
def let_closed_go(**kwargs: Any) -> None:
    """Closed referrals leave their makers' tablets, a minute late at most."""
    clocks.let_closed_go(now=clock.now())


@shared_task(name="referrals.tell_directory")
def tell_directory(**kwargs: Any) -> None:
    """Tablets are told hours some weeks ahead: with each week they are given a further one."""
    directory.tell_directory(now=clock.now())


@shared_task(name="referrals.watch_directory")
def watch_directory(**kwargs: Any) -> None:
    """Verification runs out with the day: within the hour it is a task. What was reported leaves
    its author's tablet once the outcome was there to be read."""
    directory.watch_directory(now=clock.now())
    directory.let_settled_go(now=clock.now())


@shared_task(name="referrals.send_links")
def send_links(**kwargs: Any) -> None:
    """Sends the links and codes that wait: somebody may be standing there for a code."""
    links.send_due(now=clock.now())
