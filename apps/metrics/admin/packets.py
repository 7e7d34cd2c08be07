"""Figures of a time, live; and packets: figures as they were given out, to be printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import moment
from apps.core.problems import ProblemError
from apps.metrics import figures, services, words
from apps.metrics.admin.reports import declined_by_of, not_sent_of
from apps.metrics.bars import Bar, bars
from apps.metrics.definitions import DEFINITIONS
from apps.metrics.exports import CSV, XLSX
from apps.metrics.figures import Value
from apps.metrics.models import Exported, FileFormat, Packet, PacketKind
from apps.metrics.periods import Period, month_before
from apps.metrics.services.counting import declined_of, dispatches_of, figures_of

_TYPES = {FileFormat.CSV: CSV, FileFormat.XLSX: XLSX}
_EXPORTS = {
    Exported.DISPATCHES: services.export_dispatches,
    Exported.NOT_SENT: services.export_not_sent,
    Exported.DECLINED: services.export_declined,
}


class PeriodForm(forms.Form):
    """From one day to another, both whole, by the city's clock."""

    first = forms.DateField(label="First day", widget=AdminDateWidget)
    last = forms.DateField(label="Last day", widget=AdminDateWidget)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("first") and data.get("last"):
            try:
                data["period"] = Period(data["first"], data["last"], clock.city())
            except ValueError as error:
                self.add_error("last", str(error))
        return data


class PacketForm(PeriodForm):
    kind = forms.ChoiceField(choices=PacketKind.choices)


class ExportForm(PeriodForm):
    """What is exported leaves the house: it says why."""

    what = forms.ChoiceField(choices=Exported.choices, required=False)
    format = forms.ChoiceField(choices=FileFormat.choices)
    reason = forms.CharField(
        max_length=400,
        help_text="Who asked for it, and for what. It is kept, sealed, with the export.",
    )


