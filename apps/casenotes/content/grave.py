"""The gravest outcomes: what each of their parts holds, what it needs, and by when. Pure.

A part is open from when its object is in the note, even empty: a tap opens it. What stands in the
way of a signature is said by JSON Pointers into the note. CARE never detains and never pronounces:
others decide, and the note says who, when, and what the crew saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from apps.casenotes import codes
from apps.casenotes.content.shapes import (
    Code,
    Codes,
    Count,
    Part,
    Text,
    Time,
    YesNo,
    blank,
    instant,
    told,
)
from apps.casenotes.policies import Policies, Policy
from apps.core.problems import FieldError

# What a client may send where only others decide. It is kept, flagged, and has to be mended.
_CARE: Final = ("care",)

PARTS: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "involuntary": Part(
            {
                "decided_by": Code(
                    codes.HOLD_DECIDED_BY, "note_hold_decided_by", "never CARE", taken=_CARE
                ),
                "decided_by_unit": Text("their unit or agency; no name of an officer"),
                "requested_at": Time("when they were asked to come, if they were"),
                "decided_at": Time(),
                "left_at": Time("when the person left with them"),
                "facts_observed": Text("what was seen and heard, without judgement"),
                "taken_by": Code(codes.TAKEN_BY, "note_taken_by"),
                "taken_to": Text(),
            },
            "somebody was held against their will, by a decision of others",
        ),
        "mandated_report": Part(
            {
                "about": Code(codes.REPORT_ABOUT, "note_report_about"),
                "known_at": Time("when there was reasonable cause to believe it"),
                "observed": Text("what was seen and heard"),
                "reported_at": Time(),
                "reported_to": Codes(codes.REPORTED_TO, "note_reported_to"),
                "report_number": Text("number of the report or intake; 'none given' where so"),
                "restricted": YesNo("only false opens it to others than author and supervisors"),
            },
            "abuse or neglect of a child or a vulnerable adult that has to be reported",
        ),
        "minor": Part(
            {
                "age": Count(17, "in years, estimated where not known"),
                "age_basis": Code(codes.AGE_BASIS, "note_age_basis"),
                "guardian": Code(codes.GUARDIAN_CONTACT, "note_guardian_contact"),
                "guardian_at": Time("when they were contacted"),
                "guardian_note": Text("who, or why not"),
                "consent": Code(codes.MINOR_CONSENT, "note_minor_consent"),
            },
            "the person is, or seems to be, under 18",
        ),
        "death": Part(
            {
                "pronounced_by": Code(
                    codes.DEATH_PRONOUNCED_BY, "note_death_pronounced_by", "never CARE", taken=_CARE
                ),
                "pronounced_by_unit": Text("their unit; no name"),
                "pronounced_at": Time(),
                "examiner_notified_at": Time("when the medical examiner was notified"),
                "examiner_notified_by": Code(codes.NOTIFIED_BY, "note_notified_by"),
                "examiner_case": Text("the medical examiner's number, if they gave one"),
                "observed": Text("what was found"),
            },
            "the person was found dead or died",
        ),
        "refusal": Part(
            {
                "refused": Codes(codes.REFUSED_WHAT, "note_refused_what"),
                "capacity": Code(
                    codes.YES_NO, "note_answers", "whether they seemed able to decide on it"
                ),
                "capacity_observed": Text("what that was seen by"),
                "risks_explained": Code(codes.YES_NO, "note_answers"),
                "witness": Code(codes.WITNESSES, "note_witnesses"),
                "witness_note": Text(),
                "left": Codes(codes.SUPPLIES, "note_supplies", "what was left with them"),
                "left_note": Text(),
            },
            "what was offered was refused",
        ),
    }
)

# What each part needs before a note is signed. A kit left behind is a movement of stock, and what
# the timeline tells is not asked.
NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "involuntary": ("decided_by", "decided_at", "facts_observed", "taken_by"),
        "mandated_report": (
            *("about", "known_at", "observed"),
            *("reported_at", "reported_to", "report_number"),
        ),
        "minor": ("age", "age_basis", "guardian", "consent"),
        "death": ("pronounced_by", "pronounced_at", "examiner_notified_at", "examiner_notified_by"),
        "refusal": ("refused", "capacity", "risks_explained", "witness", "left"),
    }
)

Content = Mapping[str, Any]


_REPORT_INTERVALS: Final = {
    "child": "child_report",
    "vulnerable_adult": "vulnerable_adult_report",
}


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when the law asks for something, and when it was done. `code` names the interval."""

    code: str
    due_at: datetime
    done_at: datetime | None
    at_once: bool = False

    def overdue(self, now: datetime) -> bool:
        """Whether it is not done and late, or was done late. How long "at once" may take nobody has
        said: once it is done, people judge by the two times."""
        if self.done_at is None:
            return now > self.due_at
        return self.done_at > self.due_at and not self.at_once


