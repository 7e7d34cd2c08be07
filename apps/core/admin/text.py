"""How times, codes and small tables are shown on the pages of the admin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core import clock

NOTHING = "-"


def when(value: datetime | str | None) -> SafeString:
    """An instant (or its ISO text) by the city's clock, to the second; day and time stay whole."""
    if not value:
        return format_html("{}", NOTHING)
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    whole = '<span style="white-space: nowrap">{}</span>'
    day, time = f"{clock.local(at):%Y-%m-%d %H:%M:%S}".split()
    return format_html(f"{whole} {whole}", day, time)


def moment(name: str, label: str = "") -> Any:
    """A column, or a line of a page, for a field that holds an instant.

    A callable, which Django takes in both places; its types know of the first alone.
    """

    @admin.display(description=label or name.replace("_", " "), ordering=name)
    def shown(row: Any) -> SafeString:
        return when(getattr(row, name))

    shown.__name__ = name
    return shown


def story(address: str) -> Any:
    """A column that leads to a record's story, by the name of that page's address."""

    @admin.display(description="story")
    def shown(row: Any) -> SafeString:
        return format_html('<a href="{}">story</a>', reverse(address, args=[row.pk]))

    return shown


def in_words(codes: Iterable[str], labels: Mapping[str, str]) -> str:
    """Codes by their labels; one that has none stands as it is."""
    return "; ".join(labels.get(code, code) for code in codes) or NOTHING


def duration(seconds: int) -> str:
    """So many seconds as a person reads them."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def pretty(value: Any) -> SafeString:
    """JSON to be read, as it is; everything in it is escaped."""
    text = "" if value is None else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return format_html('<pre style="white-space: pre-wrap">{}</pre>', text)


def table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> SafeString:
    """Rows as a small table; everything in it is escaped."""
    lines = [format_html_join("", "<td>{}</td>", ((cell,) for cell in row)) for row in rows]
    if not lines:
        return format_html("{}", NOTHING)
    return format_html(
        "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>",
        format_html_join("", "<th>{}</th>", ((head,) for head in heads)),
        format_html_join("", "<tr>{}</tr>", ((line,) for line in lines)),
    )
