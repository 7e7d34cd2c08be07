"""Addresses of channels: whether one can be one, and how it is shown to whoever knows it. Pure."""

from __future__ import annotations

import re
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.notify.models import Channel

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164
# What a gateway of push messages knows a device by: a token, or the address of a subscription.
_SUBSCRIPTION: Final = re.compile(r"[!-~]{8,1000}")


def wrong_address(channel: str, address: str) -> str | None:
    """Why nobody is reached there; None: it may be an address of this channel."""
    if channel == Channel.EMAIL:
        try:
            validate_email(address)
        except ValidationError:
            return "An e-mail address."
        return None
    if channel == Channel.TEXT:
        return None if _NUMBER.fullmatch(address) else "A number like +12065550199."
    return None if _SUBSCRIPTION.fullmatch(address) else "A subscription: no blanks, 8 to 1,000."


def masked(address: str) -> str:
    """Enough of an address or number for whoever knows it, and for nobody else.

    >>> masked("kim@example.org"), masked("+12065550199")
    ('k...@e...org', '...99')
    """
    name, at, host = address.partition("@")
    if not at:
        return f"...{address[-2:]}"
    return f"{name[:1]}...@{host[:1]}...{host.rpartition('.')[2]}"
