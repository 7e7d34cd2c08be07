"""Referrals, consents and disclosures follow their assignment: to whoever has the call."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.assignments.records import lock_arrivals
from apps.changes.services import LARGEST_PUBLICATION, Document, publish
from apps.referrals import records
from apps.referrals.models import Consent, Disclosure, Referral
from apps.referrals.services import showing


@transaction.atomic
def follow_assignment(*, assignment_id: UUID, now: datetime) -> None:
    """Shows what was recorded on an assignment to whoever has the call now. Part of the caller's
    transaction; idempotent.

    A referral comes while its call leaves the tablets: whoever pushes one takes the assignment's
    arrival lock before they look who has the call, and so does this. Whoever is second sees what
    the first has committed.
    """
    lock_arrivals([assignment_id])
    rows = Referral.objects.of(assignment_id)
    records.lock(rows.values_list("pk", flat=True))
    found: list[Document] = []
    for row in rows:
        found += showing.referral_again(row)
    for consent in Consent.objects.of(assignment_id):
        found += showing.consent_again(consent)
    for disclosure in Disclosure.objects.of(assignment_id):
        found += showing.disclosure_again(disclosure)
    for start in range(0, len(found), LARGEST_PUBLICATION):
        publish(documents=found[start : start + LARGEST_PUBLICATION], now=now)
