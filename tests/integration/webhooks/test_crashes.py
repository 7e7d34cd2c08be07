"""A worker, a database or a clock goes at the worst moment: nothing is lost, doubled or reordered
beyond what is promised. Steps are taken by hand, so each crash happens just where it is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import connection, transaction

from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.services import Event, publish
from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import catalogue, schedule, services
from apps.webhooks.models import (
    Attempt,
    Cursor,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Notice,
    NoticeKind,
    Outcome,
    PausedBy,
    UntoldEvent,
)
from apps.webhooks.services import Job, Result, telling
from tests.factories import Role, person
from tests.integration.conftest import Elsewhere
from tests.integration.webhooks.conftest import happen

pytestmark = pytest.mark.django_db(transaction=True)
Make = Callable[..., Endpoint]


def result(job: Job, outcome: Outcome, status: int | None = 200, **more: Any) -> Result:
    return Result(job, outcome, clock.now(), 5, status, **more)


def tell() -> list[Delivery]:
    services.tell(now=clock.now())
    return list(Delivery.objects.filter(type__startswith="thing.").order_by("sequence"))


def claim(now: Any = None) -> list[Job]:
    return services.claim(slots=100, now=now or clock.now())


def finish(job: Job, outcome: Outcome, status: int | None = 200, **more: Any) -> int:
    return services.finish([result(job, outcome, status, **more)], now=clock.now())


class TestShares:
    def test_a_partner_with_many_endpoints_has_no_more_than_its_share(
        self, endpoint_at: Make, settings: LazySettings
    ) -> None:
        settings.WEBHOOK_PARTNER_IN_FLIGHT = 5
        first = endpoint_at()
        second = endpoint_at(of=first.partner)
        other = endpoint_at()
        happen(*(uuid7() for _ in range(4)))
        tell()

        taken = [job.endpoint for job in claim()]
        assert len([one for one in taken if one in {first.pk, second.pk}]) == 5
        assert taken.count(other.pk) == 4
        assert claim() == []


class TestMakingDeliveries:
    def test_again_makes_the_same_ids(self, endpoint_at: Make) -> None:
        """The database was put back to before the events were told, and the log was not."""
        endpoint_at()
        before = Cursor.objects.get()
        sequence = Endpoint.objects.get().sequence
        happen(uuid7(), uuid7(), uuid7())
        first = [(row.pk, row.sequence) for row in tell()]
        Attempt.objects.all().delete()
        Delivery.objects.filter(type__startswith="thing.").delete()
        Cursor.objects.update(seq=before.seq, n=before.n)
        Endpoint.objects.update(sequence=sequence)
        assert [(row.pk, row.sequence) for row in tell()] == first
        assert len(first) == 3

    def test_that_fails_halfway_makes_none_and_moves_nothing(
        self, endpoint_at: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoint_at()
        before = Cursor.objects.get()
        happen(uuid7(), uuid7())
        with monkeypatch.context() as broken:
            broken.setattr(Endpoint.objects, "bulk_update", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                services.tell(now=clock.now())
        assert not Delivery.objects.filter(type="thing.changed").exists()
        assert Cursor.objects.get().seq == before.seq
        assert len(tell()) == 2

    def test_by_two_workers_makes_each_once(self, endpoint_at: Make, elsewhere: Elsewhere) -> None:
        endpoint_at()
        happen(*(uuid7() for _ in range(30)))
        work = [elsewhere.start(lambda: services.tell(now=clock.now())) for _ in range(4)]
        assert sum(one.result(60) for one in work) == 30
        sequences = [row.sequence for row in tell()]
        assert sequences == list(range(sequences[0], sequences[0] + 30))

    def test_follows_the_log_not_the_clock_of_whoever_wrote_first(
        self, endpoint_at: Make, elsewhere: Elsewhere
    ) -> None:
        """An event that was published first and committed last comes last, and is not missed."""
        endpoint_at()
        late, early = uuid7(), uuid7()
        with transaction.atomic():
            publish(events=[Event("thing.changed_published", late)], now=clock.now())
            elsewhere.do(lambda: happen(early))
            assert elsewhere.do(lambda: len(tell())) == 1
        assert [row.data["thing_id"] for row in tell()] == [str(early), str(late)]

    def test_of_a_rolled_back_event_makes_none(self, endpoint_at: Make) -> None:
        endpoint_at()
        with transaction.atomic():
            publish(events=[Event("thing.changed_published", uuid7())], now=clock.now())
            transaction.set_rollback(True)
        assert tell() == []

    def test_goes_on_past_what_cannot_be_built_and_comes_back_to_it(
        self, endpoint_at: Make
    ) -> None:
        endpoint_at()
        known = catalogue.named("thing.changed")
        assert known
        bad, good = uuid7(), uuid7()

        def build(subject: UUID) -> dict[str, Any]:
            if subject == bad:
                raise ValueError("Jane Doe, 206-555-0100")
            return {"thing_id": str(subject)}

        object.__setattr__(known, "build", build)
        happen(bad, good)
        assert [row.data["thing_id"] for row in tell()] == [str(good)]
        aside = UntoldEvent.objects.get()
        assert (aside.error, aside.type) == ("ValueError", "thing.changed")
        later = clock.now() + timedelta(minutes=1)
        assert services.retry_untold(now=later) == 0
        assert UntoldEvent.objects.get().attempts == 1
        object.__setattr__(known, "build", lambda subject: {"thing_id": str(subject)})
        assert services.retry_untold(now=later + timedelta(hours=1)) == 1
        assert {row.data["thing_id"] for row in tell()} == {str(bad), str(good)}
        assert not UntoldEvent.objects.exists()

    def test_keeps_what_the_schema_does_not_know(self, endpoint_at: Make) -> None:
        endpoint_at()
        known = catalogue.named("thing.changed")
        assert known
        person_in_it = {"thing_id": str(uuid7()), "person": "Jane Doe"}
        object.__setattr__(known, "build", lambda subject: person_in_it)
        happen(uuid7())
        assert tell() == []
        assert UntoldEvent.objects.get().error == "Unfit"


class TestWhatCannotBeOpened:
    @pytest.mark.parametrize(
        "spoil",
        [
            "update webhooks_delivery set data = 'x' where endpoint_id = %s",
            "update webhooks_endpoint set url = 'x' where id = %s",
            "update webhooks_signingkey set secret = 'x' where endpoint_id = %s",
        ],
        ids=["event", "address", "key"],
    )
    def test_holds_up_nobody_else(self, endpoint_at: Make, spoil: str) -> None:
        broken, sound = endpoint_at("well/1"), endpoint_at("well/2")
        happen(uuid7())
        tell()
        with connection.cursor() as cursor:
            cursor.execute(spoil, [broken.pk])

        assert [job.endpoint for job in claim()] == [sound.pk]
        left = Delivery.objects.pending().get(endpoint=broken)
        assert (left.attempts, left.tried.count()) == (1, 0)


class TestAWorkerThatDies:
    def test_after_its_claim_loses_the_attempt_and_not_the_event(
        self, endpoint_at: Make, settings: LazySettings
    ) -> None:
        endpoint_at()
        happen(uuid7())
        tell()
        (first,) = claim()
        assert claim() == [], "it is somebody's"
        later = clock.now() + timedelta(seconds=settings.WEBHOOK_LEASE_SECONDS + 1)
        (second,) = claim(later)
        assert second.delivery == first.delivery
        assert second.headers["webhook-id"] == first.headers["webhook-id"]
        outcomes = Attempt.objects.filter(delivery=first.delivery).order_by("number")
        assert list(outcomes.values_list("number", "outcome")) == [(1, "lost"), (2, "open")]

    def test_and_comes_back_late_changes_nothing(
        self, endpoint_at: Make, settings: LazySettings
    ) -> None:
        endpoint_at()
        happen(uuid7())
        tell()
        (first,) = claim()
        (second,) = claim(clock.now() + timedelta(seconds=settings.WEBHOOK_LEASE_SECONDS + 1))
        assert finish(first, Outcome.REFUSED, 400) == 0
        assert Delivery.objects.get(pk=first.delivery).state == DeliveryState.PENDING
        assert Attempt.objects.get(pk=first.attempt).outcome == Outcome.REFUSED
        assert finish(second, Outcome.ACCEPTED) == 1
        assert finish(second, Outcome.REFUSED, 400) == 0, "an answer counts once"

    def test_keeps_the_subject_in_order(self, endpoint_at: Make, settings: LazySettings) -> None:
        endpoint_at()
        thing = uuid7()
        happen(thing, thing)
        first_row, second_row = tell()
        (job,) = claim()
        later = clock.now() + timedelta(seconds=settings.WEBHOOK_LEASE_SECONDS + 1)
        (again,) = claim(later)
        assert again.delivery == job.delivery == first_row.pk
        finish(again, Outcome.ACCEPTED)
        (next_one,) = claim(later)
        assert next_one.delivery == second_row.pk


class TestAPause:
    def test_waits_for_a_claim_and_a_claim_for_nothing(
        self, endpoint_at: Make, elsewhere: Elsewhere
    ) -> None:
        """1. A claim has locked the endpoint. 2. The pause waits for its commit. 3. After the
        pause's own commit nothing is claimed."""
        endpoint = endpoint_at()
        happen(uuid7(), uuid7())
        tell()

        def pause() -> Endpoint:
            return services.pause_endpoint(
                endpoint=endpoint, kind=PausedBy.PARTNER, by=SYSTEM, now=clock.now()
            )

        with transaction.atomic():
            assert len(claim()) == 2
            pausing = elsewhere.start(pause)
            elsewhere.until_waiting(pausing)
        paused_at = pausing.result(60).paused_at
        assert paused_at
        happen(uuid7(), name="thing.withdrawn")
        tell()
        assert claim(clock.now() + timedelta(days=1)) == []

    def test_under_way_makes_claims_pass_by(self, endpoint_at: Make, elsewhere: Elsewhere) -> None:
        endpoint = endpoint_at()
        happen(uuid7())
        tell()
        with transaction.atomic():
            services.pause_endpoint(
                endpoint=endpoint, kind=PausedBy.PARTNER, by=SYSTEM, now=clock.now()
            )
            assert elsewhere.do(claim) == []
        assert claim() == []


