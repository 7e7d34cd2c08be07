"""How tablets are paced: those that were away for long, and those that ask too much at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import Tablet, TabletState
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.problems import BUSY, THROTTLED, respond
from apps.sync import api, pacing
from apps.sync.models import QuarantinedWrite
from tests.factories import EnrolledTablet, person, tablet
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held() -> EnrolledTablet:
    held = tablet(person())
    Tablet.objects.update(enrolled_at=clock.now())
    return held


def seen(held: EnrolledTablet, *, days_ago: float) -> None:
    at = clock.now() - timedelta(days=days_ago)
    Tablet.objects.filter(pk=held.tablet.pk).update(last_seen_at=at)


class TestATabletThatIsNotHeardOf:
    def test_counts_as_lost_after_a_month(self, held: EnrolledTablet) -> None:
        seen(held, days_ago=31)
        assert pacing.set_aside_unseen(now=clock.now()) == 1
        held.tablet.refresh_from_db()
        assert held.tablet.state == TabletState.LOST
        assert Entry.objects.filter(action="mark-lost", subject_ids=[held.tablet.pk]).exists()
        assert pacing.set_aside_unseen(now=clock.now()) == 0

    @pytest.mark.parametrize("days", [0, 1, 29])
    def test_does_not_before(self, held: EnrolledTablet, days: int) -> None:
        seen(held, days_ago=days)
        assert pacing.set_aside_unseen(now=clock.now()) == 0

    def test_has_a_month_from_its_enrolment(self, held: EnrolledTablet, settings: Any) -> None:
        assert pacing.set_aside_unseen(now=clock.now()) == 0
        assert pacing.set_aside_unseen(now=clock.now() + timedelta(days=31)) == 1

    def test_is_left_alone_where_it_is_shut_out(self, held: EnrolledTablet) -> None:
        accounts.retire_tablet(tablet=held.tablet, by=SYSTEM, now=clock.now())
        seen(held, days_ago=99)
        assert pacing.set_aside_unseen(now=clock.now()) == 0

    def test_is_emptied_and_what_it_hands_in_is_kept(
        self, client: Client, held: EnrolledTablet
    ) -> None:
        user = held.tablet.sign_ins.get(ended_at=None).user
        note = rooms.note("n", to=user)
        pulled = client.get("/api/v1/sync/notes/pull", headers=held.headers).json()
        seen(held, days_ago=31)
        pacing.set_aside_unseen(now=clock.now())
        row = {"newDocumentState": {"id": str(uuid7()), "text": "typed in a cellar"}}
        body = {
            "push": {"marks": [row]},
            "pull": {"notes": pulled["checkpoint"]["c"]},
        }
        answer = client.post("/api/v1/sync", body, "application/json", headers=held.headers)
        assert answer.status_code == 200
        found = answer.json()
        assert found["push"]["marks"] == [{"id": row["newDocumentState"]["id"], "_deleted": True}]
        assert found["pull"]["notes"]["documents"] == [{"id": str(note), "_deleted": True}]
        assert QuarantinedWrite.objects.get().content["text"] == "typed in a cellar"

    def test_is_told_what_to_do(self, client: Client, held: EnrolledTablet) -> None:
        seen(held, days_ago=31)
        pacing.set_aside_unseen(now=clock.now())
        answer = client.post("/api/v1/sign-out", headers=held.headers)
        assert answer.status_code == 403
        assert "enrol it anew" in answer.json()["detail"]


def test_whoever_is_asked_to_come_back_is_told_when(
    client: Client, held: EnrolledTablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(api, "pull", lost)
    answer = client.get("/api/v1/sync/notes/pull", headers=held.headers)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    for problem in (BUSY, THROTTLED):
        assert int(respond(problem)["Retry-After"]) >= 1
