"""The page that tries a dispatch rule on past calls: over which days, in place of which other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest

from apps.accounts.models import Role
from apps.accounts.throttles import seconds_until_trial
from apps.audit.admin import actor_of
from apps.core import clock
from apps.core.problems import THROTTLED, ProblemError
from apps.dispatch.models import DispatchRule, Incident
from apps.dispatch.services.trying import MOST_TRIED, DryRun, dry_run, in_place_of

_MONTH = timedelta(days=30)


def _day(**options: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(widget=widget, **options)


class SpanForm(forms.Form):
    """Which calls, by the day on which 911 received them, and what the version stands in for."""

    since = _day(label="Calls from")
    until = _day(label="To", help_text="With this day.")
    instead = forms.ModelChoiceField(
        DispatchRule.objects.none(),
        required=False,
        label="In place of",
        empty_label="nothing: beside the versions in force",
    )

    @classmethod
    def of(cls, rule: DispatchRule, asked: Mapping[str, Any]) -> SpanForm:
        """As it was asked for; the last thirty days, if nothing was."""
        now = clock.now()
        today = now.astimezone(clock.city()).date()
        likely = in_place_of(rule, now=now)
        initial = {"since": today - _MONTH, "until": today, "instead": likely and likely.pk}
        form = cls(asked if "since" in asked else None, initial=initial)
        field = form.fields["instead"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = DispatchRule.objects.in_force(now).exclude(pk=rule.pk)
        return form

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and since > until:
            self.add_error("until", "Must not lie before the first day.")
        if since and until and (since.year == MINYEAR or until.year == MAXYEAR):
            self.add_error("until", "No calls are from those days.")
        return data

    def chosen(self) -> dict[str, Any] | None:
        """The days and the version, as asked for or as offered. None: mend them first."""
        if not self.is_bound:
            field = self.fields["instead"]
            assert isinstance(field, forms.ModelChoiceField)
            known = field.queryset.filter(pk=self.initial["instead"]) if field.queryset else ()
            return {**self.initial, "instead": next(iter(known), None)}
        return self.cleaned_data if self.is_valid() else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), clock.city())


def dry_run_of(request: HttpRequest, rule: DispatchRule, span: SpanForm) -> dict[str, Any]:
    """What the page shows: the counts, and the calls to whoever may see them. An administrator sees
    no calls: of all of them the counts alone. `wait`: so many seconds, where they have tried too
    often just now, or somebody else's is being counted."""
    chosen = span.chosen()
    if chosen is None:
        return {"found": None}
    if (wait := seconds_until_trial(request)) is not None:
        return {"found": None, "wait": wait}
    listed = getattr(request.user, "role", "") != Role.ADMINISTRATOR
    calls = Incident.objects.exclude(cad_number=None)
    if listed:
        calls = calls.visible_to(request.user)
    try:
        found = dry_run(
            rule=rule,
            instead=chosen["instead"],
            calls=calls,
            since=_midnight(chosen["since"]),
            until=_midnight(chosen["until"] + timedelta(days=1)),
            listed=listed,
            by=actor_of(request),
            now=clock.now(),
        )
    except ProblemError as problem:
        if problem.problem is not THROTTLED:
            raise
        return {"found": None, "wait": int(problem.headers["Retry-After"])}
    return {"found": found, "most": MOST_TRIED, "listed": listed, "moves": _moves(found)}


def _moves(found: DryRun) -> list[tuple[str, str, int]]:
    return [
        (was.replace("_", " "), would.replace("_", " "), count)
        for (was, would), count in found.moves.most_common()
    ]
