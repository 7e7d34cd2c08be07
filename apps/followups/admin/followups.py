"""Follow-ups: what is due, overdue, missed, in nobody's hands; and the story of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import Team, User
from apps.assignments.admin.links import assignment_link
from apps.audit.acts import ActsAdmin
from apps.audit.admin import RecordAdmin
from apps.core import clock
from apps.core.admin import (
    NOTHING,
    duration,
    in_words,
    moment,
    table,
    when,
)
from apps.core.ids import short
from apps.followups import codes
from apps.followups.admin.acts import ACTS
from apps.followups.admin.agreements import agreements_of
from apps.followups.models import (
    FollowUp,
    FollowUpEvent,
    FollowUpState,
    Reminder,
)
from apps.followups.models.followups import FollowUpQuerySet
from apps.followups.records import begun_of, happened_at, records_of, told_of
from apps.followups.tellings import withdrawn
from apps.people.models import Encounter, Person
from apps.people.services.persons import offer

_SUPERVISOR = frozenset({"supervisor"})
_SHOWN = {
    "due": "due now",
    "overdue": "overdue",
    "missed": "missed",
    "paused": "paused",
    "ended": "ended",
}
# Of what was told, what is no code: in the order in which it is read.
_SAID = ("where", "note", "until", "next_from", "next_until", "due_from", "due_until")


class ShownFilter(admin.SimpleListFilter):
    """What is not ended, unless somebody asks for something else."""

    title = "state"
    parameter_name = "shown"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(_SHOWN.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        assert isinstance(queryset, FollowUpQuerySet)
        now = clock.now()
        going_on = queryset.filter(state=FollowUpState.OPEN)
        match self.value():
            case "due":
                return going_on.filter(due_from__lte=now, due_until__gt=now)
            case "overdue":
                return going_on.filter(due_until__lte=now)
            case "missed":
                return queryset.missed()
            case "paused":
                return queryset.filter(state=FollowUpState.PAUSED)
            case "ended":
                return queryset.filter(state=FollowUpState.ENDED)
        return queryset.open()

    def choices(self, changelist: Any) -> Any:
        """Django calls the state without a filter "All", which it is not here."""
        first, *others = super().choices(changelist)
        return [{**first, "display": "not ended"}, *others]


class OwnerFilter(admin.SimpleListFilter):
    title = "who has it"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("nobody", "the team"), ("somebody", "somebody"), ("me", "me")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "nobody":
                return queryset.filter(owner=None)
            case "somebody":
                return queryset.exclude(owner=None)
            case "me":
                return queryset.filter(owner_id=request.user.pk)
        return queryset


class TeamFilter(admin.SimpleListFilter):
    """Of all teams: to look which of them have follow-ups would read every row."""

    title = "team"
    parameter_name = "team"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(one.pk), one.name) for one in Team.objects.order_by("name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        named = [one for one, _ in self.lookup_choices if one == self.value()]
        return queryset.filter(team__in=named) if self.value() else queryset


@admin.register(FollowUp)
class FollowUpAdmin(ActsAdmin[FollowUp], RecordAdmin[FollowUp]):
    """The list shows codes and times; whom it is about, and where they are found, the page of each
    alone."""

    VIEW = _SUPERVISOR
    acts = ACTS
    quick_acts = ("record_try", "hand_over")
    list_display = (
        *("short_name", "purpose", "way", "state", moment("due_from", "due from"), "age"),
        *("tried", "who", "risen"),
    )
    list_filter = (ShownFilter, OwnerFilter, TeamFilter, "purpose")
    list_select_related = ("owner", "plan")
    fieldsets = (
        (None, {"fields": ("stands", "window", "tried", "who", "team", "risen")}),
        ("Why", {"fields": ("purpose", "made_by", "person", "encounter", "agreed")}),
        ("Where and when the person is found", {"fields": ("way", "found_at", "note")}),
        ("What happened", {"fields": ("told", "reminded", "doubts")}),
    )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By an index: those that have ended the last first, all others the most urgent first."""
        ended = request.GET.get(ShownFilter.parameter_name) == "ended"
        return ("-ended_at", "-pk") if ended else ("due_until", "pk")

    @admin.display(description="follow-up")
    def short_name(self, row: FollowUp) -> str:
        return str(row)

    @admin.display(description="overdue for")
    def age(self, row: FollowUp) -> str:
        return overdue(row, clock.now())

    @admin.display(description="tries", ordering="tries")
    def tried(self, row: FollowUp) -> str:
        return f"{row.tries} of {begun_of(row).most_tries}"

    @admin.display(description="who has it")
    def who(self, row: FollowUp) -> str:
        return str(row.owner) if row.owner else "the team"

    @admin.display(description="reminded")
    def risen(self, row: FollowUp) -> str:
        told = {0: NOTHING, 1: "whoever has it", 2: "the team"}.get(row.level, "the supervisors")
        return f"{told}, acknowledged" if row.acknowledged_at else told

    @admin.display(description="how it stands")
    def stands(self, row: FollowUp) -> SafeString:
        if row.state == FollowUpState.ENDED:
            return format_html("ended: {}, {}", row.get_outcome_display(), when(row.ended_at))
        if row.state == FollowUpState.PAUSED:
            until = format_html(", until {}", when(row.paused_until)) if row.paused_until else ""
            why = row.get_paused_for_display().lower()
            return format_html("paused since {}: {}{}", when(row.paused_at), why, until)
        late = overdue(row, clock.now())
        return format_html("open{}", f", overdue for {late}" if late != NOTHING else "")

    @admin.display(description="due")
    def window(self, row: FollowUp) -> SafeString:
        again = f" (window {row.occasion})" if row.occasion > 1 else ""
        return format_html("{} to {}{}", when(row.due_from), when(row.due_until), again)

    @admin.display(description="made by")
    def made_by(self, row: FollowUp) -> SafeString:
        by = f"plan {row.plan}, {row.item}" if row.plan else str(row.created_by)
        return format_html("{}, {}", by, when(row.created_at))

    @admin.display(description="person")
    def person(self, row: FollowUp) -> SafeString | str:
        encounter = Encounter.objects.filter(pk=row.encounter_id).first()
        named = encounter.person_id if encounter else None
        known = Person.objects.root_of(named) if named else None
        if encounter is None or known is None:
            return "nobody who is known"
        said = offer(known)
        name = said["name"] or ", ".join(said["aliases"]) or "nameless"
        address = reverse("admin:people_person_change", args=[known.pk])
        doubt = "" if encounter.match == "confirmed" else " (possibly)"
        return format_html('<a href="{}">{}</a>{}', address, name, doubt)

    @admin.display(description="encounter")
    def encounter(self, row: FollowUp) -> SafeString:
        address = reverse("admin:people_encounter_change", args=[row.encounter_id])
        here = assignment_link(row.assignment_id)
        text = f"encounter {short(row.encounter_id)}"
        return format_html('<a href="{}">{}</a>, {}', address, text, here)

    @admin.display(description="agreement")
    def agreed(self, row: FollowUp) -> SafeString:
        return agreements_of(row.encounter_id)

    @admin.display(description="places")
    def found_at(self, row: FollowUp) -> SafeString:
        places = row.content.get("find")
        heads = ("place", "hours", "who knows them", "note")
        keys = ("place", "hours", "who", "note")
        rows = [one for one in places if isinstance(one, dict)] if isinstance(places, list) else []
        return table(heads, ([one.get(key) or NOTHING for key in keys] for one in rows))

    @admin.display(description="note")
    def note(self, row: FollowUp) -> str:
        return str(row.content.get("note") or NOTHING)

    @admin.display(description="told of it")
    def told(self, row: FollowUp) -> SafeString:
        record = records_of([row.pk], now=clock.now())[row.pk]
        gone = withdrawn(told_of(one) for one in record.events)
        return table(
            ("when", "what", "by", "how", "said", ""),
            (
                (
                    when(happened_at(one)),
                    _what(one),
                    str(one.author or "Carefield"),
                    codes.WAYS.get(one.content.get("way", ""), NOTHING),
                    _said(one),
                    "taken back" if one.pk in gone else in_words(record.flags_of(one), codes.FLAGS),
                )
                for one in record.events
            ),
        )

    @admin.display(description="reminders")
    def reminded(self, row: FollowUp) -> SafeString:
        rows = Reminder.objects.filter(follow_up=row).order_by("raised_at", "pk")[:100]
        return table(
            ("when", "window", "whom", "by", "was due"),
            (
                (
                    when(one.raised_at),
                    one.occasion,
                    one.get_level_display(),
                    one.get_channel_display(),
                    when(one.due_at),
                )
                for one in rows
            ),
        )

    @admin.display(description="doubts")
    def doubts(self, row: FollowUp) -> str:
        return in_words(row.flags, codes.FLAGS)


