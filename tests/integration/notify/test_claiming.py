"""A worker, or somebody who stops, comes at the worst moment: nothing is lost, nothing that is
stopped is claimed. Steps are taken by hand, so each happens just where it is named."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import transaction

from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.notify import retries, services
from apps.notify.models import Channel, Level, Message, MessageState
from apps.notify.services import Job
from tests.factories import NOON, person
from tests.integration.conftest import Elsewhere
from tests.integration.notify.conftest import handed, reached_by, tell

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def claim(now: object = NOON) -> Job | None:
    return services.claim(channels=Channel, now=now)  # type: ignore[arg-type]


@pytest.fixture
def message(supervisor: User) -> Message:
    """One that waits."""
    tell(supervisor)
    services.collect(now=NOON)
    return Message.objects.get()


@pytest.fixture
def lease(settings: LazySettings) -> timedelta:
    return timedelta(seconds=settings.NOTIFY_LEASE_SECONDS)


class TestAWorkerThatDies:
    def test_leaves_the_message_to_another_under_the_same_id(
        self, message: Message, lease: timedelta
    ) -> None:
        first = claim()
        assert first
        assert claim(NOON + lease - SECOND) is None
        second = claim(NOON + lease)

        assert second
        assert (second.id, second.id) == (first.id, message.pk)
        assert second.claim != first.claim
        assert Message.objects.get().tries == 2

    def test_and_comes_back_late_changes_nothing(self, message: Message, lease: timedelta) -> None:
        first = claim()
        second = claim(NOON + lease)
        assert first
        assert second

        assert not services.finish(job=first, error="", now=NOON + lease)
        assert Message.objects.get().state == MessageState.PENDING
        assert services.finish(job=second, error="", now=NOON + lease)
        assert not services.finish(job=first, error="TimeoutError", now=NOON + lease)
        assert Message.objects.get().state == MessageState.HANDED

    def test_each_time_is_given_up(self, message: Message, lease: timedelta) -> None:
        for number in range(retries.MOST_TRIES):
            assert claim(NOON + number * lease)
        assert claim(NOON + retries.MOST_TRIES * lease) is None

        message.refresh_from_db()
        assert (message.state, message.error) == (MessageState.FAILED, "lost")

    def test_has_counted_the_attempt_before_it(self, message: Message) -> None:
        claim()
        assert Message.objects.get().tries == 1


class TestAGatewayThatFails:
    def test_is_asked_again_ever_more_rarely_and_then_no_more(self, message: Message) -> None:
        now = NOON
        for tries in range(1, retries.MOST_TRIES + 1):
            job = claim(now)
            assert job
            services.finish(job=job, error="SMTPServerDisconnected", now=now)
            message.refresh_from_db()
            assert message.tries == tries
            after = retries.retry_after(tries)
            if after is not None:
                assert claim(now + after - SECOND) is None
                # By the clock of the team the last ones are on the next day.
                now = NOON + timedelta(days=tries)

        assert (message.state, message.error) == (MessageState.FAILED, "SMTPServerDisconnected")
        assert claim(now + timedelta(days=1)) is None

    def test_to_the_end_is_asked_anew_by_a_supervisor(
        self, message: Message, supervisor: User
    ) -> None:
        give_up(message)
        services.hand_over_again(message=message, by=SYSTEM, now=NOON)

        assert handed(NOON) == [(supervisor.pk, Channel.EMAIL, 1)]
        entry = Entry.objects.get(action="hand-over-again")
        assert entry.subject_ids == [message.pk]

    def test_asked_anew_says_what_is_due_then(self, supervisor: User) -> None:
        about = uuid7()
        tell(supervisor, about=about)
        tell(supervisor)
        services.collect(now=NOON)
        message = Message.objects.get()
        give_up(message)
        services.stop(subject_id=about, now=NOON)
        services.hand_over_again(message=message, by=SYSTEM, now=NOON)

        assert handed(NOON) == [(supervisor.pk, Channel.EMAIL, 1)]

    def test_is_not_asked_anew_for_what_it_took_or_while_another_waits(
        self, message: Message, supervisor: User
    ) -> None:
        with pytest.raises(ProblemError):
            services.hand_over_again(message=message, by=SYSTEM, now=NOON)
        give_up(message)
        tell(supervisor, level=Level.SUPERVISORS)
        services.collect(now=NOON + 60 * SECOND)
        with pytest.raises(ProblemError):
            services.hand_over_again(message=message, by=SYSTEM, now=NOON)


def give_up(message: Message) -> None:
    for number in range(retries.MOST_TRIES):
        now = NOON + timedelta(days=number)
        job = claim(now)
        assert job
        services.finish(job=job, error="TimeoutError", now=now)
    message.refresh_from_db()
    assert message.state == MessageState.FAILED


def test_a_message_is_claimed_by_its_channel(supervisor: User) -> None:
    reached_by(supervisor, Channel.TEXT)
    tell(supervisor)
    tell(supervisor, channel=Channel.TEXT)
    services.collect(now=NOON)
    job = services.claim(channels=[Channel.TEXT], now=NOON)

    assert job
    assert job.channel == Channel.TEXT
    assert services.claim(channels=[Channel.TEXT], now=NOON) is None


def test_a_job_shows_no_address(message: Message) -> None:
    job = claim()
    assert "@" not in repr(job)


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    @pytest.fixture(autouse=True)
    def _committed(self, transactional_db: None) -> None:
        self.supervisor = reached_by(person(Role.SUPERVISOR), Channel.EMAIL)
        self.about = uuid7()
        tell(self.supervisor, about=self.about)
        tell(self.supervisor, about=self.about, level=Level.TEAM)
        services.collect(now=NOON)

    def test_a_stop_that_is_first_leaves_nothing_to_claim(self, elsewhere: Elsewhere) -> None:
        with transaction.atomic():
            services.stop(subject_id=self.about, now=NOON)
            # Not committed: nobody knows yet whether it is stopped.
            assert elsewhere.do(claim) is None

        assert claim() is None
        assert Message.objects.get().state == MessageState.VOID

    def test_a_stop_that_is_taken_back_loses_nothing(self, elsewhere: Elsewhere) -> None:
        with transaction.atomic():
            services.stop(subject_id=self.about, now=NOON)
            assert elsewhere.do(claim) is None
            transaction.set_rollback(True)

        assert claim() is not None

    def test_a_stop_that_is_second_waits_for_the_claim(self, elsewhere: Elsewhere) -> None:
        with transaction.atomic():
            job = claim()
            stop = elsewhere.start(lambda: services.stop(subject_id=self.about, now=NOON))
            elsewhere.until_waiting(stop)
        assert stop.result(timeout=60) == 2

        # It is on its way. Should the gateway not take it, it is not tried again.
        assert job
        services.finish(job=job, error="TimeoutError", now=NOON)
        assert claim(NOON + timedelta(hours=1)) is None
        assert Message.objects.get().state == MessageState.VOID

    def test_what_is_put_off_first_is_not_claimed(self, elsewhere: Elsewhere) -> None:
        later = NOON + timedelta(hours=2)
        with transaction.atomic():
            services.put_off(subject_id=self.about, until=later)
            assert elsewhere.do(claim) is None
        assert claim() is None

        services.collect(now=later)
        assert handed(later) == [(self.supervisor.pk, Channel.EMAIL, 1)]

    def test_what_a_worker_has_is_not_put_off(self, elsewhere: Elsewhere) -> None:
        with transaction.atomic():
            job = claim()
            later = NOON + timedelta(hours=2)
            put_off = elsewhere.start(lambda: services.put_off(subject_id=self.about, until=later))
            elsewhere.until_waiting(put_off)
        assert put_off.result(timeout=60) == 0

        assert job
        assert services.finish(job=job, error="", now=NOON)

    def test_stops_of_two_people_do_not_wait_in_a_circle(self, elsewhere: Elsewhere) -> None:
        work = [
            elsewhere.start(lambda: services.stop(subject_id=self.about, now=NOON))
            for _ in range(4)
        ]
        assert sorted(one.result(timeout=60) for one in work) == [0, 0, 0, 2]

    def test_workers_claim_each_message_once(self, elsewhere: Elsewhere) -> None:
        others = [reached_by(person(Role.SUPERVISOR), Channel.EMAIL) for _ in range(5)]
        tell(*others)
        services.collect(now=NOON)

        def all_of_them() -> list[Job]:
            return list(iter(claim, None))

        work = [elsewhere.start(all_of_them) for _ in range(4)]
        jobs = [job for one in work for job in one.result(timeout=60)]
        assert len({job.id for job in jobs}) == len(jobs) == 6
