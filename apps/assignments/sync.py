"""What tablets and desks see of assignments, and what tablets may tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from apps.assignments import schemas, timeline
from apps.assignments.codes import ALERTING
from apps.assignments.documents import ASSIGNMENT_EVENT, iso
from apps.assignments.records import lock_all
from apps.assignments.services import NotYours, Telling, record_from_tablet
from apps.core.problems import FieldError
from apps.sync.registry import (
    Collection,
    Contact,
    Pushed,
    Refused,
    register,
    register_fact_kind,
)
from apps.sync.urgent import register_urgent
from apps.sync.values import uuid_of

_WRITTEN: Final = frozenset(
    {"id", "kind", "assignment_id", "event", "device_time", "counter", "data", "editor", "edit_no"}
)
_LARGEST_INTEGER: Final = 2**63 - 1
# A clock can be off by more than the column holds only if it is broken.
_LARGEST_OFFSET_MS: Final = 2**31 - 1


def push(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes one fact of a tablet. What it brings along that cannot be used is flagged; refused is
    only what nobody could use, or what is none of its author's business."""
    telling = telling_of(row, contact)
    try:
        record_from_tablet(telling=telling, session=contact.session, now=now)
    except NotYours:
        detail = "You are not on the crew of this assignment, and were not."
        raise Refused([FieldError("/assignment_id", detail)]) from None
    return None


def lock(rows: Sequence[Pushed]) -> None:
    """The assignments that these facts are of. The two tablets of a unit tell of the same calls,
    each in its own order."""
    lock_all({id for row in rows if (id := uuid_of(row.document.get("assignment_id")))})


def telling_of(row: Pushed, contact: Contact) -> Telling:
    """The document as a fact to be taken. Refused for what is no event, or no assignment's id."""
    document = row.document
    event = document.get("event")
    if not isinstance(event, str) or not timeline.is_known(event):
        raise Refused([FieldError("/event", "Not an event that this server knows.")])
    unread = {name: value for name, value in document.items() if name not in _WRITTEN}
    data = {} if document.get("data") is None else document["data"]
    assignment_id = _assignment_id(document, event, unread)
    flags = (
        {"bad_field"} if timeline.problems_of(event, data) or unread.get("assignment_id") else set()
    )
    if not isinstance(data, Mapping):
        unread["data"], data = data, {}
    return Telling(
        id=row.doc_id,
        event=event,
        assignment_id=assignment_id,
        data=data,
        device=row.editor or contact.instance,
        counter=_whole(document, "counter", unread, flags),
        edit_no=row.edit_no,
        device_time=_instant(document, unread, flags),
        clock_offset_ms=_within(contact.offset_ms),
        clock_uncertainty_ms=_within(contact.uncertainty_ms),
        unread=unread or None,
        flags=tuple(sorted(flags)),
    )


def _assignment_id(document: dict[str, Any], event: str, unread: dict[str, Any]) -> UUID | None:
    value = document.get("assignment_id")
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        if event not in ALERTING:
            raise Refused([FieldError("/assignment_id", "Not a UUID.")]) from None
        # Whoever calls for help is heard, whatever their tablet says of the assignment.
        unread["assignment_id"] = value
        return None


def _whole(
    document: dict[str, Any], name: str, unread: dict[str, Any], flags: set[str]
) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_INTEGER
    if not fits:
        unread[name] = value
        flags.add("bad_field")
        return None
    return int(value)


def _instant(document: dict[str, Any], unread: dict[str, Any], flags: set[str]) -> datetime | None:
    """The device's time. Another spelling than ours is kept, so that it is sent back alike."""
    value = document.get("device_time")
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError
        at = at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        unread["device_time"] = value
        flags.add("bad_field")
        return None
    if iso(at) != value:
        unread["device_time"] = value
    return at


def _within(milliseconds: int | None) -> int | None:
    if milliseconds is None or abs(milliseconds) > _LARGEST_OFFSET_MS:
        return None
    return milliseconds


register(
    Collection(
        name="assignments",
        kind="pull_only",
        audience="both",
        schema=schemas.ASSIGNMENT,
        audit_as="assignment",
    )
)
register(
    Collection(
        name="alerts", kind="pull_only", audience="desk", schema=schemas.ALERT, audit_as="alert"
    )
)
register_fact_kind(ASSIGNMENT_EVENT, schema=schemas.FACT, push=push, lock=lock)
register_urgent(ASSIGNMENT_EVENT, lambda fact: str(fact.get("event")) in ALERTING)
