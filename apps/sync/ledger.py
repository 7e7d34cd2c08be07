"""What a local database says of itself: what it has not sent, whether it holds what it should, and
what it has dropped.

Declarations, no proofs: they are kept as they were made, with the time of their arrival, for
whoever answers for the tablets. They hold counts, names of collections and ids, never what was
typed. Each costs one statement, because every tablet makes them all day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard, TypeVar
from uuid import UUID

import orjson
from django.db import connection

from apps.changes.reading import Head
from apps.core.problems import INVALID, FieldError, ProblemError, escape
from apps.sync.headers import parse_head
from apps.sync.models import CheckedDigest, Outbox
from apps.sync.registry import Contact
from apps.sync.values import uuid_of

T = TypeVar("T")
# A declaration names collections that this server may not know: a newer client's.
MOST_COLLECTIONS = 50
MOST_PURGED = 1000
_NAME = re.compile(r"[a-z_]{1,40}")
_WIDEST = 2**31 - 1  # milliseconds, and rows

# An order to drop that has not been answered yet gets its receipt. Where there is no order any more
# (it was carried out and forgotten) the first word counts, and the same again is a repeat.
_NOTE_PURGED = """
with given as (
  select distinct collection, doc_id from json_to_recordset(%s::json) as g (
    collection text, doc_id uuid)
)
insert into sync_purgereceipt (local_database_id, collection, doc_id, seq, at)
select %s, g.collection, g.doc_id, coalesce(i.seq, 0), %s
from given g left join feed_item i on i.holder = %s and i.collection = g.collection
  and i.doc_id = g.doc_id and not i.visible
where i.seq is not null or not exists (
  select from sync_purgereceipt r
  where r.local_database_id = %s and r.collection = g.collection and r.doc_id = g.doc_id)
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class _Part:
    """What is said of one collection. `kinds`: the same, by what the documents tell."""

    count: int
    oldest_at: datetime | None
    kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Digest:
    """What came of comparing one collection with its digest."""

    head: Head
    count: int
    agrees: bool


