"""Follow-ups that are due at a time, of people who agree to it, and who is told of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.accounts.models import Team, User
from apps.followups.models import FollowUp, FollowUpAgreement
from apps.followups.services.following import restate
from apps.notify.models import Channel, ContactPoint
from apps.people.models import Encounter, Match, Person
from tests.factories import NOON
from tests.integration.assignments.conftest import World

_WINDOW = timedelta(hours=2)
_BEFORE = timedelta(days=1)


def made(
    world: World,
    *,
    due_from: datetime = NOON,
    window: timedelta = _WINDOW,
    now: datetime = NOON,
    of: Team | None = None,
) -> FollowUp:
    """A follow-up of somebody who agrees to it, on a call of their own. The end of its window is
    followed by four hours until it is missed. `of`: another team's than the call's."""
    call = world.given(now=now)
    person = Person.objects.create(
        created_at=now, created_by=world.ours.people[0].pk, content={"given_name": "N."}
    )
    encounter = Encounter.objects.create(
        assignment_id=call.pk,
        opened_at=now,
        opened_by="timeline",
        person_id=person.pk,
        match=Match.CONFIRMED,
        content={},
    )
    FollowUpAgreement.objects.create(
        assignment_id=call.pk,
        encounter_id=encounter.pk,
        basis="agreed",
        said_at=now,
        received_at=now,
        author=world.ours.people[0],
        content={},
    )
    row = FollowUp.objects.create(
        encounter_id=encounter.pk,
        assignment_id=call.pk,
        purpose="check_in",
        way="visit",
        team=of or world.team,
        first_from=due_from,
        first_until=due_from + window,
        due_from=due_from,
        due_until=due_from + window,
        created_at=min(now, due_from) - _BEFORE,
        content={"purpose": "check_in", "way": "visit"},
    )
    restate(follow_up_ids=[row.pk], show=True, now=min(now, due_from) - _BEFORE)
    world.commit()
    row.refresh_from_db()
    return row


def told_by(
    user: User, *channels: Channel, from_level: int = 1, address: str = "somewhere"
) -> None:
    """Somebody who wants to be told outside the tablet."""
    for channel in channels:
        ContactPoint.objects.create(
            user=user, channel=channel, from_level=from_level, address=address
        )
