"""Follow-ups as they are made: by a plan, or typed on a tablet, online or not.

A plan's follow-up has an id that follows from the encounter's and the item's (`ids`): two who make
it at once, or a tablet that made it offline, make one. What was typed is put together field by
field; what a plan says (purpose, way, window) stands whatever a tablet typed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Team, User
from apps.assignments.models import Assignment
from apps.audit.services import SYSTEM, Act, Actor, record_all
from apps.changes.services import Event, publish
from apps.core import clock
from apps.core.clock import iso
from apps.core.problems import FieldError
from apps.followups import codes, documents
from apps.followups.ids import follow_up_id
from apps.followups.models import (
    FollowUp,
    FollowUpPlan,
    FollowUpPurpose,
    FollowUpWay,
)
from apps.followups.records import Circle, FollowUpRecord, lock, read
from apps.followups.services.following import (
    event_documents,
    follow_standing,
    settle,
    show_persons,
)
from apps.followups.shapes import typed_in
from apps.followups.tellings import believable
from apps.people.access import may_write
from apps.people.ids import ordinal_of
from apps.people.models import Encounter
from apps.sync.documents import SERVER_EDITOR
from apps.sync.registry import Edit, Refused
from apps.sync.stamps import Reading, instant
from apps.sync.values import uuid_of

# A window that was not typed, or that nobody can mean: tomorrow, for as long as a shift.
_LATER: Final = timedelta(hours=24)
_LONG: Final = timedelta(hours=10)

_NO_ASSIGNMENT: Final = FieldError("/assignment_id", "Of which assignment?")
_NO_ENCOUNTER: Final = FieldError("/encounter_id", "Of which encounter of the assignment?")
_STAYS: Final = FieldError("/encounter_id", "A follow-up stays with its encounter.")
_ENOUGH: Final = FieldError("/encounter_id", "It has as many follow-ups as it can have.")
# Nobody is looked for more often after one encounter; each is reckoned with the others.
MOST_OF_AN_ENCOUNTER: Final = 50
_NO_TEAM: Final = FieldError("/assignment_id", "No team follows it up: ask your supervisor.")


class Item(Protocol):
    """A line of a plan, as far as a follow-up is made by it."""

    @property
    def code(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def way(self) -> str: ...


def write_follow_up(edit: Edit) -> dict[str, Any]:
    """Stores a whole follow-up as somebody typed it and publishes it; the body that it published.
    For the handler of a push, which holds the locks (`lock_for_writing`).

    Nothing is refused for a detail. Refused for one that names no encounter of its assignment, or
    another than before, for whoever was not on the crew of the call, and where no team is there.
    """
    typed, fits = typed_in(edit.document)
    circle = _lock({edit.doc_id: edit.document})
    row = FollowUp.objects.select_for_update(no_key=True).filter(pk=edit.doc_id).first()
    fresh = row is None
    if row is None:
        row = _begin(edit, typed)
    if (typed.get("encounter_id"), typed.get("assignment_id")) != _named(row):
        raise Refused([_STAYS])
    row.content = typed | _by_plan(row)
    row.editor, row.edit_no = edit.editor, edit.edit_no
    row.flags = sorted(_flags(typed, fits=fits) | _window(row, typed, edit.now))
    if row.plan_id is None:
        purpose, way = typed.get("purpose"), typed.get("way")
        row.purpose = FollowUpPurpose(purpose if purpose in FollowUpPurpose.values else "other")
        row.way = FollowUpWay(way if way in FollowUpWay.values else "visit")
    record, others = _reckon(row, circle, now=edit.now)
    follow_standing(record, now=edit.now)
    row.save(force_insert=fresh)
    _let_others_wait(others, now=edit.now)
    body = documents.follow_up_body(record)
    told = [documents.follow_up(record), *event_documents(record, {e.pk for e in record.events})]
    publish(documents=told, now=edit.now)
    show_persons([record], now=edit.now)
    if fresh:
        publish(events=[Event("follow_up.made", row.pk)], now=edit.now)
    detail = {"encounter": str(row.encounter_id)}
    act = Act(edit.actor, "create" if fresh else "update", "follow_up", [row.pk], detail)
    record_all([act], now=edit.now)
    return body


def lock_for_writing(contents: Mapping[UUID, Mapping[str, Any]]) -> None:
    """Once a transaction, before any of these follow-ups is written: see `records.lock`."""
    _lock(contents)


@transaction.atomic
def make_follow_up(
    *,
    encounter: Encounter,
    plan: FollowUpPlan,
    item: Item,
    due_from: datetime,
    due_until: datetime,
    by: Actor = SYSTEM,
    now: datetime,
) -> FollowUp | None:
    """The follow-up that a plan's item makes of an encounter, in nobody's hands yet; the one that
    is there, where there is one. None where no team can follow it up. Idempotent.

    One that a tablet made under this id before is the plan's from now on: what was typed stays.
    """
    pk = follow_up_id(encounter.pk, item.code)
    circle = lock(follow_ups=[pk], encounters=[encounter.pk])
    row = FollowUp.objects.select_for_update(no_key=True).filter(pk=pk).first()
    if row is not None and row.plan_id is not None:
        return row
    fresh = row is None
    if row is None:
        team = _team(encounter.assignment_id, None)
        if team is None:
            return None
        row = FollowUp(
            id=pk,
            encounter_id=encounter.pk,
            assignment_id=encounter.assignment_id,
            team=team,
            created_at=now,
            content={
                "assignment_id": str(encounter.assignment_id),
                "encounter_id": str(encounter.pk),
            },
        )
    row.plan, row.item = plan, item.code
    row.purpose, row.way = FollowUpPurpose(item.purpose), FollowUpWay(item.way)
    row.first_from = row.due_from = due_from
    row.first_until = row.due_until = due_until
    row.content = row.content | _by_plan(row)
    row.editor, row.edit_no = SERVER_EDITOR, None
    record, others = _reckon(row, circle, now=now)
    follow_standing(record, now=now)
    row.save(force_insert=fresh)
    settle([record], fresh={event.pk for event in record.events}, show=True, now=now)
    settle(others, now=now)
    publish(events=[Event("follow_up.made", row.pk)], now=now)
    detail = {"encounter": str(encounter.pk), "item": item.code}
    record_all([Act(by, "create", "follow_up", [row.pk], detail)], now=now)
    return row


def _lock(contents: Mapping[UUID, Mapping[str, Any]]) -> Circle:
    named = (uuid_of(one.get("encounter_id")) for one in contents.values())
    return lock(follow_ups=contents, encounters={id for id in named if id})


def _by_plan(row: FollowUp) -> dict[str, Any]:
    """What the plan says of a follow-up; nothing of one that was made by hand."""
    if row.plan_id is None:
        return {}
    return {
        "item": row.item,
        "purpose": row.purpose,
        "way": row.way,
        "first_from": iso(row.first_from),
        "first_until": iso(row.first_until),
    }


def _begin(edit: Edit, typed: Mapping[str, Any]) -> FollowUp:
    assignment, encounter = uuid_of(typed.get("assignment_id")), uuid_of(typed.get("encounter_id"))
    if assignment is None:
        raise Refused([_NO_ASSIGNMENT])
    if encounter is None or ordinal_of(encounter, assignment) is None:
        raise Refused([_NO_ENCOUNTER])
    may_write(assignment, edit.author)
    if FollowUp.objects.of_encounters([encounter]).count() >= MOST_OF_AN_ENCOUNTER:
        raise Refused([_ENOUGH])
    team = _team(assignment, edit.author)
    if team is None:
        raise Refused([_NO_TEAM])
    return FollowUp(
        id=edit.doc_id,
        assignment_id=assignment,
        encounter_id=encounter,
        team=team,
        created_at=edit.now,
        created_by=edit.author,
        kept_for=[edit.author.pk],
    )


def _team(assignment_id: UUID, author: User | None) -> Team | None:
    """Whose it is: the team of the unit that has the call; before that is here, its author's."""
    call = Assignment.objects.select_related("unit__team").filter(pk=assignment_id).first()
    of_call = call.unit.team if call else None
    return of_call or (author.team if author else None)


