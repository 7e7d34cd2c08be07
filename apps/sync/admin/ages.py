"""How long something has been open, as columns and filters say it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import clock
from apps.core.admin import NOTHING

DAY = timedelta(days=1)
_SPANS = {"open": timedelta(0), "day": DAY, "week": timedelta(days=7)}


class OpenFilter(admin.SimpleListFilter):
    """What nobody has settled, and what has waited long for it."""

    title = "settled"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "not yet"),
            ("day", "not for over a day"),
            ("week", "not for over a week"),
            ("settled", "yes"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = queryset
        value = self.value()
        if value == "settled":
            rows = queryset.exclude(pk__in=queryset.open().values("pk"))
        elif value in _SPANS:
            rows = queryset.open().older_than(_SPANS[value], now=clock.now())
        return rows


def age(since: datetime, now: datetime) -> str:
    """A span in words, rounded down to its largest unit."""
    minutes = max(0, int((now - since).total_seconds()) // 60)
    for size, word in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {word}{'s' if count > 1 else ''}"
    return "less than a minute"


def open_for(since: datetime, *, settled: bool) -> SafeString:
    """How long it has waited to be settled; over a day in bold."""
    if settled:
        return format_html("{}", NOTHING)
    now = clock.now()
    shape = "<strong>{}</strong>" if now - since > DAY else "{}"
    return format_html(shape, age(since, now))
