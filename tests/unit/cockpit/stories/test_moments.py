from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.assignments.models import Fact
from apps.cockpit.stories.moments import (
    TOLD_LATE,
    Kind,
    Moment,
    Page,
    Record,
    by_day,
    first_of_each,
    in_order,
    page_of,
)

NOON = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
CITY = ZoneInfo("America/Los_Angeles")


def moment(number: int, at: datetime = NOON, **more: Any) -> Moment:
    record = Record(Fact, UUID(int=number))
    return Moment(at=at, kind=Kind.CALL, what=str(number), record=record, **more)


def numbers(page: Page) -> list[int]:
    return [int(one.what) for one in page.moments]


def test_moments_stand_as_they_happened_and_those_of_one_instant_as_they_were_told() -> None:
    late = moment(1, NOON, told_at=NOON + timedelta(hours=1))
    first, same = moment(2, NOON - timedelta(minutes=1)), moment(3, NOON)

    assert [one.what for one in in_order([late, same, first])] == ["2", "3", "1"]


def test_what_came_ten_minutes_after_it_happened_was_told_late() -> None:
    assert moment(1, told_at=NOON + TOLD_LATE).is_late
    assert not moment(1, told_at=NOON + TOLD_LATE - timedelta(seconds=1)).is_late
    assert not moment(1).is_late


def test_days_are_the_citys() -> None:
    evening = datetime(2026, 3, 5, 7, 59, tzinfo=UTC)  # 23:59 of the 4th in Seattle
    days = list(by_day([moment(1, evening), moment(2, evening + timedelta(minutes=2))], CITY))

    assert [(str(day.date), len(day.moments)) for day in days] == [
        ("2026-03-04", 1),
        ("2026-03-05", 1),
    ]


@pytest.mark.parametrize("year", [1, 9999])
def test_what_a_clock_that_was_never_set_says_has_a_day_too(year: int) -> None:
    at = datetime(year, 1, 1, tzinfo=UTC)
    (day,) = by_day([moment(1, at)], CITY)
    assert abs(day.date - at.date()) <= timedelta(days=1)


def test_a_key_names_a_record_and_no_time() -> None:
    assert moment(7).key == str(UUID(int=7))
    assert moment(7, part="locked").key == f"{UUID(int=7)}.locked"


@given(st.integers(0, 40), st.integers(1, 7))
def test_pages_lead_back_to_the_beginning_and_forth_to_the_end_and_leave_out_nothing(
    count: int, size: int
) -> None:
    story = [moment(number) for number in range(count)]
    page = page_of(story, size=size)
    assert page.after is None
    seen = numbers(page)
    while page.before is not None:
        page = page_of(story, size=size, before=page.before)
        assert len(page.moments) <= size
        seen = numbers(page) + seen
    assert seen == list(range(count))
    assert page.first == 1

    seen = numbers(page)
    while page.after is not None:
        page = page_of(story, size=size, after=page.after)
        seen += [one for one in numbers(page) if one not in seen]
    assert seen == list(range(count))
    assert page.last == page.total == count


def test_a_key_that_names_nothing_leads_to_the_end() -> None:
    story = [moment(number) for number in range(5)]

    assert numbers(page_of(story, size=2, before="gone")) == [3, 4]


def test_of_each_call_so_many_moments_are_kept_and_the_others_counted() -> None:
    one, other = UUID(int=100), UUID(int=200)
    story = [*(moment(n, of=one) for n in range(5)), moment(8), moment(9, of=other)]

    kept, left_out = first_of_each(story, 3)

    assert [int(told.what) for told in kept] == [0, 1, 2, 8, 9]
    assert left_out == {one: 2}