def deadlines(content: Content, policies: Policies) -> tuple[Deadline, ...]:
    """The deadlines that a note's parts set, each by the law of when it began: one that runs stays
    as it is, whatever holds later. A part that does not say when it began sets none yet: that is
    missing in it."""
    found = []
    report, death = part_of(content, "mandated_report"), part_of(content, "death")
    about = report.get("about")
    starts = [
        (
            _REPORT_INTERVALS.get(about, "") if isinstance(about, str) else "",
            instant(report.get("known_at")),
            instant(report.get("reported_at")),
        ),
        (
            "death_notice",
            instant(death.get("pronounced_at")),
            instant(death.get("examiner_notified_at")),
        ),
    ]
    for code, began, done in starts:
        rule = policies.at(began).policy.interval(code) if began else None
        if began and rule and rule.hours is not None:
            due = began + timedelta(hours=rule.hours)
            found.append(Deadline(code, due, done, at_once=not rule.hours))
    return tuple(found)


def is_open(content: Content, name: str) -> bool:
    """Whether the part is there, filled or not."""
    return content.get(name) is not None


def part_of(content: Content, name: str) -> Mapping[str, Any]:
    """The part as far as it can be read; empty where it is not there."""
    value = content.get(name)
    return value if isinstance(value, Mapping) else {}


def restricted(content: Content) -> bool:
    """Whether only its author and the supervisors may see it: with a mandated report, unless it
    says otherwise."""
    return (
        is_open(content, "mandated_report")
        and part_of(content, "mandated_report").get("restricted") is not False
    )


def odd(content: Content) -> Iterator[str]:
    """Flags of what cannot be so, besides the shapes of fields."""
    for name, key in (("involuntary", "decided_by"), ("death", "pronounced_by")):
        if part_of(content, name).get(key) in _CARE:
            yield f"care_never_decides:{name}.{key}"


def lacking(content: Content, name: str, policy: Policy) -> list[FieldError]:
    """What a part needs before the note is signed, or has to have mended."""
    part, shape = part_of(content, name), PARTS[name]
    errors = [
        FieldError(f"/{name}/{key}", "is needed")
        for key in NEEDS[name]
        if not told(shape.fields[key], part.get(key))
    ]
    checked = _CHECKS[name](part, policy)
    return errors + [FieldError(f"/{name}/{key}", words) for key, words in checked]


def _too_young(part: Mapping[str, Any], policy: Policy) -> bool:
    age, rule = part.get("age"), policy.interval("own_consent")
    own = part.get("consent") == "own"
    return own and type(age) is int and rule is not None and age < (rule.age or 0)


_Check = Callable[[Mapping[str, Any], Policy], Iterator[tuple[str, str]]]


def _involuntary(part: Mapping[str, Any], policy: Policy) -> Iterator[tuple[str, str]]:
    if part.get("decided_by") in _CARE:
        yield "decided_by", "CARE never detains: name the designated crisis responder or the police"
    if part.get("taken_by") not in (None, "", "not_taken") and blank(part.get("taken_to")):
        yield "taken_to", "is needed where the person was taken somewhere"


def _minor(part: Mapping[str, Any], policy: Policy) -> Iterator[tuple[str, str]]:
    if _too_young(part, policy):
        yield "consent", "a minor of this age cannot consent alone"
    reached = part.get("guardian") in (None, "", "present", "contacted")
    if not reached and blank(part.get("guardian_note")):
        yield "guardian_note", "say why no parent or guardian was contacted"


def _death(part: Mapping[str, Any], policy: Policy) -> Iterator[tuple[str, str]]:
    if part.get("pronounced_by") in _CARE:
        yield "pronounced_by", "CARE never pronounces: name who did"


def _refusal(part: Mapping[str, Any], policy: Policy) -> Iterator[tuple[str, str]]:
    if part.get("capacity") in ("no", "unable") and blank(part.get("capacity_observed")):
        yield "capacity_observed", "say what was seen where they may not be able to decide"


def _nothing(part: Mapping[str, Any], policy: Policy) -> Iterator[tuple[str, str]]:
    yield from ()


_CHECKS: Final[Mapping[str, _Check]] = {
    "involuntary": _involuntary,
    "mandated_report": _nothing,
    "minor": _minor,
    "death": _death,
    "refusal": _refusal,
}