class TestPace:
    def test_keeps_to_the_rate(self, endpoint_at: Make) -> None:
        endpoint_at(rate=3)
        happen(*(uuid7() for _ in range(10)))
        tell()
        now = clock.now() + timedelta(seconds=10)
        counts = [len(claim(now + timedelta(seconds=s))) for s in (0, 0.1, 1, 1.1, 2)]
        assert counts == [3, 0, 3, 0, 3]

    def test_leaves_a_receiver_alone_that_asks_for_it(self, endpoint_at: Make) -> None:
        endpoint_at()
        happen(uuid7(), uuid7())
        tell()
        first, _ = claim()
        finish(first, Outcome.FAILED, 429, retry_after=120.0)
        happen(uuid7(), name="thing.withdrawn")
        tell()
        now = clock.now()
        assert claim(now + timedelta(seconds=110)) == []
        assert len(claim(now + timedelta(seconds=130))) >= 2

    def test_opens_the_circuit_and_then_sends_one_to_try(self, endpoint_at: Make) -> None:
        endpoint_at()
        happen(*(uuid7() for _ in range(20)))
        tell()
        jobs = claim()
        for job in jobs[: schedule.CIRCUIT_FAILURES]:
            finish(job, Outcome.UNREACHABLE, None)
        now = clock.now()
        assert claim(now + timedelta(seconds=20)) == []
        (probe,) = claim(now + timedelta(minutes=2))
        finish(probe, Outcome.ACCEPTED)
        assert Endpoint.objects.get().failures == 0
        assert len(claim(now + timedelta(minutes=2, seconds=1))) > 1


