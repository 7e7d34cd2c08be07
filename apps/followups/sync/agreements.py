"""Agreements to follow-ups, as they are told in the field; and the plans that ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from apps.core.problems import FieldError
from apps.dispatch.referencekinds import ReferenceKind, register_reference_kind
from apps.dispatch.shipped import register_shipped
from apps.followups import schemas
from apps.followups.schemas import FOLLOW_UP_AGREEMENT
from apps.followups.services.agreements import Word, lock_for_agreements, record_agreement
from apps.followups.services.plans import load_plans, plan_documents
from apps.people.sync import OF_CALL
from apps.sync.registry import Contact, Pushed, Refused, register_fact_kind
from apps.sync.stamps import Reading, instant
from apps.sync.telling import fitting_of, telling_of
from apps.sync.values import uuid_of

_PLACE: Final = ("assignment_id", "encounter_id")
_WORDS: Final = ("ways", "words", "reason")


def push_agreement(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes what a person said to follow-ups, or a clinician's reason."""
    fitting, reading = fitting_of(row, schemas.AGREEMENT)
    assignment, encounter = (_id(fitting, name) for name in _PLACE)
    said_at = instant(fitting, "said_at", reading)
    ends_on = _day(fitting.get("ends_on"), reading)
    telling = telling_of(row, contact, reading)
    word = Word(
        id=row.doc_id,
        assignment_id=assignment,
        encounter_id=encounter,
        basis=str(fitting.get("basis") or ""),
        said_at=said_at or telling.stamp.device_time or now,
        ends_on=ends_on,
        content={name: fitting[name] for name in _WORDS if fitting.get(name)},
    )
    record_agreement(word=word, by=telling.author, actor=telling.actor, telling=telling, now=now)
    return None


def lock_agreements(rows: Sequence[Pushed]) -> None:
    """Of each its assignment and everything that is known of its person."""
    named = [tuple(uuid_of(row.document.get(name)) for name in _PLACE) for row in rows]
    lock_for_agreements([(one, other) for one, other in named if one and other])


def _id(fitting: Mapping[str, Any], name: str) -> UUID:
    found = uuid_of(fitting.get(name))
    if found is None:
        raise Refused([FieldError(f"/{name}", "A UUID.")])
    return found


def _day(told: object, reading: Reading) -> date | None:
    if told is None:
        return None
    try:
        return date.fromisoformat(str(told))
    except ValueError:
        reading.bad("ends_on", told)
        return None


register_fact_kind(
    FOLLOW_UP_AGREEMENT,
    schema=schemas.AGREEMENT,
    push=push_agreement,
    lock=lock_agreements,
    parents=OF_CALL,
)
register_shipped("follow-up plans", load_plans)
register_reference_kind(ReferenceKind(schemas.FOLLOW_UP_PLAN, schemas.PLAN, plan_documents))
