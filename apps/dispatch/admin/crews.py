"""Units, shifts and crews: a supervisor says who works where."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from apps.accounts.models import DESK_ROLES, Role, Team, User
from apps.accounts.services import user_actor
from apps.audit.acts import Act, ActsAdmin, WhyForm
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import NOTHING, moment
from apps.core.problems import FieldError, ProblemError
from apps.dispatch import services
from apps.dispatch.models import Agency, CrewMember, Shift, Unit

SUPERVISOR = frozenset({"supervisor"})
EVERYBODY_ELSE = frozenset({"supervisor", "dispatcher", "administrator"})


def team_of(request: HttpRequest) -> Team:
    """The supervisor's team; nobody else has one to arrange."""
    return _team_of(request.user)


def _team_of(person: Any) -> Team:
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


class CrewForm(WhyForm):
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


def _crew_form(by: Any, rows: list[Unit]) -> Callable[[Any], forms.Form]:
    """Asks for the crew of a unit, beginning with who is on it."""
    present = [member.user_id for unit in rows for member in services.crew_of(unit)]
    initial = dict(zip(("first", "second", "third"), present, strict=False))
    return partial(CrewForm, _team_of(by), initial=initial)


def _hand_over(unit: Unit, by: User, given: dict[str, Any]) -> None:
    named = (given[name] for name in ("first", "second", "third"))
    try:
        services.hand_over(
            unit=unit,
            to=[person for person in named if person],
            shift=given["shift"],
            by=user_actor(by),
            now=clock.now(),
        )
    except ProblemError as problem:
        # Whom a verb calls the crew, or a user, the form has by their places.
        errors = [
            FieldError("/first" if one.pointer in {"/crew", "/user"} else one.pointer, one.detail)
            for one in problem.errors
        ]
        raise ProblemError(problem.problem, problem.text, errors=errors) from None


def _of_my_team(rows: QuerySet[Any], by: Any) -> QuerySet[Any]:
    return rows.filter(team=_team_of(by))


@admin.register(Unit)
class UnitAdmin(ActsAdmin[Unit], RoleAdmin[Unit]):
    VIEW = EVERYBODY_ELSE
    CHANGE = frozenset({"administrator"})
    form = UnitForm
    list_display = ("call_sign", "agency", "team", "in_service", "on_duty")
    list_filter = ("agency", "team", "in_service")
    search_fields = ("call_sign", "eido_id")
    ordering = ("agency", "call_sign")  # CARE stands first
    acts = {
        "hand_over": Act(
            label="Hand over",
            question="Who is on it from now on? They have its calls at the same moment.",
            form_for=_crew_form,
            verb=_hand_over,
            offered=lambda unit: unit.agency == Agency.CARE and unit.in_service,
            roles=SUPERVISOR,
            among=_of_my_team,
            alone=True,
        )
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[Unit]:
        """With those who are on each unit now, read once for the whole list."""
        on_duty = CrewMember.objects.on_duty().in_order_of_alarm().select_related("user")
        rows = super().get_queryset(request).select_related("team")
        return rows.prefetch_related(Prefetch("crew", on_duty))

    def save_model(self, request: HttpRequest, obj: Unit, form: Any, change: bool) -> None:
        services.save_unit(unit=obj, by=actor_of(request), now=clock.now())

    @admin.display(description="crew")
    def on_duty(self, unit: Unit) -> str:
        if unit.agency != Agency.CARE:
            return ""
        return ", ".join(str(member.user) for member in unit.crew.all()) or "nobody"


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


class ExtendForm(WhyForm):
    ends_at = forms.SplitDateTimeField(
        label="Until", widget=AdminSplitDateTime, help_text="Later, or sooner than was planned."
    )


def _end(shift: Shift, by: User, _: dict[str, Any]) -> str:
    left = services.end_shift(shift=shift, by=user_actor(by), now=clock.now())
    signs = ", ".join(unit.call_sign for unit in left) or "none"
    return f"Ended. Units without a crew: {signs}."


def _extend(shift: Shift, by: User, given: dict[str, Any]) -> None:
    services.extend_shift(shift=shift, ends_at=given["ends_at"], by=user_actor(by), now=clock.now())


def _goes_on(shift: Shift) -> bool:
    return shift.ends_at > clock.now()


@admin.register(Shift)
class ShiftAdmin(ActsAdmin[Shift], RoleAdmin[Shift]):
    """Shifts of the supervisor's team. What has begun is changed by acts, not edited."""

    VIEW = DESK_ROLES
    CHANGE = SUPERVISOR
    ENDLESS = True
    form = ShiftForm
    list_display = (moment("starts_at", "from"), moment("ends_at", "to"), "team", "people")
    list_filter = ("team",)
    ordering = ("-starts_at",)
    acts = {
        "extend": Act(
            label="Extend, or shorten",
            question="Until when does it go on?",
            form=ExtendForm,
            verb=_extend,
            offered=_goes_on,
            roles=SUPERVISOR,
        ),
        "end": Act(
            label="End now: everyone of the shift leaves their unit",
            question="Hand units over first whose calls go on.",
            verb=_end,
            offered=lambda shift: shift.starts_at < clock.now() < shift.ends_at,
            roles=SUPERVISOR,
        ),
    }

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
        return rows

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
