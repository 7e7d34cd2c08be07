"""Verbs of single-use tickets, each of which opens one socket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from apps.accounts.models import SocketTicket, Tablet, User
from apps.accounts.tokens import new_token, token_hash

TICKET_LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True)
class Ticket:
    """What a single-use ticket stood for."""

    tablet: Tablet | None
    user: User | None


@transaction.atomic
def make_ticket(*, tablet: Tablet | None, user: User | None, now: datetime) -> str:
    """A single-use ticket for one socket, valid for 30 seconds."""
    SocketTicket.objects.filter(made_at__lt=now - TICKET_LIFETIME).delete()
    ticket = new_token("cfs")
    SocketTicket.objects.create(
        token_hash=token_hash(ticket), made_at=now, tablet=tablet, user=user
    )
    return ticket


@transaction.atomic
def redeem_ticket(*, ticket: str, now: datetime) -> Ticket | None:
    """Uses a ticket up. Of two at once one wins: the row lock orders them."""
    row = (
        SocketTicket.objects.select_for_update(no_key=True, of=("self",))
        .select_related("tablet", "user")
        .filter(token_hash=token_hash(ticket), revoked_at=None, made_at__gte=now - TICKET_LIFETIME)
        .first()
    )
    if row is None:
        return None
    row.revoked_at = now
    row.save(update_fields=["revoked_at"])
    return Ticket(row.tablet, row.user)
