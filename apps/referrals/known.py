"""What is known of a person and of what they need, in pieces that each carry category and source.

Read from the documents as people typed them. What has no category here is never disclosed: a new
field of a person's record has to be put into a category first. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from apps.people import safety
from apps.people.codes import SAFETY_SOURCES
from apps.referrals.codes import DATA_CATEGORIES
from apps.referrals.payload import Datum
from apps.sync.values import uuid_of

# Of a person's record: what is told of it, by category. `description`, `own_words`, `care_plan` and
# `contested` are the responders', and stay with them.
_OF_PERSON: Final[Mapping[str, str]] = MappingProxyType(
    {
        "given_name": "identity",
        "family_name": "identity",
        "aliases": "identity",
        "birth_year": "identity",
        "birth_date": "identity",
        "approximate_age": "identity",
        "sex": "identity",
        "housing": "housing",
        "language": "access",
        "interpreter": "access",
        "animals": "access",
        "helps": "helps",
        "harms": "helps",
    }
)
_PARTNER: Final = "partner"
# Sources that are no agency, of details and of safety notes. What names none of them comes from
# where nobody has judged: a newer app, a slip. Without any it is the crew's own.
_NO_AGENCY: Final = frozenset({"", "person", "seen", "other", *SAFETY_SOURCES}) - {_PARTNER}


def of_person(
    content: Mapping[str, Any], *, reviews: Sequence[safety.Review] = (), today: date
) -> Iterator[Datum]:
    """What a person's record holds. A way to reach them that is not safe is never told; a safety
    note that is over, or that a supervisor has ended (`reviews`), neither. One that came from a
    partner agency is protected: the record does not say which it was."""
    for name, category in _OF_PERSON.items():
        if content.get(name) not in (None, "", []):
            yield Datum(f"person.{name}", content[name], category)
    for one in _items(content.get("contacts")):
        if one.get("safe") is not False and one.get("value"):
            value = {key: one.get(key) for key in ("kind", "value", "preferred", "note")}
            yield Datum("person.contacts[]", _told(value), "contact")
    for one in _items(content.get("found_at")):
        value = {key: one.get(key) for key in ("place", "when", "note")}
        if value := _told(value):
            yield Datum("person.found_at[]", value, "whereabouts")
    for known in safety.notes(content, reviews):
        note = known.note
        if note.get("text") and known.standing(today) == safety.Standing.HOLDS:
            value = _told({key: note.get(key) for key in ("text", "source", "seen_on")})
            yield Datum("person.safety_notes[]", value, "safety", part2=_is_of_an_agency(note))


def of_referral(content: Mapping[str, Any], *, programmes: Collection[UUID]) -> Iterator[Datum]:
    """What was typed for a referral. `programmes` are the partners that are Part 2 programmes."""
    for need in _list(content.get("needs")):
        yield Datum("needs[]", need, "needs")
    if text := content.get("note"):
        yield Datum("note", text, "needs")
    if content.get("contact_prohibited"):
        # FHIR: contacting-subject-prohibited. Whoever may reach them must know.
        yield Datum("contact_prohibited", value=True, category="contact")
    for one in _items(content.get("details")):
        category = one.get("category")
        if one.get("text") and category in DATA_CATEGORIES:
            yield Datum(
                "details[]",
                {"category": category, "text": one["text"]},
                str(category),
                part2=is_protected(one, programmes=programmes),
            )


def is_protected(detail: Mapping[str, Any], *, programmes: Collection[UUID]) -> bool:
    """Whether a detail comes from a Part 2 programme: it says so, its source is one, or it came
    from a partner that nobody has named, or from a source that nobody knows. A programme that it
    names is its source, whatever else it says.

    >>> is_protected({"source": "person"}, programmes=())
    False
    >>> is_protected({"source": "partner"}, programmes=())
    True
    """
    if detail.get("part2"):
        return True
    partner = uuid_of(detail.get("source_partner_id"))
    if partner is not None:
        return partner in programmes
    return _is_of_an_agency(detail)


def _is_of_an_agency(told: Mapping[str, Any]) -> bool:
    return str(told.get("source") or "") not in _NO_AGENCY


def _items(value: Any) -> Iterator[Mapping[str, Any]]:
    for one in _list(value):
        if isinstance(one, Mapping):
            yield one


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _told(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if one not in (None, "")}
