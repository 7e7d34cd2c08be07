"""What a partner is told, as lines for a page: everything that the document holds, in words. Pure.

What has no label here is shown under its own name: a page that left something out would not be what
the accounting of disclosures says was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from apps.people.codes import HOUSING, SEXES
from apps.referrals.codes import DATA_CATEGORIES, NEEDS, TASK_STATUSES, URGENCIES

Line = tuple[str, str]


@dataclass(frozen=True)
class Section:
    """A heading and its lines: a label and words each."""

    title: str
    lines: tuple[Line, ...]


_TITLES: Final[Mapping[str, str]] = {
    "about": "What is needed",
    "person": "Who",
    "task": "Where it stands",
    "notice": "Protected by 42 CFR part 2",
}
_LABELS: Final[Mapping[str, str]] = {
    "number": "Referral",
    "urgency": "How soon",
    "answer_by": "Please answer by",
    "needs": "Need",
    "contact_prohibited": "Do not contact the person",
    "details": "Detail",
    "reply": "Our reply to your question",
    "given_name": "Given name",
    "family_name": "Family name",
    "approximate_age": "Age, about",
    "contacts": "Reach them by",
    "found_at": "Found at",
    "helps": "What helps",
    "harms": "What makes it worse",
    "safety_notes": "Beware",
    "status": "State",
    "status_at": "Since",
    "sent_at": "Sent",
    "case_number": "Your case number",
    "question": "Your question",
    "appointment_at": "Appointment",
    "appointment_place": "Where",
    "attended": "The person came",
    "notice": "Notice",
    "consents": "Consent",
}
_CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "urgency": URGENCIES,
    "needs": NEEDS,
    "sex": SEXES,
    "housing": HOUSING,
    "status": TASK_STATUSES,
    "category": DATA_CATEGORIES,
}
_TIMES: Final = frozenset({"answer_by", "status_at", "sent_at", "appointment_at"})
_TIMES_OF_CONSENT: Final = frozenset({"given_at", "expires_at"})
# Ours, or said elsewhere on the page.
_APART: Final = frozenset({"id", "task", "person", "call_us", "notice", "consents"})


def sections(document: Mapping[str, Any], *, zone: tzinfo) -> list[Section]:
    """The document of a disclosure (`disclosures.disclose_to_partner`) for a reader."""
    notice = {name: document[name] for name in ("notice", "consents") if name in document}
    about = {name: value for name, value in document.items() if name not in _APART}
    task = {name: value for name, value in document["task"].items() if name != "id"}
    found = {"about": about, "person": document.get("person", {}), "task": task, "notice": notice}
    made = [Section(_TITLES[name], tuple(lines(told, zone))) for name, told in found.items()]
    return [one for one in made if one.lines]


def told_nothing(document: Mapping[str, Any]) -> bool:
    """Whether there is nothing but "call us".

    >>> told_nothing({"id": "1", "number": "CR-1", "task": {}, "call_us": {}})
    True
    """
    return not set(document) - {"id", "number", "task", "call_us"}


def lines(told: Mapping[str, Any], zone: tzinfo) -> Iterator[Line]:
    """Each value under its label; one that is a list has a line for each of its pieces."""
    for name, value in told.items():
        label = _LABELS.get(name, name.replace("_", " ").capitalize())
        for one in value if isinstance(value, list) else [value]:
            if one not in (None, "", {}):
                yield label, _words(name, one, zone)


def _words(name: str, value: Any, zone: tzinfo) -> str:
    if isinstance(value, Mapping):
        inner = ((key, one) for key, one in value.items() if one not in (None, "", []))
        return "; ".join(f"{_name(key)}{_words(key, one, zone)}" for key, one in inner)
    if isinstance(value, list):
        return ", ".join(_words(name, one, zone) for one in value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name in _TIMES | _TIMES_OF_CONSENT:
        return moment(str(value), zone)
    return _CODES.get(name, {}).get(str(value), str(value))


def _name(key: str) -> str:
    """What stands before a piece of a piece; the piece itself where that says it."""
    return "" if key in {"text", "value", "place"} else f"{key.replace('_', ' ')}: "


def moment(text: str, zone: tzinfo) -> str:
    """A time by the city's clock; what is none stays as it is.

    >>> from zoneinfo import ZoneInfo
    >>> moment("2026-03-04T22:50:02.120Z", ZoneInfo("America/Los_Angeles"))
    'Wed Mar 4 2026, 2:50 PM'
    """
    try:
        at = datetime.fromisoformat(text).astimezone(zone)
    except (ValueError, OverflowError):
        return text
    return f"{at:%a %b} {at.day} {at.year}, {at.hour % 12 or 12}:{at:%M %p}"
