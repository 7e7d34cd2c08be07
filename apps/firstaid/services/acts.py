"""What doses, first aid and answers have in common: who may tell them, who sees them.

1. A dose comes while its call is given to another unit, leaves the tablets, or is not here yet.
2. Whoever pushes acts and whoever follows an assignment take the assignment's arrival lock (see
   `records.lock_arrivals`). So either the dose sees the assignment as it has become, or whoever
   follows sees the dose.
3. Who pushes several takes the locks of all their assignments before the first is judged, rows
   first, in one order: `lock_cases`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.accounts.auth import TabletSession
from apps.accounts.models import User
from apps.accounts.services import tablet_actor
from apps.assignments.codes import NOT_HERE_YET
from apps.assignments.models import Assignment
from apps.assignments.records import lock_all, lock_arrivals
from apps.assignments.services import NotYours, crewed, spoken_for
from apps.audit import services as audit
from apps.changes import scopes
from apps.changes.models import Member
from apps.changes.querysets import holds_one_of
from apps.changes.services import LARGEST_PUBLICATION, Document, publish
from apps.core import clock
from apps.core.problems import FieldError
from apps.dispatch.models import Unit
from apps.firstaid import documents
from apps.firstaid.documents import CaseAct
from apps.firstaid.models import (
    ActSource,
    FirstAidLog,
    NaloxoneDose,
    OverdoseAnswer,
)
from apps.firstaid.reading import Told
from apps.people.access import audience
from apps.people.ids import encounter_id
from apps.people.models import Encounter
from apps.sync.registry import Refused

# A tick that finds more leaves them to the next one.
_LARGEST_TICK: Final = 150
A = TypeVar("A", NaloxoneDose, FirstAidLog, OverdoseAnswer)


def lock_cases(ids: Iterable[UUID | None]) -> None:
    """Orders what comes to these assignments: see the module."""
    wanted = {id for id in ids if id}
    lock_all(wanted)
    lock_arrivals(wanted)


def fresh(
    model: type[A], told: Told, *, session: TabletSession, now: datetime, **columns: Any
) -> A:
    """An act that is not stored yet. Refused for whoever has nothing to do with its assignment. The
    caller holds `lock_cases`."""
    author = session.user
    assert author is not None, "the edge lets nobody through who is not signed in"
    unit, flags = None, set(told.flags)
    case = None
    if told.assignment_id is not None:
        case = Assignment.objects.select_related("unit").filter(pk=told.assignment_id).first()
    if case is not None:
        try:
            unit = spoken_for(case, author)
        except NotYours:
            detail = "You are not on the crew of this assignment, and were not."
            raise Refused([FieldError("/assignment_id", detail)]) from None
    else:
        unit = crewed(author, now)
        if told.assignment_id is not None:
            flags.add(NOT_HERE_YET)
    first = encounter_id(told.assignment_id) if told.assignment_id else None
    return model(
        **stamped(told, author=author, unit=unit, now=now),
        encounter_id=told.encounter_id or first,
        flags=sorted(flags),
        data=dict(told.data),
        **told.times,
        **columns,
    )


def stamped(told: Told, *, author: User, unit: Unit | None, now: datetime) -> dict[str, Any]:
    """The columns that every act of a tablet has, but its encounter and its flags."""
    return {
        "id": told.id,
        "assignment_id": told.assignment_id,
        "corrects": told.corrects,
        "device": told.stamp.device,
        "counter": told.stamp.counter,
        "edit_no": told.stamp.edit_no,
        "device_time": told.stamp.device_time,
        "clock_offset_ms": told.stamp.clock_offset_ms,
        "clock_uncertainty_ms": told.stamp.clock_uncertainty_ms,
        "received_at": now,
        "author": author,
        "unit": unit,
        "source": ActSource.TABLET,
        "unread": dict(told.unread) if told.unread else None,
        **told.ids,
    }


def keep(row: CaseAct, *, session: TabletSession, now: datetime) -> None:
    """Stores a fresh act, publishes it and writes down who told it.

    One that comes when its author sees the call no longer is shown to them all the same, until
    `let_late_go`: their tablet has it, and nothing else would tell it to drop it.
    """
    row.save(force_insert=True)
    to = scopes_of(row)
    if row.author_id and not holds_one_of(principal=row.author_id, scopes=to):
        to |= {scopes.responder(row.author_id)}
    publish(documents=[documents.act(row, to=to, here=_is_here(row))], now=now)
    audit.record(
        actor=tablet_actor(session.tablet, session.user),
        action="record",
        subject_type=documents.subject_of(row),
        subject_ids=[row.pk],
        now=now,
        detail={"assignment": str(row.assignment_id or "")},
    )


@transaction.atomic
def let_late_go(*, now: datetime) -> int:
    """Withdraws from their authors' tablets what came late, once it has been there as long as a
    cleared call stays. Returns how many. Idempotent."""
    before = now - clock.domain(settings.CLEARED_STAYS_SECONDS)
    found = []
    for rows in (NaloxoneDose.objects, FirstAidLog.objects, OverdoseAnswer.objects):
        kept = Member.objects.filter(
            collection=rows.all().COLLECTION, doc_id=OuterRef("pk"), scope__startswith="responder:"
        )
        late = rows.filter(Exists(kept), received_at__lte=before).exclude(assignment_id=None)
        found += [row for row in late.order_by("pk")[:_LARGEST_TICK] if _is_here(row)]
    changed = [one for row in found if (one := _moved(row))]
    publish(documents=changed, now=now)
    return len(changed)


def _moved(row: CaseAct) -> Document | None:
    """The act with those who see it from now on; None where they are the same."""
    collection, to = documents.collection_of(row), scopes_of(row)
    present = Member.objects.filter(collection=collection, doc_id=row.pk)
    if set(present.values_list("scope", flat=True)) == to:
        return None
    return Document(collection, row.pk, to)


def follow_assignment(*, assignment_id: UUID, now: datetime) -> None:
    """Shows what was done on an assignment to whoever has the call now, and takes the mark from
    what was early. Part of the caller's transaction; idempotent."""
    lock_arrivals([assignment_id])
    found: list[Document] = []
    rows = list(_acts_of(assignment_id))
    here = bool(rows) and Assignment.objects.filter(pk=assignment_id).exists()
    everybody = audience(assignment_id, author_ids=keepers(assignment_id)) if here else None
    for row in rows:
        to = scopes_of(row) if everybody is None else everybody
        if here and NOT_HERE_YET in row.flags:
            found.append(documents.act(row, to=to, here=True))
        else:
            # Only who sees it changes: nothing is opened, so that no broken row stays behind.
            found.append(Document(documents.collection_of(row), row.pk, to))
    for start in range(0, len(found), LARGEST_PUBLICATION):
        publish(documents=found[start : start + LARGEST_PUBLICATION], now=now)


