"""Opening a socket and catching up: what one socket reads for itself. Runs in threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from apps.audit.services import Act, record_all
from apps.changes import reading
from apps.changes.reading import Head
from apps.changes.services import forget
from apps.core.problems import ProblemError
from apps.live.entrance import Entrance
from apps.live.hello import Hello
from apps.live.messages import Code
from apps.live.parts import Part, holder_of, part, reading_of
from apps.live.sessions import Audience, TurnedAway, Verdict, Who, identify, recheck
from apps.sync import feed, projection, registry
from apps.sync.checkpoints import Position
from apps.sync.feed import Standing
from apps.sync.problems import ANOTHER_HISTORY
from apps.sync.registry import Collection

# Documents that are read, and may be unsent, for one socket at a time while it catches up.
PAGE = 100


@dataclass(frozen=True, slots=True)
class Opened:
    """A socket that may stay; `checkpoints` are its collections and where it stands in each.

    `estranged`: it comes from another history. It is told which one this is, and closed.
    """

    who: Who
    standing: Standing
    checkpoints: dict[str, str | None]
    estranged: bool


def open_socket(audience: Audience, entrance: Entrance, hello: Hello, *, now: datetime) -> Opened:
    """Who it is and where the server stands. Raises TurnedAway for anything that ends it here."""
    who = replace(identify(audience, entrance, hello, now=now), schema=hello.schema)
    try:
        projection.must_be_served(who.schema)
    except ProblemError as problem:
        raise TurnedAway(Code.UPGRADE_REQUIRED, problem.problem.title) from None
    wanted = hello.checkpoints or None
    mine: dict[str, str | None] = {}
    for collection in registry.all_for(audience):
        known = collection.version_for(who.schema) is not None
        if known and (wanted is None or collection.name in wanted):
            mine[collection.name] = checkpoint = (wanted or {}).get(collection.name)
            _resume(who, collection, checkpoint)
    standing = feed.standing()
    estranged = False
    try:
        feed.check_seen(standing, hello.seen)
    except ProblemError as problem:
        if problem.problem is not ANOTHER_HISTORY:
            raise TurnedAway(Code.TRY_LATER, problem.problem.title) from None
        estranged = True
    return Opened(who, standing, mine, estranged)


def look(known: Head | None) -> tuple[Standing, bool]:
    """Where the server stands, and whether a head that it once had is still part of its history."""
    with reading.snapshot():
        standing = feed.standing()
        try:
            feed.check_seen(standing, known)
        except ProblemError as problem:
            return standing, problem.problem is not ANOTHER_HISTORY
    return standing, True


def _resume(who: Who, collection: Collection, checkpoint: str | None) -> tuple[Position, Position]:
    """From where to read on, and the place that was presented."""
    holder = holder_of(who, collection)
    former = who.holder if collection.shared else None  # what was withdrawn when it was lost
    try:
        return projection.resume(
            collection, checkpoint, holder=holder, version=who.schema, former=former
        )
    except ProblemError as problem:
        reason = f"checkpoint of {collection.name}: {problem.text}"
        raise TurnedAway(Code.BAD_HELLO, reason) from None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of catching up. Not `more`: everything up to `standing.head`, in every collection,
    is in `parts` or came before; `verdict` is as of that moment."""

    standing: Standing
    verdict: Verdict
    parts: list[Part]
    more: bool


def catch_up(who: Who, at: Mapping[str, str | None], *, now: datetime) -> Step:
    """The next documents after these checkpoints, at most a page of them, in one snapshot.

    What it returns is in the audit log, and committed. Raises ProblemError where a checkpoint is
    of another history, or of one that this server has yet to see.
    """
    parts: list[Part] = []
    acts: list[Act] = []
    room = PAGE
    with reading.snapshot():
        [verdict] = recheck([who])
        standing = feed.standing()
        for name, checkpoint in at.items():
            collection = registry.get(name)
            if collection is None or (collection.shared and verdict.user is None):
                continue  # what everyone may see is for those who are signed in
            if room == 0:
                break
            position, presented = _resume(who, collection, checkpoint)
            found = feed.visit(
                holder=holder_of(who, collection),
                collection=name,
                position=position,
                presented=presented,
                seen=None,
                limit=room,
            )
            if found.rows:
                room -= len(found.rows)
                parts.append(part(who, collection, found.rows, found.position))
                user = verdict.user if collection.shared else found.principal
                acts += reading_of(who, user, collection, found.rows)
    record_all(acts, now=now)
    return Step(standing, verdict, parts, more=room == 0)


def forget_carried_out(who: Who, presented: Mapping[str, str | None]) -> None:
    """Drops the tombstones that this local database has carried out: the checkpoints of a hello are
    those that it read from its disk, so whatever came before them is done.

    A desk keeps nothing on a disk, and two pages of one person share a list: what one of them has
    come past, the other may still have to be told.
    """
    if who.tablet is None:
        return
    for name, checkpoint in presented.items():
        collection = registry.get(name)
        if collection is not None and checkpoint is not None and not collection.shared:
            _, presented_at = _resume(who, collection, checkpoint)
            forget(holder=who.holder, collection=name, before=presented_at.commit.seq)
