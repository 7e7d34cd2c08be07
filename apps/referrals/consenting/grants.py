"""A consent as the rules read it: what it opens, to whom, for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from apps.referrals.consenting.necessary import PURPOSE_CATEGORIES


@dataclass(frozen=True)
class Grant:
    """`recipients` are partners. `witness`: whether somebody witnessed what was spoken. `signed`:
    whether a signature is named (42 CFR 2.31 allows an electronic one)."""

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


def problems(grant: Grant) -> list[str]:
    """What a consent lacks, as flags. One that lacks anything opens nothing."""
    lacking = {
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

    What comes from a Part 2 programme asks for a written, signed consent (42 CFR 2.31); a spoken
    one opens what is ordinary.
    """
    if part2 and grant.form != "written":
        return False
    if category not in PURPOSE_CATEGORIES.get(grant.purpose, ()):
        return False
    named = recipient in grant.recipients and category in grant.categories
    return named and in_force(grant, now)
