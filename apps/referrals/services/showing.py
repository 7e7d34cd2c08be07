"""What is published of referrals and consents, and of what was told of them on tablets."""

from __future__ import annotations

import logging
from datetime import datetime

from apps.changes.services import Document
from apps.core.crypto import Undecryptable
from apps.people.access import audience_of
from apps.referrals import documents
from apps.referrals.models import (
    Consent,
    ConsentRecipient,
    ConsentRevocation,
    Disclosure,
    Referral,
    ReferralAnswer,
)
from apps.referrals.models.consents import CONSENTS
from apps.referrals.models.referrals import REFERRALS
from apps.referrals.records import ReferralRecord, scopes_of

log = logging.getLogger(__name__)


def referral(record: ReferralRecord, *, now: datetime) -> list[Document]:
    """The referral as it stands, and who sees the facts about it."""
    return [documents.referral(record, now=now), *_answers(record.referral, record.scopes())]


def referral_again(row: Referral) -> list[Document]:
    """Who may see it from now on. Nothing is opened, so that no broken row stays behind."""
    to = scopes_of(row)
    return [Document(REFERRALS, row.pk, to), *_answers(row, to)]


def consent(row: Consent, *, now: datetime) -> Document:
    """A consent as it stands. Of one that cannot be opened is said what is known beside what was
    recorded: that it was taken back, above all."""
    recipients = ConsentRecipient.objects.filter(consent=row).select_related("partner")
    named = list(recipients.order_by("partner__name"))
    to = consent_scopes(row)
    try:
        return documents.consent(row, named, to, now=now)
    except Undecryptable:
        log.error("a consent cannot be opened: %s", row.pk)
        return documents.unreadable_consent(row, named, to)


def consent_again(row: Consent) -> list[Document]:
    """Who may see a consent and its revocation from now on."""
    to = consent_scopes(row)
    told = ConsentRevocation.objects.filter(consent=row).values_list("pk", flat=True)
    return [Document(CONSENTS, row.pk, to), *(Document("facts", pk, to) for pk in told)]


def disclosure_again(row: Disclosure) -> list[Document]:
    """Who may see what was told from now on. What no tablet told is no fact."""
    if row.device is None:
        return []
    return [Document("facts", row.pk, disclosure_scopes(row))]


def consent_scopes(row: Consent) -> frozenset[str]:
    """Whoever has the call, its supervisors, and whoever still owes a record of the encounter;
    before its assignment is here whoever recorded it."""
    return audience_of(row.assignment_id, row.encounter_id, row.recorded_by_id)


def disclosure_scopes(row: Disclosure) -> frozenset[str]:
    """As a consent's."""
    return audience_of(row.assignment_id, row.encounter_id, row.discloser_id)


def _answers(row: Referral, to: frozenset[str]) -> list[Document]:
    told = ReferralAnswer.objects.from_tablets(row.pk).values_list("pk", flat=True)
    return [Document("facts", pk, to) for pk in told]
