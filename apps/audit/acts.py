"""Acts: what somebody at a desk does with a record, from its own page or on the rows of a list.

All have one shape: a question, a form that asks why, one verb of the services, and the audit entry
of that verb, which says who, what and why. A page lists its acts in `acts`; other rooms may add to
that. Nothing is written by the page itself, and nothing that a verb refuses ends as an error page:
what it says stands beside the field that mends it, or in a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from apps.audit.admin import RecordAdmin, RoleAdmin
from apps.audit.services import because
from apps.core.problems import ProblemError

M = TypeVar("M", bound=models.Model)
NOT_YOURS = "None of these is yours to do this with."
# What a list's own column of acts is called.
_COLUMN = "to_do"
# How Django names the filters of the list that somebody came from.
_FILTERS = "_changelist_filters"


def reason_field(**options: Any) -> forms.CharField:
    """Why. It may name somebody: the audit log keeps it sealed."""
    told = {"label": "Why", "help_text": "Kept with the act.", **options}
    return forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), **told)


class WhyForm(forms.Form):
    """Asks why, after whatever else is asked."""

    reason = reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"] = self.fields.pop("reason")


class MeantForm(forms.Form):
    """Asks for nothing but that it is meant."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act. `label` is what pages call it; lists, in their lines, `brief`, or without one what
    stands before the label's colon.

    `verb` takes the row, who acts and the form's answers; a text that it returns is the message.
    `form_for` makes the form where it depends on who asks, and on which rows. `reason` names the
    answer that says why. `offered` says whether it makes sense for a row as it stands: pages offer
    it then; what is true in the end, the verb decides under its locks. `roles` are those who may do
    it, where not all who may open the page; `among` the rows that they may do it with, where the
    page shows more. `name` is how a row is called on the page that asks, `message_name` in the
    message that follows, which the browser keeps in a cookie. `alone`: with one row at a time.
    `at_once`: from a list it is done without a question.
    """

    label: str
    brief: str = ""
    verb: Callable[[Any, Any, dict[str, Any]], Any]
    question: str = ""
    form: type[forms.Form] = WhyForm
    form_for: Callable[[Any, list[Any]], Callable[[Any], forms.Form]] | None = None
    reason: str = "reason"
    offered: Callable[[Any], bool] = lambda _: True
    roles: frozenset[str] = frozenset()
    name: Callable[[Any], str] = str
    message_name: Callable[[Any], str] = str
    among: Callable[[QuerySet[Any], Any], QuerySet[Any]] = lambda rows, _: rows
    alone: bool = False
    at_once: bool = False


class ActsAdmin(RoleAdmin[M]):
    """The pages of a record with its acts. It stands before `RecordAdmin` or `RoleAdmin`."""

    change_form_template = "audit/record.html"
    acts: ClassVar[dict[str, Act]] = {}
    # Those that a row of the list offers by a link of its own. None: all of them.
    quick_acts: ClassVar[Iterable[str] | None] = None

    def acts_of(self, request: HttpRequest) -> dict[str, Act]:
        """What whoever looks may do here at all."""
        if not self.has_view_permission(request):
            return {}
        mine = getattr(request.user, "role", "")
        return {n: act for n, act in self.acts.items() if not act.roles or mine in act.roles}

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Each act, on the rows that are ticked; then what else the page has."""
        acts = {
            name: (self._on_rows(name), name, act.label)
            for name, act in self.acts_of(request).items()
        }
        return {**acts, **super().get_actions(request)}

    def get_list_display(self, request: HttpRequest) -> Any:
        """With what can be done with each row, one click away."""
        shown = super().get_list_display(request)
        known = self.acts_of(request)
        quick = [n for n in known if self.quick_acts is None or n in self.quick_acts]
        if not quick:
            return shown

        came_from = urlencode({_FILTERS: request.GET.urlencode()})

        @admin.display(description="acts")
        def to_do(row: Any) -> SafeString:
            offered = [act for act in quick if known[act].offered(row)]
            links = zip(offered, self._links(row, known, offered, came_from), strict=True)
            told = ((address, label, _brief(known[act])) for act, (address, label) in links)
            return format_html_join(" ", '<a href="{}" title="{}">{}</a>', told)

        to_do.__name__ = _COLUMN
        return (*shown, to_do)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """403 for an act that is somebody else's: Django would say that none was chosen."""
        asked = request.POST.get("action", "")
        if asked in self.acts and asked not in self.acts_of(request):
            raise PermissionDenied
        return super().changelist_view(request, extra_context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """With what can be done with it as it stands."""
        answer = super().change_view(request, object_id, form_url, extra_context)
        shown: dict[str, Any] = getattr(answer, "context_data", None) or {}
        if (row := shown.get("original")) is not None:
            known = self.acts_of(request)
            shown["acts"] = self._links(row, known, known)
        return answer

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        return [path("<uuid:pk>/do/<slug:act>/", view, name=name), *super().get_urls()]

    def act_view(self, request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
        """An act on one record, from its page or its line of a list, and back to there. 404 for one
        that is not there for whoever asks, 403 for an act that is somebody else's."""
        if act not in self.acts:
            raise Http404
        if act not in self.acts_of(request):
            raise PermissionDenied
        rows = self.get_queryset(request).filter(pk=pk)
        if not self.acts[act].among(rows, request.user).exists():
            raise Http404
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        back = reverse(f"{page}_change", args=[pk])
        if _FILTERS in request.GET:
            back = f"{reverse(f'{page}_changelist')}?{request.GET[_FILTERS]}"
        asked = "apply" in request.POST
        return self._take(act, request, rows, asked, back) or HttpResponseRedirect(back)

    def _links(
        self, row: Any, known: dict[str, Act], names: Iterable[str], query: str = ""
    ) -> list[tuple[str, str]]:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_do"
        end = f"?{query}" if query else ""
        return [
            (reverse(name, args=[row.pk, act]) + end, known[act].label)
            for act in names
            if known[act].offered(row)
        ]

    def _on_rows(self, name: str) -> Callable[..., HttpResponse | None]:
        def action(_: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
            asked = "apply" in request.POST or self.acts[name].at_once
            return self._take(name, request, rows, asked, request.get_full_path())

        return action

    def _take(
        self, name: str, request: HttpRequest, rows: QuerySet[Any], asked: bool, back: str
    ) -> HttpResponse | None:
        """Asks, then carries it out for each row; each succeeds or fails by itself.

        Rows that fail for what was answered (a reason is missing) are asked for again, with the
        answers as they were typed; what cannot be done at all is told and left.
        """
        act = self.acts[name]
        again = list(act.among(rows, request.user))
        if len(again) != 1 and (act.alone or not again):
            self.message_user(request, "Select one row." if again else NOT_YOURS, messages.ERROR)
            return None
        kind = act.form_for(request.user, again) if act.form_for else act.form
        form = kind(request.POST if asked else None)
        form.initial = {**form.initial, **request.GET.dict()}  # a link may say what is likely meant
        if asked and form.is_valid():
            given = dict(form.cleaned_data)  # an error that is added takes its field out
            again = [row for row in again if not self._carry_out(request, act, row, form, given)]
            if not again:
                return None
        self._looked_at(request, [row.pk for row in again])
        return self.step(
            request,
            "audit/act.html",
            act.label,
            question=act.question,
            rows=[(row.pk, act.name(row)) for row in again],
            form=form,
            action=name,
            back=back,
        )

    def _looked_at(self, request: HttpRequest, ids: list[UUID]) -> None:
        """The page that asks says whom it is about."""
        if isinstance(self, RecordAdmin):
            self._audit(request, ids)

    def _carry_out(
        self, request: HttpRequest, act: Act, row: Any, form: forms.Form, given: dict[str, Any]
    ) -> bool:
        """False where it is to be asked for again."""
        try:
            with because(str(given.get(act.reason) or "")):
                said = act.verb(row, request.user, dict(given))
        except ProblemError as problem:
            if ask_again(form, problem, act.name(row)):
                return False
            text = told_of(problem)
            self.message_user(request, f"{act.message_name(row)}: {text}", messages.ERROR)
        except ObjectDoesNotExist:
            gone = "It is not there any more."
            self.message_user(request, f"{act.message_name(row)}: {gone}", messages.ERROR)
        else:
            done = said if isinstance(said, str) else f"{act.message_name(row)}: done."
            self.message_user(request, done, messages.SUCCESS)
        return True


def _brief(act: Act) -> str:
    return act.brief or act.label.partition(":")[0]


def ask_again(form: forms.Form, problem: ProblemError, name: str) -> bool:
    """Puts what is wrong with an answer beside its field. False where nothing typed would help."""
    wrong = [(error.pointer.lstrip("/"), error.detail) for error in problem.errors]
    wrong = [(field, detail) for field, detail in wrong if field in form.fields]
    for field, detail in wrong:
        form.add_error(field, f"{name}: {detail}")
    return bool(wrong)


def told_of(problem: ProblemError) -> str:
    """What a verb said, in one sentence or several."""
    details = " ".join(
        f"{e.pointer}: {e.detail}" if e.pointer.strip("/") else e.detail for e in problem.errors
    )
    return details or problem.text or problem.problem.title


def link_to_act(model: str, pk: object, act: str, label: str) -> SafeString:
    """A link to an act: `link_to_act("dispatch_shift", pk, "end", "End it")`."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{model}_do", args=[pk, act]), label)
