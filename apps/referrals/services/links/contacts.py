"""Contacts on file: to whom of a partner links and codes are sent."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, record_all
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.referrals.models import Channel, PartnerContact

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164


def usable_channels() -> frozenset[str]:
    """By what something can be sent from here. Without a mail server mails are written to the log,
    where no code may be read in production."""
    mails = bool(settings.EMAIL_HOST) or not settings.PRODUCTION
    able = {Channel.EMAIL: mails, Channel.TEXT: bool(settings.TEXT_SENDER)}
    return frozenset(channel for channel, can in able.items() if can)


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
    if contact.channel not in usable_channels():
        return FieldError("/channel", "Nothing is sent this way from here.")
    if contact.channel == Channel.TEXT and not _NUMBER.fullmatch(contact.destination):
        return FieldError("/destination", "A number like +12065550199.")
    if contact.channel == Channel.EMAIL:
        try:
            validate_email(contact.destination)
        except ValidationError:
            return FieldError("/destination", "An e-mail address.")
    return None