def declare_outbox(contact: Contact, body: object, now: datetime) -> None:
    """Keeps what a local database says it has not sent, in place of what it said before.

    `body`: `{"unsent": {collection: {"count", "oldest_at", "kinds"}}, "refused": {...}, "digests":
    {collection: {"head", "count", "agrees"}}, "at"}`, times by the device's clock. An empty
    `unsent` says that everything is sent. The last to arrive stands; of digests, the last of each
    collection. ProblemError (400) names what is wrong, and nothing is changed.
    """
    if not isinstance(body, dict):
        raise ProblemError(INVALID, errors=[FieldError("", "An outbox is an object.")])
    errors: list[FieldError] = []
    unsent = _parts(body, "unsent", errors)
    refused = _parts(body, "refused", errors)
    digests = _digests(body, errors)
    device_at = _instant(body.get("at"))
    if device_at is None:
        errors.append(FieldError("/at", "The device's clock, ISO 8601 with a zone."))
    if errors or device_at is None:
        raise ProblemError(INVALID, errors=errors)
    offset = contact.offset_ms
    if offset is None:
        offset = _within((device_at - now) // timedelta(milliseconds=1))
    oldest = [part.oldest_at for part in unsent.values() if part.oldest_at and part.count]
    said = Outbox(
        local_database_id=contact.instance,
        unsent=_json(unsent),
        refused=_json(refused),
        unsent_count=min(_WIDEST, sum(part.count for part in unsent.values())),
        refused_count=min(_WIDEST, sum(part.count for part in refused.values())),
        oldest_at=_by_server(min(oldest), offset) if oldest else None,
        device_at=device_at,
        offset_ms=offset,
        declared_at=now,
    )
    columns = [f.name for f in Outbox._meta.concrete_fields if not f.primary_key]
    Outbox.objects.bulk_create(
        [said], update_conflicts=True, unique_fields=["local_database"], update_fields=columns
    )
    CheckedDigest.objects.bulk_create(
        [
            CheckedDigest(
                local_database_id=contact.instance,
                collection=name,
                head_seq=one.head.seq,
                count=one.count,
                agrees=one.agrees,
                declared_at=now,
            )
            for name, one in sorted(digests.items())
        ],
        update_conflicts=True,
        unique_fields=["local_database", "collection"],
        update_fields=["head_seq", "count", "agrees", "declared_at"],
    )


def note_purged(contact: Contact, body: object, now: datetime) -> None:
    """Records that a local database says it has dropped these documents. Repeatable.

    `body`: `[{"collection", "ids"}]`, at most 1,000 ids in all. ProblemError (400) names what is
    wrong, and nothing is recorded.
    """
    pairs = _purged(body)
    if pairs:
        given = [{"collection": name, "doc_id": str(id)} for name, id in pairs]
        holder = contact.instance
        with connection.cursor() as cursor:
            cursor.execute(
                _NOTE_PURGED, [orjson.dumps(given).decode(), holder, now, holder, holder]
            )


def _parts(body: Mapping[str, Any], name: str, errors: list[FieldError]) -> dict[str, _Part]:
    return _of_each(body, name, errors, _part)


def _digests(body: Mapping[str, Any], errors: list[FieldError]) -> dict[str, _Digest]:
    return _of_each(body, "digests", errors, _digest)


def _of_each(
    body: Mapping[str, Any],
    name: str,
    errors: list[FieldError],
    read: Callable[[Mapping[str, Any]], T | str],
) -> dict[str, T]:
    """What is said of each collection; what is wrong goes to `errors`."""
    given = body.get(name, {})
    if not isinstance(given, dict) or len(given) > MOST_COLLECTIONS:
        detail = f"An object of at most {MOST_COLLECTIONS} collections."
        errors.append(FieldError(f"/{name}", detail))
        return {}
    found = {}
    for collection, said in given.items():
        part: T | str = "Not the name of a collection."
        if _NAME.fullmatch(collection):
            part = read(said) if isinstance(said, dict) else "An object with count."
        if isinstance(part, str):
            errors.append(FieldError(f"/{name}/{escape(collection)}", part))
        else:
            found[collection] = part
    return found


def _part(said: Mapping[str, Any]) -> _Part | str:
    """What is said of one collection, or what is wrong with it."""
    count, oldest_at, kinds = said.get("count"), said.get("oldest_at"), said.get("kinds", {})
    if not _is_count(count):
        return "count is a whole number from 0."
    instant = _instant(oldest_at)
    if oldest_at is not None and instant is None:
        return "oldest_at is an instant, ISO 8601 with a zone, or null."
    # Kinds that this server does not know are a newer client's.
    fine = isinstance(kinds, dict) and len(kinds) <= MOST_COLLECTIONS
    if not fine or not all(_NAME.fullmatch(kind) and _is_count(n) for kind, n in kinds.items()):
        return f"kinds is an object of at most {MOST_COLLECTIONS} names, each with a count."
    return _Part(count, instant, kinds)


def _digest(said: Mapping[str, Any]) -> _Digest | str:
    head, count, agrees = said.get("head"), said.get("count"), said.get("agrees")
    if not _is_count(count):
        return "count is a whole number from 0."
    if not isinstance(agrees, bool):
        return "agrees is true or false."
    try:
        return _Digest(parse_head(head if isinstance(head, str) else ""), count, agrees)
    except ProblemError:
        return "head is the Sync-Head that the digest was answered with."


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _WIDEST


def _purged(body: object) -> list[tuple[str, UUID]]:
    if not isinstance(body, list):
        raise ProblemError(INVALID, errors=[FieldError("", "A list of {collection, ids}.")])
    errors: list[FieldError] = []
    pairs: list[tuple[str, UUID]] = []
    for number, said in enumerate(body):
        name, ids = (said.get("collection"), said.get("ids")) if isinstance(said, dict) else ("", 0)
        if not (isinstance(name, str) and _NAME.fullmatch(name) and isinstance(ids, list)):
            errors.append(FieldError(f"/{number}", "An object with collection and a list of ids."))
            continue
        for place, id in enumerate(ids):
            known = uuid_of(id)
            if known is None:
                errors.append(FieldError(f"/{number}/ids/{place}", "Not a UUID."))
            else:
                pairs.append((name, known))
        if len(pairs) > MOST_PURGED:
            detail = f"At most {MOST_PURGED} ids at once. Send the others next."
            raise ProblemError(INVALID, errors=[FieldError("", detail)])
    if errors:
        raise ProblemError(INVALID, errors=errors[:MOST_COLLECTIONS])
    return pairs


def _instant(value: object) -> datetime | None:
    """An instant with its zone; None for anything else."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    # Far enough from the ends of the calendar for every zone and offset.
    return None if found.tzinfo is None or not 1900 < found.year < 9000 else found


def _by_server(device: datetime, offset_ms: int) -> datetime:
    return device - timedelta(milliseconds=offset_ms)


def _within(milliseconds: int) -> int:
    return max(-_WIDEST, min(_WIDEST, milliseconds))


def _json(parts: Mapping[str, _Part]) -> dict[str, Any]:
    return {
        name: {
            "count": part.count,
            "oldest_at": part.oldest_at.isoformat() if part.oldest_at else None,
            "kinds": dict(part.kinds),
        }
        for name, part in parts.items()
    }
