"""Peer support after harm: the supervisor of the team offers it, writes down the answer, closes it.

Each verb takes a reason or note, which is kept sealed with the offer, and leaves an audit entry
without it. Repeating a step changes nothing that was said before.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments.models import SupportOffer, SupportState
from apps.audit.services import record
from apps.core.clock import iso
from apps.core.problems import CONFLICT, FORBIDDEN, INVALID, FieldError, ProblemError


@transaction.atomic
def offer_support(*, offer: SupportOffer, by: User, note: str, now: datetime) -> SupportOffer:
    """The supervisor has offered it. Who offers it once more adds a note: it stays offered by who
    was first. CONFLICT once it was answered or closed."""
    row = _locked(offer, by)
    if row.state == SupportState.OFFERED:
        new = note.strip() and not _has_said(row, by, note)
        return _kept(row, "offer", by, note, now) if new else row
    if row.state != SupportState.DUE:
        raise ProblemError(CONFLICT, f"It is {row.get_state_display()} already.")
    row.state, row.offered_by, row.offered_at = SupportState.OFFERED, by, now
    return _kept(row, "offer", by, note, now)


@transaction.atomic
def record_answer(
    *, offer: SupportOffer, taken: bool, by: User, note: str, now: datetime
) -> SupportOffer:
    """What the person said to it. They may think otherwise later, for as long as it is open.
    CONFLICT before it was offered."""
    row = _locked(offer, by)
    if row.offered_at is None:
        raise ProblemError(CONFLICT, "It has not been offered yet.")
    row.state = SupportState.TAKEN if taken else SupportState.DECLINED
    row.answered_at = now
    return _kept(row, "answer", by, note, now)


@transaction.atomic
def close_support(*, offer: SupportOffer, by: User, reason: str, now: datetime) -> SupportOffer:
    """Nothing more is to be done. One that nobody has answered is withdrawn by that. INVALID
    (/reason) without a reason."""
    if not reason.strip():
        raise ProblemError(INVALID, errors=[FieldError("/reason", "Say why.")])
    row = _locked(offer, by)
    if row.answered_at is None:
        row.state = SupportState.WITHDRAWN
    row.closed_by, row.closed_at = by, now
    return _kept(row, "close", by, reason, now)


def _locked(offer: SupportOffer, by: User) -> SupportOffer:
    """The offer as it is now. FORBIDDEN for anybody but a supervisor of the team, CONFLICT once it
    is closed."""
    row = SupportOffer.objects.select_for_update(no_key=True).get(pk=offer.pk)
    if not SupportOffer.objects.visible_to(by).filter(pk=row.pk).exists():
        raise ProblemError(FORBIDDEN, "Peer support is for the supervisors of the team.")
    if row.closed_at is not None:
        raise ProblemError(CONFLICT, "It is closed.")
    return row


def _has_said(row: SupportOffer, by: User, text: str) -> bool:
    return any(
        one["by"] == by.display_name and one["text"] == text.strip() for one in row.notes or []
    )


def _kept(row: SupportOffer, action: str, by: User, text: str, now: datetime) -> SupportOffer:
    if text.strip():
        said = {"at": iso(now), "by": by.display_name, "text": text.strip()}
        row.notes = [*(row.notes or []), said]
    row.save()
    actor = user_actor(by)
    record(actor=actor, action=action, subject_type="support_offer", subject_ids=[row.pk], now=now)
    return row
