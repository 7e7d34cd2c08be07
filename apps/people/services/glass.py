"""A person's record without a call that leads to it: found, opened for a while, reviewed.

Somebody stands before a responder and no call says who. They may look for them by name, and open
the record for a reason that a supervisor reads afterwards. What is shown before that is no more
than it takes to know whether it is they.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, Actor, record_all
from apps.changes import scopes
from apps.changes.services import Document, publish
from apps.core import clock
from apps.core.problems import CONFLICT, FORBIDDEN, INVALID, FieldError, ProblemError
from apps.notify.models import Channel, Level, Topic
from apps.notify.services import Notice, stop, tell_all
from apps.people import matching
from apps.people.models import BrokenGlass, GlassQuerySet, Person
from apps.people.services.persons import alike, lock_group, show_person

NAMED_ON_A_CALL = "Named on a call: neither seen before nor offered."
# A tick that finds more leaves them to the next one.
LARGEST_TICK = 200


@transaction.atomic
def look_for(*, like: dict[str, Any], by: Actor, now: datetime) -> list[dict[str, Any]]:
    """Persons who may be meant, the likeliest first: {person_id, name, aliases, birth_year, score}.
    `like` is written as a person is: `given_name`, `family_name`, `aliases`, `birth_year`.

    INVALID where it names nobody. Who was offered is written down; what was typed is not.
    """
    if not matching.wanted(like):
        raise ProblemError(INVALID, errors=[FieldError("", "Name, or what they are called by.")])
    found = [one.offered() for one in alike(like)]
    ids = [UUID(one["person_id"]) for one in found]
    record_all([Act(by, "search", "person", ids)], now=now)
    return found


@transaction.atomic
def break_glass(
    *, person: Person, reason: str, by: User, actor: Actor, now: datetime
) -> BrokenGlass:
    """Shows a person to a responder for a while (BREAK_GLASS_MINUTES), for a reason. Whoever has it
    open already keeps that one, as long as its time lasts. INVALID at /reason without one."""
    if not reason.strip():
        raise ProblemError(INVALID, errors=[FieldError("/reason", "Say why you need to see it.")])
    group = lock_group(person.pk)
    open_one = BrokenGlass.objects.open(now).filter(person=person, user=by).first()
    if open_one is not None:
        return open_one
    row = BrokenGlass.objects.create(
        person=person,
        user=by,
        at=now,
        until=now + clock.domain(settings.BREAK_GLASS_MINUTES * 60),
        reason=reason.strip(),
    )
    publish(documents=[Document("broken_glass", row.pk, _reviewers(by))], now=now)
    show_person(person_id=person.pk, now=now)
    detail = {"glass": str(row.pk)}
    record_all([Act(actor, "break-glass", "person", sorted(group), detail)], now=now)
    return row


def note_link(*, person_id: UUID, instead_of: UUID | None, by: User, now: datetime) -> None:
    """A call leads to a person from now on: to be reviewed like broken glass where nothing had led
    its author there. Part of the caller's transaction, before the person is shown.

    Nothing to review where they see the person already, wrote of them, or were offered them for the
    person that the encounter named before (`instead_of`). The link itself always holds: whoever
    stands before somebody they know does not stop to give a reason.
    """
    person = Person.objects.filter(pk=person_id).first()
    if person is None or person.created_by == by.pk:
        return
    if Person.objects.visible_to(by).filter(pk=person_id).exists():
        return
    before = Person.objects.filter(pk=instead_of).first() if instead_of else None
    if before is not None and any(one.row.pk == person_id for one in alike(before.content)):
        return
    row = BrokenGlass.objects.create(
        person=person,
        user=by,
        at=now,
        until=now + clock.domain(settings.BREAK_GLASS_MINUTES * 60),
        closed_at=now,  # they see the person by the call, as long as they have that
        reason=NAMED_ON_A_CALL,
    )
    publish(documents=[Document("broken_glass", row.pk, _reviewers(by))], now=now)


def close_over(*, now: datetime) -> int:
    """Takes persons away again whose time on somebody's tablet is over. Returns how many. Each in a
    transaction of its own, claimed by its row: two ticks do not do one twice."""
    done = 0
    while done < LARGEST_TICK:
        with transaction.atomic():
            due: GlassQuerySet = BrokenGlass.objects.over(now)
            row = due.select_for_update(no_key=True, skip_locked=True).first()
            if row is None:
                break
            row.closed_at = now
            row.save(update_fields=["closed_at"])
            show_person(person_id=row.person_id, now=now)
            done += 1
    return done


@transaction.atomic
def review_glass(*, glass: BrokenGlass, justified: bool, by: User, now: datetime) -> BrokenGlass:
    """A supervisor says whether it was justified. Repeating it changes nothing. FORBIDDEN for
    whoever may not see it, CONFLICT where somebody has said otherwise, or for one's own."""
    row = _to_be_reviewed(glass, by)
    if row.reviewed_at is not None:
        if row.justified == justified:
            return row
        raise ProblemError(CONFLICT, "Somebody has decided otherwise already.")
    row.reviewed_by, row.reviewed_at, row.justified = by, now, justified
    row.save(update_fields=["reviewed_by", "reviewed_at", "justified"])
    stop(subject_id=row.pk, now=now)
    detail = {"justified": justified}
    record_all([Act(user_actor(by), "review", "broken_glass", [row.pk], detail)], now=now)
    return row


@transaction.atomic
def ask_about_glass(*, glass: BrokenGlass, question: str, by: User, now: datetime) -> BrokenGlass:
    """Whoever reviews it asks first: it stays to be reviewed, the question beside it. Who opened it
    is told that they are asked, by the channels that they gave; the words stay here. Repeating it
    changes nothing. INVALID at /reason without a question; else as `review_glass`."""
    if not question.strip():
        raise ProblemError(INVALID, errors=[FieldError("/reason", "What do you ask?")])
    row = _to_be_reviewed(glass, by)
    if row.reviewed_at is not None:
        raise ProblemError(CONFLICT, "It is reviewed already.")
    if (row.asked_by_id, row.question) == (by.pk, question.strip()):
        return row
    row.asked_by, row.asked_at, row.question = by, now, question.strip()
    row.save(update_fields=["asked_by", "asked_at", "question"])
    stop(subject_id=row.pk, now=now)  # an earlier question that is not on its way: one is enough
    key = f"question:{row.pk}:{now.timestamp():.0f}"
    notices = [
        Notice(
            user_id=row.user_id,
            channel=channel,
            topic=Topic.QUESTION,
            subject_id=row.pk,
            level=Level.OWNER,
            key=key,
            due_at=now,
        )
        for channel in Channel
    ]
    tell_all(notices=notices, now=now)
    record_all([Act(user_actor(by), "ask", "broken_glass", [row.pk])], now=now)
    return row


def _to_be_reviewed(glass: BrokenGlass, by: User) -> BrokenGlass:
    """The row, locked, for somebody who may review it."""
    if not BrokenGlass.objects.visible_to(by).filter(pk=glass.pk).exists():
        raise ProblemError(FORBIDDEN, "You do not see this.")
    row = BrokenGlass.objects.select_for_update(no_key=True).get(pk=glass.pk)
    if row.user_id == by.pk:
        raise ProblemError(CONFLICT, "Somebody else reviews what you opened.")
    return row


def _reviewers(user: User) -> frozenset[str]:
    """The supervisors of whoever opened it; the whole desk where they have none."""
    return frozenset({scopes.team(user.team_id) if user.team_id else scopes.agency()})
