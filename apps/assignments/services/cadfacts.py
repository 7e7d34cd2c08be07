"""Facts of source CAD. Their ids are derived from what they say: told again, they are the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from apps.assignments.models import Assignment, Fact, FactSource
from apps.assignments.records import Record
from apps.audit.models import ActorKind
from apps.audit.services import Actor

CAD: Final = Actor(ActorKind.CAD)


def derived_id(assignment: Assignment, *words: object) -> UUID:
    """The id of a fact that says just this of this assignment."""
    return uuid5(assignment.pk, "/".join(str(word) for word in words))


def cad_fact(
    record: Record,
    event: str,
    data: dict[str, Any],
    now: datetime,
    *,
    id: UUID,
    at: datetime | None = None,
) -> Fact:
    """A fact that CAD tells of a record's assignment; `at` is CAD's own time."""
    return Fact(
        id=id,
        assignment_id=record.assignment.pk,
        event=event,
        device_time=at,
        received_at=now,
        unit=record.assignment.unit,
        source=FactSource.CAD,
        data=data,
    )
