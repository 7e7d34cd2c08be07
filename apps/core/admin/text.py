"""How times, codes and small tables are shown on the pages of the admin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core import clock

NOTHING = "-"
Labels = Mapping[str, Mapping[str, str]]

_NO_LABELS: Final[Labels] = {}
# A code that no list explains: `doubled_up`. Nobody types such a thing.
_CODE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*(Z|[+-]\d\d:\d\d)")


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


def readable(value: Any, labels: Labels = _NO_LABELS) -> SafeString:
    """What was typed or told, for people: part by part, codes in words, instants by the city's
    clock, everything escaped. `labels`: the codes of a part, by its name. Ids of other records are
    left out: they say nothing to anybody, and where they matter the page has a link.
    """
    return _readable(value, labels, {})


def _readable(value: Any, labels: Labels, known: Mapping[str, str]) -> SafeString:
    match value:
        case Mapping():
            return table((), _parts(value, labels))
        case list() | tuple() if any(isinstance(one, Mapping) for one in value):
            return format_html_join("", "{}", ((_readable(one, labels, known),) for one in value))
        case list() | tuple():
            parts = ((_readable(one, labels, known),) for one in value)
            return format_html_join("; ", "{}", parts) or _plain(NOTHING)
        case bool():
            return _plain("yes" if value else "no")
        case str() if value not in known and _INSTANT.fullmatch(value):
            return when(value)
        case None | "":
            return _plain(NOTHING)
    said = known.get(str(value), str(value))
    text = said.replace("_", " ") if _CODE.fullmatch(said) else said
    return format_html(
        '<span style="white-space: pre-line; overflow-wrap: anywhere">{}</span>', text
    )


def _parts(value: Mapping[str, Any], labels: Labels) -> Iterator[tuple[SafeString, SafeString]]:
    for name, part in value.items():
        if name != "id" and not name.endswith("_id"):
            yield _plain(name.replace("_", " ")), _readable(part, labels, labels.get(name, {}))


def _plain(text: str) -> SafeString:
    return format_html("{}", text)


def pretty(value: Any) -> SafeString:
    """JSON to be read, as it is, by who mends it; everything in it is escaped."""
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
