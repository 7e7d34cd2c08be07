"""What tablets say that they have dropped: which document, when. No record is shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.admin import OVERSEERS
from apps.accounts.models import User
from apps.audit.admin import RoleAdmin
from apps.core.admin import Values, moment
from apps.sync import tablets
from apps.sync.admin.pages import document_link
from apps.sync.models import PurgeReceipt
from apps.sync.values import uuid_of


class TabletFilter(admin.SimpleListFilter):
    """The tablet, whichever of its local databases it was."""

    title = "tablet"
    parameter_name = "tablet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        assert isinstance(request.user, User)
        rows = tablets.seen_by(request.user).order_by("label")
        return [(str(row.pk), row.label) for row in rows]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[PurgeReceipt]
    ) -> QuerySet[PurgeReceipt]:
        if (tablet := uuid_of(self.value())) is None:
            return queryset
        return queryset.filter(local_database__tablet=tablet)


@admin.register(PurgeReceipt)
class PurgeReceiptAdmin(RoleAdmin[PurgeReceipt]):
    """Declarations of the tablets that whoever looks answers for, the newest first."""

    VIEW = OVERSEERS
    ENDLESS = True
    list_display = ("short_name", moment("at", "said"), "tablet", "collection", "document", "told")
    list_filter = (("collection", Values), TabletFilter)
    list_select_related = ("local_database__tablet",)
    ordering = ("-id",)
    fields = (
        *(moment("at", "said"), "tablet", "local_database", "collection", "document", "told"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[PurgeReceipt]:
        return PurgeReceipt.objects.visible_to(request.user).order_by(*self.ordering)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: PurgeReceipt | None = None) -> bool:
        return False

    @admin.display(description="receipt")
    def short_name(self, row: PurgeReceipt) -> str:
        return str(row.pk)

    @admin.display(description="tablet")
    def tablet(self, row: PurgeReceipt) -> str:
        return row.local_database.tablet.label

    @admin.display(description="document")
    def document(self, row: PurgeReceipt) -> SafeString:
        return document_link(row.collection, row.doc_id)

    @admin.display(description="was told to drop it", boolean=True)
    def told(self, row: PurgeReceipt) -> bool:
        return row.seq > 0
