"""A team's hours by its own wall clock, also in the nights when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.notify import hours as rules
from apps.notify.hours import Hours

SEATTLE = "America/Los_Angeles"
BERLIN = "Europe/Berlin"  # its clocks change on 2026-03-29 and 2026-10-25, at 01:00 UTC
LORD_HOWE = "Australia/Lord_Howe"  # by half an hour: on 2026-04-05 back, on 2026-10-04 on


def of(shift: str = "12:00-22:00", quiet: str = "22:00-08:00", zone: str = SEATTLE) -> Hours:
    opens, closes = map(time.fromisoformat, shift.split("-"))
    quiet_from, quiet_until = map(time.fromisoformat, quiet.split("-"))
    return Hours(
        zone=ZoneInfo(zone),
        opens=opens,
        closes=closes,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
    )


def at(text: str, zone: str = SEATTLE) -> datetime:
    """`2026-03-08 03:00` on the wall; the second of an hour that comes twice has a `+`."""
    wall = datetime.fromisoformat(text.rstrip("+")).replace(fold=int(text.endswith("+")))
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("shift", "asked", "opens"),
    [
        # An ordinary Wednesday.
        ("12:00-22:00", "2026-03-04 03:00", "2026-03-04 12:00"),
        ("12:00-22:00", "2026-03-04 12:00", "2026-03-04 12:00"),
        ("12:00-22:00", "2026-03-04 21:59", "2026-03-04 21:59"),
        ("12:00-22:00", "2026-03-04 22:00", "2026-03-05 12:00"),
        # The whole day.
        ("00:00-00:00", "2026-03-04 03:00", "2026-03-04 03:00"),
        ("07:00-07:00", "2026-03-04 07:00", "2026-03-04 07:00"),
        # Over midnight.
        ("20:00-06:00", "2026-03-04 02:00", "2026-03-04 02:00"),
        ("20:00-06:00", "2026-03-04 06:00", "2026-03-04 20:00"),
        # Spring: 02:00 to 03:00 is skipped on the 8th.
        ("12:00-22:00", "2026-03-07 23:00", "2026-03-08 12:00"),
        ("12:00-22:00", "2026-03-08 03:00", "2026-03-08 12:00"),
        ("02:30-10:00", "2026-03-08 01:59", "2026-03-08 03:30"),
        ("02:30-10:00", "2026-03-08 03:15", "2026-03-08 03:30"),
        ("20:00-02:30", "2026-03-08 03:29", "2026-03-08 03:29"),
        ("20:00-02:30", "2026-03-08 03:30", "2026-03-08 20:00"),
        ("02:10-02:50", "2026-03-08 00:00", "2026-03-08 03:10"),  # as long as ever
        ("02:30-03:00", "2026-03-08 00:00", "2026-03-09 02:30"),  # swallowed: on the next day
        ("00:00-00:00", "2026-03-08 03:00", "2026-03-08 03:00"),
        ("02:30-02:30", "2026-03-08 03:10", "2026-03-08 03:10"),
        # Autumn: 01:00 to 02:00 comes twice on November 1st.
        ("12:00-22:00", "2026-10-31 22:30", "2026-11-01 12:00"),
        ("12:00-22:00", "2026-11-01 01:30+", "2026-11-01 12:00"),
        ("01:30-10:00", "2026-11-01 00:00", "2026-11-01 01:30"),
        ("01:30-10:00", "2026-11-01 01:00+", "2026-11-01 01:00+"),
        ("20:00-01:30", "2026-11-01 01:45", "2026-11-01 01:45"),
        ("20:00-01:30", "2026-11-01 01:29+", "2026-11-01 01:29+"),
        ("20:00-01:30", "2026-11-01 01:30+", "2026-11-01 20:00"),
        ("01:30-01:30", "2026-11-01 01:40+", "2026-11-01 01:40+"),
    ],
)
def test_a_team_works_next(shift: str, asked: str, opens: str) -> None:
    hours = of(shift)
    assert rules.next_open(at(asked), hours) == at(opens)
    assert rules.is_open(at(asked), hours) == (asked == opens)


@pytest.mark.parametrize(
    ("quiet", "asked", "loud"),
    [
        ("22:00-08:00", "2026-03-04 21:59", "2026-03-04 21:59"),
        ("22:00-08:00", "2026-03-04 22:00", "2026-03-05 08:00"),
        ("22:00-08:00", "2026-03-04 07:59", "2026-03-04 08:00"),
        ("22:00-08:00", "2026-03-04 08:00", "2026-03-04 08:00"),
        ("13:00-14:00", "2026-03-04 13:30", "2026-03-04 14:00"),
        ("00:00-00:00", "2026-03-04 03:00", "2026-03-04 03:00"),  # never quiet
        ("22:00-08:00", "2026-03-07 23:00", "2026-03-08 08:00"),
        ("22:00-02:30", "2026-03-08 03:00", "2026-03-08 03:30"),
        ("22:00-02:30", "2026-03-08 03:30", "2026-03-08 03:30"),
        ("22:00-08:00", "2026-10-31 23:00", "2026-11-01 08:00"),
        ("22:00-01:30", "2026-11-01 01:30", "2026-11-01 01:30+"),
        ("22:00-01:30", "2026-11-01 01:30+", "2026-11-01 01:30+"),
        # Two windows that touch in the long night: the next begins before the first is over.
        ("01:30-01:00", "2026-11-01 00:30", "2026-11-02 01:00"),
    ],
)
def test_something_may_ring_next(quiet: str, asked: str, loud: str) -> None:
    hours = of(quiet=quiet)
    assert rules.next_loud(at(asked), hours) == at(loud)
    assert rules.is_quiet(at(asked), hours) == (asked != loud)


@pytest.mark.parametrize(
    ("zone", "asked", "opens", "loud"),
    [
        (BERLIN, "2026-03-29 01:30", "2026-03-29 12:00", "2026-03-29 08:00"),
        (BERLIN, "2026-10-25 02:30", "2026-10-25 12:00", "2026-10-25 08:00"),
        (BERLIN, "2026-10-25 02:30+", "2026-10-25 12:00", "2026-10-25 08:00"),
        (LORD_HOWE, "2026-10-03 23:00", "2026-10-04 12:00", "2026-10-04 08:00"),
        (LORD_HOWE, "2026-04-05 01:45+", "2026-04-05 12:00", "2026-04-05 08:00"),
        ("Asia/Kathmandu", "2026-03-04 09:00", "2026-03-04 12:00", "2026-03-04 09:00"),
    ],
)
def test_each_team_has_its_own_clock(zone: str, asked: str, opens: str, loud: str) -> None:
    hours = of(zone=zone)
    assert rules.next_open(at(asked, zone), hours) == at(opens, zone)
    assert rules.next_loud(at(asked, zone), hours) == at(loud, zone)


@pytest.mark.parametrize(
    ("shift", "quiet", "asked", "told"),
    [
        ("12:00-22:00", "22:00-08:00", "2026-03-04 03:00", "2026-03-04 12:00"),
        ("12:00-22:00", "20:00-08:00", "2026-03-04 20:30", "2026-03-05 12:00"),
        ("06:00-14:00", "22:00-08:00", "2026-03-04 05:00", "2026-03-04 08:00"),
        ("00:00-00:00", "22:00-08:00", "2026-03-04 23:00", "2026-03-05 08:00"),
        ("22:00-06:00", "02:00-08:00", "2026-03-04 03:00", "2026-03-04 22:00"),
        # Nobody of them could ever be told: then while they work.
        ("23:00-06:00", "22:00-08:00", "2026-03-04 12:00", "2026-03-04 23:00"),
        # Both changes of the clocks.
        ("12:00-22:00", "22:00-08:00", "2026-03-08 01:59", "2026-03-08 12:00"),
        ("00:00-00:00", "22:00-08:00", "2026-03-08 03:00", "2026-03-08 08:00"),
        ("12:00-22:00", "22:00-08:00", "2026-11-01 01:30+", "2026-11-01 12:00"),
        ("00:00-00:00", "22:00-08:00", "2026-11-01 01:30+", "2026-11-01 08:00"),
    ],
)
def test_somebody_is_told_next(shift: str, quiet: str, asked: str, told: str) -> None:
    assert rules.next_told(at(asked), of(shift, quiet)) == at(told)


@pytest.mark.parametrize(
    ("shift", "quiet", "never"),
    [
        ("12:00-22:00", "22:00-08:00", False),
        ("23:00-06:00", "22:00-08:00", True),
        ("22:00-08:00", "22:00-08:00", True),
        ("21:59-06:00", "22:00-08:00", False),
        ("23:00-08:01", "22:00-08:00", False),
        ("00:00-00:00", "22:00-08:00", False),
        ("23:00-06:00", "00:00-00:00", False),
        ("13:00-14:00", "12:00-15:00", True),
        ("07:00-09:00", "22:00-08:00", False),
    ],
)
def test_hours_in_which_nobody_is_ever_told_are_known(shift: str, quiet: str, never: bool) -> None:
    assert rules.never_told(of(shift, quiet)) is never


def lasts(begins: str, hours: Hours) -> timedelta:
    shift = rules.shift_at(at(begins), hours)
    assert shift is not None
    assert shift.begins == at(begins)
    return shift.ends - shift.begins


@pytest.mark.parametrize(
    ("shift", "begins", "hours"),
    [
        ("20:00-06:00", "2026-03-04 20:00", 10),
        ("20:00-06:00", "2026-03-07 20:00", 9),
        ("20:00-06:00", "2026-10-31 20:00", 11),
        ("12:00-22:00", "2026-03-08 12:00", 10),
        ("12:00-22:00", "2026-11-01 12:00", 10),
        ("00:00-00:00", "2026-03-08 00:00", 23),
        ("00:00-00:00", "2026-11-01 00:00", 25),
    ],
)
def test_a_shift_over_the_change_is_as_long_as_the_night(
    shift: str, begins: str, hours: int
) -> None:
    assert lasts(begins, of(shift)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("shift", "asked", "begins"),
    [
        ("12:00-22:00", "2026-03-04 13:00", "2026-03-05 12:00"),
        ("12:00-22:00", "2026-03-04 03:00", "2026-03-04 12:00"),
        ("07:00-07:00", "2026-03-04 13:00", "2026-03-05 07:00"),
        ("12:00-22:00", "2026-03-07 13:00", "2026-03-08 12:00"),
        ("12:00-22:00", "2026-10-31 13:00", "2026-11-01 12:00"),
    ],
)
def test_the_next_shift_is_another_one(shift: str, asked: str, begins: str) -> None:
    assert rules.next_shift(at(asked), of(shift)) == at(begins)


TIMES = st.times().map(lambda one: one.replace(second=0, microsecond=0, fold=0))
INSTANTS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001
    max_value=datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(
    at=INSTANTS,
    zone=st.sampled_from([SEATTLE, BERLIN, LORD_HOWE]),
    times=st.tuples(TIMES, TIMES, TIMES, TIMES),
)
def test_what_is_found_holds_and_nothing_before_it_does(
    at: datetime, zone: str, times: tuple[time, time, time, time]
) -> None:
    opens, closes, quiet_from, quiet_until = times
    hours = Hours(
        zone=ZoneInfo(zone),
        opens=opens,
        closes=closes,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
    )
    opened, loud, told = (
        find(at, hours) for find in (rules.next_open, rules.next_loud, rules.next_told)
    )
    assert at <= opened <= told <= at + timedelta(days=4)
    assert rules.is_open(opened, hours)
    assert not rules.is_quiet(loud, hours)
    assert rules.is_open(told, hours)
    if opened > at:
        assert not rules.is_open(opened - timedelta(microseconds=1), hours)
    if loud > at:
        assert rules.is_quiet(loud - timedelta(microseconds=1), hours)
    if not rules.never_told(hours):
        assert not rules.is_quiet(told, hours)