def _named(row: FollowUp) -> tuple[str, str]:
    return str(row.encounter_id), str(row.assignment_id)


def _window(row: FollowUp, typed: Mapping[str, Any], now: datetime) -> set[str]:
    """Sets the window that it begins with, once; what nobody can mean is flagged. A plan's
    follow-up has the plan's; later changes are told as events."""
    read = Reading()
    flags: set[str] = set()
    start, until = (instant(dict(typed), name, read) for name in ("first_from", "first_until"))
    if "bad_field" in read.flags:
        flags.add("bad_field")
    if start is not None and not believable(start, now):
        start = None
        flags.add("bad_field")
    if until is not None and (start is None or not start <= until or not believable(until, now)):
        until = None
        flags.add("bad_field")
    if row._state.adding and row.plan_id is None:
        row.first_from = start or now + clock.days(_LATER.total_seconds())
        row.first_until = until or row.first_from + clock.days(_LONG.total_seconds())
        row.due_from, row.due_until = row.first_from, row.first_until
    return flags


def _flags(typed: Mapping[str, Any], *, fits: bool) -> set[str]:
    found = set() if fits else {"bad_field"}
    known = {"purpose": codes.PURPOSES, "way": codes.WAYS}
    if any(typed.get(name) and typed[name] not in of for name, of in known.items()):
        found.add("unknown_code")
    return found


def _reckon(
    row: FollowUp, circle: Circle, *, now: datetime
) -> tuple[FollowUpRecord, list[FollowUpRecord]]:
    """The follow-up as it stands, and the others that are connected with it."""
    found = read(circle, now=now, fresh=[row])
    record = found.pop(row.pk)
    return record, list(found.values())


def _let_others_wait(others: Iterable[FollowUpRecord], *, now: datetime) -> None:
    """What this follow-up changes for others is left to the clock: a push publishes each of its
    documents once, and they may be among them."""
    for one in others:
        follow_standing(one, now=now)
        if one.changed():
            FollowUp.objects.filter(pk=one.row.pk).update(next_at=now)
