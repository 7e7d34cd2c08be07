"""Verbs of people and teams. What a person may see is granted with the account."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import (
    DESK_ROLES,
    OUTSIDE_THE_ADMIN,
    Role,
    SignIn,
    Team,
    User,
)
from apps.accounts.services.writing import audit, end
from apps.audit.services import Actor
from apps.changes import scopes
from apps.changes.services import Event, bind, grant, publish, revoke


def standing_scopes(user: User) -> set[str]:
    """What a person may see because of who they are, whatever shift they work."""
    if not user.is_active:
        return set()
    match user.role:
        case Role.RESPONDER:
            return {scopes.responder(user.pk)}
        case Role.SUPERVISOR if user.team_id:
            # They may take a tablet, too: what is shown to its author alone has to reach them.
            return {scopes.team(user.team_id), scopes.responder(user.pk)}
        case Role.DISPATCHER:
            return {scopes.agency()}
        case _:
            return set()


@transaction.atomic
def save_user(*, user: User, by: Actor, now: datetime) -> User:
    """Creates or changes an account, and what it may see, together.

    The row is locked first: of two changes at once the second takes back what the first granted.
    """
    before = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    user.is_staff = user.role not in OUTSIDE_THE_ADMIN
    user.save()
    had = standing_scopes(before) if before else set()
    has = standing_scopes(user)
    revoke(principal=user.pk, scopes=had - has)
    grant(principal=user.pk, scopes=has - had)
    desk = user.is_active and user.role in DESK_ROLES
    if desk or before:
        bind(holder=user.pk, principal=user.pk if desk else None)
    if before and before.is_active and not user.is_active:
        for sign_in in SignIn.objects.open().filter(user=user):
            end(sign_in, now)
        publish(events=[Event("user.deactivated", user.pk)], now=now)
    audit(by, "update" if before else "create", "user", user.pk, now)
    return user


@transaction.atomic
def save_team(*, team: Team, by: Actor, now: datetime) -> Team:
    """Creates a team, or gives it another name."""
    action = "create" if team._state.adding else "update"
    team.save()
    audit(by, action, "team", team.pk, now)
    return team


def create_team(*, name: str, by: Actor, now: datetime) -> Team:
    """A team, by its name."""
    return save_team(team=Team(name=name), by=by, now=now)
