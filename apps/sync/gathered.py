"""Pushes that arrive together: judged and committed in one transaction. The hot path.

Only what is plain goes this way: versions of documents that people change together, typed by who is
signed in, on tablets that nothing ails. The rest goes the ordinary way (`push`), and so does, one
by one, every push of a transaction in which anything went wrong: here is no verdict but "taken".

Both ways lock, judge, write and publish by the same functions, in the same order. What is left out
here is what surrounds them: the framework's request, a statement for each question, a savepoint a
row. However many pushes there are, it is one look at who they are, one lock, one look at how the
documents stand, one statement each for documents and history, one COMMIT, one look at the head.
See docs/adr/0014.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, transaction
from django.http import HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from apps.accounts.auth import plain_sessions, token_in
from apps.accounts.services import note_contacts
from apps.changes.services import collected
from apps.core import clock
from apps.core.answers import Guarded
from apps.core.pipelines import pipelined
from apps.core.problems import ProblemError
from apps.sync import documents, feed, headers, merged, policies, projection, recovery, registry
from apps.sync.registry import Collection, Contact, Pushed
from apps.sync.rows import parsed, rows_of, tombstone
from apps.sync.services import early, versions
from apps.sync.services.early import Came
from apps.sync.services.versions import Save

log = logging.getLogger(__name__)

# A long transaction holds up other publishers.
ROWS_TOGETHER: Final = 250
_PATH = re.compile(r"/api/v1/sync/([a-z_]{1,40})/push")


@dataclass(frozen=True, slots=True)
class _Request:
    """What a request says of itself. `place`: its place among those that came together."""

    place: int
    collection: Collection
    body: bytes
    token: str
    instance: UUID
    schema: int
    clock: headers.Clock | None


@dataclass(frozen=True, slots=True)
class _Push:
    """A request that can go this way: from whom, and its rows. `answers` are added to."""

    place: int
    collection: Collection
    contact: Contact
    rows: list[Pushed]
    answers: list[bytes] = field(default_factory=list)


class _NotPlain(Exception):
    """A refused text stands in the place of a document: what was refused is settled elsewhere."""


def _made(request: Any) -> HttpResponse:
    """Where a view would stand: the answer is there already."""
    made: HttpResponse = request.made
    return made


class Pushes:
    """How requests that push rows are answered together: `apps.core.gathering.Together`."""

    def __init__(self) -> None:
        # Of the ordinary way's middleware, what writes into every answer.
        innermost: Any = XFrameOptionsMiddleware(_made)
        self._edge: Any = SecurityMiddleware(Guarded(innermost))

    def admits(self, request: ASGIRequest) -> bool:
        match = _PATH.fullmatch(request.path_info) if request.method == "POST" else None
        found = registry.get(match[1]) if match else None
        return found is not None and found.kind == "merged" and found.audience != "desk"

    def answer(self, requests: Sequence[ASGIRequest]) -> list[HttpResponse | None]:
        close_old_connections()
        try:
            return self._answer(requests, clock.now())
        finally:
            close_old_connections()  # back to the pool

    def _answer(self, requests: Sequence[ASGIRequest], now: datetime) -> list[HttpResponse | None]:
        answers: list[HttpResponse | None] = [None] * len(requests)
        taken: list[_Push] = []
        for part in _transactions(_plain(requests, now)):
            try:
                _take(part, now)
            except Exception as error:  # noqa: BLE001 - it comes again, alone, and shows there
                log.info("pushes go the ordinary way: %s", type(error).__name__)
            else:
                taken += part
        if taken:
            standing = feed.standing().headers()
            for push in taken:
                body = b"[%s]" % b",".join(push.answers)
                headers = {**standing, "Content-Length": str(len(body))}
                request: Any = requests[push.place]
                request.made = HttpResponse(body, content_type="application/json", headers=headers)
                answers[push.place] = self._edge(request)
        return answers


PUSHES = Pushes()


def _plain(requests: Sequence[ASGIRequest], now: datetime) -> list[_Push]:
    """Those of the pushes that can go this way, with who sent them and what."""
    read = [found for place, one in enumerate(requests) if (found := _read(one, place, now))]
    sessions = plain_sessions([(one.token, one.instance) for one in read], now=now)
    coming_back = recovery.coming_back([one.instance for one in read])
    pushes = []
    for one, session in zip(read, sessions, strict=True):
        if session is None or session.user is None or one.instance in coming_back:
            continue
        rows = _plain_rows(one, author=str(session.user.pk))
        if rows is not None:
            at = one.clock
            contact = Contact(
                session,
                one.instance,
                at.offset_ms if at else None,
                at.uncertainty_ms if at else None,
                one.schema,
            )
            pushes.append(_Push(one.place, one.collection, contact, rows))
    return pushes


def _read(request: ASGIRequest, place: int, now: datetime) -> _Request | None:
    """What a request says of itself. None: somebody has to be told what is wrong with it."""
    match, meta = _PATH.fullmatch(request.path_info), request.META
    collection = registry.get(match[1]) if match else None
    token = token_in(meta.get("HTTP_AUTHORIZATION", ""), "cft")
    if collection is None or token is None or not _is_welcome(request):
        return None
    try:
        return _Request(
            place,
            collection,
            request.body,
            token,
            headers.parse_instance(meta.get("HTTP_SYNC_INSTANCE")),
            projection.parse_version(meta.get("HTTP_SYNC_SCHEMA")),
            headers.measure_clock(meta.get("HTTP_SYNC_CLOCK"), now=now),
        )
    except ProblemError:
        return None


def _is_welcome(request: ASGIRequest) -> bool:
    """Whether the ordinary way's edges would let it through."""
    accepts = request.META.get("HTTP_ACCEPT", "*/*")
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return ("*/*" in accepts or "application/json" in accepts) and (
        request.is_secure() or not settings.SECURE_SSL_REDIRECT
    )


