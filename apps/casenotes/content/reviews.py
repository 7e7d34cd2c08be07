"""Which notes need a second signature or a review, and why. Pure.

The rules are data (`casenotes.policies`); here stands when the sign that each of them is about is
there. Whether a note is in the random sample follows from its id alone, so that asking twice gives
one answer, and from the server's key, so that nobody knows beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from apps.casenotes.content import cssrs, grave
from apps.casenotes.content.completeness import SHORT, RecordFacts, outcome_of
from apps.casenotes.content.shapes import blank
from apps.casenotes.policies import Policy, Rule
from apps.core.crypto import blind_index

Content = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """What rules are asked about. `author_since`: since when the author has been a responder; None:
    not known, which counts as new."""

    content: Content
    facts: RecordFacts
    note_id: UUID
    author_since: datetime | None


def required(
    content: Content,
    facts: RecordFacts,
    *,
    policy: Policy,
    note_id: UUID,
    author_since: datetime | None,
) -> list[Rule]:
    """Every rule by which this note is looked at, in the policy's order; none: nobody has to."""
    case = Case(content, facts, note_id, author_since)
    return [rule for rule in policy.rules if HOLDS[rule.sign](case, rule)]


def sampled(note_id: UUID, rate: float) -> bool:
    """Whether a note is in the random sample of this rate (0 to 1)."""
    drawn = int.from_bytes(blind_index(str(note_id), purpose="note review")[:8], "big")
    return drawn < rate * 2**64


def _screen(case: Case) -> Mapping[str, Any]:
    return grave.part_of(case.content, "screen")


def _risk(case: Case, rule: Rule) -> bool:
    """Where nothing was asked there is no risk to speak of."""
    return cssrs.begun(_screen(case)) and cssrs.risk(_screen(case)) in rule.risks


def _risk_may_be_higher(case: Case, rule: Rule) -> bool:
    answers = _screen(case)
    return cssrs.risk(answers) in ("low", "moderate") and cssrs.may_be_higher(answers)


def _act_not_done(case: Case, rule: Rule) -> bool:
    return not blank(_screen(case).get("act_not_done"))


def _is_open(case: Case, rule: Rule) -> bool:
    """The signs of the gravest outcomes are called as their parts are."""
    return grave.is_open(case.content, rule.sign)


def _capacity_doubtful(case: Case, rule: Rule) -> bool:
    return grave.part_of(case.content, "refusal").get("capacity") in ("no", "unable")


def _dose(case: Case, rule: Rule) -> bool:
    return case.facts.doses > 0


def _new_responder(case: Case, rule: Rule) -> bool:
    """Two taps of a new responder are no note to learn from; the sample takes its share of them."""
    since = case.author_since
    if outcome_of(case.content, case.facts) in SHORT:
        return False
    return since is None or case.facts.at - since < timedelta(days=rule.days or 0)


def _sample(case: Case, rule: Rule) -> bool:
    return sampled(case.note_id, (rule.percent or 0) / 100)


# When the sign of a rule is there, by `policies.SIGNS`.
HOLDS: Final[Mapping[str, Callable[[Case, Rule], bool]]] = MappingProxyType(
    {
        "risk": _risk,
        "risk_may_be_higher": _risk_may_be_higher,
        "act_not_done": _act_not_done,
        **dict.fromkeys(grave.PARTS, _is_open),
        "capacity_doubtful": _capacity_doubtful,
        "dose": _dose,
        "new_responder": _new_responder,
        "sample": _sample,
    }
)
