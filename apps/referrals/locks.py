"""What is locked of referrals, on the rungs of docs/adr/0030."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from apps.accounts.models import Partner
from apps.assignments.locks import locks_of_arrivals
from apps.changes.locks import WHOLE, Lock, Rung, each, register_rows
from apps.changes.published import Event
from apps.people.locks import calls_of
from apps.referrals.models import Referral

# All of it: see `services.directory.entries`.
DIRECTORY: Final = Lock(Rung.DIRECTORY, WHOLE)


def locks_of_records(assignment_ids: Iterable[UUID]) -> set[Lock]:
    """What orders arrivals on these assignments, and the referrals made there."""
    calls = set(assignment_ids)
    made = Referral.objects.filter(assignment_id__in=calls).values_list("pk", flat=True)
    return locks_of_arrivals(calls) | each(Rung.REFERRALS, made)


def locks_of_calls(events: Sequence[Event]) -> set[Lock]:
    """Of assignments to which something has happened."""
    return locks_of_records(event.subject for event in events)


def locks_of_calls_met(events: Sequence[Event]) -> set[Lock]:
    """Of the assignments of encounters in which something has happened."""
    return locks_of_records(calls_of(event.subject for event in events))


def lock_partners(ids: Iterable[UUID]) -> None:
    """Orders those who ask these partners."""
    rows = Partner.objects.select_for_update(no_key=True).filter(pk__in=set(ids))
    list(rows.order_by("pk").values_list("pk"))


register_rows(Rung.PARTNERS, lock_partners)