def _plain_rows(request: _Request, *, author: str) -> list[Pushed] | None:
    """The rows of a request. None where one of them has to be looked at more closely: it cannot be
    read, somebody else typed it, another local database saved it, it deletes or corrects, it is
    there twice."""
    try:
        rows = rows_of(orjson.loads(request.body))
    except (orjson.JSONDecodeError, ProblemError):
        return None
    found: list[Pushed] = []
    for row in rows:
        one = parsed(request.collection, row)
        if not isinstance(one, Pushed) or one.deleted or one.corrects:
            return None
        if one.editor not in {None, request.instance}:
            return None
        if row.document.get("author_id") not in {None, author}:
            return None
        found.append(one)
    once = len({row.doc_id for row in found}) == len(found)
    return found if once and len(found) <= ROWS_TOGETHER else None


def _transactions(pushes: Sequence[_Push]) -> Iterator[list[_Push]]:
    """Pushes of one collection at a time, no document twice: the second version of one is judged by
    what the first has become."""
    waiting = list(pushes)
    while waiting:
        part: list[_Push] = []
        ids: set[UUID] = set()
        later: list[_Push] = []
        for push in waiting:
            named = {row.doc_id for row in push.rows}
            fits = len(ids) + len(named) <= ROWS_TOGETHER and ids.isdisjoint(named)
            if not part or (fits and push.collection is part[0].collection):
                part.append(push)
                ids |= named
            else:
                later.append(push)
        yield part
        waiting = later


@policies.within(policies.TRANSACTION_SECONDS)
def _take(pushes: Sequence[_Push], now: datetime) -> None:
    """Judges all rows of these pushes and commits what comes of it, or raises whatever went wrong
    with any of them. Then nothing of it stands."""
    collection = pushes[0].collection
    rows = [(row, push) for push in pushes for row in push.rows]
    history: list[Save] = []
    led: dict[UUID, merged.Outcome] = {}
    answers: dict[tuple[UUID, UUID], bytes | None] = {}
    came: list[Came] = []
    with transaction.atomic():
        collection.lock([row for row, _ in rows])
        with pipelined():
            documents.lock(collection.name, [row.doc_id for row, _ in rows])
            stands = documents.stands(collection, [(row, by.contact.instance) for row, by in rows])
        if not all(stand.exists for stand in stands.values()):
            raise _NotPlain
        with collected() as published:
            for row, push in rows:
                contact, stand = push.contact, stands.get(row.doc_id, documents.NOTHING)
                taken = merged.take(collection, row, stand, contact, history=history, now=now)
                led[row.doc_id] = taken
                came += early.came(row, taken.answer, contact)
                answers[contact.instance, row.doc_id] = _as_sent(collection, contact, taken.answer)
        with pipelined():
            published.write()
            versions.write(history)
            note_contacts(
                {by.contact.session.tablet: by.contact.offset_ms for by in pushes}, now=now
            )
            merged.must_have_led(collection.name, led)
        early.note(collection=collection, documents=came, now=now)
        published.react(now=now)
    unseen = feed.not_held(collection.name, answers)
    for row, push in rows:
        here = (push.contact.instance, row.doc_id)
        answer = tombstone(row.document["id"]) if here in unseen else answers[here]
        if answer is not None:
            push.answers.append(answer)


def _as_sent(
    collection: Collection, contact: Contact, document: dict[str, object] | None
) -> bytes | None:
    if document is None:
        return None
    sent = orjson.dumps({"_deleted": False, **document}, option=orjson.OPT_UTC_Z)
    return projection.answer(collection, sent, contact.schema)
