"""What every verb of accounts writes: the audit entry, the end of a sign-in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from apps.accounts.models import LocalDatabase, Partner, SignIn, Tablet, User
from apps.audit.models import ActorKind
from apps.audit.services import Actor, record
from apps.changes.services import Event, bind, publish


def user_actor(user: User) -> Actor:
    """A person, as the audit log names them."""
    return Actor(ActorKind.USER, user.pk)


def tablet_actor(tablet: Tablet, user: User | None) -> Actor:
    """A tablet and whoever is signed in on it, as the audit log names them."""
    return Actor(ActorKind.TABLET, user.pk if user else None, tablet.pk)


def partner_actor(partner: Partner) -> Actor:
    """A partner that acts by its token, as the audit log names it. Its people are persons."""
    return Actor(ActorKind.PARTNER, partner.pk)


def end(sign_in: SignIn, now: datetime) -> None:
    """Ends a sign-in: what the tablet holds is withdrawn from it at its next contact."""
    sign_in.ended_at = now
    sign_in.save(update_fields=["ended_at"])
    for database in LocalDatabase.objects.filter(tablet=sign_in.tablet_id).order_by("pk"):
        bind(holder=database.pk, principal=None)
    publish(events=[Event("tablet.signed_out", sign_in.tablet_id)], now=now)


def audit(actor: Actor, action: str, subject_type: str, subject: UUID, now: datetime) -> None:
    """One audit entry about one row."""
    record(actor=actor, action=action, subject_type=subject_type, subject_ids=[subject], now=now)
