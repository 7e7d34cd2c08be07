"""What a note still asks for. Pure.

Each outcome has its path, and a path asks only for what it needs; what the timeline knows is never
asked. Unable to locate and cancelled are short: the outcome alone is the record, two taps. A short
path is closed once there was contact, a dose, first aid or anything about risk.

A note can be signed when nothing is left of what is asked and nothing has to be mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from apps.casenotes import codes
from apps.casenotes.content import cssrs, grave
from apps.casenotes.content.parts import FIELDS
from apps.casenotes.content.shapes import blank, told
from apps.casenotes.policies import Policy
from apps.core.problems import FieldError

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """What is known of an encounter without its note.

    `at`: when the assignment was given (aware). `contact`: contact was made. `doses`, `aid`: rows
    of naloxone and of first aid. `closing` is of `assignments.codes.CLOSINGS`, `disposition` the
    timeline's. `minor`: the person is under 18; None: not known.
    """

    at: datetime
    contact: bool = False
    doses: int = 0
    aid: int = 0
    closing: str | None = None
    disposition: str | None = None
    minor: bool | None = None


@dataclass(frozen=True, slots=True)
class Completeness:
    """What a note's path asks for, and what of it is left, as names of fields."""

    asked: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def text(self) -> str:
        """`2 of 5 left`."""
        return f"{len(self.missing)} of {len(self.asked)} left"


SHORT: Final = frozenset({"unable_to_locate", "cancelled"})

PATHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "contact_made": (
            *("presenting_needs", "screen", "interventions", "disposition", "narrative"),
        ),
        "refused": ("refusal", "disposition"),
        "unable_to_locate": (),
        "cancelled": (),
    }
)
# What the local protocol asks for at the risk of the screen (`Policy.act`) was done, among the
# interventions, or the screen says why not.
REQUIRED_ACT: Final = "required_act"
_ACT_MISSING: Final = (
    "at this risk the protocol asks for an act: tell what was done, or in screen.act_not_done why "
    "not"
)
# Nobody is screened who has died.
_DEATH: Final = ("death", "disposition", "narrative")

# What a closing or a disposition (APCO 1.111.2) says about the outcome. A unit that declined a call
# before contact was there for nobody. A death (39) has no outcome of its own: see `_DEATH`.
_BY_CLOSING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unable_to_locate": "unable_to_locate",
        "cancelled": "cancelled",
        "declined": "cancelled",
    }
)
_BY_DISPOSITION: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("10", "21", "22", "32"), "cancelled"),
        **dict.fromkeys(("14", "38"), "unable_to_locate"),
        **dict.fromkeys(("16", "18", "39", "41", "43", "44", "45"), "contact_made"),
        "42": "refused",
    }
)
_DEAD_AT_SCENE: Final = "39"
_REFUSED_CARE: Final = "42"
_CONCERNS: Final = ("child_concern", "vulnerable_adult_concern")


def against_short_path(content: Content, facts: RecordFacts) -> tuple[str, ...]:
    """Why two taps are not enough: contact, a disposition that tells of it, dose, aid, risk, or the
    open part that says so."""
    found = {
        "contact": facts.contact,
        "disposition": _by_disposition(_disposition(content, facts)) not in {None, *SHORT},
        "dose": facts.doses > 0,
        "aid": facts.aid > 0,
        "risk": cssrs.begun(content.get("screen")),
        **{name: grave.is_open(content, name) for name in grave.PARTS},
    }
    return tuple(reason for reason, there in found.items() if there)


def outcome_of(content: Content, facts: RecordFacts) -> str | None:
    """The outcome whose path the note is on; None while neither people nor facts have told it."""
    stated = _stated(content)
    if stated is not None and stated not in SHORT:
        return stated
    known = _known_outcome(content, facts)
    if not against_short_path(content, facts):
        return stated or known
    told = known or _by_disposition(_disposition(content, facts))
    return "contact_made" if told is None or told in SHORT else told


def _stated(content: Content) -> str | None:
    stated = content.get("outcome")
    return stated if isinstance(stated, str) and stated in codes.OUTCOMES else None


def _known_outcome(content: Content, facts: RecordFacts) -> str | None:
    """What the facts tell of the outcome, so that nobody is asked. A short one counts for nothing
    against a sign of contact."""
    known = _by_disposition(facts.disposition) or _BY_CLOSING.get(facts.closing or "")
    if known not in SHORT:
        return known or ("contact_made" if facts.contact else None)
    if against_short_path(content, facts):
        return "contact_made" if facts.contact else None
    return known


