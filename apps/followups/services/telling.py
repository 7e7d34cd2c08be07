"""What happens to a follow-up, as it is told: by tablets, by supervisors, by Carefield itself.

Two who tell of one follow-up at once, and an attempt against the clock's tick:

1. Each takes the locks of everything that is connected with it (`records.lock`); one of them has
   them, and gets the next number of the events' sequence.
2. The other one waits, then reads what the first has committed. An attempt that reached somebody
   ends it; the second, told after the end, is kept and flagged.
3. The tick has it: the reminder was due. The tick waits: it finds the follow-up as the attempt left
   it, and nothing due.

An event that comes before its follow-up is stored and shown to who told it. Whoever makes the
follow-up takes the same lock, and counts in what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from apps.accounts.models import Role, User
from apps.accounts.services import user_actor
from apps.assignments.codes import NOT_HERE_YET
from apps.audit.services import SYSTEM, Act, Actor, record_all
from apps.changes import scopes
from apps.changes.services import Document, publish
from apps.core.ids import uuid7
from apps.core.problems import CONFLICT, FieldError, ProblemError
from apps.followups import access, codes, documents
from apps.followups.models import FollowUp, FollowUpEvent
from apps.followups.records import lock
from apps.followups.services.following import read_locked, settle
from apps.sync.canonical import same
from apps.sync.registry import Refused
from apps.sync.telling import Telling
from apps.sync.values import uuid_of

_NOT_YOURS: Final = FieldError("/follow_up_id", "It is none of yours, and was not.")
_NOT_OF_ITS_TEAM: Final = FieldError("/follow_up_id", "Whoever has it is of its team.")
_TOO_MUCH: Final = FieldError("/follow_up_id", "So much was told of it that no more is taken.")
# How one stands is reckoned from all that was told of it, each time anew.
MOST_EVENTS: Final = 500
# Whoever tells these has it in hand from then on, or has named who does.
_TAKING: Final = frozenset({"taken", "acknowledged"})
_NOT_TOLD_BY_YOU: Final = FieldError("/event_id", "Who told it takes it back, or a supervisor.")


@transaction.atomic
def tell(
    *,
    follow_up: FollowUp,
    event: str,
    author: User | None,
    content: Mapping[str, Any] | None = None,
    at: datetime | None = None,
    now: datetime,
    telling: Telling | None = None,
) -> FollowUpEvent:
    """Says what happened to a follow-up, and lets it stand by that. `author` None: Carefield
    itself. Repeating a tablet's event changes nothing.

    CONFLICT where something else was told under its id.
    """
    circle = lock(follow_ups=[follow_up.pk])
    # Whoever had waited for whoever made it tells of it after that.
    now = max(now, follow_up.created_at)
    row = _row(follow_up.pk, event, content or {}, author=author, at=at, telling=telling, now=now)
    if telling is not None:
        if (known := _known(row)) is not None:
            return known
        _bear(row)
    row.save(force_insert=True)
    settle(read_locked(circle, now=now), fresh={row.pk}, now=now)
    record_all([_act(row, telling)], now=now)
    return row


@transaction.atomic
def tell_from_tablet(
    *,
    follow_up_id: UUID,
    event: str,
    content: Mapping[str, Any],
    at: datetime | None,
    telling: Telling,
    now: datetime,
) -> FollowUpEvent:
    """The same from a tablet, also before its follow-up is here. Refused for what is none of its
    author's business."""
    lock(follow_ups=[follow_up_id])
    follow_up = FollowUp.objects.filter(pk=follow_up_id).first()
    if follow_up is None:
        how = {"author": telling.author, "at": at, "telling": telling}
        row = _row(follow_up_id, event, content, now=now, **how)
        return _tell_early(row, telling, now=now)
    _may_tell(follow_up, event, content, telling)
    return tell(
        follow_up=follow_up,
        event=event,
        author=telling.author,
        content=content,
        at=at,
        telling=telling,
        now=now,
    )


def lock_for_telling(ids: Iterable[UUID]) -> None:
    """Once a transaction, before anything is told of these: see `records.lock`."""
    lock(follow_ups=ids)


def _may_tell(
    follow_up: FollowUp, event: str, content: Mapping[str, Any], telling: Telling
) -> None:
    if not access.may_tell(follow_up, telling.author):
        raise Refused([_NOT_YOURS])
    if event in _TAKING and not _of_its_team(follow_up, content, telling.author):
        raise Refused([_NOT_OF_ITS_TEAM])
    if event != "withdrawn" or telling.author.role == Role.SUPERVISOR:
        return
    named = uuid_of(content.get("event_id"))
    told = FollowUpEvent.objects.filter(pk=named).first() if named else None
    if told is not None and told.author_id != telling.author.pk:
        raise Refused([_NOT_TOLD_BY_YOU])


def _of_its_team(follow_up: FollowUp, content: Mapping[str, Any], author: User) -> bool:
    if (named := uuid_of(content.get("to"))) is not None:
        return User.objects.filter(pk=named, team=follow_up.team_id).exists()
    return access.may_have(follow_up, author)


def _bear(row: FollowUpEvent) -> None:
    """Refused for one more than is read again each time that one is told."""
    if FollowUpEvent.objects.of([row.follow_up_id]).count() >= MOST_EVENTS:
        raise Refused([_TOO_MUCH])


def _tell_early(row: FollowUpEvent, telling: Telling, *, now: datetime) -> FollowUpEvent:
    if (known := _known(row)) is not None:
        return known
    _bear(row)
    row.save(force_insert=True)
    publish(documents=[early(row)], now=now)
    record_all([_act(row, telling)], now=now)
    return row


def early(row: FollowUpEvent) -> Document:
    """An event whose follow-up is not here: for who told it, and their supervisors."""
    author = row.author
    assert author is not None, "what comes early has somebody who told it"
    to = {scopes.responder(author.pk)}
    if author.team_id:
        to.add(scopes.team(author.team_id))
    return documents.event(row, frozenset(to), sorted({*row.flags, NOT_HERE_YET}))


def _row(
    follow_up_id: UUID, event: str, content: Mapping[str, Any], *, now: datetime, **told: Any
) -> FollowUpEvent:
    """The event, not stored yet. `told`: its `author`, `at` and `telling`."""
    assert event in codes.EVENTS, "an edge lets no other event through"
    telling: Telling | None = told.pop("telling")
    how = telling.columns(now) if telling else {"id": uuid7(), "received_at": now}
    return FollowUpEvent(
        **how, **told, follow_up_id=follow_up_id, event=event, content=dict(content)
    )


def _known(row: FollowUpEvent) -> FollowUpEvent | None:
    """The same, where it was told before."""
    known = FollowUpEvent.objects.select_related("author").filter(pk=row.pk).first()
    if known is None:
        return None
    names = ("follow_up_id", "event", "at", "device_time", "counter")
    alike = all(getattr(known, name) == getattr(row, name) for name in names)
    if not alike or not same(known.content, row.content):
        error = FieldError("/id", "Something else was recorded under this id.")
        raise ProblemError(CONFLICT, errors=[error])
    return known


def _act(row: FollowUpEvent, telling: Telling | None) -> Act:
    detail = {"event": row.event, "fact": str(row.pk)}
    return Act(_actor(row, telling), "record", "follow_up", [row.follow_up_id], detail)


def _actor(row: FollowUpEvent, telling: Telling | None) -> Actor:
    if telling is not None:
        return telling.actor
    return user_actor(row.author) if row.author else SYSTEM
