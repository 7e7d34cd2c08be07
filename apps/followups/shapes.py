"""What of a follow-up, and of an event, can be used. What cannot is flagged: of an event it is kept
beside it (`unread`), of a follow-up in its history, as it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.followups import codes
from apps.followups.schemas import FOLLOW_UP, MOST_PLACES, TOLD
from apps.followups.standing import BY_HAND
from apps.followups.tellings import instant
from apps.sync.fitting import fit
from apps.sync.stamps import Reading

_TIMES: Final = ("next_from", "next_until", "until", "due_from", "due_until")
_CODED: Final[Mapping[str, Mapping[str, str]]] = {
    "result": codes.RESULTS,
    "way": codes.WAYS,
    "reason": codes.PAUSES,
    "outcome": {code: codes.OUTCOMES[code] for code in BY_HAND},
}


def typed_in(document: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """What was typed of a follow-up, as far as it fits, and whether all of it did. Of the places
    where somebody is found each is taken for itself: one that is too long costs no other."""
    typed, apart = fit(document, FOLLOW_UP)
    places = apart.get("find")
    if isinstance(places, list):
        kept = [one for one in places if fit({"find": [one]}, FOLLOW_UP)[0]]
        typed["find"] = kept[:MOST_PLACES]
    return typed, not apart


def told_in(fitting: Mapping[str, Any], reading: Reading, *, now: datetime) -> dict[str, Any]:
    """The content of an event that fits its schema. A time that nobody can mean is none; a code
    that is not known stays, and means the least that it can."""
    found = {name: fitting[name] for name in TOLD if fitting.get(name) is not None}
    for name in _TIMES:
        if name in found and instant(found, name, now) is None:
            reading.bad(name, found.pop(name))
    if any(name in found and found[name] not in known for name, known in _CODED.items()):
        reading.flags.add("unknown_code")
    return found