def _by_disposition(disposition: str | None) -> str | None:
    return _BY_DISPOSITION.get(disposition or "")


def completeness(content: Content, facts: RecordFacts, policy: Policy) -> Completeness:
    """What the note asks for and what of it is left."""
    asked = _asked(content, facts, policy)
    missing = (name for name in asked if _errors_of(content, facts, policy, name))
    return Completeness(asked, tuple(missing))


def blocking(content: Content, facts: RecordFacts, policy: Policy) -> list[FieldError]:
    """What has to be mended before the note is signed, by JSON Pointers into it. Empty: it may be
    signed. Details hold no values."""
    errors = [
        error
        for name in _asked(content, facts, policy)
        for error in _errors_of(content, facts, policy, name)
    ]
    if _stated(content) in SHORT and against_short_path(content, facts):
        errors.append(
            FieldError("/outcome", "two taps are not enough: contact, care or risk is on record")
        )
    return list(dict.fromkeys(errors))


RecordKind = Literal["automatic", "minimal", "full"]


def record_kind(content: Content, facts: RecordFacts) -> RecordKind:
    """How an encounter came to its record: by the timeline alone, by the two taps of a short path,
    or by a note. They are counted apart."""
    written = not all(blank(content.get(name)) for name in FIELDS if not name.endswith("_id"))
    opened = any(grave.is_open(content, name) for name in grave.PARTS)
    if not written and not opened:
        return "automatic"
    return "minimal" if outcome_of(content, facts) in SHORT else "full"


def _asked(content: Content, facts: RecordFacts, policy: Policy) -> tuple[str, ...]:
    outcome = outcome_of(content, facts)
    if _dead(content, facts):
        names = [*_DEATH]
    elif outcome is None:
        return ("outcome",)
    else:
        names = [] if _known_outcome(content, facts) else ["outcome"]
        names += PATHS[outcome]
        # Whoever refused the rest may have answered some of it.
        names += ["screen"] if cssrs.begun(content.get("screen")) else []
    if outcome not in SHORT:
        names += [name for name in grave.PARTS if _calls_for(name, content, facts)]
    if "screen" in names and _acts(content, policy):
        names.insert(names.index("screen") + 1, REQUIRED_ACT)
    if facts.disposition is not None and "disposition" in names:
        names.remove("disposition")
    return tuple(dict.fromkeys(names))


def _dead(content: Content, facts: RecordFacts) -> bool:
    return grave.is_open(content, "death") or _disposition(content, facts) == _DEAD_AT_SCENE


def _calls_for(name: str, content: Content, facts: RecordFacts) -> bool:
    """Whether one of the gravest parts is asked for: it is open, or something else says so."""
    match name:
        case "minor" if facts.minor:
            return True
        case "mandated_report" if _concern(content):
            return True
        case "refusal" if _disposition(content, facts) == _REFUSED_CARE:
            return True
        case _:
            return grave.is_open(content, name)


def _concern(content: Content) -> bool:
    needs = content.get("presenting_needs")
    return isinstance(needs, list) and any(one in _CONCERNS for one in needs)


def _errors_of(content: Content, facts: RecordFacts, policy: Policy, name: str) -> list[FieldError]:
    """What an asked field needs; nothing where it is answered."""
    if name in grave.PARTS:
        return grave.lacking(content, name, policy)
    answers = grave.part_of(content, "screen")
    if name == "screen":
        return [
            FieldError(f"/screen/{one}", "is not answered; refused and unable are answers")
            for one in cssrs.unanswered(answers)
        ]
    if name == REQUIRED_ACT:
        return [] if _acted(content, policy) else [FieldError("/interventions", _ACT_MISSING)]
    if told(FIELDS[name], content.get(name)):
        return []
    return [FieldError(f"/{name}", "is needed")]


def _acts(content: Content, policy: Policy) -> tuple[str, ...]:
    """The interventions of which the protocol asks for one at the risk of the screen."""
    act = policy.act(cssrs.risk(grave.part_of(content, "screen")))
    return act.done_by if act else ()


def _acted(content: Content, policy: Policy) -> bool:
    """Whether what the protocol asks for is told, or why it was not done."""
    if not blank(grave.part_of(content, "screen").get("act_not_done")):
        return True
    done = content.get("interventions")
    return isinstance(done, list) and any(one in _acts(content, policy) for one in done)


def _disposition(content: Content, facts: RecordFacts) -> str | None:
    """The timeline's, where it has one."""
    stated = content.get("disposition")
    return facts.disposition or (stated if isinstance(stated, str) else None)
