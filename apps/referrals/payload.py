"""What one partner is told of one referral, decided field by field at the moment it is built. Pure.

Every piece of data carries its category, and whether it comes from a Part 2 programme: by its
source, not by its topic. What a substance-use programme told us is protected whatever it says; what
a responder saw on the street is not, even if it is about drugs. A source that nobody has judged yet
counts as protected.

A field gets out when two things hold: a consent in force opens it to this recipient (or another
basis does), and the need asks for it. Where nothing gets out, the partner is told to call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.referrals.consenting import (
    RULES_OF_PART_2,
    Grant,
    necessary_for,
    opened_by_basis,
    opens,
)
from apps.sync.canonical import canonical

CALL_US: Final = "Please call us about this referral."


@dataclass(frozen=True)
class Datum:
    """One piece of what is known. `place` is where it stands in the payload: `person.given_name`;
    pieces of a list share a place that ends in `[]`."""

    place: str
    value: Any
    category: str
    part2: bool = False


@dataclass(frozen=True)
class Payload:
    """What is disclosed. `told`: the data as JSON, nested; empty: nothing but "call us". `places`
    name the fields that are in it, never their values. `consents`: on which it rests. `withheld`
    counts what was kept back."""

    told: dict[str, Any]
    places: tuple[str, ...]
    categories: tuple[str, ...]
    consents: tuple[UUID, ...]
    part2: bool
    withheld: int


def for_partner(
    data: Iterable[Datum],
    *,
    recipient: UUID,
    needs: Sequence[str],
    grants: Sequence[Grant],
    now: datetime,
) -> Payload:
    """What a partner is told by consent. The oldest consent that opens a field is the one that it
    rests on."""
    necessary = necessary_for(needs)
    ordered = sorted(grants, key=lambda grant: (grant.given_at, grant.id))
    chosen: list[Datum] = []
    rests_on: dict[UUID, None] = {}
    withheld = 0
    for one in data:
        by = next(
            (
                grant
                for grant in ordered
                if one.category in necessary
                and opens(grant, one.category, part2=one.part2, recipient=recipient, now=now)
            ),
            None,
        )
        if by is None:
            withheld += 1
            continue
        chosen.append(one)
        rests_on[by.id] = None
    return _payload(chosen, tuple(rests_on), withheld)


def for_basis(data: Iterable[Datum], *, basis: str) -> Payload:
    """What may be told on a basis that is no consent."""
    chosen, withheld = [], 0
    for one in data:
        if opened_by_basis(basis, one.category, part2=one.part2):
            chosen.append(one)
        else:
            withheld += 1
    return _payload(chosen, (), withheld)


def with_notices(
    payload: Payload,
    *,
    envelope: Mapping[str, Any],
    phone: str,
    consents: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The whole document that leaves. `envelope` names the referral and says nothing of anybody
    (ids, states, when an answer is awaited). Nothing is told: it holds the envelope and "call us".
    With Part 2 data it carries the statement and a copy of the consent (42 CFR 2.32)."""
    call_us = {"text": CALL_US, "phone": phone}
    if not payload.places:
        return {**envelope, "call_us": call_us}
    notices: dict[str, Any] = {}
    if payload.part2:
        notices = {"notice": RULES_OF_PART_2, "consents": [dict(one) for one in consents]}
    return {**envelope, **payload.told, **notices, "call_us": call_us}


def digest(document: Mapping[str, Any]) -> bytes:
    """SHA-256 of a payload as it left: of its canonical JSON (UTF-8, keys in order, no blanks)."""
    return hashlib.sha256(canonical(document)).digest()


def _payload(chosen: Sequence[Datum], consents: tuple[UUID, ...], withheld: int) -> Payload:
    told: dict[str, Any] = {}
    for one in chosen:
        _put(told, one)
    return Payload(
        told=told,
        places=tuple(dict.fromkeys(one.place for one in chosen)),
        categories=tuple(sorted({one.category for one in chosen})),
        consents=consents,
        part2=any(one.part2 for one in chosen),
        withheld=withheld,
    )


def _put(told: dict[str, Any], one: Datum) -> None:
    *path, last = one.place.split(".")
    here = told
    for name in path:
        here = here.setdefault(name, {})
    if last.endswith("[]"):
        here.setdefault(last[:-2], []).append(one.value)
    else:
        here[last] = one.value
