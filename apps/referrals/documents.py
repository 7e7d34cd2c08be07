"""The documents that tablets and desks are sent: referrals, consents, and what is told of them.
Built from rows that were read before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.accounts.models import Partner
from apps.changes.services import EVERYONE_SCOPE, Document
from apps.core.clock import iso
from apps.dispatch.referencekinds import REFERENCE
from apps.referrals import nextpartner
from apps.referrals.consenting import in_force
from apps.referrals.models import (
    Consent,
    ConsentRecipient,
    ConsentRevocation,
    Disclosure,
    ReferralAnswer,
    ReferralTask,
)
from apps.referrals.models.consents import CONSENTS
from apps.referrals.models.referrals import REFERRALS, RequestStatus
from apps.referrals.records import ReferralRecord, asked, grant_of
from apps.referrals.schemas import CONSENT_REVOCATION, DISCLOSURE, REFERRAL_ANSWER
from apps.sync.stamps import as_sent
from apps.sync.told import Told

PARTNER: Final = "partner"


def referral(record: ReferralRecord, *, now: datetime) -> Document:
    """A referral for whoever may see it now."""
    body = referral_body(record, now=now)
    return Document(REFERRALS, record.referral.pk, record.scopes(), body)


def referral_body(record: ReferralRecord, *, now: datetime) -> dict[str, Any]:
    """What was typed, and what became of it."""
    row = record.referral
    return {
        **row.content,
        "id": str(row.pk),
        "editor": _id(row.editor),
        "edit_no": row.edit_no,
        "number": row.number,
        "status": row.status,
        "outcome": row.outcome,
        "created_at": iso(row.created_at),
        "closed_at": iso(row.closed_at),
        "tasks": [task(one, record.answers) for one in record.tasks],
        "offers": _offers(record, now),
        "flags": row.flags,
    }


def task(row: ReferralTask, answers: Sequence[ReferralAnswer] = ()) -> dict[str, Any]:
    """One partner that is asked, and what it said."""
    said = row.said
    return {
        "id": str(row.pk),
        "partner_id": str(row.partner_id),
        "partner": row.partner.name,
        "service_id": _id(row.service_id),
        "status": row.status,
        "status_at": iso(row.status_at),
        "reason_code": said.get("reason_code"),
        "reason": row.reason,
        "case_number": row.case_number,
        "sent_at": iso(row.sent_at),
        "read_at": iso(row.first_read_at),
        "answered_at": iso(row.answered_at),
        "awaits": row.awaits,
        "step": row.clock_step,
        "due_at": iso(row.clock_due_at),
        "appointment_at": said.get("appointment_at"),
        "appointment_place": said.get("appointment_place"),
        "attended": row.attended,
        "served": row.served,
        "services": said.get("services") or [],
        "question": said.get("question"),
        "reply": said.get("reply"),
        "duplicate_of": _id(row.duplicate_of),
        "flags": row.flags,
        "answers": [_answer(one) for one in answers if one.task_id == row.pk],
    }


def consent(
    row: Consent, recipients: Sequence[ConsentRecipient], to: frozenset[str], *, now: datetime
) -> Document:
    """A consent, with who was told that it is revoked."""
    return Document(CONSENTS, row.pk, to, consent_body(row, recipients, now=now))


def consent_body(
    row: Consent, recipients: Sequence[ConsentRecipient], *, now: datetime
) -> dict[str, Any]:
    """What was recorded, and what became of it. `in_force` is as of now: a tablet looks at
    `expires_at` itself."""
    named = frozenset(one.partner_id for one in recipients)
    return {
        **row.content,
        **_standing(row, recipients),
        "in_force": in_force(grant_of(row, named), now),
    }


def unreadable_consent(
    row: Consent, recipients: Sequence[ConsentRecipient], to: frozenset[str]
) -> Document:
    """A consent whose content does not open: it opens nothing."""
    body = {**_standing(row, recipients), "in_force": False}
    return Document(CONSENTS, row.pk, to, body)


def _standing(row: Consent, recipients: Sequence[ConsentRecipient]) -> dict[str, Any]:
    """What is known of a consent beside what was recorded."""
    return {
        "id": str(row.pk),
        "assignment_id": str(row.assignment_id),
        "encounter_id": str(row.encounter_id),
        **({"editor": str(row.device)} if row.device else {}),
        **({"edit_no": row.edit_no} if row.edit_no else {}),
        "author_id": str(row.recorded_by_id),
        "author_name": row.recorded_by.display_name,
        "received_at": iso(row.received_at),
        "revoked_at": iso(row.revoked_at),
        "recipients": [
            {
                "partner_id": str(one.partner_id),
                "partner": one.partner.name,
                "told_at": iso(one.told_at),
                "acknowledged_at": iso(one.acknowledged_at),
            }
            for one in recipients
        ],
        "flags": row.flags,
    }


def partner(row: Partner) -> Document:
    """Who can be asked, and named in a consent (collection `reference`, kind `partner`)."""
    body = {"id": str(row.pk), "kind": PARTNER, "name": row.name, "in_use": row.is_active}
    return Document(REFERENCE, row.pk, frozenset({EVERYONE_SCOPE}), body)


def answer(row: ReferralAnswer, to: frozenset[str]) -> Document:
    """What was told on a tablet of a referral, as a fact."""
    own = {
        **row.content,
        "referral_id": str(row.referral_id),
        "task_id": _id(row.task_id),
        "verb": row.verb,
        "said_by": row.said_by or None,
        "said_at": as_sent(row.said_at, "said_at", row.unread),
        "way": row.way,
        "status": row.status,
    }
    assert row.recorded_by is not None, "a tablet's answer has somebody who entered it"
    return Document("facts", row.pk, to, _fact(row, REFERRAL_ANSWER, row.recorded_by, own))


def revocation(row: ConsentRevocation, to: frozenset[str]) -> Document:
    """A consent that was taken back, as a fact."""
    own = {**row.content, "consent_id": str(row.consent_id)}
    return Document("facts", row.pk, to, _fact(row, CONSENT_REVOCATION, row.author, own))


def disclosure(row: Disclosure, to: frozenset[str]) -> Document:
    """What was told to somebody outside, as a fact. The hash is as its author named it."""
    own = {
        "assignment_id": str(row.assignment_id),
        "encounter_id": str(row.encounter_id),
        "basis": row.basis,
        "recipient": row.recipient or None,
        "affiliation": row.affiliation or None,
        "at": as_sent(row.at, "at", row.unread),
        "nature": row.nature or None,
        "categories": row.categories,
        "payload_hash": bytes(row.payload_sha256).hex(),
    }
    return Document("facts", row.pk, to, _fact(row, DISCLOSURE, row.discloser, own))


def _fact(row: Told, kind: str, author: Any, own: dict[str, Any]) -> dict[str, Any]:
    """What the client sent, and what the server knows about it."""
    return {
        "id": str(row.pk),
        "kind": kind,
        **own,
        "device_time": as_sent(row.device_time, "device_time", row.unread),
        "counter": row.counter,
        **({"editor": str(row.device)} if row.device else {}),
        **({"edit_no": row.edit_no} if row.edit_no else {}),
        "author_id": _id(author and author.pk),
        "author_name": author.display_name if author else "",
        "received_at": iso(row.received_at),
        "clock_offset_ms": row.clock_offset_ms,
        "clock_uncertainty_ms": row.clock_uncertainty_ms,
        "flags": row.flags,
    }


def _answer(row: ReferralAnswer) -> dict[str, Any]:
    by = row.said_by or (row.recorded_by.display_name if row.recorded_by else "")
    return {"verb": row.verb, "way": row.way, "by": by, "at": iso(row.said_at)}


def _offers(record: ReferralRecord, now: datetime) -> list[dict[str, Any]]:
    if record.referral.status != RequestStatus.ACTIVE:
        return []
    found = nextpartner.offers(
        asked(record.tasks),
        grants=record.grants,
        partners=record.partners,
        fitting=record.fitting,
        now=now,
    )
    return [{"partner_id": str(id), "partner": record.partners[id]} for id in found]


def _id(value: UUID | None) -> str | None:
    return str(value) if value else None
