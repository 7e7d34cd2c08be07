"""Held messages: seen, mended and replayed by the desk."""

from __future__ import annotations

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

from apps.accounts.models import DESK_ROLES
from apps.audit.admin import RecordAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING, Values, moment, table
from apps.core.problems import ProblemError
from apps.dispatch import services
from apps.dispatch.admin.incidents import link
from apps.dispatch.calls import Malformed
from apps.dispatch.cji import WITHHELD
from apps.dispatch.models import HeldMessage, HeldMessageQuerySet


class ReplayForm(forms.Form):
    message = forms.CharField(
        widget=forms.Textarea(
            attrs={"rows": 24, "cols": 100, "spellcheck": "false", "class": "vLargeTextField"}
        ),
        help_text="Mend what is named above. What is kept stays held until it expires.",
    )


class WaitingFilter(admin.SimpleListFilter):
    """Those that nobody has dealt with."""

    title = "state"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "to be mended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "waiting" and isinstance(queryset, HeldMessageQuerySet):
            return queryset.waiting(clock.now())
        return queryset


@admin.register(HeldMessage)
class HeldMessageAdmin(RecordAdmin[HeldMessage]):
    """What CAD sent and nobody could read. Looking at one is written down."""

    VIEW = DESK_ROLES
    list_display = (
        *(moment("received_at"), "client", "path", "wrong", "replay_link"),
        *(moment("replayed_at"), moment("expires_at")),
    )
    list_filter = (WaitingFilter, ("path", Values), "client")
    ordering = ("-received_at",)
    fields = (
        *(
            "replay_link",
            "wrong",
            "withheld",
            "as_it_is_kept",
            moment("received_at"),
            "client",
            "path",
        ),
        *("content_type", "size", moment("replayed_at"), moment("expires_at")),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[HeldMessage]:
        """Without the content, of up to a megabyte each: it is read where it is shown."""
        return super().get_queryset(request).select_related("client").defer("content")

    @admin.display(description="what is wrong")
    def wrong(self, row: HeldMessage) -> SafeString:
        return table(
            ("where", "what to mend"),
            ((one["pointer"] or "(whole)", one["detail"]) for one in row.errors),
        )

    @admin.display(description="criminal history removed")
    def withheld(self, row: HeldMessage) -> str:
        count = row.withheld_count
        return f"{count} passages: {WITHHELD}" if count else NOTHING

    @admin.display(description="as it is kept")
    def as_it_is_kept(self, row: HeldMessage) -> SafeString:
        text = services.content_of(row).decode("utf-8", "replace")
        return format_html('<pre style="white-space: pre-wrap">{}</pre>', text)

    @admin.display(description="replay")
    def replay_link(self, row: HeldMessage) -> SafeString:
        if row.replayed_at:
            return format_html("{}", "done")
        if row.expires_at <= clock.now():
            return format_html("{}", NOTHING)
        address = reverse("admin:dispatch_heldmessage_replay", args=[row.pk])
        return format_html('<a href="{}">Mend and replay</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.replay_view)
        name = "dispatch_heldmessage_replay"
        return [path("<uuid:held>/replay/", view, name=name), *super().get_urls()]

    def replay_view(self, request: HttpRequest, held: UUID) -> HttpResponse:
        """Shows the message to be mended, and takes it in."""
        row = get_object_or_404(self.get_queryset(request), pk=held)
        text = services.content_of(row).decode("utf-8", "replace")
        form = ReplayForm(request.POST or None, initial={"message": text})
        if request.method == "POST" and form.is_valid():
            answer = self._replay(request, row, form)
            if answer is not None:
                return answer
        self._audit(request, [row.pk])
        return self.step(
            request,
            "dispatch/replay.html",
            "Mend and replay",
            form=form,
            wrong=self.wrong(row),
            submit="Replay",
        )

    def _replay(
        self, request: HttpRequest, row: HeldMessage, form: ReplayForm
    ) -> HttpResponse | None:
        try:
            received = services.replay_held(
                held=row,
                by=actor_of(request),
                body=form.cleaned_data["message"].encode(),
                now=clock.now(),
            )
        except Malformed as malformed:
            for pointer, mend in malformed.errors:
                form.add_error("message", f"{pointer or '(whole)'}: {mend}")
            return None
        except ProblemError as problem:
            form.add_error(None, problem.text or problem.problem.title)
            return None
        said = format_html("Taken: {}", link(received.incident))
        messages.success(request, said)
        return HttpResponseRedirect(reverse("admin:dispatch_heldmessage_changelist"))
