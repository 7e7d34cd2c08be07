"""Which notes need a second signature or a review, and why. Pure.

Rules are a table: a code, what it asks for, and when. Beside them a random sample: whether a note
is in it follows from its id alone, so that asking twice gives one answer, and from the server's
key, so that nobody knows beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from apps.casenotes.content import cssrs, grave
from apps.casenotes.content.completeness import SHORT, RecordFacts, outcome_of
from apps.casenotes.content.shapes import blank
from apps.core.crypto import blind_index

Content = Mapping[str, Any]
Kind = Literal["co_signature", "review"]

# To be confirmed by the agency.
NEW_RESPONDER: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a note is looked at by a second person."""

    code: str
    kind: Kind
    label: str


@dataclass(frozen=True, slots=True)
class Case:
    """What rules are asked about. `author_since`: since when the author has been a responder; None:
    not known, which counts as new."""

    content: Content
    facts: RecordFacts
    author_since: datetime | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. To be confirmed by the agency and, for care, by the medical director."""

    reason: Reason
    holds: Callable[[Case], bool]


def _screen(case: Case) -> Mapping[str, Any]:
    return grave.part_of(case.content, "screen")


def _unsettled(case: Case) -> bool:
    answers = _screen(case)
    return cssrs.risk(answers) in ("low", "moderate") and cssrs.may_be_higher(answers)


def _act_not_done(case: Case) -> bool:
    return not blank(_screen(case).get("act_not_done"))


def _capacity_doubtful(case: Case) -> bool:
    return grave.part_of(case.content, "refusal").get("capacity") in ("no", "unable")


def _new_responder(case: Case) -> bool:
    """Two taps of a new responder are no note to learn from; the sample takes its share of them."""
    since = case.author_since
    if outcome_of(case.content, case.facts) in SHORT:
        return False
    return since is None or case.facts.at - since < NEW_RESPONDER


RULES: Final = (
    Rule(
        Reason("high_risk", "co_signature", "High risk of suicide"),
        lambda case: cssrs.risk(_screen(case)) == "high",
    ),
    Rule(
        Reason("act_not_done", "co_signature", "What the protocol asks for was not done"),
        _act_not_done,
    ),
    Rule(
        Reason("involuntary", "co_signature", "Held against their will"),
        lambda case: grave.is_open(case.content, "involuntary"),
    ),
    Rule(
        Reason("death", "co_signature", "A death"),
        lambda case: grave.is_open(case.content, "death"),
    ),
    Rule(
        Reason("new_responder", "co_signature", "The author is new"),
        _new_responder,
    ),
    Rule(
        Reason("risk_unsettled", "review", "The risk may be higher than what was answered"),
        _unsettled,
    ),
    Rule(
        Reason("dose", "review", "Naloxone was given"),
        lambda case: case.facts.doses > 0,
    ),
    Rule(
        Reason("mandated_report", "review", "A mandated report"),
        lambda case: grave.is_open(case.content, "mandated_report"),
    ),
    Rule(
        Reason("refusal_without_capacity", "review", "Refused by somebody who may not decide"),
        _capacity_doubtful,
    ),
)
SAMPLE: Final = Reason("sample", "review", "Drawn at random")


def required(
    content: Content,
    facts: RecordFacts,
    *,
    note_id: UUID,
    author_since: datetime | None,
    rate: float,
    rules: tuple[Rule, ...] = RULES,
) -> list[Reason]:
    """Every reason to have this note looked at; none: nobody has to.

    `rate`: the share of notes that are drawn at random, 0 to 1.
    """
    case = Case(content, facts, author_since)
    reasons = [rule.reason for rule in rules if rule.holds(case)]
    return [*reasons, SAMPLE] if sampled(note_id, rate) else reasons


def sampled(note_id: UUID, rate: float) -> bool:
    """Whether a note is in the random sample of this rate (0 to 1)."""
    drawn = int.from_bytes(blind_index(str(note_id), purpose="note review")[:8], "big")
    return drawn < rate * 2**64
