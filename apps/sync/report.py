"""A recovery in plain words: what has come back, what has not yet, and what cannot.

It names tablets by their labels, and nothing that anybody typed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from apps.accounts.models import Tablet
from apps.sync import recovery, registry
from apps.sync.histories import Comeback, History, Setback, SetbackClaim

_TIME = "%Y-%m-%d %H:%M:%S %Z"


def recovery_report() -> list[str]:
    """The lines of it, the newest history first."""
    lines = [*_set_back(recovery.set_back()), *_claims(recovery.claimed(Tablet.objects.all()))]
    histories = list(History.objects.all())
    for history in histories:
        lines += [*of_history(history), ""]
    if not histories:
        lines.append("No other history was ever begun here.")
    return lines


def _set_back(row: Setback | None) -> Iterator[str]:
    if row is not None:
        yield (
            f"THIS SERVER WAS PUT BACK IN TIME. Noticed at {_when(row.noticed_at)}: tablets have "
            f"seen commit {row.seen_seq}, this server had come to {row.head_seq}. Whoever has "
            "seen more than this server has are served nothing. Run: manage.py new_history"
        )
        yield ""


def _claims(rows: Iterable[SetbackClaim]) -> Iterator[str]:
    for row in rows:
        yield (
            f"{row.tablet.label} ({_short(row)}) says since {_when(row.noticed_at)} that it has "
            f"seen commit {row.seen_seq}, and shows nothing for it; this server had come to "
            f"{row.head_seq}. It is served nothing. See to that tablet, or dismiss it in the admin."
        )
        yield ""


def of_history(history: History, among: Container[UUID] | None = None) -> Iterator[str]:
    """The lines about one history; those about tablets of these alone, where some are given."""
    every = list(Comeback.objects.filter(epoch=history.epoch).select_related("tablet"))
    rows = [row for row in every if among is None or row.tablet_id in among]
    came = [row for row in rows if row.came_at is not None]
    done = [row for row in rows if row.followed_at is not None]
    yield f"History {history.epoch}, begun at {_when(history.began_at)}."
    since = _when(history.last_at) if history.last_at else "no time that is known"
    yield f"It goes on from commit {history.last_seq} of {since}."
    yield (
        f"{len(done)} of {len(rows)} local databases have come back and handed over what they held."
    )
    for row in sorted(came, key=lambda row: row.tablet.label):
        yield f"  {row.tablet.label} ({_short(row)}): {_told(row)}"
    missing = [row for row in rows if row.came_at is None]
    if missing:
        yield (
            f"{len(missing)} have not come yet. What they hold and this server lacks comes with "
            "them; until then nobody knows what it is."
        )
        for row in sorted(missing, key=lambda row: row.tablet.label):
            yield f"  {row.tablet.label} ({_short(row)})"
    yield from _gone(history, every)


def _told(row: Comeback) -> str:
    here = max(0, row.sent - row.new - row.changed - row.refused)
    words = (
        f"came at {_when(row.came_at)}; sent {row.sent}: {row.new} new, {row.changed} put into "
        f"what was here, {here} that were here already, {row.refused} in quarantine; "
        f"{row.conflicts} texts kept in conflicts"
    )
    if row.followed_at is None:
        return f"{words}. It has not said yet that this is all."
    return f"{words}. All of it by {_when(row.followed_at)}."


def _gone(history: History, rows: Sequence[Comeback]) -> Iterator[str]:
    """What no tablet can bring back."""
    names = ", ".join(c.name for c in registry.all_for("tablet") if c.kind == "pull_only")
    highest = max((row.seen_seq or 0 for row in rows), default=0)
    lost = max(0, highest - history.last_seq)
    if lost:
        yield (
            f"At least {lost} commits were made after the state that was restored: tablets have "
            f"seen commit {highest}."
        )
    else:
        yield "No tablet has come that has seen more than the state that was restored."
    yield (
        f"What cannot come back with tablets, because no tablet writes it ({names}): calls, "
        "assignments, answers to alerts, reference data and what was settled in that time. Let CAD "
        "send the calls of that time again. Facts that tell of an assignment that is not here are "
        "kept, and listed as waiting. So is lost: people, tablets, sign-ins and crews that were "
        "entered in that time; the audit log of that time; and older texts of documents that were "
        "written again before the loss."
    )


def _short(row: Comeback | SetbackClaim) -> str:
    return str(row.instance)[-8:]


def _when(at: datetime | None) -> str:
    """By the clock of whoever reads: a command's is UTC, a desk's the city's."""
    return timezone.localtime(at).strftime(_TIME) if at else "-"
