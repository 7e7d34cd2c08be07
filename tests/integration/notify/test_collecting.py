"""What is due for a person becomes one message, when it may ring, and not too often a shift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction

from apps.accounts.models import Role, User
from apps.accounts.services import save_user
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.notify import services
from apps.notify.models import Channel, ContactPoint, Level, Message, MessageState
from tests.factories import NOON, person
from tests.integration.conftest import Elsewhere
from tests.integration.notify.conftest import handed, reached_by, tell, told

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SEATTLE = ZoneInfo("America/Los_Angeles")
DIGEST = timedelta(seconds=900)


class TestABurst:
    def test_is_one_message(self, supervisor: User) -> None:
        for _ in range(5):
            tell(supervisor)
        assert services.collect(now=NOON) == 1
        assert services.collect(now=NOON) == 0

        assert handed(NOON) == [(supervisor.pk, Channel.EMAIL, 5)]

    def test_of_one_follow_up_counts_once(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about)
        tell(supervisor, about=about, level=Level.TEAM)
        services.collect(now=NOON)

        assert handed(NOON) == [(supervisor.pk, Channel.EMAIL, 1)]

    def test_is_one_for_each_person_and_channel(self, supervisor: User) -> None:
        other = reached_by(person(Role.SUPERVISOR), Channel.EMAIL, Channel.TEXT)
        for channel in (Channel.EMAIL, Channel.TEXT):
            tell(supervisor, other, channel=channel)
            tell(supervisor, other, channel=channel)
        services.collect(now=NOON)

        assert sorted(handed(NOON)) == sorted(
            [
                (supervisor.pk, Channel.EMAIL, 2),
                (other.pk, Channel.EMAIL, 2),
                (other.pk, Channel.TEXT, 2),
            ]
        )

    def test_that_goes_on_is_the_next_digest(self, supervisor: User) -> None:
        tell(supervisor)
        services.collect(now=NOON)
        assert handed(NOON) == [(supervisor.pk, Channel.EMAIL, 1)]
        for minute in range(1, 5):
            tell(supervisor, due_at=NOON + minute * MINUTE)
            assert services.collect(now=NOON + minute * MINUTE) == 0

        assert services.collect(now=NOON + DIGEST - SECOND) == 0
        assert services.collect(now=NOON + DIGEST) == 1
        assert handed(NOON + DIGEST) == [(supervisor.pk, Channel.EMAIL, 4)]

    def test_joins_the_message_that_nobody_has_tried(self, supervisor: User) -> None:
        tell(supervisor)
        services.collect(now=NOON)
        tell(supervisor, level=Level.SUPERVISORS)
        assert services.collect(now=NOON) == 0

        assert Message.objects.get().urgent
        assert handed(NOON) == [(supervisor.pk, Channel.EMAIL, 2)]

    def test_does_not_join_one_that_its_gateway_may_have(self, supervisor: User) -> None:
        """Under its id a gateway would drop the second text, and what is new in it."""
        tell(supervisor)
        services.collect(now=NOON)
        job = services.claim(channels=Channel, now=NOON)
        assert job
        services.finish(job=job, error="TimeoutError", now=NOON)
        tell(supervisor)
        assert services.collect(now=NOON) == 0

        [first] = handed(NOON + MINUTE)
        assert first[2] == 1
        services.collect(now=NOON + DIGEST)
        assert handed(NOON + DIGEST) == [(supervisor.pk, Channel.EMAIL, 1)]

    def test_waits_as_one_message_says_the_database(self, supervisor: User) -> None:
        tell(supervisor)
        services.collect(now=NOON)
        with pytest.raises(IntegrityError), transaction.atomic():
            Message.objects.create(
                user=supervisor, channel=Channel.EMAIL, made_at=NOON, due_at=NOON
            )


class TestTheBudget:
    def test_of_a_shift_leaves_the_rest_to_the_next_one(
        self, supervisor: User, settings: LazySettings
    ) -> None:
        settings.NOTIFY_BUDGET = 2
        for number in range(4):
            at = NOON + number * HOUR
            tell(supervisor, due_at=at)
            services.collect(now=at)
            assert len(handed(at)) == (number < 2)
        tomorrow = NOON + timedelta(days=1)

        assert services.collect(now=tomorrow - SECOND) == 0
        services.collect(now=tomorrow)
        assert handed(tomorrow) == [(supervisor.pk, Channel.EMAIL, 2)]
        assert not [row for row in told() if row.message is None]

    def test_is_of_one_person(self, supervisor: User, settings: LazySettings) -> None:
        settings.NOTIFY_BUDGET = 1
        other = reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
        tell(supervisor)
        services.collect(now=NOON)
        assert handed(NOON)
        tell(supervisor, other, due_at=NOON + HOUR)
        services.collect(now=NOON + HOUR)

        assert handed(NOON + HOUR) == [(other.pk, Channel.EMAIL, 1)]

    def test_holds_nothing_that_has_risen_to_the_supervisors(
        self, supervisor: User, settings: LazySettings
    ) -> None:
        settings.NOTIFY_BUDGET = 1
        for number in range(3):
            at = NOON + number * MINUTE
            tell(supervisor, level=Level.SUPERVISORS, due_at=at)
            services.collect(now=at)
            assert handed(at) == [(supervisor.pk, Channel.EMAIL, 1)]
        # And they use none of it up.
        later = NOON + HOUR
        tell(supervisor, due_at=later)
        services.collect(now=later)
        assert handed(later) == [(supervisor.pk, Channel.EMAIL, 1)]


class TestTheNight:
    def test_is_silent(self, supervisor: User) -> None:
        late = NOON + 11 * HOUR  # 23:00
        tell(supervisor, level=Level.SUPERVISORS, due_at=late)
        assert services.collect(now=late) == 0

        noon = NOON + timedelta(days=1)
        assert services.collect(now=noon - SECOND) == 0
        assert services.collect(now=noon) == 1

    @pytest.mark.parametrize(
        ("evening", "hours"), [("2026-03-07", 13), ("2026-10-31", 15), ("2026-03-05", 14)]
    )
    def test_is_as_long_as_it_is(self, supervisor: User, evening: str, hours: int) -> None:
        ten = datetime.fromisoformat(f"{evening}T22:00").replace(tzinfo=SEATTLE)
        closes = ten.astimezone(UTC)
        tell(supervisor, due_at=closes)
        services.collect(now=closes)

        [row] = told()
        assert row.due_at - closes == hours * HOUR

    def test_puts_off_what_a_gateway_did_not_take_before_it(self, supervisor: User) -> None:
        evening = NOON + 10 * HOUR - SECOND
        tell(supervisor, due_at=evening)
        services.collect(now=evening)
        job = services.claim(channels=Channel, now=evening)
        assert job
        services.finish(job=job, error="ConnectionRefusedError", now=evening)
        assert services.claim(channels=Channel, now=evening + MINUTE) is None

        row = Message.objects.get()
        assert (row.tries, row.due_at) == (1, NOON + timedelta(days=1))


class TestWhatIsOver:
    def test_before_it_is_collected_is_never_told(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about)
        services.stop(subject_id=about, now=NOON)

        assert services.collect(now=NOON) == 0

    def test_before_it_is_claimed_is_never_told(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about)
        tell(supervisor)
        services.collect(now=NOON)
        services.stop(subject_id=about, now=NOON)

        assert handed(NOON) == [(supervisor.pk, Channel.EMAIL, 1)]

    def test_leaves_a_message_void(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about)
        services.collect(now=NOON)
        services.stop(subject_id=about, now=NOON)

        assert handed(NOON) == []
        assert Message.objects.get().state == MessageState.VOID
        # And the next one does not wait for a digest that never was.
        tell(supervisor)
        services.collect(now=NOON)
        assert len(handed(NOON)) == 1

    def test_for_a_while_leaves_the_message(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about)
        services.collect(now=NOON)
        services.put_off(subject_id=about, until=NOON + 2 * HOUR)

        assert handed(NOON) == []
        services.collect(now=NOON + 2 * HOUR)
        assert handed(NOON + 2 * HOUR) == [(supervisor.pk, Channel.EMAIL, 1)]

    def test_a_closed_account_is_told_nothing(self, supervisor: User) -> None:
        tell(supervisor)
        services.collect(now=NOON)
        tell(supervisor, due_at=NOON + HOUR)
        supervisor.is_active = False
        save_user(user=supervisor, by=SYSTEM, now=NOON)

        assert handed(NOON) == []
        assert services.collect(now=NOON + HOUR) == 0
        assert not [row for row in told() if row.message is None and row.stopped_at is None]

    def test_a_channel_that_somebody_gave_up_is_silent(self, supervisor: User) -> None:
        tell(supervisor)
        point = ContactPoint.objects.get()
        point.is_active = False
        services.save_contact_point(point=point, by=SYSTEM, now=NOON)

        assert services.collect(now=NOON) == 0


class TestLongAfterwards:
    def test_what_was_told_goes_and_what_was_not_stays(self, supervisor: User) -> None:
        reached_by(supervisor, Channel.TEXT)
        about = uuid7()
        tell(supervisor)
        tell(supervisor, about=about)
        services.stop(subject_id=about, now=NOON)
        services.collect(now=NOON)
        assert handed(NOON)
        tell(supervisor, channel=Channel.TEXT, due_at=NOON + timedelta(days=200))
        kept = timedelta(days=90)

        assert services.let_old_go(now=NOON + kept, kept=kept) == 0
        assert services.let_old_go(now=NOON + kept + SECOND, kept=kept) == 3
        assert [row.channel for row in told()] == [Channel.TEXT]
        assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_message(transactional_db: None, elsewhere: Elsewhere) -> None:
    supervisor = reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
    for _ in range(20):
        tell(supervisor)
    work = [elsewhere.start(lambda: services.collect(now=NOON)) for _ in range(4)]

    assert sum(one.result(timeout=60) for one in work) == 1
    services.collect(now=NOON)
    assert handed(NOON) == [(supervisor.pk, Channel.EMAIL, 20)]


@pytest.mark.django_db(transaction=True)
def test_who_is_collected_for_holds_up_nobody_else(
    transactional_db: None, elsewhere: Elsewhere
) -> None:
    first, second = (reached_by(person(Role.SUPERVISOR), Channel.EMAIL) for _ in range(2))
    tell(first, second)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=first.pk)
        assert elsewhere.do(lambda: services.collect(now=NOON)) == 1

    assert [row.user_id for row in Message.objects.all()] == [second.pk]
    assert services.collect(now=NOON) == 1
