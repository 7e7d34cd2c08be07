"""People who can be reached, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import pytest
from django.conf import LazySettings

from apps.accounts.models import Role, User
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.notify import services
from apps.notify.models import Channel, ContactPoint, Level, Notification, Topic
from tests.factories import NOON, person

ADDRESSES = {
    Channel.EMAIL: "{}@care.example.org",
    Channel.TEXT: "+12065550199",
    Channel.PUSH: "subscription-of-{}",
}
Tell = Callable[..., int]


@pytest.fixture(autouse=True)
def _every_channel(settings: LazySettings) -> None:
    settings.TEXT_SENDER = "apps.notify.channels.console.text"
    settings.PUSH_SENDER = "apps.notify.channels.console.push"


def reached_by(user: User, *channels: Channel, level: Level = Level.OWNER) -> User:
    """The user, who is reached by these channels from a level on."""
    for channel in channels:
        address = ADDRESSES[channel].format(user.username)
        point = ContactPoint(user=user, channel=channel, from_level=level, address=address)
        services.save_contact_point(point=point, by=SYSTEM, now=NOON)
    return user


def tell(
    *users: User,
    about: UUID | None = None,
    channel: Channel = Channel.EMAIL,
    level: Level = Level.OWNER,
    key: str = "",
    due_at: datetime = NOON,
    now: datetime = NOON,
) -> int:
    """Has them told of a follow-up, another one unless it is named."""
    about = about or uuid7()
    return services.tell(
        users=[user.pk for user in users],
        channel=channel,
        topic=Topic.FOLLOW_UP,
        subject_id=about,
        level=level,
        key=key or f"follow_up:{about}:1:{level}",
        due_at=due_at,
        now=now,
    )


def told() -> list[Notification]:
    return list(Notification.objects.order_by("pk"))


@pytest.fixture
def supervisor(db: None) -> User:
    """One who is reached by e-mail."""
    return reached_by(person(Role.SUPERVISOR), Channel.EMAIL)


def handed(now: datetime) -> list[tuple[UUID, Channel, int]]:
    """Hands over all that is due, as a gateway that takes everything: whose, by what, how many
    follow-ups each says are due."""
    found = []
    while job := services.claim(channels=Channel, now=now):
        assert services.finish(job=job, error="", now=now)
        found.append((job.point.user_id, job.channel, job.counts[Topic.FOLLOW_UP]))
    return found
