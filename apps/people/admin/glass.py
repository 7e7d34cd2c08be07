"""Who opened a person's record without a call that led to them, why, what they read of it, and
whether that was justified. Each is a debt of the supervisors until one of them has said so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.acts import Act, ActsAdmin, WhyForm, reason_field
from apps.audit.admin import RecordAdmin
from apps.audit.models import Entry
from apps.core import clock
from apps.core.admin import NOTHING, Related, moment, table, when
from apps.notify.models import ContactPoint, Level
from apps.people import services
from apps.people.models import BrokenGlass

# Looks at one person in one opening: what is more says nothing new.
_MOST_SHOWN = 100


class AskForm(WhyForm):
    reason = reason_field(
        label="What you ask",
        help_text="It stands here until it is decided. They are sent a message that you ask, "
        "without your words: talk to them.",
    )


class ReviewFilter(admin.SimpleListFilter):
    """What nobody has reviewed, unless somebody asks for the rest."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("asked", "asked, not decided"),
            ("justified", "justified"),
            ("not_justified", "not justified"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "asked":
                return queryset.filter(reviewed_at=None, asked_at__isnull=False)
            case "justified" | "not_justified":
                return queryset.filter(justified=self.value() == "justified")
        return queryset.filter(reviewed_at=None)

    def choices(self, changelist: Any) -> Any:
        """Django calls the state without a filter "All", which it is not here."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "owed"}, *others]


def _review(*, justified: bool) -> Callable[[BrokenGlass, User, dict[str, Any]], None]:
    def verb(row: BrokenGlass, by: User, _: dict[str, Any]) -> None:
        services.review_glass(glass=row, justified=justified, by=by, now=clock.now())

    return verb


def _ask(row: BrokenGlass, by: User, given: dict[str, Any]) -> str:
    services.ask_about_glass(glass=row, question=given["reason"], by=by, now=clock.now())
    if ContactPoint.objects.of([row.user_id], Level.OWNER).exists():
        return "They are sent a message that you ask."
    return "They gave no address for messages: ask them yourself."


def _owed(row: BrokenGlass) -> bool:
    return row.reviewed_at is None


@admin.register(BrokenGlass)
class BrokenGlassAdmin(ActsAdmin[BrokenGlass], RecordAdmin[BrokenGlass]):
    VIEW = frozenset({"supervisor"})
    list_display = (
        *(
            "user",
            moment("at"),
            moment("until"),
            "reason",
            "justified",
            moment("asked_at", "asked"),
        ),
        "reviewed_by",
    )
    list_filter = (ReviewFilter, ("user", Related))
    list_select_related = ("user", "reviewed_by")
    ordering = ("-at",)
    acts = {
        "was_justified": Act(
            label="It was justified",
            brief="Justified",
            question="You have read why it was opened, and what was read.",
            verb=_review(justified=True),
            offered=_owed,
        ),
        "ask": Act(
            label="Ask why",
            question="It stays to be reviewed.",
            form=AskForm,
            verb=_ask,
            offered=_owed,
        ),
        "was_not_justified": Act(
            label="It was not justified",
            brief="Not justified",
            question="Your words are kept with your name.",
            verb=_review(justified=False),
            offered=_owed,
        ),
    }
    fields = (
        *("user", "whom", moment("at"), moment("until"), moment("closed_at"), "reason", "was_read"),
        *("justified", "reviewed_by", moment("reviewed_at"), "question", "asked_by"),
        moment("asked_at", "asked"),
    )
    readonly_fields = fields

    @admin.display(description="person")
    def whom(self, row: BrokenGlass) -> SafeString:
        address = reverse("admin:people_person_change", args=[row.person_id])
        return format_html('<a href="{}">{}</a>', address, row.person)

    @admin.display(description="what was read of them meanwhile")
    def was_read(self, row: BrokenGlass) -> SafeString:
        found = Entry.objects.about(row.person_id).filter(
            actor_id=row.user_id, at__gte=row.at, at__lte=row.until
        )
        rows = found.order_by("at")[:_MOST_SHOWN]
        return table(
            ("when", "what", "of"),
            ((when(one.at), one.action, one.subject_type.replace("_", " ")) for one in rows),
        )

    @admin.display(description="what was asked")
    def question(self, row: BrokenGlass) -> str:
        return row.question or NOTHING
