"""Two records of one person: put together, and taken apart again. Nothing is rewritten.

Whoever merges takes the locks of both documents in one order, and reads them after that: two who
merge the same two at once, each the other way round, do not make a circle. The second finds the
first one's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, record_all
from apps.changes.services import Event, publish
from apps.core import clock
from apps.core.clock import iso
from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError
from apps.people import documents, safety
from apps.people.documents import PERSONS
from apps.people.models import Person
from apps.people.services.persons import follow_notes, lock_group, matches_of, scopes_of
from apps.sync import documents as shared
from apps.sync.values import uuid_of


@transaction.atomic
def merge_persons(*, person: Person, into: Person, by: User, now: datetime) -> Person:
    """Says that `person` is `into`: who reads the one goes on with the other. Whoever has a call
    that led to either sees both. Repeating it changes nothing.

    CONFLICT where `person` is merged into somebody else already; INVALID for a person and
    themselves.
    """
    group = lock_group(person.pk, into.pk)
    row, root = _row(person.pk), _root(into.pk)
    if row.merged_into_id is not None:
        if _root(row.pk).pk == root.pk:
            return row
        raise ProblemError(CONFLICT, "This person is merged into somebody else: take that back.")
    if row.pk == root.pk:
        raise ProblemError(INVALID, errors=[FieldError("/into", "Name another person.")])
    row.merged_into, row.merged_at, row.merged_by = root, now, by.pk
    row.save(update_fields=["merged_into", "merged_at", "merged_by"])
    _publish(group, [Event("person.merged", row.pk)], now)
    record_all([Act(user_actor(by), "merge", "person", [row.pk, root.pk])], now=now)
    return row


@transaction.atomic
def unmerge_person(*, person: Person, by: User, now: datetime) -> Person:
    """Takes a merge back: both stand as they stood. Repeating it changes nothing."""
    group = lock_group(person.pk)
    row = _row(person.pk)
    if row.merged_into_id is None:
        return row
    former = row.merged_into_id
    row.merged_into = row.merged_at = row.merged_by = None
    row.save(update_fields=["merged_into", "merged_at", "merged_by"])
    both = [Event("person.unmerged", one) for one in (row.pk, former)]
    _publish(group, both, now)
    record_all([Act(user_actor(by), "unmerge", "person", [row.pk, former])], now=now)
    return row


@transaction.atomic
def review_safety_note(
    *, person: Person, note: str, verdict: safety.Verdict, by: User, now: datetime
) -> Person:
    """A supervisor has read a safety note (`note` is its `safety.mark_of`) and says that it stands,
    or that it holds no longer. It is said of the note as they read it, and of no other text under
    its id. Repeating it changes nothing, unless the note is over meanwhile. INVALID for one that is
    not there, or says something else by now."""
    shared.lock(PERSONS, [person.pk])
    row = _row(person.pk)
    known = {one.mark: one for one in safety.notes(row.content, row.safety_reviews)}
    if note not in known:
        detail = "No such safety note, or not as you read it: read it again."
        raise ProblemError(INVALID, errors=[FieldError("/note", detail)])
    read, today = known[note], clock.local(now).date()
    if read.said(verdict) and read.standing(today) != safety.Standing.EXPIRED:
        return row
    until = safety.renewed_until(read.note, today) if verdict == safety.Verdict.STANDS else None
    review = {
        "note": read.note.get("id"),
        "of": note,
        "verdict": verdict,
        "by": by.display_name,
        "at": iso(now),
        "until": until.isoformat() if until else None,
    }
    row.safety_reviews = [*(one for one in row.safety_reviews if one.get("of") != note), review]
    follow_notes(row)
    row.save(update_fields=["safety_reviews", "safety_unread", "safety_until", "flags"])
    _publish({row.pk}, (), now)
    # A tablet made the id: what is no UUID may be words about somebody.
    named = uuid_of(review["note"]) or uuid5(row.pk, str(review["note"]))
    told = {"note": str(named), "verdict": verdict}
    record_all([Act(user_actor(by), "review", "person", [row.pk], told)], now=now)
    return row


def _publish(group: set[UUID], events: Sequence[Event], now: datetime) -> None:
    rows = Person.objects.filter(pk__in=group).order_by("pk")
    found = [documents.person(row, scopes_of(row), matches_of(row)) for row in rows]
    publish(documents=found, events=events, now=now)


def _row(pk: UUID) -> Person:
    return Person.objects.select_for_update(no_key=True).get(pk=pk)


def _root(pk: UUID) -> Person:
    row = Person.objects.root_of(pk)
    assert row is not None, "persons are never deleted"
    return row