def scopes_of(row: CaseAct) -> frozenset[str]:
    """Who sees an act: whoever has its call, and whoever still owes a record of the encounter.
    Where the call is not here (yet), or there is none: its author and their supervisors."""
    authors = {row.author_id} if row.author_id else set()
    if row.assignment_id is None:
        teams = User.objects.filter(pk__in=authors).exclude(team=None)
        found = {scopes.team(id) for id in teams.values_list("team", flat=True)}
        return frozenset(found | {scopes.responder(id) for id in authors})
    if not _is_here(row):
        return audience(row.assignment_id, author_ids=authors)
    return audience(row.assignment_id, author_ids=keepers(row.assignment_id))


def keepers(assignment_id: UUID) -> set[UUID]:
    """Those who owe a record of an encounter of this assignment."""
    kept = Encounter.objects.of(assignment_id).values_list("kept_for", flat=True)
    return {person for people in kept for person in people}


def _acts_of(assignment_id: UUID) -> Iterator[CaseAct]:
    for rows in (NaloxoneDose.objects, FirstAidLog.objects, OverdoseAnswer.objects):
        yield from rows.of(assignment_id).select_related("author", "unit")


def _is_here(row: CaseAct) -> bool:
    id = row.assignment_id
    return id is not None and Assignment.objects.filter(pk=id).exists()
