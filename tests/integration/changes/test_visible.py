from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from apps.accounts.models import Team, User
from apps.changes.querysets import VisibleQuerySet
from apps.changes.services import Document, grant, publish, revoke
from apps.core.ids import uuid7
from tests import factories

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)


class SeenTeams(VisibleQuerySet[Team]):
    """Any published table would do."""

    COLLECTION = "teams"


@pytest.fixture
def teams(transactional_db: None) -> list[Team]:
    teams = sorted([factories.team() for _ in range(3)], key=lambda team: team.pk)
    with transaction.atomic():
        publish(
            documents=[
                Document("teams", teams[0].pk, frozenset({"agency", f"team:{teams[0].pk}"})),
                Document("teams", teams[1].pk, frozenset({"everyone"})),
                Document("other", teams[2].pk, frozenset({"agency", "everyone"})),
            ],
            now=NOON,
        )
    return teams


def seen_by(user: User | AnonymousUser) -> list[Team]:
    return list(SeenTeams(Team).visible_to(user).order_by("pk"))


def user(**facts: bool) -> User:
    return User.objects.create(username=str(uuid7()), role="responder", **facts)


def test_one_sees_what_is_in_a_granted_scope_and_what_is_for_everyone(teams: list[Team]) -> None:
    someone = user()
    assert seen_by(someone) == [teams[1]]

    with transaction.atomic():
        grant(principal=someone.pk, scopes=["agency", f"team:{teams[0].pk}"])
    assert seen_by(someone) == [teams[0], teams[1]]

    with transaction.atomic():
        revoke(principal=someone.pk, scopes=["agency"])
    assert seen_by(someone) == [teams[0], teams[1]]

    with transaction.atomic():
        revoke(principal=someone.pk, scopes=[f"team:{teams[0].pk}"])
    assert seen_by(someone) == [teams[1]]


def test_superusers_are_no_exception(teams: list[Team]) -> None:
    assert seen_by(user(is_superuser=True, is_staff=True)) == [teams[1]]


def test_whoever_is_not_signed_in_sees_nothing(teams: list[Team]) -> None:
    assert seen_by(AnonymousUser()) == []


def test_the_rule_can_be_narrowed_further(teams: list[Team]) -> None:
    someone = user()
    assert list(SeenTeams(Team).filter(pk=teams[0].pk).visible_to(someone)) == []
    assert SeenTeams(Team).visible_to(someone).filter(pk=teams[1].pk).exists()
