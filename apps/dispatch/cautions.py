"""Cautions of an incident, and of which call each was told. Pure: values in, values out.

None is ever dropped. But two incidents become one, and a crew's number may have been a wrong one;
so each caution remembers where it came from, and goes back there when the two are parted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from apps.dispatch.calls import SEVERITIES, Caution, worst_first

#: Among the origins of a caution: the incident itself.
OWN: Final = ""
_SHOWN: Final = ("severity", "kind", "text", "source", "since")
Cautions = tuple[Caution, ...]


def plain(text: str) -> str:
    """The words of a text, without case and punctuation."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def gathered(
    old: Iterable[Caution], new: Iterable[Caution], *, now: datetime | None = None
) -> tuple[Cautions, Cautions]:
    """All cautions, the worst first, and those that are new. One that is told again keeps the
    higher severity, the earlier start and every origin. `now`: the new ones are told just now."""
    found = {_key(caution): caution for caution in old}
    added = []
    for told in new:
        caution = replace(told, heard_at=told.heard_at or now)
        before = found.get(_key(caution))
        if before is None:
            added.append(caution)
            found[_key(caution)] = caution
            continue
        starts = [time for time in (before.since, caution.since) if time is not None]
        found[_key(caution)] = replace(
            before,
            severity=min(before.severity, caution.severity, key=SEVERITIES.index),
            source=before.source or caution.source,
            since=min(starts, default=None),
            origins=_stored(origins(before) | origins(caution)),
            heard_at=before.heard_at if OWN in origins(before) else caution.heard_at,
            taken_back=before.taken_back or caution.taken_back,
        )
    return worst_first(found.values()), tuple(added)


def carried(cautions: Iterable[Caution], *, of: str) -> Cautions:
    """The cautions of an incident (its id is `of`) as the one has them that it is merged into."""
    return tuple(replace(one, origins=(of,), heard_at=None) for one in cautions)


def parted(
    begun: Iterable[Caution],
    event: Iterable[Caution],
    *,
    of: str,
    into: str,
    number: str,
    since: datetime,
) -> tuple[Cautions, Cautions]:
    """The cautions of a call that responders began (its id is `of`), and those of the event
    (`into`, with this CAD number) to which it was linked by mistake since then.

    1. What came to the event with the call alone goes back with it. What both were told stays with
       both.
    2. What the event was told before the link, or under another number, is the event's alone.
    3. What it was told under its number while the call was part of it may be about either: whoever
       told CAD by radio was taken for being there. It stays with both, and says so on each.
    """
    left: list[Caution] = []
    kept: list[Caution] = []
    shared: list[Caution] = []
    for one in event:
        rest = origins(one) - {of}
        if not rest:
            left.append(replace(one, origins=(), heard_at=None))
            continue
        stays = replace(one, origins=_stored(rest))
        if rest == {OWN} and one.heard_at is not None and one.heard_at >= since:
            stays = replace(stays, taken_back=number)
            shared.append(replace(stays, origins=(into,), heard_at=None))
        kept.append(stays)
    mine, _ = gathered(begun, [*left, *shared])
    return mine, worst_first(kept)


def origins(caution: Caution) -> frozenset[str]:
    """The incidents that it came from, by id; `OWN`: this one was told of it itself."""
    return frozenset(caution.origins or (OWN,))


def shown(stored: Iterable[Mapping[str, Any]], *, cad_number: str | None) -> list[dict[str, Any]]:
    """Cautions as people and documents are shown them: {severity, kind, text, source, since,
    origin}. `origin` says in words where one is from that this call was not simply told of, ""
    otherwise. `cad_number`: the incident's."""
    return [
        {**{name: one.get(name) for name in _SHOWN}, "origin": _in_words(one, cad_number)}
        for one in stored
    ]


def _in_words(stored: Mapping[str, Any], cad_number: str | None) -> str:
    number = stored.get("taken_back") or ""
    if number and number == cad_number:
        return "told while another call had this CAD number by mistake, may be about that one"
    if OWN in (stored.get("origins") or (OWN,)):
        return ""
    if number:
        return f"from CAD number {number}, taken back"
    return "told of a call that was merged into this one"


def _key(caution: Caution) -> tuple[str, str]:
    return caution.kind, plain(caution.text)


def _stored(found: frozenset[str]) -> tuple[str, ...]:
    return () if found == {OWN} else tuple(sorted(found))
