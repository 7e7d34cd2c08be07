"""The documents that tablets are sent: follow-ups, and what is told of them. Built from rows that
were read before; whether it is still to be done stands first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from apps.accounts.models import User
from apps.changes.scopes import EVERYONE_SCOPE
from apps.changes.services import Document
from apps.core.clock import iso
from apps.dispatch.referencekinds import REFERENCE
from apps.followups import reminding
from apps.followups.models import FollowUpAgreement, FollowUpEvent, FollowUpPlan
from apps.followups.models.followups import FOLLOW_UPS
from apps.followups.records import FollowUpRecord, happened_at
from apps.followups.schemas import FOLLOW_UP_AGREEMENT, FOLLOW_UP_EVENT, FOLLOW_UP_PLAN
from apps.followups.watching import watched_of
from apps.sync.stamps import as_sent

# More of what was told is not in the document: each is a fact of its own.
_MOST_EVENTS: Final = 50


def follow_up(record: FollowUpRecord) -> Document:
    """A follow-up for whoever may see it now."""
    return Document(FOLLOW_UPS, record.row.pk, record.scopes(), follow_up_body(record))


def scopes_of(record: FollowUpRecord) -> frozenset[str]:
    """Who may see a follow-up now."""
    return record.scopes()


def follow_up_body(record: FollowUpRecord) -> dict[str, Any]:
    """What was typed, and what became of it."""
    row = record.row
    return {
        "state": row.state,
        "outcome": row.outcome,
        **row.content,
        "id": str(row.pk),
        "editor": _id(row.editor),
        "edit_no": row.edit_no,
        "person_id": _id(record.person),
        "due_from": iso(row.due_from),
        "due_until": iso(row.due_until),
        "rings": rings(record),
        "level": row.level,
        "occasion": row.occasion,
        "tries": row.tries,
        "most_tries": record.most_tries,
        "team_id": str(row.team_id),
        "owner_id": _id(row.owner_id),
        "owner": _name(row.owner),
        "acknowledged_at": iso(row.acknowledged_at),
        "acknowledged_by": _name(row.acknowledged_by),
        "paused_at": iso(row.paused_at),
        "paused_for": row.paused_for,
        "paused_until": iso(row.paused_until),
        "ended_at": iso(row.ended_at),
        "created_at": iso(row.created_at),
        "created_by": _name(row.created_by),
        "events": [_told(one) for one in record.events[-_MOST_EVENTS:]],
        "flags": row.flags,
    }


def rings(record: FollowUpRecord) -> list[dict[str, Any]]:
    """When a tablet rings by itself: {level, at}. Never where it rests on nothing."""
    if not record.standing.rings:
        return []
    found = reminding.rings(watched_of(record.row), record.opens)
    return [{"level": int(level), "at": iso(at)} for level, at in found]


def event(row: FollowUpEvent, to: frozenset[str], flags: list[str]) -> Document:
    """What a tablet told of a follow-up, as a fact."""
    content = row.content if isinstance(row.content, Mapping) else {}
    body = {
        "id": str(row.pk),
        "kind": FOLLOW_UP_EVENT,
        **content,
        "follow_up_id": str(row.follow_up_id),
        "event": row.event,
        "at": as_sent(row.at, "at", row.unread),
        "device_time": as_sent(row.device_time, "device_time", row.unread),
        "counter": row.counter,
        **({"editor": str(row.device)} if row.device else {}),
        **({"edit_no": row.edit_no} if row.edit_no else {}),
        "author_id": _id(row.author_id),
        "author_name": _name(row.author) or "",
        "received_at": iso(row.received_at),
        "clock_offset_ms": row.clock_offset_ms,
        "clock_uncertainty_ms": row.clock_uncertainty_ms,
        "flags": flags,
    }
    return Document("facts", row.pk, to, body)


def agreement(row: FollowUpAgreement, to: frozenset[str]) -> Document:
    """A word of the person, or a clinician's reason, as a fact."""
    body = {
        **row.content,
        "id": str(row.pk),
        "kind": FOLLOW_UP_AGREEMENT,
        "assignment_id": str(row.assignment_id),
        "encounter_id": str(row.encounter_id),
        "basis": row.basis,
        "said_at": as_sent(row.said_at, "said_at", row.unread),
        "ends_on": row.ends_on.isoformat() if row.ends_on else None,
        "device_time": as_sent(row.device_time, "device_time", row.unread),
        "counter": row.counter,
        **({"editor": str(row.device)} if row.device else {}),
        **({"edit_no": row.edit_no} if row.edit_no else {}),
        "author_id": str(row.author_id),
        "author_name": row.author.display_name,
        "received_at": iso(row.received_at),
        "clock_offset_ms": row.clock_offset_ms,
        "clock_uncertainty_ms": row.clock_uncertainty_ms,
        "flags": row.flags,
    }
    return Document("facts", row.pk, to, body)


def plan(row: FollowUpPlan) -> Document:
    """A version of the plan: what a tablet needs to say, at the end of a call, what will follow."""
    body = {
        "id": str(row.pk),
        "kind": FOLLOW_UP_PLAN,
        "version": row.version,
        "holds_from": iso(row.effective_from),
        "holds_until": iso(row.effective_to),
        "asks_for": row.definition["items"],
    }
    return Document(REFERENCE, row.pk, frozenset({EVERYONE_SCOPE}), body)


def _told(row: FollowUpEvent) -> dict[str, Any]:
    """One line of its history. Texts are in the fact."""
    told = row.content if isinstance(row.content, Mapping) else {}
    return {
        "id": str(row.pk),
        "event": row.event,
        "at": iso(happened_at(row)),
        "by": _name(row.author),
        "result": told.get("result"),
        "way": told.get("way"),
    }


def _name(user: User | None) -> str | None:
    return user.display_name if user else None


def _id(value: UUID | None) -> str | None:
    return str(value) if value else None
