"""What CARE knows of its partners beside their accounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Partner, User
from apps.accounts.services import user_actor
from apps.audit.services import Act, record_all
from apps.changes.services import Document, publish
from apps.referrals import documents
from apps.referrals.models import PartnerAgency


@transaction.atomic
def note_agency(
    *,
    partner: Partner,
    part2: bool,
    by: User,
    now: datetime,
) -> PartnerAgency:
    """Says whether a partner is a programme under 42 CFR Part 2. What is built from now on follows
    it. Idempotent."""
    row = PartnerAgency.objects.select_for_update(no_key=True).filter(partner=partner).first()
    row = row or PartnerAgency(partner=partner)
    row.part2, row.noted_by, row.noted_at = part2, by, now
    row.save()
    act = Act(user_actor(by), "update", "partner", [partner.pk], {"part2": part2})
    record_all([act], now=now)
    return row


def partner_documents() -> Iterator[Document]:
    """All partners, as tablets have them."""
    for row in Partner.objects.order_by("pk"):
        yield documents.partner(row)


@transaction.atomic
def tell_partner(*, partner_id: UUID, now: datetime) -> None:
    """Brings a partner to every tablet as it stands. Idempotent."""
    row = Partner.objects.filter(pk=partner_id).first()
    if row is not None:
        publish(documents=[documents.partner(row)], now=now)
