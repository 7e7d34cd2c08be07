"""Contacts on file: to whom of a partner links and codes are sent."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, record_all
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.notify import channels
from apps.notify.addresses import wrong_address
from apps.referrals.models import PartnerContact


@transaction.atomic
def note_contact(*, contact: PartnerContact, by: User, now: datetime) -> PartnerContact:
    """Puts a contact of a partner on file, or changes one. INVALID for what cannot be reached.

    Whoever may do this decides who reads referrals: a code opens every link of the partner.
    """
    if error := wrong_contact(contact):
        raise ProblemError(INVALID, errors=[error])
    action = "create" if contact._state.adding else "update"
    contact.noted_by, contact.noted_at = by, now
    contact.save()
    detail = {"channel": contact.channel, "active": contact.is_active}
    act = Act(user_actor(by), action, "partner_contact", [contact.pk], detail)
    record_all([act], now=now)
    return contact


def wrong_contact(contact: PartnerContact) -> FieldError | None:
    """What keeps a contact from being reached; None: nothing."""
    if contact.channel not in channels.usable():
        return FieldError("/channel", "Nothing is sent this way from here.")
    wrong = wrong_address(contact.channel, contact.destination)
    return FieldError("/destination", wrong) if wrong else None
