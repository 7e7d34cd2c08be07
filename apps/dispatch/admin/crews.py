"""Units, shifts and crews: a supervisor says who works where."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.accounts.models import DESK_ROLES, Role, Team, User
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING, moment
from apps.core.problems import ProblemError
from apps.dispatch import services
from apps.dispatch.models import Agency, CrewMember, Shift, Unit

SUPERVISOR = frozenset({"supervisor"})
EVERYBODY_ELSE = frozenset({"supervisor", "dispatcher", "administrator"})


def team_of(request: HttpRequest) -> Team:
    """The supervisor's team; nobody else has one to arrange."""
    person = request.user
    if isinstance(person, User) and person.role == Role.SUPERVISOR and person.team:
        return person.team
    raise PermissionDenied


class UnitForm(forms.ModelForm[Unit]):
    class Meta:
        model = Unit
        fields = ("call_sign", "agency", "eido_id", "team", "in_service")

    def clean_call_sign(self) -> str:
        return str(self.cleaned_data["call_sign"]).strip().upper()

    def clean_eido_id(self) -> str:
        return str(self.cleaned_data["eido_id"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("agency") == Agency.CARE and not data.get("team"):
            self.add_error("team", "A CARE unit belongs to a team.")
        if data.get("agency") != Agency.CARE and data.get("team"):
            self.add_error("team", "Only CARE units belong to a team of ours.")
        try:
            services.check_team(unit=Unit(pk=self.instance.pk, team=data.get("team")))
        except ProblemError as problem:
            self.add_error("team", problem.errors[0].detail)
        return data


class ShiftChoice(forms.ModelChoiceField[Shift]):
    """Shifts by their hours: that is how people know them."""

    def label_from_instance(self, obj: Shift) -> str:
        start, end = obj.starts_at.astimezone(clock.city()), obj.ends_at.astimezone(clock.city())
        return f"{start:%a %Y-%m-%d %H:%M} to {end:%a %H:%M}"


class CrewForm(forms.Form):
    """Who is on the unit from now on. The first is alarmed first."""

    shift = ShiftChoice(
        Shift.objects.none(), help_text="Shifts that are not over. None here: add one first."
    )
    first = forms.ModelChoiceField(User.objects.none(), help_text="Alarmed first.")
    second = forms.ModelChoiceField(User.objects.none(), required=False)
    third = forms.ModelChoiceField(User.objects.none(), required=False)

    def __init__(self, team: Team, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(
            team=team, is_active=True, role__in=[Role.RESPONDER, Role.SUPERVISOR]
        ).order_by("display_name")
        for name in ("first", "second", "third"):
            self._choices(name).queryset = people
        shifts = Shift.objects.not_over(clock.now()).filter(team=team).order_by("starts_at")
        self._choices("shift").queryset = shifts
        self.fields["shift"].initial = shifts.first()

    def _choices(self, name: str) -> forms.ModelChoiceField[Any]:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        return field

    def crew(self) -> list[User]:
        """The people named, in order."""
        named = (self.cleaned_data[name] for name in ("first", "second", "third"))
        return [person for person in named if person]


@admin.register(Unit)
class UnitAdmin(RoleAdmin[Unit]):
    VIEW = EVERYBODY_ELSE
    CHANGE = frozenset({"administrator"})
    form = UnitForm
    list_display = ("call_sign", "agency", "team", "in_service", "on_duty", "hand_over")
    list_filter = ("agency", "team", "in_service")
    search_fields = ("call_sign", "eido_id")
    ordering = ("agency", "call_sign")  # CARE stands first

    def get_queryset(self, request: HttpRequest) -> QuerySet[Unit]:
        """With those who are on each unit now, read once for the whole list."""
        on_duty = CrewMember.objects.on_duty().in_order_of_alarm().select_related("user")
        rows = super().get_queryset(request).select_related("team")
        return rows.prefetch_related(Prefetch("crew", on_duty))

    def get_list_display(self, request: HttpRequest) -> Any:
        """The link is there for those who may follow it."""
        shown = super().get_list_display(request)
        return shown if self._is(request, SUPERVISOR) else shown[:-1]

    def save_model(self, request: HttpRequest, obj: Unit, form: Any, change: bool) -> None:
        services.save_unit(unit=obj, by=actor_of(request), now=clock.now())

    @admin.display(description="crew")
    def on_duty(self, unit: Unit) -> str:
        if unit.agency != Agency.CARE:
            return ""
        return ", ".join(str(member.user) for member in unit.crew.all()) or "nobody"

    @admin.display(description="")
    def hand_over(self, unit: Unit) -> SafeString:
        if unit.agency != Agency.CARE or not unit.in_service:
            return format_html("{}", "")
        address = reverse("admin:dispatch_unit_crew", args=[unit.pk])
        return format_html('<a href="{}">Hand over</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.crew_view)
        return [path("<uuid:unit>/crew/", view, name="dispatch_unit_crew"), *super().get_urls()]

    def crew_view(self, request: HttpRequest, unit: UUID) -> HttpResponse:
        """Asks who is on the unit from now on, and hands it over in one step."""
        team = team_of(request)
        row = get_object_or_404(Unit, pk=unit, team=team)
        present = [member.user_id for member in services.crew_of(row)]
        initial = dict(zip(("first", "second", "third"), present, strict=False))
        form = CrewForm(team, request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                services.hand_over(
                    unit=row,
                    to=form.crew(),
                    shift=form.cleaned_data["shift"],
                    by=actor_of(request),
                    now=clock.now(),
                )
            except ProblemError as problem:
                for error in problem.errors:
                    form.add_error(None, error.detail)
            else:
                messages.success(request, f"{row} is handed over.")
                return HttpResponseRedirect(reverse("admin:dispatch_unit_changelist"))
        return self.step(
            request, "audit/step.html", f"Who is on {row}", form=form, submit="Hand over"
        )


class ShiftForm(forms.ModelForm[Shift]):
    class Meta:
        model = Shift
        fields = ("starts_at", "ends_at")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        start, end = data.get("starts_at"), data.get("ends_at")
        if start and end and (end <= start or end <= clock.now()):
            self.add_error("ends_at", "Must lie after the start, and in the future.")
        return data


@admin.register(Shift)
class ShiftAdmin(RoleAdmin[Shift]):
    """Shifts of the supervisor's team. One that has begun is ended by the action, not edited."""

    VIEW = DESK_ROLES
    CHANGE = SUPERVISOR
    form = ShiftForm
    list_display = (moment("starts_at", "from"), moment("ends_at", "to"), "team", "people")
    list_filter = ("team",)
    actions = ("end",)

    def has_change_permission(self, request: HttpRequest, obj: Shift | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shift]:
        """With those who work on each shift now, read once for the whole list."""
        on_duty = CrewMember.objects.on_duty().select_related("user", "unit")
        rows = super().get_queryset(request).select_related("team")
        rows = rows.prefetch_related(Prefetch("crew", on_duty))
        person = request.user
        if isinstance(person, User) and person.role == Role.SUPERVISOR:
            rows = rows.filter(team=person.team_id)
        return rows.order_by("-starts_at")

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        form.instance.team = team_of(request)
        return super().save_form(request, form, change)

    def save_model(self, request: HttpRequest, obj: Shift, form: Any, change: bool) -> None:
        made = services.start_shift(
            team=team_of(request),
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            by=actor_of(request),
            now=clock.now(),
        )
        obj.pk = made.pk

    @admin.display(description="on duty")
    def people(self, shift: Shift) -> str:
        on_duty = (f"{member.user} ({member.unit})" for member in shift.crew.all())
        return ", ".join(on_duty) or NOTHING

    @admin.action(description="End now: everyone of the shift leaves their unit")
    def end(self, request: HttpRequest, shifts: QuerySet[Shift]) -> None:
        for shift in shifts:
            try:
                left = services.end_shift(shift=shift, by=actor_of(request), now=clock.now())
            except ProblemError as problem:
                self.message_user(request, problem.text, messages.ERROR)
            else:
                signs = ", ".join(unit.call_sign for unit in left) or "none"
                self.message_user(request, f"Ended. Units without a crew: {signs}.")
