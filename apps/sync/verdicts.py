"""One row, taken by its collection, or the reasons why it cannot be.

A push and a supervisor who has a refused row taken after all come the same way.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import DataError, IntegrityError, InterfaceError, OperationalError

from apps.core.problems import FieldError, ProblemError
from apps.sync import documents, merged
from apps.sync.canonical import covers
from apps.sync.documents import Stand
from apps.sync.media import naming
from apps.sync.merged import Outcome
from apps.sync.registry import Collection, Contact, Pushed, Refused
from apps.sync.services import taking, versions
from apps.sync.services.versions import Save

log = logging.getLogger(__name__)

AT_COMMIT = FieldError("", "It contradicts other records.")
_BROKEN = FieldError("", "The server could not take this. Its operator has been told.")


def take(
    collection: Collection, pushed: Pushed, stand: Stand, contact: Contact, now: datetime
) -> Outcome:
    """Has a row judged and written, history and all, or raises one of those that `reasons` knows.
    Runs in a savepoint. `stand` and the outcome's revisions matter to merged collections alone."""
    history: list[Save] = []
    outcome = take_unsaved(collection, pushed, stand, contact, history=history, now=now)
    versions.write(history)
    return outcome


def take_unsaved(
    collection: Collection,
    pushed: Pushed,
    stand: Stand,
    contact: Contact,
    *,
    history: list[Save],
    now: datetime,
) -> Outcome:
    """As `take`, but what goes into the history is added to `history`, for the caller to write with
    that of other rows."""
    if collection.kind == "merged":
        return merged.take(collection, pushed, stand, contact, history=history, now=now)
    if pushed.deleted:
        raise Refused([FieldError("/_deleted", "What was recorded is not deleted.")])
    new = taking.take(row=pushed, contact=contact, now=now)
    if new is None:
        return Outcome(None, stand.rev, stand.rev)
    if not new and _is_as_served(collection, pushed):
        return Outcome(None, stand.rev, stand.rev)
    if not new:
        detail = "Something else was recorded under this id, and stays."
        raise Refused([FieldError("/id", detail)])
    assert collection.push is not None  # the registry has checked it
    answer = collection.push(pushed, contact, now)
    naming.note(
        collection=collection,
        doc_id=pushed.doc_id,
        document={**pushed.document, **(answer or {})},
        author=contact.session.user,
        now=now,
    )
    return Outcome(answer, stand.rev, stand.rev)


def is_repeat(collection: Collection, pushed: Pushed, stand: Stand) -> bool:
    """Whether this very row was taken before, or says what a fact says that is here already."""
    if collection.kind == "merged":
        return stand.told_before
    if taking.is_taken(row=pushed):
        return True
    present = documents.read(collection, pushed.doc_id).present
    return present is not None and covers(present.content, pushed.content)


def _is_as_served(collection: Collection, pushed: Pushed) -> bool:
    """Whether it is the save that is here, as the document says it. A server that was put back is
    handed what it has as it had served it: with what it had put in itself."""
    present = documents.read(collection, pushed.doc_id).present
    if present is None or (present.editor, present.edit_no) != (str(pushed.editor), pushed.edit_no):
        return False
    return covers(present.content, pushed.content)


def reasons(error: Exception, collection: Collection) -> list[FieldError]:
    """Why a row cannot be taken. Raises what is no verdict on it: the database is too busy."""
    match error:
        case Refused():
            return error.errors
        case ProblemError() if error.status_code < 500:
            return list(error.errors) or [FieldError("", error.text or error.problem.title)]
        case ProblemError() | OperationalError() | InterfaceError():
            raise error
        case IntegrityError() | DataError():
            return [AT_COMMIT]
    log.error("a push handler failed", exc_info=error, extra={"collection": collection.name})
    return [_BROKEN]
