"""Admin pages by role, and the base that audits what they show.

Django's permission tables are not used for records: a page says which roles may open it, and
`visible_to` says which rows they see there. A superuser is no exception to either.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.audit.models import ActorKind, Entry
from apps.audit.services import Actor, record
from apps.core import clock

M = TypeVar("M", bound=models.Model)


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, as the audit log names them."""
    return Actor(ActorKind.USER, request.user.pk)


class RoleAdmin(admin.ModelAdmin[M]):
    """A page for the roles in VIEW; those in CHANGE may also add and edit. Nobody deletes."""

    VIEW: ClassVar[frozenset[str]] = frozenset()
    CHANGE: ClassVar[frozenset[str]] = frozenset()

    def _is(self, request: HttpRequest, roles: frozenset[str]) -> bool:
        return bool(request.user.is_active and getattr(request.user, "role", "") in roles)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is(request, self.VIEW | self.CHANGE)

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return self._is(request, self.VIEW | self.CHANGE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is(request, self.CHANGE)

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return self._is(request, self.CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


class RecordAdmin(RoleAdmin[M]):
    """Records of incidents and people: read here, changed by services; every look is audited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        visible: QuerySet[M] = super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]
        return visible

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        page = getattr(response, "context_data", {}).get("cl")
        if page is not None:
            self._audit(request, [row.pk for row in page.result_list])
        return response

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == 200:
            self._audit(request, [UUID(object_id)])
        return response

    def _audit(self, request: HttpRequest, ids: list[UUID]) -> None:
        record(
            actor=actor_of(request),
            action="read",
            subject_type=self.opts.model_name or "",
            subject_ids=ids,
            now=clock.now(),
        )


@admin.register(Entry)
class EntryAdmin(RoleAdmin[Entry]):
    VIEW = frozenset({"supervisor", "administrator"})
    list_display = ("at", "actor_kind", "actor_id", "tablet_id", "action", "subject_type", "count")
    list_filter = ("action", "subject_type", "actor_kind")
    date_hierarchy = "at"

    @admin.display(description="records")
    def count(self, entry: Entry) -> int:
        return len(entry.subject_ids)
