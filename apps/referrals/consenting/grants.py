"""A consent as the rules read it: what it opens, to whom, for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from apps.referrals.consenting.necessary import PURPOSE_CATEGORIES

# A tablet's clock may be so wrong, and a consent may have been given so long before it is recorded.
CLOCK_IS_WRONG_BY: Final = timedelta(days=1)
LONGEST_BEFORE: Final = timedelta(days=366)
# Nobody lets us tell for longer: whoever wants to is asked again.
LONGEST: Final = timedelta(days=2 * 366)


@dataclass(frozen=True)
class Grant:
    """`recipients` are partners. `witness`: whether somebody witnessed what was spoken. `signed`:
    whether a signature is named (42 CFR 2.31 allows an electronic one), `signature_here`: whether
    its picture has come, which may be long after the consent. `recorded_at`: when it came."""

    id: UUID
    form: str
    purpose: str
    recipients: frozenset[UUID]
    categories: frozenset[str]
    given_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None
    witness: bool = False
    signed: bool = False
    signature_here: bool = False
    recorded_at: datetime | None = None


def problems(grant: Grant) -> list[str]:
    """What a consent lacks, as flags. One that lacks anything opens nothing."""
    came, end = grant.recorded_at or grant.given_at, grant.expires_at
    lacking = {
        "given_later": grant.given_at > came + CLOCK_IS_WRONG_BY,
        "given_long_ago": grant.given_at < came - LONGEST_BEFORE,
        "too_long": end is not None and end > grant.given_at + LONGEST,
        "ends_before": end is not None and end <= grant.given_at,
        "no_purpose": not grant.purpose,
        "no_recipient": not grant.recipients,
        "no_categories": not grant.categories,
        "no_expiry": grant.expires_at is None,
        "no_witness": grant.form == "verbal" and not grant.witness,
        "no_signature": grant.form == "written" and not grant.signed,
    }
    return sorted(flag for flag, true in lacking.items() if true)


def in_force(grant: Grant, now: datetime) -> bool:
    """Whether it holds at an instant: complete, not revoked, not over."""
    if problems(grant) or grant.revoked_at is not None:
        return False
    assert grant.expires_at is not None, "a complete consent has an end"
    return now < grant.expires_at


def opens(grant: Grant, category: str, *, part2: bool, recipient: UUID, now: datetime) -> bool:
    """Whether it lets this recipient have data of this category.

    What comes from a Part 2 programme asks for a written, signed consent (42 CFR 2.31), whose
    signature we have before us; a spoken one, or one whose picture is still on a tablet, opens what
    is ordinary.
    """
    if part2 and not (grant.form == "written" and grant.signature_here):
        return False
    if category not in PURPOSE_CATEGORIES.get(grant.purpose, ()):
        return False
    named = recipient in grant.recipients and category in grant.categories
    return named and in_force(grant, now)
