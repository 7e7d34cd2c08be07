"""What answers add up to: the outputs of a task, and whether a referral's loop is closed. Pure.

Appointment, attendance, services and the partner's case number are outputs, not states. What is
said later holds; what is not said again stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apps.core.clock import iso
from apps.referrals.codes import REASONS
from apps.referrals.states import FINAL, NEGATIVE

# What a verb tells that is remembered under its own name.
_KEPT: Final = ("appointment_at", "appointment_place", "services")
_WORDS: Final[Mapping[str, str]] = {
    "ask": "question",
    "reply": "reply",
    "warm_handoff": "warm_handoff",
    "transport": "transport",
}


@dataclass(frozen=True)
class Outputs:
    """What holds after a verb. `said` is as `ReferralTask.said`; `reason` is the text of a negative
    state, None where the state is none."""

    said: dict[str, Any]
    reason: str | None
    case_number: str | None
    attended: bool | None
    served: bool | None


def after(
    verb: str,
    told: Mapping[str, Any],
    *,
    before: Outputs,
    status: str,
    at: datetime,
) -> Outputs:
    """The outputs once a verb was said at `at` and has led to `status`."""
    said = {**before.said, **{name: told[name] for name in _KEPT if told.get(name)}}
    if verb in _WORDS:
        said[_WORDS[verb]] = told.get("text") or iso(at)
    if verb == "ask":
        said["reply"] = None  # the one that stands there answers another question
    # A reason is words and code together: neither stays beside another one's.
    reason, code = before.reason, said.get("reason_code")
    if status not in NEGATIVE:
        reason = code = None
    elif words := reason_text(told):
        reason, code = words, told.get("reason_code") or None
    said["reason_code"] = code
    attended = {"attended": True, "not_attended": False, "served": before.attended}
    served = {"completed": True, "failed": False}
    return Outputs(
        said=said,
        reason=reason,
        case_number=told.get("case_number") or before.case_number,
        attended=attended.get(verb, before.attended),
        served=served.get(status),
    )


def reason_text(told: Mapping[str, Any]) -> str | None:
    """FHIR's statusReason.text: the words, or the code's.

    >>> reason_text({"reason_code": "full"})
    'Full'
    """
    words = str(told.get("reason") or "").strip()
    code = str(told.get("reason_code") or "")
    return words or REASONS.get(code, code) or None


def closes(statuses: Iterable[str]) -> bool:
    """Whether the loop is closed by what the partners said: somebody has served, and nobody is
    still at work. That all have declined closes nothing.

    >>> closes(["rejected", "completed"]), closes(["completed", "accepted"]), closes(["failed"])
    (True, False, False)
    """
    told = [one for one in statuses if one != "draft"]
    return "completed" in told and all(one in FINAL for one in told)


def waits_for_us(said: Mapping[str, Any]) -> bool:
    """Whether the partner has asked something that nobody has replied to.

    >>> waits_for_us({"question": "Any dog?"}), waits_for_us({"question": "1?", "reply": "no"})
    (True, False)
    """
    return bool(said.get("question")) and not said.get("reply")
