"""Admin pages by role, and the base that audits what they show.

Django's permission tables are not used for records: a page says which roles may open it, and
`visible_to` says which rows they see there. A superuser is no exception to either.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from apps.audit import savedviews
from apps.audit.models import ActorKind, Entry, SavedView
from apps.audit.services import Actor, record
from apps.core import clock
from apps.core.admin import NOTHING, EndlessList, ModelAdmin, Values, When, moment, story
from apps.core.ids import short
from apps.core.problems import ProblemError

M = TypeVar("M", bound=models.Model)
_LONGEST_NAME: Final = 60  # of a saved view
# How filters of lists compare a column.
_COMPARED: Final = frozenset({"exact", "isnull", "gte", "lt"})


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person, as the audit log names them."""
    return Actor(ActorKind.USER, request.user.pk)


def subject_of(model: type[models.Model]) -> str:
    """What a record of a model is called in the audit log, whoever writes there: `held_message`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


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


def _answers_for(request: HttpRequest) -> UUID | None:
    """The team whose supervisor is asking."""
    is_supervisor = getattr(request.user, "role", "") == "supervisor"
    team: UUID | None = getattr(request.user, "team_id", None) if is_supervisor else None
    return team


class RoleAdmin(ModelAdmin[M]):
    """A page for the roles in VIEW; those in CHANGE may also add and edit, through the service that
    `save_model` names. Nobody deletes."""

    VIEW: ClassVar[frozenset[str]] = frozenset()
    CHANGE: ClassVar[frozenset[str]] = frozenset()
    # Whether its table grows for ever: its list is read by an index, a page at a time.
    ENDLESS: ClassVar[bool] = False
    # The instant by which its list is narrowed to some days; "" for none.
    WHEN: ClassVar[str] = ""

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count every row

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return EndlessList if self.ENDLESS else super().get_changelist(request, **kwargs)

    def get_sortable_by(self, request: HttpRequest) -> Any:
        return () if self.ENDLESS else super().get_sortable_by(request)

    def get_list_filter(self, request: HttpRequest) -> Any:
        offered = super().get_list_filter(request)
        return ((self.WHEN, When), *offered) if self.WHEN else offered

    @property
    def urls(self) -> list[URLPattern]:
        """Its pages, in the city's time."""
        return [
            URLPattern(one.pattern, in_city_time(one.callback), one.default_args, one.name)
            for one in self.get_urls()
        ]

    def get_urls(self) -> list[URLPattern]:
        guarded, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("views/save/", guarded(self.save_view), name=f"{name}_save_view"),
            path("views/<uuid:id>/forget/", guarded(self.forget_view), name=f"{name}_forget_view"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        views = SavedView.objects.of(
            user_id=actor_of(request).id or UUID(int=0),
            team_id=getattr(request.user, "team_id", None),
        ).filter(page=self.opts.label_lower)
        mine, team = request.user.pk, _answers_for(request)
        offered = [
            (
                one,
                f"?{urlencode(one.query, doseq=True)}",
                one.user_id == mine or (team is not None and one.team_id == team),
            )
            for one in views
        ]
        return super().changelist_view(request, {**(extra_context or {}), "saved_views": offered})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """With the way to what the audit log has of it, for whoever may read that."""
        if EntryAdmin.VIEW & {getattr(request.user, "role", "")}:
            looks = f"{reverse('admin:audit_entry_changelist')}?q={object_id}"
            extra_context = {**(extra_context or {}), "looks": looks}
        return super().change_view(request, object_id, form_url, extra_context)

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keeps the present filters of the list (its parameters, in the form) under a name."""
        if request.method != "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        query = {
            name: values
            for name, values in request.POST.lists()
            if name not in {"name", "shared"} and self.lookup_allowed(name, values[-1], request)
        }
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        name = request.POST.get("name", "").strip()
        if not 0 < len(name) <= _LONGEST_NAME:
            self.message_user(request, "A view needs a short name.", messages.ERROR)
            return HttpResponseRedirect(back)
        team = getattr(request.user, "team_id", None) if "shared" in request.POST else None
        try:
            savedviews.save(
                page=self.opts.label_lower,
                name=name,
                query=query,
                by=actor_of(request),
                team_id=team,
                now=clock.now(),
            )
        except ProblemError as problem:
            self.message_user(request, problem.text, messages.ERROR)
            return HttpResponseRedirect(back)
        return HttpResponseRedirect(f"{back}?{urlencode(query, doseq=True)}")

    def forget_view(self, request: HttpRequest, id: UUID) -> HttpResponse:
        """Drops one's own view, or as a supervisor one that is the team's."""
        if request.method != "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        savedviews.forget(
            view_id=id, by=actor_of(request), for_team=_answers_for(request), now=clock.now()
        )
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        """Django's own would save the row without its audit entry and publish nothing."""
        raise NotImplementedError("A page that changes rows says here which service does it.")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A list is narrowed by what its page offers, nothing else: Django takes any column of the
        model from the address, and a password's hash can be guessed sign by sign that way; and any
        comparison, of which some take what no address holds, and some the server's time."""
        names = set(map(_parameter, self.get_list_filter(request)))
        name, *path = lookup.split("__")
        offered = name in names and (not path or path[-1] in _COMPARED)
        return offered and super().lookup_allowed(lookup, value, request)

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

    ENDLESS = True
    change_form_template = "audit/record.html"
    # The name of the address of the page that tells such a record's story; "" for none.
    STORY: ClassVar[str] = ""

    @property
    def subject_type(self) -> str:
        """What such a record is called in the audit log."""
        return subject_of(self.model)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        visible: QuerySet[M] = super().get_queryset(request).visible_to(request.user)  # type: ignore[attr-defined]
        return visible

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)
        return [*columns, story(self.STORY)] if self.STORY else columns

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
            if self.STORY and isinstance(response, TemplateResponse):
                shown = response.context_data or {}
                shown["story"] = reverse(self.STORY, args=[object_id])
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
    list_filter = (("action", Values), ("subject_type", Values), "actor_kind")
    search_fields = ("action",)
    search_help_text = "The id of a record, a person or a tablet, or an action"
    ENDLESS = True
    WHEN = "at"
    ordering = ("-at",)
    fields = (moment("at"), "who", "tablet", "action", "subject", "subject_ids", "detail", "why")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Entry | None:
        """The row, with why it was done for whoever answers for who did it. Reading that is a look
        at a record, and written down."""
        row = super().get_object(request, object_id, from_field)
        if row is not None and row.reason is not None:
            mine = getattr(request.user, "team_id", None)
            theirs = get_user_model().objects.filter(team=mine).values_list("pk", flat=True)
            if row.actor_id == request.user.pk or (mine and row.actor_id in theirs):
                row.told = row.reason  # type: ignore[attr-defined]
                ids = [row.pk]
                record(
                    actor=actor_of(request),
                    action="read",
                    subject_type="audit_entry",
                    subject_ids=ids,
                    now=clock.now(),
                )
        return row

    @admin.display(description="why")
    def why(self, entry: Entry) -> str:
        if entry.reason is None:
            return NOTHING
        return getattr(entry, "told", "kept for the supervisors of whoever did it")

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
