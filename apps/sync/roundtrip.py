"""One round trip: what a tablet has to say of all collections, and what there is for it.

For clients of our own, where each round trip costs a second of bad radio. First everything pushed
is judged, each collection for itself, then everything is read in one snapshot: it holds what was
pushed. What is wrong with one collection stands in its place in the answer, as a problem, and
touches no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from apps.audit.services import Act, record_all
from apps.changes.reading import Head, snapshot
from apps.changes.services import forget
from apps.core.logs import ailment
from apps.core.problems import BUSY, FAILED, INVALID, Details, FieldError, ProblemError
from apps.sync import feed, ledger, projection, recovery, registry
from apps.sync.feed import Estranged, Standing
from apps.sync.problems import PULL_ONLY, UNKNOWN_COLLECTION
from apps.sync.pull import LARGEST_LIMIT, read
from apps.sync.push import push
from apps.sync.registry import Collection, Contact
from apps.sync.rows import Row, rows_of

log = logging.getLogger(__name__)

DEFAULT_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Request:
    """A request's body, with its shape checked. `outbox` and `purged` are the ledger's to check."""

    push: Mapping[str, Any]
    pull: Mapping[str, str | None]
    limit: int
    outbox: object | None
    purged: object | None


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    headers: dict[str, str]


def request_of(body: object) -> Request:
    """The request, or ProblemError (400) that names what is wrong with it as a whole; then nothing
    of it is done. What is wrong within one collection is no error of the whole."""
    if not isinstance(body, dict):
        raise ProblemError(INVALID, errors=[FieldError("", "An object with push and pull.")])
    pushed, pulled = body.get("push", {}), body.get("pull", {})
    limit = body.get("limit", DEFAULT_LIMIT)
    errors = []
    for name, given in (("push", pushed), ("pull", pulled)):
        if isinstance(given, dict) and len(given) > ledger.MOST_COLLECTIONS:
            detail = f"At most {ledger.MOST_COLLECTIONS} collections."
            errors.append(FieldError(f"/{name}", detail))
    if not isinstance(pushed, dict):
        errors.append(FieldError("/push", "An object: collection to a list of rows."))
    elif (count := _rows_in(pushed)) > settings.ROUND_TRIP_ROWS:
        detail = f"At most {settings.ROUND_TRIP_ROWS} rows in all, not {count}."
        errors.append(FieldError("/push", detail))
    if not isinstance(pulled, dict) or not all(
        one is None or isinstance(one, str) for one in pulled.values()
    ):
        errors.append(FieldError("/pull", "An object: collection to a checkpoint or null."))
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= LARGEST_LIMIT:
        errors.append(FieldError("/limit", f"A whole number from 1 to {LARGEST_LIMIT}."))
    if errors:
        raise ProblemError(INVALID, errors=errors)
    return Request(pushed, pulled, limit, body.get("outbox"), body.get("purged"))


def make(request: Request, *, contact: Contact, seen: Head | None, now: datetime) -> Answer:
    """Takes what is pushed and declared, then reads. What it hands out is in the audit log, and
    committed, before it returns."""
    pushed = {
        name: _or_problem(_push, name, request.push[name], contact, now)
        for name in _in_order(request.push)
    }
    declared = {
        key: _or_problem(_declare, note, contact, said, now)
        for key, note, said in (
            ("outbox", ledger.declare_outbox, request.outbox),
            ("purged", ledger.note_purged, request.purged),
        )
        if said is not None
    }
    recovery.hear(contact, [name for name, at in request.pull.items() if at is None], now=now)
    reading = _Reading(request, contact, seen)
    reading.run()
    if reading.estranged is not None:
        recovery.note(reading.estranged, contact, now=now)
    record_all(reading.acts, now=now)
    _forget(contact.instance, reading.presented)
    body = b'{"push":%s,"pull":%s%s}' % (
        _object(pushed),
        _object(reading.found),
        b"".join(b',"%s":%s' % (key.encode(), said) for key, said in declared.items()),
    )
    return Answer(body, (reading.standing or feed.standing()).headers())


def _rows_in(pushed: Mapping[str, Any]) -> int:
    return sum(len(rows) for rows in pushed.values() if isinstance(rows, list))


def _in_order(named: Mapping[str, object]) -> list[str]:
    """The collections in the order in which tablets are caught up, then what there is not."""
    known = [one.name for one in registry.all_for("tablet") if one.name in named]
    return known + [name for name in named if name not in known]


def _collection(name: str) -> Collection:
    found = registry.get(name)
    if found is None or found.audience == "desk":
        raise ProblemError(UNKNOWN_COLLECTION)
    return found


def _push(name: str, rows: object, contact: Contact, now: datetime) -> bytes:
    collection = _collection(name)
    if collection.kind == "pull_only":
        raise ProblemError(PULL_ONLY)
    if rows == []:
        return b"[]"
    taken: list[Row] = rows_of(rows)
    answers = push(collection=collection, contact=contact, rows=taken, now=now)
    return b"[%s]" % b",".join(projection.answer(collection, a, contact.schema) for a in answers)


def _declare(
    note: Callable[[Contact, object, datetime], None], contact: Contact, said: object, now: datetime
) -> bytes:
    note(contact, said, now)
    return b"null"


class _Reading:
    """What is read of one request, in one snapshot. `acts`: the audit entries that must be
    committed first; `presented`: of each of the holder's own lists, the commit before which all
    lies before the checkpoint that was named."""

    def __init__(self, request: Request, contact: Contact, seen: Head | None) -> None:
        self.found: dict[str, bytes] = {}
        self.standing: Standing | None = None
        self.acts: list[Act] = []
        self.presented: dict[str, int] = {}
        self.estranged: Estranged | None = None
        self._asked = request.pull
        self._room = request.limit
        self._contact = contact
        self._seen = seen

    def run(self) -> None:
        """Reads everything. Where the database is lost nothing can be handed out; what was pushed
        stands, and is answered."""
        if not self._asked:
            return
        try:
            with snapshot():
                for name in _in_order(self._asked):
                    self.found[name] = self._one(name, self._asked[name])
        except (DatabaseError, InterfaceError) as error:
            if isinstance(error, OperationalError):
                log.warning("busy: %s", ailment(error))
            else:
                log.exception("a round trip cannot be read")
            self.found = dict.fromkeys(self._asked, _problem(ProblemError(BUSY)))
            self.acts, self.presented, self.standing = [], {}, None

    def _one(self, name: str, checkpoint: str | None) -> bytes:
        if self._room == 0:
            return _later(checkpoint)
        try:
            return self._page(_collection(name), checkpoint)
        except ProblemError as problem:
            if isinstance(problem, Estranged) and not (self.estranged and self.estranged.signed):
                self.estranged = problem
            return _problem(problem)
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            log.exception("a collection cannot be read", extra={"collection": name})
            return _problem(ProblemError(FAILED))

    def _page(self, collection: Collection, checkpoint: str | None) -> bytes:
        part = read(
            collection=collection,
            contact=self._contact,
            checkpoint=checkpoint,
            seen=self._seen,
            limit=self._room,
        )
        self._room -= len(part.documents)
        self.standing = part.standing
        if part.read:
            self.acts.append(part.read)
        if not collection.shared and part.presented.commit.seq:
            self.presented[collection.name] = part.done
        return b'{%s,"more":%s}' % (part.body(), b"false" if self._room else b"true")


def _forget(holder: UUID, presented: Mapping[str, int]) -> None:
    """Drops tombstones that were carried out: a client of ours names checkpoints that it has read
    from its disk. Most contacts have none, and one look says so."""
    if not presented:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct i.collection from feed_item i join "
            "unnest(%s::text[], %s::bigint[]) as at (collection, seq) using (collection) "
            "where i.holder = %s and not i.visible and i.seq < at.seq",
            [list(presented), list(presented.values()), holder],
        )
        found = [name for (name,) in cursor.fetchall()]
    for name in found:
        forget(holder=holder, collection=name, before=presented[name])


def _later(checkpoint: str | None) -> bytes:
    """There was no room: the same place, to be asked for again."""
    place: dict[str, Any] = {
        "documents": [],
        "checkpoint": checkpoint and {"c": checkpoint},
        "more": True,
    }
    return orjson.dumps(place)


def _or_problem(work: Callable[..., bytes], *arguments: object) -> bytes:
    try:
        return work(*arguments)
    except ProblemError as problem:
        return _problem(problem)
    except (OperationalError, InterfaceError) as error:
        log.warning("busy: %s", ailment(error))
        return _problem(ProblemError(BUSY))
    except Exception:
        log.exception("one collection of a round trip failed")
        return _problem(ProblemError(FAILED))


def _problem(error: ProblemError) -> bytes:
    details = Details(error.problem, error.text, error.errors, error.extra)
    return orjson.dumps(details.body())


def _object(members: Mapping[str, bytes]) -> bytes:
    return b"{%s}" % b",".join(b"%s:%s" % (orjson.dumps(n), text) for n, text in members.items())