@admin.register(Packet)
class PacketAdmin(RecordAdmin[Packet]):
    """Supervisors make and print them. What has been given out is never changed."""

    VIEW = frozenset({"supervisor"})
    change_list_template = "metrics/packets.html"
    list_display = ("kind", "begins", "ends", moment("made_at", "made"), "made_by", "printed")
    list_filter = ("kind",)
    ordering = ("-made_at", "-pk")
    fields = ("kind", "begins", "ends", moment("made_at", "made"), "made_by", "content_hash")
    readonly_fields = fields

    @admin.display(description="")
    def printed(self, row: Packet) -> SafeString:
        address = reverse("admin:metrics_packet_print", args=[row.pk])
        return format_html('<a href="{}">Read and print</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("figures/", view(self.figures_view), name="metrics_figures"),
            path("make/", view(self.make_view), name="metrics_packet_make"),
            path("export/", view(self.export_view), name="metrics_export"),
            path("not-sent/", view(self.not_sent_view), name="metrics_not_sent"),
            path("declined/", view(self.declined_view), name="metrics_declined"),
            path("<uuid:packet>/print/", view(self.print_view), name="metrics_packet_print"),
        ]
        return [*own, *super().get_urls()]

    def figures_view(self, request: HttpRequest) -> HttpResponse:
        """Figures as of now, whole: for staff, who may see small numbers."""
        self._or_refuse(request)
        form = PeriodForm(request.GET or None, initial=_last_month())
        period = _period(form) or month_before(_today(), clock.city())
        rows = dispatches_of(period)
        values = figures_of(period)
        return self.step(
            request,
            "metrics/figures.html",
            f"Figures, {period.words}",
            form=form,
            at_once=_at_once(),
            period=period,
            lines=[(DEFINITIONS[code], values[code], _parts(values[code])) for code in DEFINITIONS],
            by_hour=_bars(figures.response_by_hour(rows, period.zone)),
            by_beat=_bars(figures.response_by_beat(rows)),
            declined=[(words.declined(name), n) for name, n in declined_of(period).items()],
        )

    def not_sent_view(self, request: HttpRequest) -> HttpResponse:
        """Calls that the rules would have let CARE take, and that it was not sent to."""
        return self._report(request, "metrics/not_sent.html", "Eligible, not sent", not_sent_of)

    def declined_view(self, request: HttpRequest) -> HttpResponse:
        """Who declined, how often and why, and on which calls."""
        return self._report(request, "metrics/declined.html", "Declined by", declined_by_of)

    def _report(
        self, request: HttpRequest, template: str, title: str, of: Callable[..., dict[str, Any]]
    ) -> HttpResponse:
        user = self._or_refuse(request)
        form = PeriodForm(request.GET if "first" in request.GET else None, initial=_last_month())
        period = _period(form) or month_before(_today(), clock.city())
        shown = of(request, period, user)
        name = f"{title}, {period.words}"
        asked = {"form": form, "at_once": _at_once(), "period": period}
        return self.step(request, template, name, **asked, **shown)

    def make_view(self, request: HttpRequest) -> HttpResponse:
        """Freezes the figures of a time that is over."""
        user = self._or_refuse(request)
        form = PacketForm(request.POST or None, initial=_last_month())
        if request.method == "POST" and (period := _period(form)):
            try:
                row = services.make_packet(
                    kind=PacketKind(form.cleaned_data["kind"]),
                    period=period,
                    by=user,
                    now=clock.now(),
                )
            except ProblemError as problem:
                _show(form, problem)
            else:
                messages.success(request, "It is made, and will stay as it is.")
                address = reverse("admin:metrics_packet_print", args=[row.pk])
                return HttpResponseRedirect(address)
        return self.step(request, "audit/step.html", "Make a packet", form=form)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """One line for each dispatch, call or decline of a time, as a file."""
        user = self._or_refuse(request)
        chosen = {
            name: request.GET[name] for name in ("what", "first", "last") if name in request.GET
        }
        form = ExportForm(request.POST or None, initial={**_last_month(), **chosen})
        if request.method == "POST" and (period := _period(form)):
            asked = FileFormat(form.cleaned_data["format"])
            what = Exported(form.cleaned_data["what"] or Exported.DISPATCHES)
            body = _EXPORTS[what](
                period=period,
                file_format=asked,
                reason=form.cleaned_data["reason"],
                by=user,
                now=clock.now(),
            )
            answer = HttpResponse(body, content_type=_TYPES[asked])
            name = f"{what}-{period.first}-{period.last}.{asked}"
            answer["Content-Disposition"] = f'attachment; filename="{name}"'
            return answer
        return self.step(request, "audit/step.html", "Export", form=form)

    def print_view(self, request: HttpRequest, packet: UUID) -> HttpResponse:
        """A packet on two pages, as it was given out."""
        self._or_refuse(request)
        row = get_object_or_404(self.get_queryset(request), pk=packet)
        self._audit(request, [row.pk])
        told = row.content
        return self.step(
            request,
            "metrics/packet.html",
            f"{row.get_kind_display().capitalize()}, {row.begins} to {row.ends}",
            packet=row,
            lines=[
                (one, [(words.part(name), count) for name, count in one["parts"].items()])
                for one in told["figures"]
            ],
            by_hour=_spread(told["response_by_hour"]),
            by_beat=_spread(told["response_by_beat"]),
            declined=[(words.declined(name), n) for name, n in told["declined"].items()],
        )

    def _or_refuse(self, request: HttpRequest) -> User:
        if not self.has_view_permission(request) or not isinstance(request.user, User):
            raise PermissionDenied
        return request.user


def _today() -> Any:
    return clock.now().astimezone(clock.city()).date()


def _last_month() -> dict[str, Any]:
    period = month_before(_today(), clock.city())
    return {"first": period.first, "last": period.last}


def _at_once() -> list[tuple[str, Period]]:
    """The days that are asked for most, by name."""
    today, zone = _today(), clock.city()
    return [
        ("Today", Period(today, today, zone)),
        ("This month so far", Period(today.replace(day=1), today, zone)),
        ("Last month", month_before(today, zone)),
    ]


def _period(form: forms.Form) -> Period | None:
    return form.cleaned_data.get("period") if form.is_valid() else None


def _show(form: forms.Form, problem: ProblemError) -> None:
    for error in problem.errors:
        name = error.pointer.strip("/")
        form.add_error(name if name in form.fields else None, error.detail)


def _parts(value: Value) -> list[tuple[str, Value]]:
    return [(words.part(name), one) for name, one in value.parts.items()]


def _bars(values: Mapping[str, Value]) -> list[Bar]:
    return bars({name: (one.value, one.p90) for name, one in values.items()}, unit="min")


def _spread(told: Mapping[str, Mapping[str, Any]]) -> Iterable[Bar]:
    return bars({name: (one["value"], one["p90"]) for name, one in told.items()}, unit="min")
