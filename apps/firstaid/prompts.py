"""What the log asks a crew after a dose. Pure; tablets work it out alike, offline.

The aim is breathing, not waking. So a further dose is thought of only for somebody who does not
breathe, and breathing is asked about again until somebody else has taken over: naloxone wears off
before many opioids do.

Only naloxone that somebody got counts (`Dose.gave_naloxone`).

1. From the first dose on: is the fire department called, is the airway open and are breaths given.
2. At the interval that the medical director has approved, after the last dose and after each answer
   about breathing: is the person breathing. "Not breathing" and "gasping" ask about another dose.
3. When the call is closed: who has the person now, and was a kit left behind.

Once somebody else has the person nothing of 1 and 2 is asked any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from apps.firstaid.codes import NEEDS_BREATHS
from apps.firstaid.doses import Answer, Dose

# Beside each question: what helps to answer it.
HINTS: Final = {
    "fire_called": "Call the fire department first, whoever wakes up: naloxone wears off.",
    "airway": "Tilt the head, lift the chin, give a breath every 5 seconds.",
    "breathing": "Watch the chest for 10 seconds. The aim is breathing, not waking.",
    "next_dose": "Keep giving breaths. Another dose only for somebody who does not breathe.",
    "handover": "Tell the medics every dose and its time. A refusal needs a witness.",
    "kit_left": "Whoever has overdosed once is at risk again: leave a kit if it is wanted.",
}


@dataclass(frozen=True, slots=True)
class Protocol:
    """What the medical director has approved: `recheck` after a dose, and from when to when
    (`effective_to` is the last day; None: until further notice)."""

    version: str
    citation: str
    effective_from: date
    effective_to: date | None
    recheck: timedelta


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question of `codes.QUESTIONS`, to be asked from `due_at` on; `dose_id`: about this dose."""

    question: str
    due_at: datetime
    dose_id: UUID | None = None


# Holds where the agency has approved none yet.
SHIPPED: Final = Protocol(
    "shipped",
    "Label of naloxone nasal spray: further doses every 2 to 3 minutes. Not yet approved by the "
    "medical director.",
    date(2000, 1, 1),
    None,
    timedelta(seconds=150),
)


def in_force(protocols: Iterable[Protocol], day: date) -> Protocol | None:
    """The protocol that holds on a day; of several the one that began last."""
    held = [
        one
        for one in protocols
        if one.effective_from <= day and (one.effective_to is None or day <= one.effective_to)
    ]
    return max(held, key=lambda one: (one.effective_from, one.version), default=None)


def prompts_due(
    doses: Sequence[Dose],
    answers: Sequence[Answer],
    now: datetime,
    *,
    protocol: Protocol,
    closing: bool = False,
) -> list[Prompt]:
    """What is to be asked at `now`, what has been due the longest first."""
    found = [one for one in prompts(doses, answers, protocol, closing=closing) if one.due_at <= now]
    return sorted(found, key=lambda one: one.due_at)


def prompts(
    doses: Sequence[Dose], answers: Sequence[Answer], protocol: Protocol, *, closing: bool = False
) -> list[Prompt]:
    """What is open, with the time from which it is to be asked: a tablet sets its timer by it.

    `doses` and `answers` are those of one encounter, `doses` as they stand. `closing`: the call is
    closed, or somebody is about to close it.
    """
    given = sorted((dose for dose in doses if dose.gave_naloxone), key=_told)
    if not given:
        return []
    last = last_answers(answers)
    asked: list[Prompt] = []
    if "handover" not in last:
        asked += _opening(given[0], last)
        asked += _breathing(given[-1], answers, protocol)
    if closing:
        since = max([_when(given[-1]), *map(_when, answers)])
        asked += [Prompt(name, since) for name in ("handover", "kit_left") if name not in last]
    return asked


def last_answers(answers: Iterable[Answer]) -> dict[str, Answer]:
    """The answer that holds, by its question: the last one that was told."""
    return {one.question: one for one in sorted(answers, key=_told)}


def _opening(first: Dose, last: dict[str, Answer]) -> list[Prompt]:
    """The first dose's questions. Whoever has not called is asked again: nothing matters more."""
    asked = []
    called = last.get("fire_called")
    if called is None or called.answer == "not_called":
        asked.append(Prompt("fire_called", _when(first)))
    if "airway" not in last:
        asked.append(Prompt("airway", _when(first)))
    return asked


def _breathing(dose: Dose, answers: Sequence[Answer], protocol: Protocol) -> list[Prompt]:
    """What is asked after the last dose: about breathing, or about the next dose."""
    since = [one for one in sorted(answers, key=_told) if _when(one) >= _when(dose)]
    breath = next((one for one in reversed(since) if one.question == "breathing"), None)
    if breath is None:
        told = dose.breathing_after
        if told in NEEDS_BREATHS and not any(one.question == "next_dose" for one in since):
            return [Prompt("next_dose", _when(dose), dose.id)]
        return [Prompt("breathing", _when(dose) + protocol.recheck, dose.id)]
    decided = any(one.question == "next_dose" and _told(one) > _told(breath) for one in since)
    if breath.answer in NEEDS_BREATHS and not decided:
        return [Prompt("next_dose", _when(breath), dose.id)]
    return [Prompt("breathing", _when(breath) + protocol.recheck, dose.id)]


def _when(one: Dose | Answer) -> datetime:
    """When it was; a dose without a time counts from when it was told."""
    return one.at or one.received_at


def _told(one: Dose | Answer) -> tuple[datetime, int]:
    return _when(one), one.order