class TestAnEndpointThatOnlyFails:
    def fail(self, endpoint: Endpoint) -> None:
        happen(uuid7())
        tell()
        (job,) = [one for one in claim() if one.endpoint == endpoint.pk]
        finish(job, Outcome.FAILED, 500)

    def test_is_told_to_a_named_person_after_a_day_and_paused_after_five(
        self, endpoint_at: Make, mailoutbox: list[Any], settings: LazySettings
    ) -> None:
        settings.WEBHOOK_WARNINGS_TO = ["desk@care.example"]
        supervisor = person(Role.SUPERVISOR)
        endpoint = endpoint_at("well?key=verysecret", contact="it@partner.example")
        self.fail(endpoint)
        now = clock.now()
        hours = timedelta(hours=1)
        assert services.watch_endpoints(now=now + 23 * hours) == 0
        assert services.watch_endpoints(now=now + 25 * hours) == 1
        assert services.watch_endpoints(now=now + 26 * hours) == 0, "once"
        notice = Notice.objects.get()
        assert (notice.kind, notice.named) == (NoticeKind.FAILING, supervisor)
        services.mail_notices(now=now)
        services.mail_notices(now=now)
        (mail,) = mailoutbox
        assert mail.to == ["desk@care.example", "it@partner.example"]
        assert "verysecret" not in mail.body + mail.subject
        assert services.watch_endpoints(now=now + 119 * hours) == 0
        assert services.watch_endpoints(now=now + 121 * hours) == 1
        endpoint.refresh_from_db()
        assert (endpoint.state, endpoint.paused_by) == (EndpointState.PAUSED, "system")
        assert Delivery.objects.pending().count() == 1, "the backlog is kept"
        services.resume_endpoint(endpoint=endpoint, by=SYSTEM, now=now + 122 * hours)
        assert services.watch_endpoints(now=now + 123 * hours) == 0
        assert len(claim(now + 122 * hours)) == 1
        assert Entry.objects.about(endpoint.pk).filter(action="warn").count() == 2

    def test_and_then_succeeds_is_told_of_nobody(self, endpoint_at: Make) -> None:
        endpoint = endpoint_at()
        self.fail(endpoint)
        (job,) = claim(clock.now() + timedelta(hours=1))
        finish(job, Outcome.ACCEPTED)
        assert services.watch_endpoints(now=clock.now() + timedelta(days=6)) == 0

    def test_names_its_own_watcher(self, endpoint_at: Make) -> None:
        person(Role.SUPERVISOR)
        watcher = person(Role.SUPERVISOR)
        endpoint = endpoint_at()
        services.name_watcher(endpoint=endpoint, watcher=watcher, by=SYSTEM, now=clock.now())
        self.fail(endpoint)
        services.watch_endpoints(now=clock.now() + timedelta(hours=25))
        notice = Notice.objects.get()
        assert notice.named == watcher
        services.acknowledge_notice(notice=notice, by=watcher, actor=SYSTEM, now=clock.now())
        assert not Notice.objects.open().exists()


