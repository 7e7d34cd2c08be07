"""Who a person may be besides: keys under which alike names meet, and how alike two persons are.

Names are stored sealed, so that nothing can be searched. What can be is a keyed hash of how a name
sounds (Metaphone), alone or with the year of birth; whoever shares one is opened and compared
(Jaro-Winkler). A match is an offer: only a responder says who somebody is. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

import jellyfish

# From here on somebody is worth a look. Below it two strangers are as likely.
WORTH_A_LOOK: Final = 0.85
# A year that two people remember differently, or that is reckoned from an age.
_YEARS_APART: Final = 2
# Each name of one is compared with each of the other: more aliases would cost minutes.
_MOST_ALIASES: Final = 20
_CONTRADICTION: Final = 0.25

Content = Mapping[str, Any]


def keys(person: Content) -> frozenset[str]:
    """The texts under whose hashes a person is found; none for somebody who is nameless."""
    return frozenset(_keys(person, years=0))


def wanted(person: Content) -> frozenset[str]:
    """The texts under whose hashes whoever it may be is looked for: a year of birth may be one
    off."""
    return frozenset(_keys(person, years=1))


def likeness(one: Content, other: Content) -> float:
    """How alike two persons are, from 0 to 1: their names, or the names they go by, less what
    contradicts it."""
    names = [(a, b) for a in _names(one) for b in _names(other)]
    if not names:
        return 0.0
    alike = max(jellyfish.jaro_winkler_similarity(a, b) for a, b in names)
    here, there = birth_year(one), birth_year(other)
    if here and there and abs(here - there) > _YEARS_APART:
        alike -= _CONTRADICTION
    return round(max(alike, 0.0), 2)


def birth_year(person: Content) -> int | None:
    """The year of birth, as far as it is known. An age is no year: nobody says when it held."""
    year = person.get("birth_year")
    if isinstance(year, int):
        return year
    date = person.get("birth_date")
    return int(date[:4]) if isinstance(date, str) and re.match(r"\d{4}-", date) else None


def aliases(person: Content) -> list[Any]:
    """What they are called by, as far as it is looked at."""
    return list(person.get("aliases") or ())[:_MOST_ALIASES]


def _keys(person: Content, *, years: int) -> Iterator[str]:
    given, family = _sound(person.get("given_name")), _sound(person.get("family_name"))
    if given and family:
        yield f"name:{family}:{given}"
        yield f"name:{given}:{family}"  # which of the two is which is often not known
    year = birth_year(person)
    for name in filter(None, (given, family)):
        for off in range(-years, years + 1):
            if year:
                yield f"year:{name}:{year + off}"
    for alias in aliases(person):
        if sound := _sound(alias):
            yield f"alias:{sound}"


def _names(person: Content) -> list[str]:
    whole = " ".join(
        filter(None, (_plain(person.get("given_name")), _plain(person.get("family_name"))))
    )
    turned = " ".join(reversed(whole.split()))
    called = [_plain(alias) for alias in aliases(person)]
    return [name for name in dict.fromkeys([whole, turned, *called]) if name]


def _sound(name: object) -> str:
    """How a name sounds; the name itself where it has no letters that Metaphone knows."""
    plain = _plain(name)
    return jellyfish.metaphone(plain).replace(" ", "") or plain


def _plain(name: object) -> str:
    """Without accents, signs and case."""
    if not isinstance(name, str):
        return ""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return " ".join(
        "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c)).split()
    )
