"""Capacity: told by a partner for its own services, believed for as long as it is valid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import Error, transaction
from django.test import Client

from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.changes.models import Change
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.referrals.directory.fit import Ask, fit
from apps.referrals.models import Capacity, Service
from apps.referrals.services import directory
from tests.factories import NOON, partner, person
from tests.integration.referrals.directory import a_shelter, services_told

pytestmark = pytest.mark.django_db


@pytest.fixture
def theirs(commit_now: Callable[[], None]) -> tuple[Client, dict[str, str], Service]:
    """A partner's way in, and its shelter."""
    token, of = partner()
    return Client(), {"Authorization": f"Bearer {token}"}, a_shelter(commit_now, of)


def post(way: tuple[Client, dict[str, str], Service], **said: Any) -> Any:
    client, headers, service = way
    address = f"/api/v1/partner/services/{service.pk}/capacity"
    return client.post(address, said, content_type="application/json", headers=headers)


class TestAPartner:
    def test_tells_every_tablet(
        self, theirs: tuple[Client, dict[str, str], Service], commit_now: Callable[[], None]
    ) -> None:
        answer = post(theirs, status="capacity", total=40, free=3)
        assert answer.status_code == 200, answer.json()
        commit_now()
        told = services_told()["Night shelter"]["capacity"]
        assert (told["status"], told["free"], told["total"]) == ("capacity", 3, 40)
        assert Change.objects.filter(event="capacity.set", subject=theirs[2].pk).exists()
        entry = Entry.objects.get(action="set-capacity")
        assert entry.actor_kind == "partner"

    def test_sees_its_own_services_alone(
        self, theirs: tuple[Client, dict[str, str], Service]
    ) -> None:
        client, headers, service = theirs
        post(theirs, status="waitlist", waiting=4)
        (told,) = client.get("/api/v1/partner/services", headers=headers).json()
        assert (told["id"], told["capacity"]["waiting"]) == (str(service.pk), 4)
        other, _ = partner()
        bearer = {"Authorization": f"Bearer {other}"}
        assert client.get("/api/v1/partner/services", headers=bearer).json() == []

    def test_tells_nothing_of_another_partners(
        self, theirs: tuple[Client, dict[str, str], Service]
    ) -> None:
        client, _, service = theirs
        other, _ = partner()
        answer = post((client, {"Authorization": f"Bearer {other}"}, service), status="capacity")
        assert answer.status_code == 404
        assert not Capacity.objects.exists()

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"status": "plenty"}, "/status"),
            ({"status": "capacity", "counted": "sofas"}, "/counted"),
            ({"status": "capacity", "total": 3, "free": 4}, "/free"),
            ({"status": "no-capacity", "free": 1}, "/free"),
            ({"status": "capacity", "free": 0}, "/free"),
            ({"status": "capacity", "free": -1}, "/free"),
            ({"status": "capacity", "valid_until": "2020-01-01T00:00:00Z"}, "/valid_until"),
            ({"status": "capacity", "valid_until": "2099-01-01T00:00:00Z"}, "/valid_until"),
        ],
    )
    def test_is_told_which_field_cannot_be(
        self,
        theirs: tuple[Client, dict[str, str], Service],
        said: dict[str, Any],
        field: str,
    ) -> None:
        answer = post(theirs, **said)
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [field]
        assert not Capacity.objects.exists()


class TestWhatWasTold:
    def test_is_kept_word_by_word(self, theirs: tuple[Client, dict[str, str], Service]) -> None:
        service, by = theirs[2], person(Role.SUPERVISOR)
        for hour, free in ((0, 3), (1, 1)):
            directory.set_capacity(
                service_id=service.pk,
                status="capacity",
                free=free,
                valid_until=NOON + timedelta(hours=hour + 2),
                by=by,
                now=NOON + timedelta(hours=hour),
            )
        rows = Capacity.objects
        assert [row.free for row in rows.told_of(service.pk)] == [1, 3]
        early, late = NOON + timedelta(minutes=59), NOON + timedelta(hours=1)
        assert [getattr(rows.holding(service.pk, at), "free", None) for at in (early, late)] == [
            3,
            1,
        ]
        assert rows.holding(service.pk, NOON + timedelta(hours=3)) is None
        with pytest.raises(Error), transaction.atomic():
            Capacity.objects.filter(free=3).update(free=9)

    def test_by_a_desk_says_who_entered_it(
        self, theirs: tuple[Client, dict[str, str], Service]
    ) -> None:
        by = person(Role.SUPERVISOR)
        row = directory.set_capacity(service_id=theirs[2].pk, status="no-capacity", by=by, now=NOON)
        assert (row.source, row.by_desk) == ("desk", by)
        assert row.valid_until == NOON + timedelta(hours=4)

    def test_of_no_service_is_refused(self) -> None:
        with pytest.raises(ProblemError) as found:
            directory.set_capacity(
                service_id=uuid7(), status="capacity", by=person(Role.SUPERVISOR), now=NOON
            )
        assert found.value.problem.status == 404


def test_what_is_old_neither_fills_a_house_nor_opens_it(
    theirs: tuple[Client, dict[str, str], Service],
) -> None:
    service = theirs[2]
    night = NOON + timedelta(hours=8)  # 20:00: it is open
    directory.set_capacity(
        service_id=service.pk,
        status="no-capacity",
        valid_until=night + timedelta(hours=1),
        by=person(Role.SUPERVISOR),
        now=NOON,
    )
    (told,) = directory.documents_of(Service.objects.filter(pk=service.pk), now=night)
    assert told.body is not None
    full, old = (
        fit(told.body, Ask(at=at, day=at.date(), person={"age": 40}))
        for at in (night, night + timedelta(hours=1))
    )
    assert (full.answer, full.reasons) == ("no", ("full",))
    assert (old.answer, old.reasons) == ("ask", ("capacity_stale",))
