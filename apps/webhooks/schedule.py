"""When an event is tried again, and what an answer means. Pure.

The promise stands in docs/webhooks/README.md.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from apps.webhooks.models import DeliveryState, Outcome, ParkedWhy

_MINUTE: Final = 60
_HOUR: Final = 3600
# Seconds before each attempt, counted from the one before. The last step is repeated.
STEPS: Final = (
    *(0, 5, _MINUTE, 5 * _MINUTE, 30 * _MINUTE),
    *(2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR),
)
JITTER: Final = 0.2

WARNED_AFTER_HOURS: Final = 24
PAUSED_AFTER_DAYS: Final = 5

# Statuses that say "later", though they are of the kind that says "never".
_LATER: Final = frozenset({408, 409, 425, 429})
# Those that ask to slow down, for the whole endpoint.
SLOW: Final = frozenset({429, 502, 504})
# How long an endpoint that asked for it is left alone: at least, without a word, and at most.
SLOW_SECONDS: Final = 5
LONGEST_RETRY_AFTER: Final = 6 * _HOUR

# After so many failures one after the other the circuit opens, for longer each time.
CIRCUIT_FAILURES: Final = 5
_CIRCUIT_SECONDS: Final = 30
_LONGEST_CIRCUIT: Final = 15 * _MINUTE


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of an event after an attempt: pending again after so many seconds, or done."""

    state: DeliveryState
    why: ParkedWhy | None = None
    after: float = 0.0


def outcome_of(status: int) -> Outcome:
    """What an answer's status means."""
    if 200 <= status < 300:
        return Outcome.ACCEPTED
    if 300 <= status < 400:
        return Outcome.REDIRECTED
    if status == 410:
        return Outcome.GONE
    if 400 <= status < 500 and status not in _LATER:
        return Outcome.REFUSED
    return Outcome.FAILED


def settle(outcome: Outcome, *, tries: int, chance: float) -> Settled:
    """What becomes of an event whose attempt number `tries` of its schedule ended so."""
    match outcome:
        case Outcome.ACCEPTED:
            return Settled(DeliveryState.ACCEPTED)
        case Outcome.REFUSED:
            return Settled(DeliveryState.PARKED, ParkedWhy.REFUSED)
        case Outcome.GONE:
            return Settled(DeliveryState.PARKED, ParkedWhy.GONE)
        case Outcome.UNPROVEN:
            return Settled(DeliveryState.PARKED, ParkedWhy.UNPROVEN)
        case _:
            return Settled(DeliveryState.PENDING, after=delay(tries, chance))


def delay(tries: int, chance: float) -> float:
    """Seconds until the next attempt after so many, with jitter. `chance`: from 0 to 1."""
    step = STEPS[min(tries, len(STEPS) - 1)]
    return step * (1 - JITTER + 2 * JITTER * chance)


def chance() -> float:
    """A throw of the dice for `delay`: many that failed together do not come back together."""
    return random.random()  # noqa: S311  (nothing secret)


def circuit_seconds(failures: int) -> float:
    """For how long the circuit opens after so many failures one after the other. 0: it is closed.

    When the time is over one attempt is made; its success closes the circuit.
    """
    if failures < CIRCUIT_FAILURES:
        return 0.0
    doublings = min(failures - CIRCUIT_FAILURES, 10)
    return float(min(_CIRCUIT_SECONDS * 2**doublings, _LONGEST_CIRCUIT))


def counts_for_circuit(outcome: Outcome) -> bool:
    """Whether an attempt says that the receiver is not well. One that refuses is."""
    return outcome not in {Outcome.ACCEPTED, Outcome.REFUSED, Outcome.GONE, Outcome.UNPROVEN}


def retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds that a Retry-After asks for, clamped; None where there is none that can be read."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:12])
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):  # the last: a year of twenty digits
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), float(LONGEST_RETRY_AFTER))