def overdue(row: FollowUp, now: datetime) -> str:
    """For how long one that is open has been overdue."""
    if row.state != FollowUpState.OPEN or row.due_until >= now:
        return NOTHING
    return duration(int((now - row.due_until).total_seconds()))


def _what(event: FollowUpEvent) -> str:
    label = codes.EVENTS.get(event.event, event.event)
    of = {"attempted": ("result", codes.RESULTS), "ended": ("outcome", codes.OUTCOMES)}
    of["paused"] = ("reason", codes.PAUSES)
    field, known = of.get(event.event, ("", {}))
    code = event.content.get(field)
    return f"{label}: {known.get(code, code)}" if code else label


def _said(event: FollowUpEvent) -> SafeString | str:
    """Words and times, as they were told; whom it was given to by name."""
    found = [(name, event.content[name]) for name in _SAID if event.content.get(name)]
    told = [
        format_html("{}: {}", name.replace("_", " "), when(value) if _is_time(name) else value)
        for name, value in found
    ]
    if (to := event.content.get("to")) and event.event == "taken":
        name = User.objects.filter(pk=to).values_list("display_name", flat=True).first()
        told.insert(0, format_html("to {}", name or NOTHING))
    return format_html("; ".join("{}" for _ in told), *told) if told else NOTHING


def _is_time(name: str) -> bool:
    return name.endswith(("from", "until"))