def test_bodies_go_and_what_was_sent_when_stays(endpoint_at: Make) -> None:
    endpoint_at()
    happen(uuid7(), uuid7())
    tell()
    first, _ = claim()
    finish(first, Outcome.ACCEPTED, excerpt="thank you")
    later = clock.now() + timedelta(days=31)
    services.let_bodies_go(now=later, kept=timedelta(days=30))
    settled = Delivery.objects.get(pk=first.delivery)
    assert (settled.data, settled.state) == (None, DeliveryState.ACCEPTED)
    assert Attempt.objects.get(pk=first.attempt).excerpt is None
    assert Attempt.objects.get(pk=first.attempt).status == 200
    pending = Delivery.objects.pending().get()
    assert pending.data is not None, "nothing expires before it is settled"


def test_what_waits_for_an_endpoint_that_nobody_opens_again_expires(endpoint_at: Make) -> None:
    gone, paused = endpoint_at("well/1"), endpoint_at("well/2")
    happen(uuid7())
    tell()
    now = clock.now()
    services.disable_endpoint(endpoint=gone, by=SYSTEM, now=now)
    services.pause_endpoint(endpoint=paused, kind=PausedBy.PARTNER, by=SYSTEM, now=now)
    services.let_bodies_go(now=now + timedelta(days=29), kept=timedelta(days=30))
    assert Delivery.objects.pending().count() == 2

    services.let_bodies_go(now=now + timedelta(days=31), kept=timedelta(days=30))
    row = Delivery.objects.get(endpoint=gone, type="thing.changed")
    assert (row.state, row.parked_why, row.data) == ("parked", "disabled", None)
    assert Delivery.objects.pending().get().endpoint == paused


def test_bodies_addresses_and_keys_are_sealed_in_the_database(endpoint_at: Make) -> None:
    endpoint = endpoint_at("well?key=verysecret")
    thing = uuid7()
    happen(thing)
    tell()
    (job,) = claim()
    finish(job, Outcome.ACCEPTED, excerpt="thankyou")
    with connection.cursor() as cursor:
        for table in ("endpoint", "signingkey", "delivery", "attempt"):
            cursor.execute(f"select convert_from(t::text::bytea, 'utf8') from webhooks_{table} t")
            rows = str(cursor.fetchall())
            found = [word for word in ("verysecret", "whsec", "whsk", "thankyou") if word in rows]
            assert found == []
    assert endpoint.url.endswith("verysecret")


def test_an_id_is_made_from_the_place_in_the_log() -> None:
    epoch, endpoint = uuid7(), uuid7()
    ids = {
        telling.delivery_id(epoch, 1, endpoint, "a"),
        telling.delivery_id(epoch, 2, endpoint, "a"),
        telling.delivery_id(epoch, 1, endpoint, "b"),
        telling.delivery_id(epoch, 1, uuid7(), "a"),
        telling.delivery_id(uuid7(), 1, endpoint, "a"),
    }
    assert len(ids) == 5
    assert telling.delivery_id(epoch, 1, endpoint, "a") in ids
