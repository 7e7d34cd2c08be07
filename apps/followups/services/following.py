"""What was told, and what is known of a person, becomes how their follow-ups stand.

Everything is reckoned anew from everything that was told, under the locks of all that is connected
(`records.lock`), stored in the columns, and published where something has changed. So nothing
depends on what came first, and doing it once more changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.audit.services import SYSTEM, Act, record_all
from apps.changes import scopes
from apps.changes.models import Member
from apps.changes.services import LARGEST_PUBLICATION, Document, Event, publish
from apps.core import clock
from apps.dispatch.models import Agency, Unit
from apps.followups import documents, reminding
from apps.followups.agreeing import UNASKED
from apps.followups.models import FollowUp, FollowUpState
from apps.followups.models.followups import FOLLOW_UPS
from apps.followups.records import Circle, FollowUpRecord, lock, read
from apps.followups.standing import occasion_after
from apps.followups.watching import watched_of
from apps.notify.services import stop_all
from apps.people.services import show_person

_NO_BASIS: Final = "no_basis"
# A change of these ends what an occasion's reminders had to say.
_SILENCES: Final = ("occasion", "acknowledged_at")


@transaction.atomic(savepoint=False)
def restate(
    *,
    follow_up_ids: Iterable[UUID] = (),
    encounter_id: UUID | None = None,
    person_id: UUID | None = None,
    show: bool = False,
    now: datetime,
) -> None:
    """Reckons how all follow-ups stand that are connected with these. `show`: they are published
    whatever has changed in them, for who sees them may be others."""
    circle = lock(
        follow_ups=follow_up_ids,
        encounters=[encounter_id] if encounter_id else (),
        persons=[person_id] if person_id else (),
    )
    settle(read_locked(circle, now=now), show=show, now=now)


@transaction.atomic
def show_to_unit(*, unit_id: UUID, now: datetime) -> None:
    """Shows a unit what it is to see of its team's follow-ups and does not yet: one that is new, or
    has come to another team. Idempotent."""
    seen = Member.objects.filter(
        collection=FOLLOW_UPS, doc_id=OuterRef("pk"), scope=scopes.unit(unit_id)
    )
    unit = Unit.objects.filter(pk=unit_id, agency=Agency.CARE, in_service=True).first()
    if unit is None or unit.team_id is None:
        return
    rows = FollowUp.objects.on_tablets().of_everyone().filter(~Exists(seen), team=unit.team_id)
    if ids := list(rows.values_list("pk", flat=True)):
        restate(follow_up_ids=ids, show=True, now=now)


def read_locked(circle: Circle, *, now: datetime) -> list[FollowUpRecord]:
    """What a locked circle has, their rows locked too: what somebody writes without these locks
    (the clock, a supervisor) waits."""
    rows = FollowUp.objects.filter(pk__in=circle.follow_ups).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))
    return list(read(circle, now=now).values())


def settle(
    records: Collection[FollowUpRecord],
    *,
    fresh: Collection[UUID] = (),
    show: bool = False,
    now: datetime,
) -> None:
    """Stores how these stand and publishes what has changed. Part of the caller's transaction,
    under the locks of their circle. `fresh`: the events that were just told."""
    for record in records:
        follow_standing(record, now=now)
    changed = [one for one in records if one.changed()]
    _save(changed)
    _stop_telling(changed, now=now)
    found: list[Document] = []
    for one in records:
        here = show or one in changed or any(event.pk in fresh for event in one.events)
        if here:
            found.append(documents.follow_up(one))
        found += event_documents(one, fresh, show=show)
    for start in range(0, len(found), LARGEST_PUBLICATION):
        publish(documents=found[start : start + LARGEST_PUBLICATION], now=now)
    show_persons(records, show=show, now=now)
    record_all(
        [
            Act(SYSTEM, "restate", "follow_up", [one.row.pk], _said(one))
            for one in changed
            if one.turned()
        ],
        now=now,
    )
    publish(events=[event for one in records for event in _happened(one)], now=now)


def _save(changed: Collection[FollowUpRecord]) -> None:
    """The columns that differ, in one statement: a tick has hundreds of rows."""
    columns = sorted({name for one in changed for name in one.changed()})
    if columns:
        FollowUp.objects.bulk_update([one.row for one in changed], columns)


def _stop_telling(changed: Iterable[FollowUpRecord], *, now: datetime) -> None:
    """Nobody is told any more, by any channel, of what was acknowledged, begins anew, or is not to
    be done now. What the next occasion has to say is told again."""
    silent = [
        one.row.pk
        for one in changed
        if not one.standing.rings
        or any(getattr(one.row, name) != one.stored[name] for name in _SILENCES)
    ]
    if silent:
        stop_all(subject_ids=silent, now=now)


def follow_standing(record: FollowUpRecord, *, now: datetime) -> None:
    """Puts how it stands into its row. Saving is the caller's."""
    row, standing = record.row, record.standing
    before = record.stored
    occasion = occasion_after(
        standing,
        occasion=before["occasion"],
        window=(before["due_from"], before["due_until"]),
        ended=before["state"] == FollowUpState.ENDED,
    )
    if occasion != row.occasion:
        row.occasion, row.level = occasion, 0
    for name in ("outcome", "ended_at", "due_from", "due_until", "tries"):
        setattr(row, name, getattr(standing, name))
    row.state = FollowUpState(standing.state)
    row.acknowledged_at = standing.acknowledged_at
    row.acknowledged_by_id = standing.acknowledged_by
    row.paused_at, row.paused_until = standing.paused_at, standing.paused_until
    row.paused_for = standing.paused_for
    row.owner_id = standing.owner
    unasked = {_NO_BASIS} if record.basis.kind == UNASKED else set()
    row.flags = sorted({*row.flags} - {_NO_BASIS} | unasked)
    if row.state != FollowUpState.ENDED:
        row.leaves_at = None
    elif before["state"] != FollowUpState.ENDED:
        row.leaves_at = now + clock.domain(settings.CLEARED_STAYS_SECONDS)
    elif row.leaves_at is not None and row.leaves_at <= now:
        row.leaves_at, row.kept_for = None, []
    row.next_at = next_at(record)


