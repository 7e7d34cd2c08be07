"""Recoveries from a backup: who has come back, with what, and who is still awaited.

The words are those of `manage.py recovery_report`: labels of tablets, counts and times. No record
of anybody is shown, so that looking is nothing for the audit log.
"""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.admin import OVERSEERS
from apps.accounts.models import User
from apps.audit.admin import RoleAdmin
from apps.core.admin import moment
from apps.sync import report, tablets
from apps.sync.models import Comeback, History

# What the index of the admin says while tablets are awaited: see `templatetags.recovery`.
admin.site.index_template = "sync/index.html"


@admin.register(History)
class HistoryAdmin(RoleAdmin[History]):
    """Each history that was begun after a restore, with its report. A supervisor reads of their own
    team's tablets."""

    VIEW = OVERSEERS
    list_display = ("short_name", moment("began_at", "begun"), "last_seq", "came_back")
    ordering = ("-began_at",)
    fields = (moment("began_at", "begun"), "report")
    readonly_fields = fields

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> History | None:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            assert isinstance(request.user, User)
            answered_for = set(tablets.seen_by(request.user).values_list("pk", flat=True))
            row.report = [*report.of_history(row, answered_for)]  # type: ignore[attr-defined]
        return row

    @admin.display(description="history")
    def short_name(self, row: History) -> str:
        return str(row)

    @admin.display(description="local databases that have come back")
    def came_back(self, row: History) -> str:
        rows = Comeback.objects.filter(epoch=row.epoch)
        return f"{rows.exclude(followed_at=None).count()} of {rows.count()}"

    @admin.display(description="what has come back, and what cannot")
    def report(self, row: History) -> SafeString:
        lines: list[str] = row.report  # type: ignore[attr-defined]
        return format_html(
            '<div id="report">{}</div>',
            format_html_join("", '<p style="white-space: pre-wrap">{}</p>', ((x,) for x in lines)),
        )
