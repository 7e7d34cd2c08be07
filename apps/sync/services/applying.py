"""What was refused, taken after all: by a supervisor's word, or when its author signs in again.

It goes the way that a push goes: the same judgement on the base that it was typed on, the same
handlers, under its author.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.db.utils import InterfaceError, OperationalError

from apps.accounts.auth import TabletSession
from apps.accounts.models import User
from apps.core.problems import CONFLICT, FORBIDDEN, INVALID, FieldError, ProblemError
from apps.sync import authors, documents, merged, registry, verdicts
from apps.sync.models import QuarantinedWrite
from apps.sync.registry import NOT_CONTENT, Collection, Contact, Pushed
from apps.sync.rows import Row, parsed
from apps.sync.services import early, quarantine
from apps.sync.values import uuid_of

log = logging.getLogger(__name__)

# What a supervisor's version does not say for its author.
_NOT_TYPED = NOT_CONTENT | {"editor", "edit_no"}


def apply_quarantined(
    *,
    write: QuarantinedWrite,
    by: User,
    document: Mapping[str, Any] | None = None,
    author: User | None = None,
    now: datetime,
) -> QuarantinedWrite:
    """A supervisor has a refused row taken after all: as it is, or as `document`, a whole corrected
    version of it. Returns the row, closed; repeating it changes nothing.

    It is taken under its author. Where nobody knows who that is, `author` must name them. Access is
    the author's, or the supervisor's who answers for it. A corrected version is the server's own
    edit on the kept base; the row as it is stays the save of its tablet that it was.

    ProblemError: FORBIDDEN for who does not see the row, INVALID with the reasons where it cannot
    be taken (the row stays open), CONFLICT where it was settled in another way.
    """
    if not QuarantinedWrite.objects.visible_to(by).filter(pk=write.pk).exists():
        raise ProblemError(FORBIDDEN, "You do not see this row.")
    return apply_for(write=write, by=by, document=document, author=author, now=now)


def apply_for(
    *,
    write: QuarantinedWrite,
    by: User,
    document: Mapping[str, Any] | None = None,
    author: User | None = None,
    now: datetime,
) -> QuarantinedWrite:
    """As `apply_quarantined`, without asking who may: for its author, who has signed in again."""
    try:
        with transaction.atomic():
            return _apply(write, by, document, author, now)
    except (IntegrityError, DataError):
        raise ProblemError(INVALID, errors=[verdicts.AT_COMMIT]) from None


def apply_again(*, write: QuarantinedWrite, now: datetime) -> bool:
    """What could not be taken when it came, judged again under its author now that what it lacked
    is here. False: it stays where it is, with the reasons that it has now; where the database was
    too busy for a verdict, with those that it had."""
    assert write.author is not None, "what nobody has typed is applied by a supervisor"
    try:
        apply_for(write=write, by=write.author, now=now)
    except ProblemError as problem:
        if problem.status_code < 500:
            quarantine.judged_again(row=write, errors=problem.errors, now=now)
        return False
    except (OperationalError, InterfaceError):
        log.warning("a refused row could not be judged again yet: %s", write.collection)
        return False
    return True


def _apply(
    write: QuarantinedWrite,
    by: User,
    document: Mapping[str, Any] | None,
    author: User | None,
    now: datetime,
) -> QuarantinedWrite:
    collection = registry.get(write.collection)
    if collection is None or collection.kind == "pull_only":
        raise ProblemError(INVALID, "Nothing can be written to this collection.")
    pushed = _pushed(collection, write, document)
    collection.lock([pushed])  # before any other lock
    documents.lock(collection.name, [pushed.doc_id])
    row = QuarantinedWrite.objects.select_for_update(no_key=True, of=("self",)).get(pk=write.pk)
    if row.applied_at is not None:
        return row
    if row.corrected_at is not None or row.acknowledged_at is not None:
        raise ProblemError(CONFLICT, "This row was settled in another way.")
    contact = Contact(
        TabletSession(row.tablet, _author(row, author)),
        row.instance,
        row.clock_offset_ms,
        row.clock_uncertainty_ms,
        row.client_schema if document is None else registry.current_version(),
    )
    # As in a push: what names a save of another tablet's is none of it.
    own = authors.own_saves({write.doc_id: pushed}, contact)[write.doc_id]
    assert isinstance(own, Pushed)
    _take(collection, own, contact, by, now)
    quarantine.applied(row=row, by=by, now=now)
    if pushed.corrects:
        quarantine.corrected(
            collection=collection.name,
            doc_id=pushed.doc_id,
            contact=contact,
            now=now,
            until=row.at,
        )
    return row


def _take(
    collection: Collection, pushed: Pushed, contact: Contact, by: User, now: datetime
) -> None:
    stand = documents.NOTHING
    if collection.kind == "merged":
        found = merged.stands_of(collection, contact, [pushed])
        stand = merged.seen_by(found.get(pushed.doc_id, stand), pushed, [contact.session.user, by])
    try:
        with transaction.atomic():
            taken = verdicts.take(collection, pushed, stand, contact, now)
    except Exception as error:
        raise ProblemError(INVALID, errors=verdicts.reasons(error, collection)) from error
    if collection.kind == "merged":
        merged.must_have_led(collection.name, {pushed.doc_id: taken})
    came = early.came(pushed, taken.answer, contact)
    early.note(collection=collection, documents=came, now=now)


def _pushed(
    collection: Collection, write: QuarantinedWrite, document: Mapping[str, Any] | None
) -> Pushed:
    """The row as its collection takes it. A corrected version keeps the id, unless that is none."""
    whole = dict(write.content)
    if document is not None:
        whole = {k: v for k, v in document.items() if k not in _NOT_TYPED}
    if uuid_of(write.doc_id) is not None and whole.get("id") != write.doc_id:
        raise ProblemError(INVALID, errors=[FieldError("/id", "A row keeps its id.")])
    base = None if write.base is None else dict(write.base)
    found = parsed(collection, Row(str(whole.get("id")), whole, base))
    if not isinstance(found, Pushed):
        raise ProblemError(INVALID, errors=found)
    return found


def _author(row: QuarantinedWrite, named: User | None) -> User:
    author = row.author or named
    if author is None:
        raise ProblemError(INVALID, errors=[FieldError("/author", "Who typed it? Nobody knows.")])
    if row.author is not None and named is not None and named.pk != row.author_id:
        raise ProblemError(INVALID, errors=[FieldError("/author", "Its author is known.")])
    return author
