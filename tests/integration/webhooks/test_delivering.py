"""An event goes from the log to the receiver, whatever the receiver answers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.conf import LazySettings
from django.db import transaction

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import services
from apps.webhooks.fakepartner import WELL, Behaviour, FakePartner, Received
from apps.webhooks.models import (
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    Notice,
    NoticeKind,
    Outcome,
    ParkedWhy,
    PausedBy,
)
from apps.webhooks.pump import InTransaction, Pump, pump
from tests.integration.webhooks.conftest import deliver, happen

pytestmark = pytest.mark.django_db(transaction=True)
Make = Callable[..., Endpoint]


def things_of(receiver: FakePartner) -> list[str]:
    return [one.event["data"]["thing_id"] for one in receiver.received]


def attempts(outcome: Outcome) -> int:
    return Attempt.objects.filter(outcome=outcome).exclude(delivery__lane=0).count()


def fails_first(times: int, behaviour: Behaviour) -> Callable[[Received], Behaviour]:
    """It behaves so the first times that it is asked, then well."""
    left = [times]

    def behave(received: Received) -> Behaviour:
        left[0] -= 1
        return behaviour if left[0] >= 0 else WELL

    return behave


def test_an_event_reaches_its_endpoint_signed_and_numbered(
    endpoint_at: Make, receiver: FakePartner
) -> None:
    endpoint_at()
    thing = uuid7()
    happen(thing)
    assert deliver() == 1
    (received,) = receiver.received
    assert received.verified
    event = received.event
    assert (event["type"], event["data"]) == ("thing.changed", {"thing_id": str(thing)})
    row = Delivery.objects.get(type="thing.changed")
    assert (received.id, event["sequence"]) == (str(row.pk), row.sequence)
    assert (event["epoch"], row.state) == (str(row.epoch), DeliveryState.ACCEPTED)
    attempt = Attempt.objects.get(delivery=row)
    assert (attempt.outcome, attempt.status, attempt.number) == (Outcome.ACCEPTED, 200, 1)
    assert attempt.excerpt == "{}"


class TestTheHandshake:
    def test_comes_before_the_first_real_event(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint = endpoint_at("careless", proven=False)
        happen(uuid7())
        deliver()
        happen(uuid7())
        deliver()
        assert {one.event["type"] for one in receiver.received} == {"endpoint.verification"}
        endpoint.refresh_from_db()
        assert endpoint.state == EndpointState.UNVERIFIED
        assert Delivery.objects.get().parked_why == ParkedWhy.UNPROVEN

    def test_is_asked_for_again_and_then_holds(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint = endpoint_at("careless", proven=False)
        deliver()
        receiver.behave = lambda received: WELL
        services.verify_endpoint(endpoint=endpoint, by=SYSTEM, now=clock.now())
        deliver()
        endpoint.refresh_from_db()
        assert endpoint.state == EndpointState.ACTIVE

    def test_is_asked_of_a_new_address_and_what_happens_meanwhile_is_kept(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint = endpoint_at()
        services.change_endpoint(
            endpoint=endpoint, url=f"{receiver.url}/careless", by=SYSTEM, now=clock.now()
        )
        thing = uuid7()
        happen(thing)
        deliver()
        assert [one.event["type"] for one in receiver.received] == ["endpoint.verification"]
        receiver.received.clear()
        receiver.behave = lambda received: WELL
        services.verify_endpoint(endpoint=endpoint, by=SYSTEM, now=clock.now())
        deliver()
        deliver()
        kinds = [one.event["type"] for one in receiver.received]
        assert kinds == ["endpoint.verification", "thing.changed"]

    def test_of_an_old_challenge_proves_nothing(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        """Whoever had the old address cannot prove the new one."""
        endpoint = endpoint_at(proven=False)
        services.tell(now=clock.now())
        (job,) = services.claim(slots=10, now=clock.now())
        services.change_endpoint(
            endpoint=endpoint, url=f"{receiver.url}/other", by=SYSTEM, now=clock.now()
        )
        done = services.Result(job, Outcome.ACCEPTED, clock.now(), 5, 200)
        services.finish([done], now=clock.now())
        endpoint.refresh_from_db()
        assert endpoint.state == EndpointState.UNVERIFIED


class TestARefusal:
    def test_for_good_parks_at_once_and_is_named_in_the_subjects_next_event(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint_at()
        thing, other = uuid7(), uuid7()
        receiver.behave = fails_first(1, Behaviour(status=422))
        happen(thing)
        deliver()
        happen(other, thing, thing)
        deliver()
        refused = Delivery.objects.get(state=DeliveryState.PARKED)
        assert refused.parked_why == ParkedWhy.REFUSED
        assert attempts(Outcome.REFUSED) == 1, "it is not tried again"
        told = [(one.event["data"]["thing_id"], one.event["parked"]) for one in receiver.received]
        assert sorted(told[1:]) == sorted(
            [(str(other), []), (str(thing), [str(refused.pk)]), (str(thing), [])]
        )

    def test_410_disables_and_a_named_person_is_told(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint = endpoint_at()
        receiver.behave = lambda received: Behaviour(status=410)
        happen(uuid7())
        deliver()
        happen(uuid7())
        deliver()
        assert len(receiver.received) == 1
        endpoint.refresh_from_db()
        assert (endpoint.state, endpoint.disabled_why) == (EndpointState.DISABLED, "gone")
        assert Notice.objects.get().kind == NoticeKind.DISABLED


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour(status=500), Outcome.FAILED),
        (Behaviour(status=302, headers=(("Location", "/well"),)), Outcome.REDIRECTED),
        (Behaviour(drops=True), Outcome.UNREACHABLE),
        (Behaviour(wait=30), Outcome.TIMED_OUT),
        (Behaviour(status=429, headers=(("Retry-After", "1"),)), Outcome.FAILED),
    ],
)
def test_what_fails_is_tried_again_under_the_same_id(
    endpoint_at: Make,
    receiver: FakePartner,
    settings: LazySettings,
    behaviour: Behaviour,
    outcome: Outcome,
) -> None:
    settings.TIME_SCALE, settings.WEBHOOK_TIMEOUT_SECONDS = 1000, 0.3
    endpoint_at()
    receiver.behave = fails_first(2, behaviour)
    happen(uuid7())
    services.tell(now=clock.now())
    while Delivery.objects.pending().exists():
        deliver()
    assert len({one.id for one in receiver.received}) == 1
    assert {one.path for one in receiver.received} == {"/well"}, "no redirection is followed"
    assert attempts(outcome) == 2
    assert attempts(Outcome.ACCEPTED) == 1


def test_a_long_answer_is_cut_off(endpoint_at: Make, receiver: FakePartner) -> None:
    endpoint_at()
    receiver.behave = lambda received: Behaviour(says=b"x" * 5_000_000)
    happen(uuid7())
    deliver()
    attempt = Attempt.objects.latest("started_at")
    assert (attempt.outcome, attempt.excerpt) == (Outcome.ACCEPTED, "x" * 512)


class TestOrder:
    def test_is_kept_for_a_subject_and_nobody_else_waits(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint_at()
        stuck, free = uuid7(), uuid7()
        receiver.behave = lambda received: (
            Behaviour(status=500) if received.event["data"]["thing_id"] == str(stuck) else WELL
        )
        happen(stuck, stuck, free, free)
        deliver()
        assert things_of(receiver).count(str(stuck)) == 1, "the second waits for the first"
        assert things_of(receiver).count(str(free)) == 2
        Delivery.objects.pending().update(due_at=clock.now())
        receiver.behave = lambda received: WELL
        deliver()
        sequences = [
            one.event["sequence"]
            for one in receiver.received
            if one.event["data"]["thing_id"] == str(stuck)
        ]
        assert len(sequences) == 3
        assert sequences[0] == sequences[1] < sequences[2]

    def test_is_not_what_an_urgent_event_waits_for(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint_at()
        thing = uuid7()
        receiver.behave = lambda received: (
            WELL if received.event["type"] == "thing.withdrawn" else Behaviour(status=500)
        )
        happen(thing)
        deliver()
        happen(thing, name="thing.withdrawn")
        deliver()
        row = Delivery.objects.get(type="thing.withdrawn")
        assert row.state == DeliveryState.ACCEPTED

    def test_an_open_circuit_lets_urgent_events_through(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint_at()
        receiver.behave = lambda received: Behaviour(status=500)
        happen(*(uuid7() for _ in range(6)))
        deliver()
        seen = len(receiver.received)
        happen(uuid7(), name="thing.withdrawn")
        happen(uuid7())
        deliver()
        assert [one.event["type"] for one in receiver.received[seen:]] == ["thing.withdrawn"]


class TestAPause:
    def test_ends_attempts_and_keeps_events(self, endpoint_at: Make, receiver: FakePartner) -> None:
        endpoint = endpoint_at()
        services.pause_endpoint(
            endpoint=endpoint, kind=PausedBy.PARTNER, by=SYSTEM, now=clock.now()
        )
        things = [uuid7() for _ in range(3)]
        happen(*things)
        happen(uuid7(), name="thing.withdrawn")
        assert deliver() == 0
        services.resume_endpoint(endpoint=endpoint, by=SYSTEM, now=clock.now())
        assert deliver() == 4
        assert set(map(str, things)) <= set(things_of(receiver))


class TestAReplay:
    def test_of_one_keeps_its_id(self, endpoint_at: Make, receiver: FakePartner) -> None:
        endpoint_at()
        happen(uuid7())
        deliver()
        row = Delivery.objects.get(type="thing.changed")
        services.replay(delivery=row, by=SYSTEM, now=clock.now())
        deliver()
        assert [one.id for one in receiver.received] == [str(row.pk)] * 2
        row.refresh_from_db()
        assert (row.state, row.attempts, row.replay) == (DeliveryState.ACCEPTED, 2, False)

    def test_since_a_number_brings_back_what_was_parked_and_holds_up_nobody(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint = endpoint_at()
        thing = uuid7()
        receiver.behave = lambda received: Behaviour(status=400)
        happen(thing, thing)
        deliver()
        receiver.behave = lambda received: Behaviour(status=500)
        since = Delivery.objects.after(1)[0].sequence - 1
        counted = services.replay_since(
            endpoint=endpoint, sequence=since, by=SYSTEM, now=clock.now()
        )
        assert counted == (2, since + 2)
        deliver()
        receiver.behave = lambda received: WELL
        happen(thing)
        deliver()
        newest = Delivery.objects.order_by("-sequence")[0]
        assert newest.state == DeliveryState.ACCEPTED, "a failing replay is not in its way"


def test_nobody_waits_for_a_stranger_inside_a_transaction(endpoint_at: Make) -> None:
    with pytest.raises(InTransaction), transaction.atomic():
        pump(seconds=1)


def test_no_turn_waits_for_a_slow_receiver_and_none_forgets_it(
    endpoint_at: Make, receiver: FakePartner
) -> None:
    slow, good = endpoint_at("slow"), endpoint_at("well")
    slowly = Behaviour(wait=3)
    receiver.behave = lambda received: slowly if "slow" in received.path else WELL
    worker = Pump()
    rows = Delivery.objects.filter(type="thing.changed")
    try:
        for waiting in (1, 2):
            happen(uuid7())
            while rows.filter(endpoint=good, state=DeliveryState.ACCEPTED).count() < waiting:
                worker.turn(seconds=0.05)
        assert not rows.filter(endpoint=slow, state=DeliveryState.ACCEPTED).exists()
        while rows.filter(state=DeliveryState.PENDING).exists():
            worker.turn(seconds=0.05)
    finally:
        worker.close()
    assert [row.attempts for row in rows] == [1] * 4


def test_a_partner_that_is_shut_out_is_sent_nothing(
    endpoint_at: Make, receiver: FakePartner
) -> None:
    endpoint = endpoint_at()
    happen(uuid7())
    services.tell(now=clock.now())
    partner = endpoint.partner
    partner.is_active = False
    partner.save()
    assert deliver() == 0


def test_two_endpoints_have_an_id_each(endpoint_at: Make, receiver: FakePartner) -> None:
    first = endpoint_at()
    endpoint_at(of=first.partner)
    happen(uuid7())
    deliver()
    ids: set[UUID] = set(Delivery.objects.filter(type="thing.changed").values_list("pk", flat=True))
    assert {one.id for one in receiver.received} == set(map(str, ids))
    assert len(ids) == 2
