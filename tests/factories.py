"""Things to test with, made by the services that make them in the product."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from apps.accounts import services as accounts
from apps.accounts.models import Partner, Role, Tablet, Team, User
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7

NOON = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)  # 12:00 in Seattle, a Wednesday
PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def team(name: str = "") -> Team:
    return accounts.create_team(name=name or f"Team {next(_numbers)}", by=SYSTEM, now=NOON)


def partner(name: str = "") -> tuple[str, Partner]:
    """A partner and its token."""
    name = name or f"Partner {next(_numbers)}"
    return accounts.create_partner(name=name, by=SYSTEM, now=NOON)


def person(
    role: str = Role.RESPONDER,
    *,
    of: Team | None = None,
    at: Partner | None = None,
    password: bool = False,
) -> User:
    """A person of a role; responders and supervisors get a team if none is given, a partner's own
    get a partner."""
    number = next(_numbers)
    if of is None and role in {Role.RESPONDER, Role.SUPERVISOR}:
        of = team()
    if at is None and role == Role.PARTNER:
        _, at = partner()
    user = User(
        username=f"{role}{number}",
        display_name=f"{role} {number}",
        role=role,
        team=of,
        partner=at,
    )
    if password:
        user.set_password(PASSWORD)
    else:
        user.set_unusable_password()
    return accounts.save_user(user=user, by=SYSTEM, now=NOON)


@dataclass(frozen=True)
class EnrolledTablet:
    tablet: Tablet
    token: str
    instance: UUID

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Sync-Instance": str(self.instance)}


def tablet(user: User | None = None, *, of: Team | None = None) -> EnrolledTablet:
    """An enrolled tablet with one local database, and the user signed in if one is given."""
    of = of or (user.team if user else None) or team()
    supervisor = person(Role.SUPERVISOR, of=of)
    code, _ = accounts.make_enrolment_code(
        team=of, label=f"Tablet {next(_numbers)}", by=supervisor, now=NOON
    )
    token, row = accounts.enrol(code=code, claim=uuid7(), now=NOON)
    if user:
        accounts.sign_in(tablet=row, user=user, now=NOON)
    instance = uuid7()
    accounts.register_local_database(tablet=row, instance=instance, now=NOON)
    return EnrolledTablet(row, token, instance)
