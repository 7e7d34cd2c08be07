"""Encounters: opened by the timeline or by a tablet, whichever is first; written by tablets.

Two that open the same one at once, a tap that makes contact and a tablet that has met somebody:

1. Both take the lock of the encounter's document before they look whether it is there.
2. Whoever is second finds it. The timeline changes nothing of what was typed; what a tablet typed
   is put together with what stands there, which says nothing of its own.

The timeline runs under the lock of its assignment's row, and takes that of arrivals there and the
document's after it. Who pushes takes the latter two, in this order, and never the row's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.assignments.models import Assignment
from apps.assignments.records import Record, lock_arrivals, look_at
from apps.audit.services import SYSTEM, Act, Actor, record_all
from apps.changes.services import Document, Event, publish
from apps.core.problems import FieldError
from apps.people import codes, documents
from apps.people.access import audience, crew_of, may_write
from apps.people.documents import ENCOUNTERS
from apps.people.ids import encounter_id, ordinal_of
from apps.people.models import Encounter, Match, OpenedBy
from apps.people.schemas import ENCOUNTER
from apps.people.services.glass import note_link
from apps.people.services.persons import show_person
from apps.sync import documents as shared
from apps.sync.documents import SERVER_EDITOR
from apps.sync.fitting import fit
from apps.sync.registry import Edit, Refused
from apps.sync.values import uuid_of


def write_encounter(edit: Edit) -> dict[str, Any]:
    """Stores a whole encounter as somebody typed it and publishes it; the body that it published.
    For the handler of a push, which holds its document's lock.

    Refused for an id that is not its assignment's, and for whoever was not on the crew.
    """
    assignment_id, ordinal = _place(edit)
    may_write(assignment_id, edit.author)
    typed, apart = fit(edit.document, ENCOUNTER)
    row = Encounter.objects.filter(pk=edit.doc_id).first()
    former, fresh = row.person_id if row else None, row is None
    confirmed = row is not None and row.match == Match.CONFIRMED
    record = record_of(assignment_id)
    if row is None:
        row = Encounter(
            id=edit.doc_id,
            assignment_id=assignment_id,
            ordinal=ordinal,
            opened_at=edit.now,
            opened_by=OpenedBy.TABLET,
            kept_for=_owing(record, edit.author.pk),
        )
    row.person_id = uuid_of(typed.get("person_id"))
    row.match = _match(typed, row.person_id)
    row.flags = _flags(typed, apart, withheld=edit.withheld)
    row.content = typed
    row.editor, row.edit_no = edit.editor, edit.edit_no
    row.save()
    body = documents.encounter_body(row, record)
    _publish(row, body, now=edit.now)
    acts = [_act(edit.actor, row, "create" if fresh else "update")]
    if row.person_id and row.person_id != former:
        note_link(person_id=row.person_id, instead_of=former, by=edit.author, now=edit.now)
        # It opens the person's record to the crew: that is found under the person, too.
        acts.append(Act(edit.actor, "link", "person", [row.person_id], {"encounter": str(row.pk)}))
    for person in sorted({one for one in (former, row.person_id) if one}):
        show_person(person_id=person, now=edit.now)
    events = [Event("encounter.opened" if fresh else "encounter.changed", row.pk)]
    if fresh and row.kept_for:
        events.append(Event("encounter.kept", row.pk))
    if former and confirmed and (former != row.person_id or row.match != Match.CONFIRMED):
        events.append(Event("person.unlinked", former))
    publish(events=events, now=edit.now)
    record_all(acts, now=edit.now)
    return body


@transaction.atomic
def open_encounter(*, assignment_id: UUID, ordinal: int = 1, by: Actor, now: datetime) -> Encounter:
    """The nth encounter of an assignment; made where nobody has. Idempotent."""
    lock_arrivals([assignment_id])
    shared.lock(ENCOUNTERS, [encounter_id(assignment_id, ordinal)])
    row, _ = _opened(assignment_id, ordinal, record_of(assignment_id), by=by, now=now)
    return row


@transaction.atomic(savepoint=False)
def follow_assignment(*, assignment_id: UUID, ended: bool = False, now: datetime) -> None:
    """Brings the encounters of an assignment to what its timeline says: opens the first one once
    contact was made or the call is over, and shows all of them to whoever has the call now.

    Whoever crews a call that has just `ended` owes a record of it: they keep its encounters until
    `let_go`.
    """
    record = record_of(assignment_id)
    if record is None:
        return
    over = record.assignment.closed_at is not None
    owing = set(crew_of(record.assignment)) if ended and over else set()
    lock_arrivals([assignment_id])
    known = Encounter.objects.of(assignment_id).values_list("pk", flat=True)
    shared.lock(ENCOUNTERS, {encounter_id(assignment_id), *known})
    fresh = False
    if over or record.timeline.met:
        _, fresh = _opened(assignment_id, 1, record, by=SYSTEM, now=now)
    for row in Encounter.objects.of(assignment_id):
        kept = bool(owing - set(row.kept_for))
        if kept:
            row.kept_for = sorted(owing.union(row.kept_for))
            row.save(update_fields=["kept_for"])
        if fresh and row.ordinal == 1 and not kept:
            continue  # it was shown when it was opened
        _publish(row, documents.encounter_body(row, record), now=now)
        if row.person_id:
            show_person(person_id=row.person_id, now=now)


def _opened(
    assignment_id: UUID, ordinal: int, record: Record | None, *, by: Actor, now: datetime
) -> tuple[Encounter, bool]:
    """The nth encounter, and whether it was opened just now. Under its document's lock."""
    pk = encounter_id(assignment_id, ordinal)
    row = Encounter.objects.filter(pk=pk).first()
    if row is not None:
        return row, False
    row = Encounter(
        id=pk,
        assignment_id=assignment_id,
        ordinal=ordinal,
        opened_at=now,
        opened_by=OpenedBy.TIMELINE,
        editor=SERVER_EDITOR,
        content={"assignment_id": str(assignment_id), "ordinal": ordinal},
    )
    row.save(force_insert=True)
    _publish(row, documents.encounter_body(row, record), now=now)
    publish(events=[Event("encounter.opened", pk)], now=now)
    record_all([_act(by, row, "create")], now=now)
    return row, True


