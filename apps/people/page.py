"""A person's record as a page that they may be shown, so that they can say what is wrong in it.

Pure. Everything that is recorded of them stands there in their words or ours, but for two things:
safety notes, which may name who told of them, are only counted, and so is who else they might be.
What is over is said to be.
What they contest is typed into the record as `contested`, and stands on the page from then on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from apps.people import codes
from apps.people.safety import Review, Standing, notes


def page(
    content: Mapping[str, Any], *, reviews: Sequence[Review] = (), today: date
) -> list[tuple[str, str]]:
    """Lines of (name, text) of a person's content; what is not recorded has no line. `reviews` are
    of its safety notes, `today` is by the city's clock."""
    return list(_lines(content, reviews, today))


def _lines(
    content: Mapping[str, Any], reviews: Sequence[Review], today: date
) -> Iterator[tuple[str, str]]:
    for field, name, told in _FIELDS:
        if text := told(content.get(field)):
            yield name, text
    if counted := Counter(one.standing(today) for one in notes(content, reviews)):
        each = (f"{counted[one]} {_STANDINGS[one]}" for one in Standing if counted[one])
        yield "Notes for responders' safety", f"{', '.join(each)}. Ask a supervisor about them."
    if photos := content.get("photos"):
        yield "Photographs", str(len(photos))
    if contested := content.get("contested"):
        yield "What you say is wrong here", str(contested)


_STANDINGS: Final = {
    Standing.HOLDS: "in use",
    Standing.EXPIRED: "expired",
    Standing.ENDED: "no longer in use",
}


def _plain(said: Any) -> str:
    return "" if said is None else str(said)


def _yes_no(said: Any) -> str:
    return "" if said is None else "yes" if said else "no"


def _listed(said: Any) -> str:
    return ", ".join(str(one) for one in said or ())


def _labelled(labels: Mapping[str, str]) -> Callable[[Any], str]:
    return lambda said: labels.get(str(said), _plain(said))


def _contact(one: Mapping[str, Any]) -> str:
    kind = codes.CONTACT_KINDS.get(str(one.get("kind")), _plain(one.get("kind")))
    unsafe = "not to be used" if one.get("safe") is False else ""
    return ", ".join(filter(None, (kind, one.get("value"), unsafe, one.get("note"))))


def _place(one: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (one.get("place"), one.get("when"), one.get("note"))))


def _each(told: Callable[[Mapping[str, Any]], str]) -> Callable[[Any], str]:
    return lambda said: "\n".join(filter(None, (told(one) for one in said or ())))


_FIELDS: Final[tuple[tuple[str, str, Callable[[Any], str]], ...]] = (
    ("given_name", "Given name", _plain),
    ("family_name", "Family name", _plain),
    ("aliases", "Also known as", _listed),
    ("description", "How we describe you", _plain),
    ("birth_date", "Born", _plain),
    ("birth_year", "Year of birth", _plain),
    ("approximate_age", "About how old", _plain),
    ("sex", "Sex", _labelled(codes.SEXES)),
    ("housing", "Housing", _labelled(codes.HOUSING)),
    ("language", "Language", _plain),
    ("interpreter", "An interpreter is needed", _yes_no),
    ("own_words", "In your own words", _plain),
    ("helps", "What helps", _plain),
    ("harms", "What makes it worse", _plain),
    ("care_plan", "Care plan", _plain),
    ("animals", "Animals", _plain),
    ("contacts", "How to reach you", _each(_contact)),
    ("found_at", "Where and when to find you", _each(_place)),
)
