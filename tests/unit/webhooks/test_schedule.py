"""What an answer means, and when an event is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.webhooks import schedule
from apps.webhooks.models import DeliveryState, Outcome, ParkedWhy

NOW = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
DAY = 24 * 3600


def test_success_is_2xx_only() -> None:
    accepted = {
        status for status in range(100, 600) if schedule.outcome_of(status) == Outcome.ACCEPTED
    }
    assert accepted == set(range(200, 300))


def test_a_permanent_refusal_parks_at_once_and_a_passing_one_does_not() -> None:
    parked = {
        status
        for status in range(100, 600)
        if schedule.settle(schedule.outcome_of(status), tries=1, chance=0.5).state
        == DeliveryState.PARKED
    }
    assert parked == set(range(400, 500)) - {408, 409, 425, 429}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirection_is_a_failure(status: int) -> None:
    outcome = schedule.outcome_of(status)
    assert outcome == Outcome.REDIRECTED
    assert schedule.settle(outcome, tries=1, chance=0.5).state == DeliveryState.PENDING


def test_gone_parks_and_says_so() -> None:
    settled = schedule.settle(schedule.outcome_of(410), tries=1, chance=0.5)
    assert (settled.state, settled.why) == (DeliveryState.PARKED, ParkedWhy.GONE)


def test_the_schedule_is_the_promised_one_and_never_ends() -> None:
    steps = [schedule.delay(tries, 0.5) for tries in range(14)]
    minutes = [0, 5 / 60, 1, 5, 30, 120, 300, 600, 840, 1200, 1440, 1440, 1440, 1440]
    assert steps == [60 * one for one in minutes]


@pytest.mark.parametrize("tries", range(1, 12))
def test_jitter_is_a_fifth_both_ways(tries: int) -> None:
    middle = schedule.delay(tries, 0.5)
    assert schedule.delay(tries, 0.0) == pytest.approx(0.8 * middle)
    assert schedule.delay(tries, 1.0) == pytest.approx(1.2 * middle)


def test_the_ladder_reaches_past_the_warning_and_to_the_pause() -> None:
    """Until it is paused after five days, an endpoint is tried at least once a day."""
    longest = max(schedule.STEPS) * (1 + schedule.JITTER)
    assert longest < 2 * DAY
    assert sum(schedule.STEPS[:10]) > schedule.WARNED_AFTER_HOURS * 3600


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 5 ", 5),
        ("0", 0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("99999999999999999999", schedule.LONGEST_RETRY_AFTER),
        ("Wed, 04 Mar 2026 20:01:00 GMT", 60),
        ("Wed, 04 Mar 2026 19:00:00 GMT", 0),
        ("Wed, 04 Mar 2099 19:00:00 GMT", schedule.LONGEST_RETRY_AFTER),
        ("Wed, 99 Foo 2026", None),
        ("٣", None),
        ("Wed, 04 Mar 99999999999999999999 20:01:00 GMT", None),
        ("Wed, 04 Mar 2026 20:01:00 +99999999999999999999", None),
    ],
)
def test_retry_after_is_read_and_clamped(said: str | None, seconds: float | None) -> None:
    assert schedule.retry_after(said, now=NOW) == seconds


def test_the_circuit_opens_after_five_failures_longer_each_time_up_to_a_bound() -> None:
    seconds = [schedule.circuit_seconds(failures) for failures in range(1, 30)]
    assert seconds[:4] == [0, 0, 0, 0]
    assert seconds[4:8] == [30, 60, 120, 240]
    assert max(seconds) == seconds[-1] == 900


def test_a_receiver_that_refuses_is_well() -> None:
    ill = {outcome for outcome in Outcome if schedule.counts_for_circuit(outcome)}
    assert not ill & {Outcome.ACCEPTED, Outcome.REFUSED, Outcome.GONE, Outcome.UNPROVEN}
    assert Outcome.TIMED_OUT in ill
