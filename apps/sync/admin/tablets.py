"""How tablets are: contact, clock, what waits on them. The page of `accounts`, told more."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.admin import TabletAdmin
from apps.accounts.models import SignIn, Tablet
from apps.core import clock
from apps.core.admin import NOTHING, moment, table, when
from apps.sync import tablets
from apps.sync.admin.ages import DAY
from apps.sync.models import CheckedDigest, Outbox
from apps.sync.tablets import Condition


class AttentionFilter(admin.SimpleListFilter):
    """Tablets that somebody should go and look at."""

    title = "to look at"
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("unsent", "something is not sent"),
            ("refused", "something was refused"),
            ("quiet", "no contact"),
            ("silent", "no contact, and somebody is signed in"),
            ("day", "no contact for over a day"),
            ("differs", "holds something else than it should"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tablet]) -> QuerySet[Tablet]:
        now = clock.now()
        said = Outbox.objects.filter(local_database__tablet=OuterRef("pk"))
        match self.value():
            case "unsent":
                return queryset.filter(Exists(said.filter(unsent_count__gt=0)))
            case "refused":
                return queryset.filter(Exists(said.filter(refused_count__gt=0)))
            case "quiet":
                return queryset.filter(_not_since(now - tablets.quiet_after()))
            case "silent":
                used = SignIn.objects.running(now).filter(tablet=OuterRef("pk"))
                return queryset.filter(_not_since(now - tablets.quiet_after()), Exists(used))
            case "day":
                return queryset.filter(_not_since(now - DAY))
            case "differs":
                found = CheckedDigest.objects.filter(local_database__tablet=OuterRef("pk"))
                return queryset.filter(Exists(found.filter(agrees=False)))
            case _:
                return queryset


def _not_since(moment: Any) -> Q:
    return Q(last_seen_at=None) | Q(last_seen_at__lt=moment)


class Told(ChangeList):
    """A page of the list, with how each tablet is."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = _told(list(self.result_list))


def _told(rows: list[Tablet]) -> list[Tablet]:
    known = tablets.conditions(rows, now=clock.now())
    for row in rows:
        row.condition = known[row.pk]  # type: ignore[attr-defined]
    return rows


def _of(row: Tablet) -> Condition:
    condition: Condition = row.condition  # type: ignore[attr-defined]
    return condition


@admin.register(Tablet)
class ToldTabletAdmin(TabletAdmin):
    """No text of anybody's: what waits on a tablet is counted, and dated."""

    list_display = (
        *("label", "team", "state", "signed_in", "contact", "clock", "not_sent", "refused"),
        *("in_quarantine", "in_conflict", "still_holds"),
    )
    list_filter = ("state", AttentionFilter, "team")
    fields = (
        *("label", "team", "state", "signed_in", "contact", "clock", "not_sent", "kinds"),
        *("refused", "declared", "compared", "in_quarantine", "in_conflict", "still_holds"),
        "receipts",
        moment("enrolled_at", "enrolled"),
    )
    readonly_fields = fields

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Told

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Tablet | None:
        row = super().get_object(request, object_id, from_field)
        return None if row is None else _told([row])[0]

    @admin.display(description="signed in")
    def signed_in(self, tablet: Tablet) -> str:
        person = _of(tablet).signed_in
        return person.display_name if person else NOTHING

    @admin.display(description="contact", ordering="last_seen_at")
    def contact(self, tablet: Tablet) -> SafeString:
        if tablet.last_seen_at is None:
            return format_html("{}", "never was in contact")
        if _of(tablet).in_contact:
            return format_html("{}", "in contact")
        return format_html("no contact since {}", when(tablet.last_seen_at))

    @admin.display(description="clock")
    def clock(self, tablet: Tablet) -> SafeString:
        shape = "<strong>{}: wrong</strong>" if _of(tablet).clock_suspect else "{}"
        return format_html(shape, self.clock_offset(tablet))

    @admin.display(description="not sent")
    def not_sent(self, tablet: Tablet) -> SafeString:
        said = _of(tablet).waiting
        if said is None:
            return format_html("{}", "never said")
        if not said.unsent_count:
            return format_html("{}", "nothing")
        oldest = format_html(", the oldest from {}", when(said.oldest_at)) if said.oldest_at else ""
        return format_html("<strong>{}</strong>{}", said.unsent_count, oldest)

    @admin.display(description="not sent, by kind")
    def kinds(self, tablet: Tablet) -> SafeString:
        said = _of(tablet).waiting
        if said is None:
            return table(("collection", "not sent", "of what kind"), ())
        rows = (
            (name, count, ", ".join(f"{n} {kind}" for kind, n in said.kinds.get(name, {}).items()))
            for name, count in said.unsent.items()
        )
        return table(("collection", "not sent", "of what kind"), rows)

    @admin.display(description="holds what it should, as it says")
    def compared(self, tablet: Tablet) -> SafeString:
        rows = (
            (
                *(one.collection, "yes" if one.agrees else "NO", one.count, one.head_seq),
                when(one.declared_at),
            )
            for one in _of(tablet).digests
        )
        return table(("collection", "agrees", "documents on it", "as of commit", "said"), rows)

    @admin.display(description="dropped, as it says")
    def receipts(self, tablet: Tablet) -> SafeString:
        address = reverse("admin:sync_purgereceipt_changelist")
        shape = '<a href="{}?tablet={}">purge receipts</a>'
        return format_html(shape, address, tablet.pk)

    @admin.display(description="refused")
    def refused(self, tablet: Tablet) -> str:
        said = _of(tablet).waiting
        return NOTHING if said is None else str(said.refused_count)

    @admin.display(description="said so")
    def declared(self, tablet: Tablet) -> SafeString:
        said = _of(tablet).waiting
        return when(said.declared_at if said else None)

    @admin.display(description="quarantine")
    def in_quarantine(self, tablet: Tablet) -> SafeString:
        return _link("quarantinedwrite", tablet, _of(tablet).quarantine_open)

    @admin.display(description="conflicts")
    def in_conflict(self, tablet: Tablet) -> SafeString:
        return _link("conflict", tablet, _of(tablet).conflicts_open)

    @admin.display(description="to be dropped")
    def still_holds(self, tablet: Tablet) -> str:
        count = _of(tablet).still_holds
        if not count:
            return "nothing"
        return f"still holds {count} document{'s' if count > 1 else ''}, at most"


def _link(model: str, tablet: Tablet, count: int) -> SafeString:
    """The count, and the way to those rows."""
    if not count:
        return format_html("{}", 0)
    address = reverse(f"admin:sync_{model}_changelist")
    return format_html(
        '<a href="{}?tablet__id__exact={}&open=open"><strong>{}</strong></a>',
        address,
        tablet.pk,
        count,
    )
