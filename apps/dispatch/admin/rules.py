"""Dispatch rules and call types. A version that has taken effect is not edited: make a new one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import moment
from apps.core.problems import ProblemError
from apps.dispatch import services
from apps.dispatch.models import CallType, DispatchRule, Incident

ADMINISTRATOR = frozenset({"administrator"})
READERS = frozenset({"supervisor", "dispatcher", "administrator"})
TRIED_CALLS = 200
WRITTEN = ("version", "effective_from", "effective_to", "citation", "definition")


class Lines(json.JSONEncoder):
    """A rule's terms one a line, each short enough to be read."""

    def encode(self, o: Any) -> str:
        """One line for each member of an object; anything else as it is."""
        if not isinstance(o, dict) or not o:
            return super().encode(o)
        lines = (f"  {super(Lines, self).encode(k)}: {super(Lines, self).encode(o[k])}" for k in o)
        return "{\n" + ",\n".join(lines) + "\n}"


class RuleForm(forms.ModelForm[DispatchRule]):
    definition = forms.JSONField(
        encoder=Lines,
        widget=forms.Textarea(
            attrs={"rows": 20, "cols": 120, "spellcheck": "false", "class": "vLargeTextField"}
        ),
    )

    class Meta:
        model = DispatchRule
        fields = WRITTEN

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        given = {name: data[name] for name in self.fields if name in data}
        rule = DispatchRule(pk=self.instance.pk)
        for name in WRITTEN:
            setattr(rule, name, given.get(name, getattr(self.instance, name)))
        try:
            services.check_rule(rule=rule, now=clock.now())
        except ProblemError as problem:
            for error in problem.errors:
                name, _, where = error.pointer.lstrip("/").partition("/")
                field = name if name in self.fields else None
                self.add_error(field, f"{where}: {error.detail}" if where else error.detail)
            if not problem.errors:
                self.add_error(None, problem.text)
        return data


@admin.register(DispatchRule)
class DispatchRuleAdmin(RoleAdmin[DispatchRule]):
    VIEW = READERS
    CHANGE = ADMINISTRATOR
    form = RuleForm
    list_display = (
        *("version", moment("effective_from"), moment("effective_to"), "in_force", "dry_run"),
    )
    ordering = ("-effective_from",)
    actions = ("new_version",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: DispatchRule | None = None
    ) -> tuple[str, ...]:
        if obj is not None and obj.effective_from <= clock.now():
            return ("version", "effective_from", "citation", "definition", "terms")
        return ("terms",)

    def get_fields(self, request: HttpRequest, obj: DispatchRule | None = None) -> tuple[str, ...]:
        """The definition where it can be edited, else its terms to be read."""
        begun = obj is not None and obj.effective_from <= clock.now()
        edited = self.has_change_permission(request, obj) and not begun
        last = "definition" if edited else "terms"
        return ("version", "effective_from", "effective_to", "citation", last)

    @admin.display(description="definition")
    def terms(self, rule: DispatchRule) -> SafeString:
        text = json.dumps(rule.definition, cls=Lines, ensure_ascii=False)
        return format_html('<pre style="white-space: pre-wrap">{}</pre>', text)

    def save_model(self, request: HttpRequest, obj: DispatchRule, form: Any, change: bool) -> None:
        services.save_rule(rule=obj, by=actor_of(request), now=clock.now())

    @admin.display(boolean=True)
    def in_force(self, rule: DispatchRule) -> bool:
        now = clock.now()
        return rule.effective_from <= now and (rule.effective_to is None or rule.effective_to > now)

    @admin.display(description="dry run")
    def dry_run(self, rule: DispatchRule) -> SafeString:
        address = reverse("admin:dispatch_dispatchrule_dry_run", args=[rule.pk])
        return format_html('<a href="{}">on past calls</a>', address)

    @admin.action(description="New version from this", permissions=["change"])
    def new_version(
        self, request: HttpRequest, rules: QuerySet[DispatchRule]
    ) -> HttpResponse | None:
        if len(rules) != 1:
            self.message_user(request, "Select one version.", messages.ERROR)
            return None
        copy = services.new_version(of=rules[0], by=actor_of(request), now=clock.now())
        self.message_user(
            request, "Give it its name, its days and its citation. Until then it is a draft."
        )
        return HttpResponseRedirect(reverse("admin:dispatch_dispatchrule_change", args=[copy.pk]))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.dry_run_view)
        name = "dispatch_dispatchrule_dry_run"
        return [path("<uuid:rule>/dry-run/", view, name=name), *super().get_urls()]

    def dry_run_view(self, request: HttpRequest, rule: UUID) -> HttpResponse:
        """How this version alone would have judged the last calls that the reader may see.

        An administrator sees no calls, so for them all calls are counted and none is shown.
        """
        row = get_object_or_404(DispatchRule, pk=rule)
        shown = getattr(request.user, "role", "") not in ADMINISTRATOR
        calls = Incident.objects.exclude(cad_number=None)
        if shown:
            calls = calls.visible_to(request.user)
        trials = services.dry_run(
            rule=row,
            incidents=list(calls.order_by("-received_at")[:TRIED_CALLS]),
            by=actor_of(request),
            now=clock.now(),
        )
        moves = Counter((one.incident.verdict, one.would.verdict) for one in trials)
        # Those that it would judge otherwise first.
        trials.sort(key=lambda one: one.incident.verdict == one.would.verdict)
        return self.step(
            request,
            "dispatch/dry_run.html",
            f"{row.version} on the last {len(trials)} calls",
            moves=[
                (was.replace("_", " "), would.replace("_", " "), count)
                for (was, would), count in moves.most_common()
            ],
            trials=trials if shown else [],
        )


@admin.register(CallType)
class CallTypeAdmin(RoleAdmin[CallType]):
    VIEW = READERS
    CHANGE = ADMINISTRATOR
    list_display = ("code", "common_type", "nemsis_code")
    list_filter = ("common_type",)
    search_fields = ("code",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: CallType | None = None
    ) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: CallType, form: Any, change: bool) -> None:
        services.save_call_type(call_type=obj, by=actor_of(request), now=clock.now())
