"""What tablets and desks see of assignments, and what tablets may tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.assignments import schemas, timeline
from apps.assignments.codes import EXPOSURE_SOURCE, EXPOSURE_STEPS, HEARD
from apps.assignments.documents import ASSIGNMENT_EVENT
from apps.assignments.models import Assignment, Fact
from apps.assignments.records import lock_all, lock_arrivals
from apps.assignments.services import NotYours, Telling, record_from_tablet
from apps.core.problems import FieldError
from apps.dispatch.codelists import CodeList, register_code_list
from apps.sync.parents import register_parent
from apps.sync.registry import (
    Collection,
    Contact,
    Pushed,
    Refused,
    register,
    register_fact_kind,
)
from apps.sync.stamps import STAMPED, Reading, stamp_of
from apps.sync.urgent import register_urgent
from apps.sync.values import uuid_of

_WRITTEN: Final = STAMPED | {"assignment_id", "event", "data"}


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
    ids = {id for row in rows if (id := uuid_of(row.document.get("assignment_id")))}
    lock_all(ids)
    lock_arrivals(ids)


def telling_of(row: Pushed, contact: Contact) -> Telling:
    """The document as a fact to be taken. Refused for what is no event, or no assignment's id."""
    document = row.document
    event = document.get("event")
    if not isinstance(event, str) or not timeline.is_known(event):
        raise Refused([FieldError("/event", "Not an event that this server knows.")])
    reading = Reading({name: value for name, value in document.items() if name not in _WRITTEN})
    data = {} if document.get("data") is None else document["data"]
    assignment_id = _assignment_id(document, event, reading)
    if timeline.problems_of(event, data):
        reading.flags.add("bad_field")
    if not isinstance(data, Mapping):
        reading.unread["data"], data = data, {}
    data, named = timeline.without_persons(event, data)
    if named:  # a unit declines: nobody is shown who it was
        reading.bad("data", named)
    stamp = stamp_of(row, contact, reading)
    return Telling(
        id=row.doc_id,
        event=event,
        assignment_id=assignment_id,
        data=data,
        device=stamp.device,
        counter=stamp.counter,
        edit_no=stamp.edit_no,
        device_time=stamp.device_time,
        clock_offset_ms=stamp.clock_offset_ms,
        clock_uncertainty_ms=stamp.clock_uncertainty_ms,
        unread=reading.unread or None,
        flags=tuple(sorted(reading.flags)),
    )


def _assignment_id(document: dict[str, Any], event: str, reading: Reading) -> UUID | None:
    value = document.get("assignment_id")
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        if event not in HEARD:
            raise Refused([FieldError("/assignment_id", "Not a UUID.")]) from None
        # Whoever calls for help is heard, whatever their tablet says of the assignment.
        reading.bad("assignment_id", value)
        return None


register_parent("assignment", Assignment)
register_parent("assignment_event", Fact)
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
register_fact_kind(
    ASSIGNMENT_EVENT,
    schema=schemas.FACT,
    push=push,
    lock=lock,
    parents={"assignment_id": "assignment", "data.corrects": "assignment_event"},
)
register_urgent(ASSIGNMENT_EVENT, lambda fact: str(fact.get("event")) in HEARD)
register_code_list(
    CodeList(
        "exposure_steps",
        EXPOSURE_SOURCE,
        lambda: [
            {"code": str(number), "label": step} for number, step in enumerate(EXPOSURE_STEPS, 1)
        ],
    )
)