def next_at(record: FollowUpRecord) -> datetime | None:
    """When the clock has something to say of it next, as its row stands: what its reminders say,
    and the end of a clinician's reason. Of one that rests on nothing it says nothing."""
    row = record.row
    silent = row.state == FollowUpState.OPEN and not record.standing.rings
    reminds = None if silent else reminding.next_at(watched_of(row), record.opens)
    ends = record.basis.ends_at if row.state != FollowUpState.ENDED else None
    return min((at for at in (reminds, ends) if at is not None), default=None)


def event_documents(
    record: FollowUpRecord, fresh: Collection[UUID] = (), *, show: bool = False
) -> list[Document]:
    """The facts about a follow-up whose document is new, says something else, or comes to others.
    What no tablet told is no fact."""
    to, found = record.scopes(), []
    moved = show or to != record.seen_by
    for event in record.events:
        if event.device is None:
            continue
        if event.pk in fresh or record.turned():
            found.append(documents.event(event, to, record.flags_of(event)))
        elif moved:
            found.append(Document("facts", event.pk, to))
    return found


def show_persons(records: Iterable[FollowUpRecord], *, show: bool = False, now: datetime) -> None:
    """A person's record goes with their follow-up, to whoever sees that now, and leaves with it."""
    moved = [one for one in records if show or one.scopes() != one.seen_by]
    for person in sorted({one.person for one in moved if one.person}):
        show_person(person_id=person, now=now)


def _happened(record: FollowUpRecord) -> Sequence[Event]:
    """What others react to."""
    before, row = record.stored, record.row
    ended, was = (state == FollowUpState.ENDED for state in (row.state, before["state"]))
    if ended == was:
        return ()
    return (Event("follow_up.ended" if ended else "follow_up.reopened", row.pk),)


def _said(record: FollowUpRecord) -> dict[str, Any]:
    return {"state": record.row.state, "outcome": record.row.outcome or ""}
