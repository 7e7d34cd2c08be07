"""Opening hours: written by people, ruled by HSDS, worked out as instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from apps.referrals.directory.hours import Opening, federal_holidays, periods
from apps.referrals.directory.hourstext import read_hours
from apps.referrals.directory.schedules import openings_of, text_of

SEATTLE = ZoneInfo("America/Los_Angeles")
MONDAY = date(2026, 3, 2)


def told(text: str) -> list[str] | None:
    """What was understood: `0123 9:00-17:00`, days from Monday."""
    found = read_hours(text)
    if found is None:
        return None
    return [f"{''.join(map(str, sorted(one.days)))} {clock(one)}" for one in found]


def clock(one: Opening) -> str:
    (a, b), (c, d) = divmod(one.opens, 60), divmod(one.closes, 60)
    return f"{a}:{b:02}-{c}:{d:02}"


class TestText:
    def test_no_text_takes_the_square_of_its_length(self) -> None:
        assert read_hours("Mon-Fri 9am-5pm" + " " * 1_000_000) is None

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Mon-Fri 9am-5pm", ["01234 9:00-17:00"]),
            ("Mon–Fri: 9:00am – 5:00pm", ["01234 9:00-17:00"]),  # noqa: RUF001  (as people write)
            ("Monday through Friday, 8:30 a.m. to 4:30 p.m.", ["01234 8:30-16:30"]),
            ("9am-5pm Mon-Fri", ["01234 9:00-17:00"]),
            ("24/7", ["0123456 0:00-24:00"]),
            ("Open 24 hours", ["0123456 0:00-24:00"]),
            ("24 hours a day, 7 days a week", ["0123456 0:00-24:00"]),
            ("M, W 10-2; closed holidays", ["02 10:00-14:00"]),
            ("Mon & Wed 9-11 (except holidays)", ["02 9:00-11:00"]),
            ("MWF 10-2", ["024 10:00-14:00"]),
            ("Tu/Th 1-4", ["13 13:00-16:00"]),
            ("Tuesdays and Thursdays 10am-1pm", ["13 10:00-13:00"]),
            ("Mon-Thu 9-5, Fri 9-12", ["0123 9:00-17:00", "4 9:00-12:00"]),
            ("Mon-Fri 9am-12pm & 1pm-5pm", ["01234 9:00-12:00", "01234 13:00-17:00"]),
            ("Daily 7pm-7am", ["0123456 19:00-31:00"]),
            ("7 days a week 8am-8pm", ["0123456 8:00-20:00"]),
            ("Mon - Sun 19:00-07:00", ["0123456 19:00-31:00"]),
            ("Mon-Fri 0900-1700", ["01234 9:00-17:00"]),
            ("Mon-Fri 9-5pm", ["01234 9:00-17:00"]),
            ("Sun-Thu 9pm-5", ["01236 21:00-29:00"]),
            ("Fri-Mon 10-4", ["0456 10:00-16:00"]),
            ("Mon-Fri noon-8", ["01234 12:00-20:00"]),
            ("Mon-Fri 8am-midnight", ["01234 8:00-24:00"]),
            ("Sun 12:00am-11:59pm", ["6 0:00-24:00"]),
            ("Weekdays 8-5, closed weekends", ["01234 8:00-17:00"]),
            ("Sunday closed; Mon-Sat 9-6", ["012345 9:00-18:00"]),
        ],
    )
    def test_is_read_where_it_has_one_meaning(self, text: str, expected: list[str]) -> None:
        assert told(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "1st Tuesday of the month 9-11",
            "By appointment",
            "Call for hours",
            "Mon-Fri",
            "9-5",
            "6-9 daily",
            "Mon-Fri 09:00-05:00",
            "Mon 25-26",
            "Wed 10am",
            "Mon-Fri 9-5, sometimes later",
            "Mon-Fri 9-5 closed Friday",
            "The service is available from 10 am to 6pm weekdays. Not on public holidays.",
            "",
            "closed",
            "-",
        ],
    )
    def test_stays_text_where_it_has_not(self, text: str) -> None:
        assert told(text) is None

    def test_says_whether_holidays_are_open(self) -> None:
        assert [one.holidays for one in read_hours("M-F 9-5; closed holidays") or ()] == [False]
        assert [one.holidays for one in read_hours("M-F 9-5") or ()] == [True]


class TestSchedules:
    def test_rules_by_the_week(self) -> None:
        rule = {"freq": "WEEKLY", "byday": "MO,WE", "opens_at": "10:00", "closes_at": "14:00:00"}
        (one,) = openings_of([rule]) or ()
        assert (clock(one), one.days) == ("10:00-14:00", {0, 2})

    def test_rules_by_the_month(self) -> None:
        rule = {"freq": "MONTHLY", "byday": "1TU,-1TU", "opens_at": "18:00", "closes_at": "20:00"}
        found = periods(openings_of([rule]) or (), since=date(2026, 3, 1), days=31, zone=SEATTLE)
        assert [opens.astimezone(SEATTLE).day for opens, _ in found] == [3, 31]

    def test_every_other_week_from_its_start(self) -> None:
        rule = {
            "freq": "WEEKLY",
            "interval": 2,
            "dtstart": "2026-03-04",
            "byday": "WE",
            "opens_at": "09:00-08:00",
            "closes_at": "10:00-08:00",
        }
        found = periods(openings_of([rule]) or (), since=MONDAY, days=28, zone=SEATTLE)
        assert [opens.astimezone(SEATTLE).day for opens, _ in found] == [4, 18]

    def test_holds_from_and_to(self) -> None:
        rule = {
            "byday": "MO,TU,WE,TH,FR,SA,SU",
            "opens_at": "09:00",
            "closes_at": "10:00",
            "valid_from": "2026-03-03",
            "valid_to": "2026-03-04",
        }
        assert len(periods(openings_of([rule]) or (), since=MONDAY, days=7, zone=SEATTLE)) == 2

    @pytest.mark.parametrize(
        "more",
        [
            {"byweekno": "41"},
            {"bymonthday": "2"},
            {"byday": ""},
            {"byday": "1MO"},
            {"opens_at": "09:00Z"},
            {"opens_at": "25:00"},
            {"closes_at": None},
            {"interval": 2},
            {"count": 3},
            {"valid_to": "soon"},
        ],
    )
    def test_that_say_more_are_shown_as_text(self, more: dict[str, Any]) -> None:
        rule = {"freq": "WEEKLY", "byday": "MO", "opens_at": "09:00", "closes_at": "10:00"}
        assert openings_of([{**rule, **more}]) is None
        assert openings_of([rule]) is not None

    def test_one_that_is_not_understood_makes_all_unknown(self) -> None:
        assert openings_of([{"description": "24/7"}, {"description": "or call"}]) is None
        assert openings_of([]) is None

    def test_are_told_in_their_own_words(self) -> None:
        rule = {"byday": "MO", "opens_at": "09:00", "closes_at": "10:00", "notes": "ring twice"}
        assert text_of([rule, {"description": "24/7"}]) == "MO 09:00-10:00 ring twice\n24/7"


class TestInstants:
    def hours_of(self, text: str, since: date, days: int) -> list[float]:
        found = periods(read_hours(text) or (), since=since, days=days, zone=SEATTLE)
        return [(closes - opens) / timedelta(hours=1) for opens, closes in found]

    def test_over_midnight_is_one_period(self) -> None:
        found = periods(read_hours("Mon 7pm-7am") or (), since=MONDAY, days=7, zone=SEATTLE)
        assert found == [
            (datetime(2026, 3, 3, 3, tzinfo=UTC), datetime(2026, 3, 3, 15, tzinfo=UTC))
        ]

    def test_what_began_the_day_before_counts(self) -> None:
        found = periods(read_hours("Sun 7pm-7am") or (), since=MONDAY, days=1, zone=SEATTLE)
        assert found == [
            (datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 15, tzinfo=UTC))
        ]

    def test_the_night_of_the_change_in_spring_is_an_hour_shorter(self) -> None:
        # Clocks go from 2:00 to 3:00 on Sunday 8 March 2026.
        assert self.hours_of("Sat 7pm-7am", date(2026, 3, 7), 2) == [11]
        assert self.hours_of("Sun 2:30am-4am", date(2026, 3, 8), 1) == [0.5]

    def test_the_night_of_the_change_in_autumn_is_an_hour_longer(self) -> None:
        # Clocks go from 2:00 back to 1:00 on Sunday 1 November 2026.
        assert self.hours_of("Sat 7pm-7am", date(2026, 10, 31), 2) == [13]

    def test_around_the_clock_is_one_period_over_the_change_too(self) -> None:
        assert self.hours_of("24/7", MONDAY, 7) == [7 * 24 - 1]

    def test_holidays_are_left_out_where_they_are(self) -> None:
        thanksgiving = date(2026, 11, 26)
        assert self.hours_of("Thu 9-5; closed holidays", thanksgiving, 1) == []
        assert self.hours_of("Thu 9-5", thanksgiving, 1) == [8]


def test_federal_holidays_are_those_of_the_law() -> None:
    assert {day.strftime("%m-%d") for day in federal_holidays(2026)} == {
        *("01-01", "01-19", "02-16", "05-25", "06-19", "07-04"),
        *("09-07", "10-12", "11-11", "11-26", "12-25"),
    }
