"""Whom to ask next. Pure: nobody is asked by it, it says whom a responder may ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.referrals.clocks import OFFER
from apps.referrals.consenting import Grant, in_force
from apps.referrals.states import FINAL


@dataclass(frozen=True)
class Asked:
    """A task as far as this asks: which partner, in what state, how far its clock has come."""

    partner_id: UUID
    status: str
    awaits: str
    step: int


def is_wanted(asked: Iterable[Asked]) -> bool:
    """Whether somebody else should be asked: nobody is at work, and nobody who was asked has time
    left to answer.

    >>> is_wanted([])
    False
    """
    told = [one for one in asked if one.status not in {"draft", "entered-in-error"}]
    if not told or any(one.status == "completed" for one in told):
        return False
    open_ones = [one for one in told if one.status not in FINAL]
    return all(one.awaits == "answer" and one.step >= OFFER for one in open_ones)


def offers(
    asked: Iterable[Asked],
    *,
    grants: Iterable[Grant],
    partners: Mapping[UUID, str],
    fitting: Iterable[UUID] = (),
    now: datetime,
) -> list[UUID]:
    """Partners who may be asked next: named by a consent that holds, not asked yet. Those that the
    directory says fit (`fitting`, the best first) come first, the others by name."""
    told = list(asked)
    if not is_wanted(told):
        return []
    named = {one for grant in grants if in_force(grant, now) for one in grant.recipients}
    left = named - {one.partner_id for one in told}
    rank = {partner: place for place, partner in enumerate(fitting)}
    return sorted(left, key=lambda one: (rank.get(one, len(rank)), partners.get(one, ""), one))