@transaction.atomic
def keep_for(*, encounter_id: UUID, author_ids: Iterable[UUID], now: datetime) -> None:
    """These people keep the encounter on their tablets, whoever has the call. Idempotent."""
    _change_keepers(encounter_id, add=set(author_ids), drop=set(), now=now)


@transaction.atomic
def let_go(*, encounter_id: UUID, author_ids: Iterable[UUID] | None = None, now: datetime) -> None:
    """These people (None: nobody) owe nothing of the encounter any more. Idempotent."""
    drop = None if author_ids is None else set(author_ids)
    _change_keepers(encounter_id, add=set(), drop=drop, now=now)


def _change_keepers(pk: UUID, *, add: set[UUID], drop: set[UUID] | None, now: datetime) -> None:
    shared.lock(ENCOUNTERS, [pk])
    row = Encounter.objects.filter(pk=pk).first()
    if row is None:
        return
    before = set(row.kept_for)
    after = before | add if drop is not None else set(add)
    after -= drop or set()
    if after == before:
        return
    row.kept_for = sorted(after)
    row.save(update_fields=["kept_for"])
    scopes = audience(row.assignment_id, author_ids=row.kept_for)
    kept = Event("encounter.kept", row.pk)
    publish(documents=[Document(ENCOUNTERS, row.pk, scopes)], events=[kept], now=now)


def _owing(record: Record | None, author: UUID) -> list[UUID]:
    """Who keeps an encounter that a tablet opens: its author until its assignment is here, the crew
    where that is over already."""
    if record is None:
        return [author]
    return sorted(crew_of(record.assignment)) if record.assignment.closed_at else []


def _publish(row: Encounter, body: dict[str, Any], *, now: datetime) -> None:
    scopes = audience(row.assignment_id, author_ids=row.kept_for)
    publish(documents=[Document(ENCOUNTERS, row.pk, scopes, body)], now=now)


def record_of(assignment_id: UUID) -> Record | None:
    """The assignment as it stands; None where it is not here (yet)."""
    rows = Assignment.objects.select_related("incident", "unit", "given_by")
    row = rows.filter(pk=assignment_id).first()
    return look_at(row) if row else None


def _place(edit: Edit) -> tuple[UUID, int]:
    """Its assignment and its place there. Refused where the id does not follow from the two."""
    assignment_id = uuid_of(edit.document.get("assignment_id"))
    if assignment_id is None:
        raise Refused([FieldError("/assignment_id", "Of which assignment?")])
    if (ordinal := ordinal_of(edit.doc_id, assignment_id)) is not None:
        return assignment_id, ordinal
    detail = "It follows from the assignment's id: UUIDv5 of encounter:<ordinal>, from 1 to 20."
    raise Refused([FieldError("/id", detail)])


def _match(typed: dict[str, Any], person_id: UUID | None) -> Match:
    """Possible until somebody has confirmed it."""
    if person_id is None:
        return Match.NONE
    return Match.CONFIRMED if typed.get("match") == Match.CONFIRMED else Match.POSSIBLE


def _flags(typed: dict[str, Any], apart: dict[str, Any], *, withheld: bool) -> list[str]:
    found = {"bad_field"} if apart else set()
    if withheld:
        found.add("not_recorded")
    known = {"match": codes.MATCHES, "role": codes.ROLES}
    if any(typed.get(name) and typed[name] not in list for name, list in known.items()):
        found.add("unknown_code")
    return sorted(found)


def _act(actor: Actor, row: Encounter, action: str) -> Act:
    detail = {"assignment": str(row.assignment_id), "person": str(row.person_id or "")}
    return Act(actor, action, "encounter", [row.pk], detail)
