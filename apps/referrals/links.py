"""The rules of signed links: how long codes hold, how often they are asked for and guessed. Pure.

A link lies in mailboxes, is opened by mail scanners and handed to colleagues: it is no secret. What
lets somebody in is a code of six digits, sent to a contact on file when it is asked for. A scanner
that posts the forms makes us send a code, and has none.

How likely somebody who has the link guesses a code: at most `CODES_AN_HOUR` codes, each good for
`WRONG_CODES` guesses and all of them live at once, are 25 guesses with 5 chances in a million each
hour: one in 8,000. Durations are real time, also where a shift is played fast: they guard against
guessing and forgetting.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

CODE_HOLDS: Final = timedelta(minutes=10)
WRONG_CODES: Final = 5
CODES_AN_HOUR: Final = 5
# To one contact, of all links: nobody's mailbox is filled by whoever holds many.
CODES_AN_HOUR_TO_A_CONTACT: Final = 20
# Whoever asks twice in this time has tapped twice.
TWICE: Final = timedelta(seconds=20)

# How long somebody stays in. On their own device they may have ten times as long (WCAG 2.2.1).
VISIT: Final = timedelta(minutes=30)
LONG_VISIT: Final = VISIT * 10

# A mail that could not be sent is tried again after so many seconds; then it is given up, and the
# reminder of a referral that nobody answers makes a new link.
RETRIES: Final = (30, 60, 120, 300, 900)
# Whoever is sending it has died if it is not done after this.
LEASE: Final = timedelta(seconds=60)

_DIGITS: Final = re.compile(r"\d{6}")


def new_code() -> str:
    """Six digits."""
    return f"{secrets.randbelow(10**6):06d}"


def typed_code(text: str) -> str | None:
    """What somebody typed, as a code; blanks and dashes between do not matter. None: it is none.

    >>> typed_code(" 123 456"), typed_code("12345")
    ('123456', None)
    """
    digits = re.sub(r"[\s-]", "", text)
    return digits if _DIGITS.fullmatch(digits) and digits.isascii() else None


def wait_for_code(
    *, of_link: Sequence[datetime], to_contact: Sequence[datetime], now: datetime
) -> timedelta | None:
    """How long until another code may be asked for; None: now. `of_link` and `to_contact` are when
    codes were made in the last hour, the eldest first."""
    waits = [
        made[-most] + timedelta(hours=1) - now
        for made, most in ((of_link, CODES_AN_HOUR), (to_contact, CODES_AN_HOUR_TO_A_CONTACT))
        if len(made) >= most
    ]
    return max(waits, default=None)


def retry_at(tries: int, now: datetime) -> datetime | None:
    """When to try again after so many failures; None: not any more."""
    return now + timedelta(seconds=RETRIES[tries - 1]) if tries <= len(RETRIES) else None
