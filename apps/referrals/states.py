"""What may be said of a referral's task, by whom, in which state, and what state follows. Pure.

The states are FHIR's (`codes.TASK_STATUSES`): the task is one partner who is asked, the referral (a
ServiceRequest) is what is needed. Appointment, attendance and services are outputs of the task, not
states of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from apps.referrals.codes import TASK_STATUSES

Side = Literal["partner", "care"]

NEGATIVE: Final = frozenset({"rejected", "cancelled", "on-hold", "failed"})
FINAL: Final = frozenset({"rejected", "cancelled", "failed", "completed", "entered-in-error"})
OPEN: Final = frozenset(TASK_STATUSES) - FINAL - {"draft"}
_UNDER_WAY: Final = frozenset({"accepted", "in-progress", "on-hold"})
_BOTH: Final[frozenset[Side]] = frozenset({"partner", "care"})
_PARTNER: Final[frozenset[Side]] = frozenset({"partner"})
_CARE: Final[frozenset[Side]] = frozenset({"care"})


@dataclass(frozen=True)
class Rule:
    """One verb. `to`: the state that follows, by the state before; one that is not named stays.
    `needs`: what has to be told with it (`reason`: a code or words)."""

    by: frozenset[Side]
    frm: frozenset[str]
    to: Mapping[str, str]
    needs: tuple[str, ...] = ()


def _all(states: frozenset[str], to: str) -> Mapping[str, str]:
    return MappingProxyType(dict.fromkeys(states, to))


_STAYS: Final[Mapping[str, str]] = MappingProxyType({})

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "accept": Rule(
            _PARTNER, OPEN, MappingProxyType({"requested": "accepted", "on-hold": "accepted"})
        ),
        # Whoever has begun does not decline: they did not serve.
        "decline": Rule(
            _PARTNER,
            frozenset({"requested", "accepted", "on-hold"}),
            _all(frozenset({"requested", "accepted", "on-hold"}), "rejected"),
            ("reason",),
        ),
        "ask": Rule(_PARTNER, OPEN, _STAYS, ("text",)),
        "hold": Rule(_PARTNER, OPEN, _all(OPEN, "on-hold"), ("reason",)),
        "begin": Rule(_PARTNER, OPEN, _all(OPEN, "in-progress")),
        "appointment": Rule(
            _PARTNER,
            OPEN,
            MappingProxyType({"requested": "accepted", "on-hold": "accepted"}),
            ("appointment_at",),
        ),
        "attended": Rule(_BOTH, OPEN, _all(OPEN, "in-progress")),
        "not_attended": Rule(_BOTH, OPEN, MappingProxyType({"requested": "accepted"})),
        "served": Rule(_PARTNER, OPEN, _all(OPEN, "completed")),
        "not_served": Rule(_PARTNER, OPEN, _all(OPEN, "failed"), ("reason",)),
        "send": Rule(_CARE, frozenset({"draft"}), MappingProxyType({"draft": "requested"})),
        "reply": Rule(_CARE, OPEN, _STAYS, ("text",)),
        "warm_handoff": Rule(_CARE, OPEN, MappingProxyType({"requested": "in-progress"})),
        "transport": Rule(_CARE, OPEN, _STAYS),
        "cancel": Rule(_CARE, OPEN | {"draft"}, _all(OPEN | {"draft"}, "cancelled"), ("reason",)),
        "error": Rule(
            _CARE,
            frozenset(TASK_STATUSES) - {"entered-in-error"},
            _all(frozenset(TASK_STATUSES) - {"entered-in-error"}, "entered-in-error"),
        ),
    }
)

# What a partner says by any way, and CARE enters for it after a telephone call.
PARTNERS: Final = tuple(name for name, rule in RULES.items() if "partner" in rule.by)
# What CARE does itself.
OURS: Final = tuple(name for name, rule in RULES.items() if "care" in rule.by)
# What a partner says that answers: after any of it nobody waits for an answer.
ANSWERS: Final = frozenset(PARTNERS) - {"ask"}


class NotNow(Exception):
    """The verb does not fit the state, or is not theirs to say."""


def after(verb: str, *, status: str, by: Side) -> str:
    """The state after a verb. NotNow where it cannot be said.

    >>> after("accept", status="requested", by="partner")
    'accepted'
    >>> after("attended", status="accepted", by="partner")
    'in-progress'
    """
    rule = RULES.get(verb)
    if rule is None or by not in rule.by or status not in rule.frm:
        raise NotNow
    return rule.to.get(status, status)


def lacks(verb: str, told: Mapping[str, object]) -> list[str]:
    """What a verb needs and is not told, by field. A reason is a code or words.

    >>> lacks("decline", {"reason_code": "full"})
    []
    >>> lacks("decline", {})
    ['reason']
    """
    given = {name for name, value in told.items() if value not in (None, "", [])}
    if "reason_code" in given:
        given.add("reason")
    return [name for name in RULES[verb].needs if name not in given]


def awaits(status: str) -> str:
    """Whom the clocks wait for: an `answer`, an `outcome`, or `nothing` any more."""
    if status == "requested":
        return "answer"
    return "outcome" if status in _UNDER_WAY else "nothing"
