"""When a team works and when nothing rings: a supervisor sets the hours of the own team."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from apps.accounts.models import Role, Team, User
from apps.audit.admin import RoleAdmin, actor_of
from apps.core import clock
from apps.core.admin import when
from apps.notify import hours, services
from apps.notify.models import TeamHours

SUPERVISOR: Final = frozenset({Role.SUPERVISOR.value})
ADMINISTRATOR: Final = frozenset({Role.ADMINISTRATOR.value})
OVERSEERS: Final = SUPERVISOR | ADMINISTRATOR

_TIMES: Final = ("opens", "closes", "quiet_from", "quiet_until")


def own_team(request: HttpRequest) -> Team | None:
    """The team that a supervisor answers for; None: whoever asks is none, and sees all. Refused for
    a supervisor who has none: they would be taken for somebody who sees all."""
    person = request.user
    if not isinstance(person, User) or person.role != Role.SUPERVISOR:
        return None
    if person.team is None:
        raise PermissionDenied
    return person.team


class HoursForm(forms.ModelForm[TeamHours]):
    class Meta:
        model = TeamHours
        fields = ("team", "time_zone", *_TIMES)
        help_texts = {
            "closes": "The same as when it opens: the whole day. Earlier: on the next day.",
            "quiet_until": "Nothing rings meanwhile. The same as its beginning: never quiet.",
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        told = {name: data[name] for name in ("time_zone", *_TIMES) if name in data}
        if len(told) == 5 and (error := services.wrong_hours(TeamHours(**told))):
            self.add_error(error.pointer.removeprefix("/"), error.detail)
        return data


@admin.register(TeamHours)
class TeamHoursAdmin(RoleAdmin[TeamHours]):
    """A team that is not listed keeps the hours of the settings."""

    VIEW = OVERSEERS
    CHANGE = SUPERVISOR
    form = HoursForm
    list_display = ("team", "time_zone", "shift", "quiet", "told_next")
    list_select_related = ("team",)
    ordering = ("team__name",)

    @admin.display(description="shift")
    def shift(self, row: TeamHours) -> str:
        return (
            "the whole day" if row.opens == row.closes else f"{row.opens:%H:%M}-{row.closes:%H:%M}"
        )

    @admin.display(description="quiet")
    def quiet(self, row: TeamHours) -> str:
        if row.quiet_from == row.quiet_until:
            return "never"
        return f"{row.quiet_from:%H:%M}-{row.quiet_until:%H:%M}"

    @admin.display(description="told from")
    def told_next(self, row: TeamHours) -> SafeString:
        """When somebody of the team is told of what is due now."""
        return when(hours.next_told(clock.now(), hours.hours_of(row.team)))

    def get_queryset(self, request: HttpRequest) -> QuerySet[TeamHours]:
        rows = super().get_queryset(request).select_related("team__hours")
        team = own_team(request)
        return rows.filter(team=team) if team else rows

    def get_readonly_fields(self, request: HttpRequest, obj: TeamHours | None = None) -> Any:
        """Whose they are stays."""
        return ("team",) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What holds as long as nobody says otherwise."""
        now = hours.hours_of(None)
        team = own_team(request)
        told = {name: getattr(now, name) for name in _TIMES}
        return {"team": team.pk if team else None, "time_zone": str(now.zone), **told}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """One team has one row, and a supervisor one team."""
        if db_field.name == "team":
            teams = Team.objects.filter(hours=None).order_by("name")
            team = own_team(request)
            kwargs["queryset"] = teams.filter(pk=team.pk) if team else teams
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: TeamHours, form: Any, change: bool) -> None:
        services.save_hours(hours=obj, by=actor_of(request), now=clock.now())
