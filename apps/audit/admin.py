"""Admin pages by role, and the base that audits what they show.

Django's permission tables are not used for records: a page says which roles may open it, and
`visible_to` says which rows they see there. A superuser is no exception to either.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone

from apps.audit.models import ActorKind, Entry
from apps.audit.services import Actor, record
from apps.core import clock
from apps.core.admin import NOTHING, moment
from apps.core.ids import short

M = TypeVar("M", bound=models.Model)


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, as the audit log names them."""
    return Actor(ActorKind.USER, request.user.pk)


def in_city_time(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page whose times are read and typed by the city's clock. It is rendered here, while that
    clock is set."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with timezone.override(clock.city()):
            answer = view(request, *args, **kwargs)
            if isinstance(answer, TemplateResponse):
                answer.render()
        return answer

    return page


def _parameter(offered: Any) -> str:
    """The name, or what it begins with, under which a filter of a list stands in the address."""
    name = offered[0] if isinstance(offered, tuple) else offered
    return str(getattr(name, "parameter_name", name))


class RoleAdmin(admin.ModelAdmin[M]):
    """A page for the roles in VIEW; those in CHANGE may also add and edit, through the service that
    `save_model` names. Nobody deletes."""

    VIEW: ClassVar[frozenset[str]] = frozenset()
    CHANGE: ClassVar[frozenset[str]] = frozenset()

    @property
    def urls(self) -> list[URLPattern]:
        """Its pages, in the city's time."""
        return [
            URLPattern(one.pattern, in_city_time(one.callback), one.default_args, one.name)
            for one in self.get_urls()
        ]

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        """Django's own would save the row without its audit entry and publish nothing."""
        raise NotImplementedError("A page that changes rows says here which service does it.")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A list is narrowed by what its page offers, nothing else: Django takes any column of the
        model from the address, and a password's hash can be guessed sign by sign that way."""
        names = {self.date_hierarchy, *map(_parameter, self.list_filter)}
        return lookup.partition("__")[0] in names and super().lookup_allowed(lookup, value, request)

    def step(
        self, request: HttpRequest, template: str, title: str, **context: Any
    ) -> TemplateResponse:
        """A page of ours beside the stock ones; `audit/step.html` is one that asks a form."""
        every = self.admin_site.each_context(request)
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        known = {**every, "opts": self.opts, "title": title, "back": back}
        return TemplateResponse(request, template, {**known, **context})

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

    change_form_template = "audit/record.html"

    @property
    def subject_type(self) -> str:
        """What such a record is called in the audit log, whoever writes there: `held_message`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.opts.object_name or "").lower()

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
        if EntryAdmin.VIEW & {getattr(request.user, "role", "")}:
            looks = f"{reverse('admin:audit_entry_changelist')}?q={object_id}"
            extra_context = {**(extra_context or {}), "looks": looks}
        response = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == 200:
            self._audit(request, [UUID(object_id)])
        return response

    def _audit(self, request: HttpRequest, ids: list[UUID]) -> None:
        record(
            actor=actor_of(request),
            action="read",
            subject_type=self.subject_type,
            subject_ids=ids,
            now=clock.now(),
        )


@admin.register(Entry)
class EntryAdmin(RoleAdmin[Entry]):
    VIEW = frozenset({"supervisor", "administrator"})
    list_display = (moment("at"), "who", "tablet", "action", "subject", "count")
    list_filter = ("action", "subject_type", "actor_kind")
    search_fields = ("action",)
    search_help_text = "The id of a record, a person or a tablet, or an action"
    date_hierarchy = "at"
    ordering = ("-at",)
    show_full_result_count = False
    fields = (moment("at"), "who", "tablet", "action", "subject", "subject_ids", "detail")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Entry], search_term: str
    ) -> tuple[QuerySet[Entry], bool]:
        """An id finds what was done to a record, and by a person or a tablet."""
        with contextlib.suppress(ValueError):
            id = UUID(search_term.strip())
            found = Q(subject_ids__contains=[id]) | Q(actor_id=id) | Q(tablet_id=id)
            return queryset.filter(found), False
        return super().get_search_results(request, queryset, search_term)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Entry]:
        person = get_user_model().objects.filter(pk=OuterRef("actor_id"))
        return super().get_queryset(request).annotate(name=person.values("display_name")[:1])

    @admin.display(description="who", ordering="actor_id")
    def who(self, entry: Entry) -> str:
        name: str | None = getattr(entry, "name", None)
        if name or entry.actor_id is None:
            return name or entry.get_actor_kind_display()
        return f"{entry.get_actor_kind_display()} {short(entry.actor_id)}"

    @admin.display(description="tablet")
    def tablet(self, entry: Entry) -> str:
        return short(entry.tablet_id) if entry.tablet_id else NOTHING

    @admin.display(description="what", ordering="subject_type")
    def subject(self, entry: Entry) -> str:
        return entry.subject_type.replace("_", " ")

    @admin.display(description="records")
    def count(self, entry: Entry) -> int:
        return len(entry.subject_ids)
