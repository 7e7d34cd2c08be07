"""A story as a page shows it: addresses of records, times by the city's clock, what stands on each
printed sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.cockpit.stories.moments import Day, Line, Moment, Record, by_day
from apps.cockpit.stories.nextsteps import Step
from apps.core import clock
from apps.core.admin import when


@dataclass(frozen=True)
class ShownMoment:
    """A moment with its time by the city's clock and the page of its record ("" where it has none
    of its own)."""

    moment: Moment
    at: datetime
    address: str
    lines: list[tuple[str, str | SafeString]]
    late: SafeString | str

    @property
    def time(self) -> str:
        """Of the day, to the second."""
        return f"{self.at:%H:%M:%S}"


@dataclass(frozen=True)
class ShownDay:
    day: Day
    moments: list[ShownMoment]


@dataclass(frozen=True)
class ShownStep:
    step: Step
    address: str
    since: SafeString | str


def days(moments: Iterable[Moment]) -> Iterator[ShownDay]:
    """Moments in order, under their days."""
    for day in by_day(moments, clock.city()):
        yield ShownDay(day, [_moment(one) for one in day.moments])


def next_steps(steps: Iterable[Step]) -> list[ShownStep]:
    """Steps, each with the page on which it is done."""
    return [ShownStep(one, address_of(one.record), when(one.since)) for one in steps]


def address_of(record: Record) -> str:
    """The page of a record in the admin; "" where it has none."""
    if not admin.site.is_registered(record.model):
        return ""
    opts = record.model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[record.id])


def sheet(name: str, by: str, at: datetime) -> SafeString:
    """The rule that puts onto each printed sheet what it is of, who printed it, when, and which of
    how many sheets it is. Styles alone reach the margins of a sheet."""
    stamp = f"{at.astimezone(clock.city()):%Y-%m-%d %H:%M:%S}"
    return format_html(
        '@page {{ @top-left {{ content: "{}" }} @top-right {{ content: "{}" }} }}',
        css_text(f"Confidential: {name}"),
        css_text(f"Printed by {by}, {stamp}"),
    )


def css_text(text: str) -> str:
    """Text for between the quotes of a style sheet: every sign that might end it is a number there,
    and none that ends a `style` element is left.

    >>> css_text('O"Neill')
    'O\\\\22 Neill'
    """
    return "".join(
        sign if sign == " " or (sign.isascii() and sign.isalnum()) else f"\\{ord(sign):x} "
        for sign in text
    )


def _moment(one: Moment) -> ShownMoment:
    late = when(one.told_at) if one.is_late else ""
    lines = [_line(line) for line in one.lines]
    return ShownMoment(one, clock.local(one.at), address_of(one.record), lines, late)


def _line(line: Line) -> tuple[str, Any]:
    name, said = line
    return name, when(said) if isinstance(said, datetime) else said
