"""Who is believed that this server was put back in time: whoever shows it, or two who say it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.reading import head
from apps.core import clock, health
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.sync import recovery
from apps.sync.models import Setback, SetbackClaim
from apps.sync.report import recovery_report
from apps.sync.services import setbacks
from tests.factories import NOON, EnrolledTablet, person, tablet
from tests.integration.sync.test_admin import Desk
from tests.probe import rooms

pytestmark = pytest.mark.django_db(transaction=True)
BEYOND = "999999999999.1"
PAGE, CLAIMS = "/admin/sync/setbackclaim/", 'id="claims"'


@pytest.fixture
def held() -> EnrolledTablet:
    return tablet(person())


def ask(of: EnrolledTablet, *, seen: str = "", checkpoint: str = "", trip: bool = False) -> Any:
    """A pull, or the one round trip, of one collection; its body."""
    headers = of.headers | ({"Sync-Seen": seen} if seen else {})
    if trip:
        body = {"pull": {"notes": checkpoint or None, "pages": None}}
        answer = Client().post("/api/v1/sync", body, "application/json", headers=headers)
        return answer.json()["pull"]["notes"]
    query = {"checkpoint": checkpoint} if checkpoint else {}
    return Client().get("/api/v1/sync/notes/pull", query, headers=headers).json()


def refused(answer: Any) -> bool:
    return bool(answer.get("code") == "another-history")


def is_ready() -> bool:
    return bool(health.checks()["history"])


def lose_the_last_commit() -> None:
    """The commits from here on are others than those that tablets have seen."""
    with connection.cursor() as cursor:
        cursor.execute("alter table feed_commit disable trigger user")
        cursor.execute("update feed_commit set nonce = nonce + 1 where seq = %s", [head().seq])
        cursor.execute("alter table feed_commit enable trigger user")


def responder(of: EnrolledTablet) -> User:
    user: User = of.tablet.sign_ins.get(ended_at=None).user
    return user


@pytest.mark.parametrize("trip", [False, True])
def test_a_word_of_one_tablet_alarms_nobody_but_its_supervisors(
    held: EnrolledTablet, caplog: pytest.LogCaptureFixture, trip: bool
) -> None:
    for _ in range(3):
        assert refused(ask(held, seen=BEYOND, trip=trip))
    assert is_ready()
    assert not Setback.objects.exists()
    claim = SetbackClaim.objects.get()
    assert (claim.tablet, claim.instance, claim.proven) == (held.tablet, held.instance, False)
    assert claim.seen_seq > claim.head_seq
    [told] = [one for one in caplog.records if "seen a later commit" in one.getMessage()]
    assert told.levelname == "WARNING"
    assert held.tablet.label in " ".join(recovery_report())
    other = tablet(person())
    assert not refused(ask(other))


def test_the_words_of_two_tablets_do(held: EnrolledTablet) -> None:
    ask(held, seen=BEYOND)
    ask(tablet(person()), seen=BEYOND)
    assert not is_ready()
    assert Setback.objects.get().seen_seq == 999999999999


def test_two_local_databases_of_one_tablet_are_one(held: EnrolledTablet) -> None:
    ask(held, seen=BEYOND)
    accounts.register_local_database(tablet=held.tablet, instance=(other := uuid7()), now=NOON)
    assert refused(ask(EnrolledTablet(held.tablet, held.token, other), seen=BEYOND))
    assert is_ready()


@pytest.mark.parametrize("trip", [False, True])
def test_a_checkpoint_that_was_signed_here_is_shown_by_one(
    held: EnrolledTablet, trip: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rooms.note("x", to=responder(held))
    checkpoint = ask(held)["checkpoint"]["c"]
    lose_the_last_commit()
    for _ in range(2):
        assert refused(ask(held, checkpoint=checkpoint, trip=trip))
    assert not is_ready()
    assert SetbackClaim.objects.get().proven
    assert [one.levelname for one in caplog.records if "put back in time" in one.getMessage()] == [
        "ERROR"
    ]


@pytest.mark.parametrize("state", ["signed out", "lost"])
def test_whoever_is_served_nothing_is_not_heard(held: EnrolledTablet, state: str) -> None:
    if state == "lost":
        accounts.mark_lost(tablet=held.tablet, by=SYSTEM, now=NOON)
    else:
        accounts.sign_out(tablet=held.tablet, by=SYSTEM, now=NOON)
    assert refused(ask(held, seen=BEYOND))
    assert not SetbackClaim.objects.exists()


def test_a_checkpoint_of_a_former_history_shows_nothing_of_this_one(held: EnrolledTablet) -> None:
    rooms.note("x", to=responder(held))
    checkpoint = ask(held)["checkpoint"]["c"]
    lose_the_last_commit()
    history = recovery.begin(actor=SYSTEM, now=clock.now())
    assert history is not None
    followed = {**held.headers, "Sync-Followed": str(history.epoch)}
    for name in recovery._pushable():
        assert Client().get(f"/api/v1/sync/{name}/pull", headers=followed).status_code == 200
    answer = Client().get("/api/v1/sync/notes/pull", {"checkpoint": checkpoint}, headers=followed)
    assert answer.status_code == 409
    assert is_ready()
    assert not SetbackClaim.objects.get().proven


class TestDismissing:
    def test_a_word_counts_no_more_and_stays_on_record(self, held: EnrolledTablet) -> None:
        ask(held, seen=BEYOND)
        desk = Desk(person(Role.SUPERVISOR, of=held.tablet.team))
        claim = SetbackClaim.objects.get()
        assert CLAIMS in desk.read("", base="/admin/")
        assert held.tablet.label in desk.read("setbackclaim/")
        for _ in range(2):
            desk.act("setbackclaim/", "dismiss", claim)
        claim.refresh_from_db()
        assert claim.dismissed_by == desk.user
        entry = Entry.objects.get(action="dismiss")
        assert (entry.subject_type, entry.reason) == ("setback_claim", "I have asked them.")
        assert refused(ask(held, seen=BEYOND))
        ask(tablet(person()), seen=BEYOND)
        assert is_ready()
        assert CLAIMS not in desk.read("", base="/admin/")

    def test_of_two_words_takes_the_alarm_back(self, held: EnrolledTablet) -> None:
        ask(held, seen=BEYOND)
        ask(tablet(person()), seen=BEYOND)
        assert not is_ready()
        claim = SetbackClaim.objects.get(tablet=held.tablet)
        setbacks.dismiss(claim=claim, by=person(Role.ADMINISTRATOR), now=clock.now())
        assert is_ready()
        assert refused(ask(held, seen=BEYOND))
        assert is_ready()

    def test_is_not_for_what_was_shown(self, held: EnrolledTablet) -> None:
        rooms.note("x", to=responder(held))
        checkpoint = ask(held)["checkpoint"]["c"]
        lose_the_last_commit()
        ask(held, checkpoint=checkpoint)
        with pytest.raises(ProblemError, match="new_history"):
            setbacks.dismiss(
                claim=SetbackClaim.objects.get(), by=person(Role.ADMINISTRATOR), now=clock.now()
            )
        assert not is_ready()

    def test_is_for_the_tablets_own_supervisors(self, held: EnrolledTablet) -> None:
        ask(held, seen=BEYOND)
        [claim] = SetbackClaim.objects.all()
        for user, status in (
            (person(Role.SUPERVISOR), 302),  # of another team: there is no such row
            (person(Role.DISPATCHER), 403),
            (person(Role.ADMINISTRATOR), 200),
        ):
            answer = Desk(user).client.get(f"{PAGE}{claim.pk}/change/")
            assert answer.status_code == status, user.role
