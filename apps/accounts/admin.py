"""People, teams, tablets, machine clients and partners. Every change goes through a service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import segno
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import mark_safe

from apps.accounts import models, services
from apps.accounts.models import Client, Partner, Role, Tablet, Team, User
from apps.audit.acts import Act, ActsAdmin, WhyForm
from apps.audit.admin import RoleAdmin, actor_of
from apps.audit.services import because
from apps.core import clock
from apps.core.admin import NOTHING, duration

admin.site.unregister(Group)

ADMINISTRATOR = frozenset({Role.ADMINISTRATOR.value})
OVERSEERS = models.OVERSEERS


@admin.register(Team)
class TeamAdmin(RoleAdmin[Team]):
    VIEW = OVERSEERS
    CHANGE = ADMINISTRATOR
    list_display = ("name",)

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        services.save_team(team=obj, by=actor_of(request), now=clock.now())


class UserForm(forms.ModelForm[User]):
    new_password = forms.CharField(
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least twelve characters. Leave empty to keep the present one.",
    )

    class Meta:
        model = User
        fields = ("username", "display_name", "role", "team", "partner", "is_active")

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        elif self.instance._state.adding:
            raise forms.ValidationError("A new account needs a password.")
        return password

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        needs_team = data.get("role") in {Role.RESPONDER, Role.SUPERVISOR}
        if needs_team and not data.get("team"):
            self.add_error("team", "Responders and supervisors belong to a team.")
        partners = data.get("role") == Role.PARTNER
        if partners and not data.get("partner"):
            self.add_error("partner", "Say which partner's.")
        if partners and data.get("team"):
            self.add_error("team", "A partner's people belong to no team.")
        if data.get("partner") and not partners:
            self.add_error("partner", "Only a partner's own have one.")
        return data


@admin.register(User)
class UserAdmin(RoleAdmin[User]):
    VIEW = OVERSEERS
    CHANGE = ADMINISTRATOR
    form = UserForm
    list_display = (
        "username",
        "display_name",
        "role",
        "team",
        "partner",
        "is_active",
        "last_login",
    )
    list_filter = ("role", "team", "is_active")
    list_select_related = ("team", "partner")
    search_fields = ("username", "display_name")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if password := form.cleaned_data["new_password"]:
            obj.set_password(password)
        services.save_user(user=obj, by=actor_of(request), now=clock.now())


def _of_tablet(
    verb: Callable[..., None],
) -> Callable[[Tablet, User, dict[str, Any]], None]:
    def act(tablet: Tablet, by: User, _: dict[str, Any]) -> None:
        verb(tablet=tablet, by=services.user_actor(by), now=clock.now())

    return act


def _in_state(*states: str) -> Callable[[Tablet], bool]:
    return lambda tablet: tablet.state in states


def _enroller(request: HttpRequest) -> User | None:
    """Only a supervisor of a team enrols its tablets."""
    person = request.user
    if isinstance(person, User) and person.role == Role.SUPERVISOR and person.team_id:
        return person
    return None


class TabletAdmin(ActsAdmin[Tablet], RoleAdmin[Tablet]):
    """Supervisors enrol a tablet by a code and shut one out; both take one click.

    `sync` registers it: what there is to show of a tablet is known there.
    """

    VIEW = OVERSEERS
    ordering = ("state", "label")
    acts = {
        "lost": Act(
            label="Lost: it may hand in what was typed, and is told to drop all else",
            question="Its sign-in ends. What it holds is withdrawn from it at its next contact.",
            verb=_of_tablet(services.mark_lost),
            offered=_in_state("active"),
        ),
        "found": Act(
            label="Found again: it works as before, once somebody signs in",
            question="Who had it meanwhile?",
            verb=_of_tablet(services.mark_found),
            offered=_in_state("lost"),
        ),
        "compromised": Act(
            label="Compromised: nothing from it is answered or kept any more",
            question="Somebody else may have its token. What was typed on it since is lost.",
            verb=_of_tablet(services.mark_compromised),
            offered=_in_state("active", "lost"),
        ),
        "retire": Act(
            label="Shut out: token, sign-in and sockets end at once",
            question="It comes back by being enrolled anew.",
            verb=_of_tablet(services.retire_tablet),
            offered=_in_state("active", "lost", "compromised"),
        ),
    }
    change_list_template = "accounts/tablets.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tablet]:
        rows = super().get_queryset(request).select_related("team")
        person = request.user
        if isinstance(person, User) and person.role == Role.SUPERVISOR:
            rows = rows.filter(team=person.team_id)
        return rows

    def clock_offset(self, tablet: Tablet) -> str:
        """How far a tablet's clock is off, in words."""
        offset = tablet.clock_offset_ms
        if offset is None:
            return NOTHING
        if abs(offset) < services.CLOCK_NOTED_FROM_MS:
            return "right"
        return f"{duration(abs(offset) // 1000)} {'fast' if offset > 0 else 'slow'}"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.enrol_view)
        return [path("enrol/", view, name="accounts_tablet_enrol"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        enrols = _enroller(request) is not None
        return super().changelist_view(request, {**(extra_context or {}), "enrols": enrols})

    def enrol_view(self, request: HttpRequest) -> HttpResponse:
        """Asks for a label, then shows the code once, as text and as QR."""
        person = _enroller(request)
        if person is None or person.team is None:
            raise PermissionDenied
        form = CodeForm(request.POST or None)
        context: dict[str, Any] = {"form": form, "submit": "Make a code"}
        if request.method == "POST" and form.is_valid():
            with because(form.cleaned_data["reason"]):
                code, _ = services.make_enrolment_code(
                    team=person.team, label=form.cleaned_data["label"], by=person, now=clock.now()
                )
            picture = segno.make(code, micro=False).svg_inline(scale=6)
            # The picture is made here from our own code: there is nothing of a user's in it.
            context |= {"code": code, "picture": mark_safe(picture)}  # noqa: S308
        return self.step(request, "accounts/enrol.html", "Enrol a tablet", **context)


class CodeForm(WhyForm):
    label = forms.CharField(max_length=60, help_text="What is written on the tablet's back.")


@admin.register(Client)
class ClientAdmin(RoleAdmin[Client]):
    """Machine clients. A token is shown once, when it is made."""

    VIEW = CHANGE = ADMINISTRATOR
    list_display = ("name", "is_active")
    actions = ("new_token", "revoke_older")

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        services.save_client(client=obj, by=actor_of(request), now=clock.now())

    @admin.action(description="Make a further token")
    def new_token(self, request: HttpRequest, clients: QuerySet[Client]) -> None:
        for client in clients:
            token = services.issue_client_token(
                client=client, by=actor_of(request), now=clock.now()
            )
            self.message_user(request, f"{client}: {token} (shown once)", messages.WARNING)

    @admin.action(description="Revoke all tokens but the newest")
    def revoke_older(self, request: HttpRequest, clients: QuerySet[Client]) -> None:
        """Once the client uses its new token, or at once when the old one has leaked."""
        for client in clients:
            count = services.revoke_older_client_tokens(
                client=client, by=actor_of(request), now=clock.now()
            )
            self.message_user(request, f"{client}: {count} revoked.", messages.SUCCESS)


@admin.register(Partner)
class PartnerAdmin(RoleAdmin[Partner]):
    """Organisations that receive referrals and events. A token is shown once, when it is made."""

    VIEW = CHANGE = ADMINISTRATOR
    list_display = ("name", "is_active")
    search_fields = ("name",)
    actions = ("new_token", "revoke_older")

    def save_model(self, request: HttpRequest, obj: Partner, form: Any, change: bool) -> None:
        services.save_partner(partner=obj, by=actor_of(request), now=clock.now())

    @admin.action(description="Make a further token")
    def new_token(self, request: HttpRequest, partners: QuerySet[Partner]) -> None:
        for partner in partners:
            token = services.issue_partner_token(
                partner=partner, by=actor_of(request), now=clock.now()
            )
            self.message_user(request, f"{partner}: {token} (shown once)", messages.WARNING)

    @admin.action(description="Revoke all tokens but the newest")
    def revoke_older(self, request: HttpRequest, partners: QuerySet[Partner]) -> None:
        """Once the partner uses its new token, or at once when the old one has leaked."""
        for partner in partners:
            count = services.revoke_older_partner_tokens(
                partner=partner, by=actor_of(request), now=clock.now()
            )
            self.message_user(request, f"{partner}: {count} revoked.", messages.SUCCESS)
