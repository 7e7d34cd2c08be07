"""Verbs of machines that call us: CAD's clients, and partners with their tokens."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import Client, ClientToken, Partner, PartnerToken
from apps.accounts.services.writing import audit
from apps.accounts.tokens import new_token, token_hash
from apps.audit.services import Actor
from apps.changes.services import Event, publish


@transaction.atomic
def save_client(*, client: Client, by: Actor, now: datetime) -> Client:
    """Creates or changes a machine client. One that is not active is shut out, its tokens kept."""
    action = "create" if client._state.adding else "update"
    client.save()
    audit(by, action, "client", client.pk, now)
    return client


@transaction.atomic
def create_client(*, name: str, by: Actor, now: datetime) -> tuple[str, Client]:
    """A machine client and its token, shown once."""
    client = save_client(client=Client(name=name), by=by, now=now)
    return issue_client_token(client=client, by=by, now=now), client


@transaction.atomic
def issue_client_token(*, client: Client, by: Actor, now: datetime) -> str:
    """A further token for a client, so that tokens can be changed without a gap."""
    token = new_token("cfc")
    ClientToken.objects.create(client=client, token_hash=token_hash(token), made_at=now)
    audit(by, "create", "client_token", client.pk, now)
    return token


@transaction.atomic
def revoke_older_client_tokens(*, client: Client, by: Actor, now: datetime) -> int:
    """Revokes every token of a client but the newest. Returns how many."""
    tokens = ClientToken.objects.select_for_update(no_key=True).filter(
        client=client, revoked_at=None
    )
    older = list(tokens.order_by("-made_at", "-id").values_list("pk", flat=True)[1:])
    ClientToken.objects.filter(pk__in=older).update(revoked_at=now)
    if older:
        audit(by, "revoke", "client_token", client.pk, now)
    return len(older)


@transaction.atomic
def save_partner(*, partner: Partner, by: Actor, now: datetime) -> Partner:
    """Creates or changes a partner. One that is not active is shut out, tokens and people kept."""
    action = "create" if partner._state.adding else "update"
    partner.save()
    publish(events=[Event("partner.saved", partner.pk)], now=now)
    audit(by, action, "partner", partner.pk, now)
    return partner


@transaction.atomic
def create_partner(*, name: str, by: Actor, now: datetime) -> tuple[str, Partner]:
    """A partner and its token, shown once."""
    partner = save_partner(partner=Partner(name=name), by=by, now=now)
    return issue_partner_token(partner=partner, by=by, now=now), partner


@transaction.atomic
def issue_partner_token(*, partner: Partner, by: Actor, now: datetime) -> str:
    """A further token for a partner, so that tokens can be changed without a gap."""
    token = new_token("cfp")
    PartnerToken.objects.create(partner=partner, token_hash=token_hash(token), made_at=now)
    audit(by, "create", "partner_token", partner.pk, now)
    return token


@transaction.atomic
def revoke_older_partner_tokens(*, partner: Partner, by: Actor, now: datetime) -> int:
    """Revokes every token of a partner but the newest. Returns how many."""
    tokens = PartnerToken.objects.select_for_update(no_key=True).filter(
        partner=partner, revoked_at=None
    )
    older = list(tokens.order_by("-made_at", "-id").values_list("pk", flat=True)[1:])
    PartnerToken.objects.filter(pk__in=older).update(revoked_at=now)
    if older:
        audit(by, "revoke", "partner_token", partner.pk, now)
    return len(older)
