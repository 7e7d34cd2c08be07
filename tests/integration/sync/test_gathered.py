"""Pushes that arrive together: one commit, and nobody suffers from anybody else."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client

from apps.accounts import services as accounts
from apps.accounts.models import Tablet
from apps.audit.services import SYSTEM
from apps.changes.models import Commit
from apps.core.ids import uuid7
from apps.sync.gathered import PUSHES, ROWS_TOGETHER
from apps.sync.models import Comeback, QuarantinedWrite, Version
from tests.factories import NOON, EnrolledTablet, person, tablet, team
from tests.integration.sync.conftest import Pages, request_of

pytestmark = pytest.mark.django_db(transaction=True)
Pair = tuple[Pages, Pages]


@pytest.fixture
def crowd(client: Client) -> list[Pages]:
    """Tablets of one team, each with its responder."""
    ours = team()
    return [Pages(client, tablet(person(of=ours), of=ours)) for _ in range(4)]


@pytest.fixture
def way(client: Client) -> Client:
    """Each test says itself which way."""
    return client


def new(of: Pages, **fields: Any) -> list[dict[str, Any]]:
    return [of.row(uuid7(), **{"text": "typed", **fields})]


def together(*pushes: tuple[Pages | EnrolledTablet, Any]) -> list[HttpResponse | None]:
    asked = [(one.of if isinstance(one, Pages) else one, rows) for one, rows in pushes]
    return PUSHES.answer([request_of(of, rows) for of, rows in asked])


def test_pushes_that_arrive_together_are_one_commit(crowd: list[Pages]) -> None:
    before = Commit.objects.count()
    answers = together(*((one, new(one) + new(one)) for one in crowd))
    assert [answer and answer.content for answer in answers] == [b"[]"] * len(crowd)
    assert Commit.objects.count() == before + 1
    assert all(len(one.pull()) == 2 for one in crowd)
    assert Version.objects.values("author").distinct().count() == len(crowd)


def test_the_answer_is_that_of_the_ordinary_way(crowd: list[Pages]) -> None:
    here = crowd[0]
    rows = new(here, title="change")
    alone = here.client.post(
        "/api/v1/sync/pages/push", rows, "application/json", headers=here.of.headers
    )
    [answer] = together((here, new(here, title="change")))
    assert answer is not None
    varies = {"Sync-Head", "Content-Length", "Allow", "Vary"}  # the last two are the framework's
    assert set(answer.headers) - varies == set(alone.headers) - varies
    for name in set(answer.headers) - varies:
        assert answer.headers[name] == alone.headers[name]
    assert len(answer.content) == len(alone.content)
    assert int(answer.headers["Sync-Head"].split(".")[0]) == Commit.objects.latest("seq").seq


def test_one_bad_row_holds_up_nobody(crowd: list[Pages]) -> None:
    """Nothing of its transaction stands; alone, all but that one are taken."""
    pushes = [new(one) for one in crowd[:3]] + [new(crowd[3], title="refuse")]
    assert together(*zip(crowd, pushes, strict=True)) == [None] * 4
    assert not Version.objects.exists()
    verdicts = [one.push(*rows) for one, rows in zip(crowd, pushes, strict=True)]
    assert verdicts[:3] == [[], [], []]
    assert verdicts[3][0]["sync_status"] == "quarantined"
    assert QuarantinedWrite.objects.count() == 1


def test_what_ails_one_request_does_not_reach_the_others(crowd: list[Pages]) -> None:
    well, *ill = crowd
    signed_out, retired, coming_back = ill
    accounts.sign_out(tablet=signed_out.of.tablet, by=SYSTEM, now=NOON)
    accounts.retire_tablet(tablet=retired.of.tablet, by=SYSTEM, now=NOON)
    with connection.cursor() as cursor:
        cursor.execute("select id from feed_epoch")
        [epoch] = cursor.fetchone()
    Comeback.objects.create(
        epoch=epoch,
        instance=coming_back.of.instance,
        tablet=coming_back.of.tablet,
        pending=["pages"],
    )
    revoked = tablet(person())
    revoked.tablet.tokens.update(revoked_at=NOON)
    stranger = replace(tablet(person()), instance=well.of.instance)  # another's local database
    answers = together(
        *((one, new(one)) for one in crowd),
        (revoked, new(well)),
        (stranger, new(well)),
        (well, {"no": "list"}),
        (well, [{"newDocumentState": {"id": "no uuid"}}]),
        (well, new(well, author_id=str(uuid7()))),
        (well, new(well, _deleted=True)),
        (well, new(well, sync_status="quarantined")),
    )
    assert answers[0] is not None
    assert answers[1:] == [None] * (len(answers) - 1)
    assert Version.objects.count() == 1


def test_two_versions_of_one_document_are_judged_one_after_the_other(pair: Pair) -> None:
    mine, theirs = pair
    id = mine.new(title="t", text="x")
    theirs.pull()
    before = Commit.objects.count()
    answers = together((mine, [mine.row(id, title="mine")]), (theirs, [theirs.row(id, number=7)]))
    assert [answer is None for answer in answers] == [False, False]
    assert Commit.objects.count() == before + 2
    found = mine.pull()[id]
    assert (found["title"], found["number"]) == ("mine", 7)


def test_a_transaction_has_an_end(crowd: list[Pages]) -> None:
    before = Commit.objects.count()
    rows = [[row for _ in range(100) for row in new(one)] for one in crowd]
    answers = together(*zip(crowd, rows, strict=True))
    assert None not in answers
    assert Commit.objects.count() == before + 2
    long_enough = [row for _ in range(ROWS_TOGETHER + 1) for row in new(crowd[0])]
    assert together((crowd[0], long_enough)) == [None]


def test_a_document_that_was_written_without_its_lock_is_noticed(crowd: list[Pages]) -> None:
    assert together((crowd[0], new(crowd[0], title="overtaken"))) == [None]
    assert not Version.objects.exists()


def test_copies_that_arrive_at_once_are_taken_once(pair: Pair) -> None:
    mine, _ = pair
    rows = new(mine)
    gate, answers = threading.Barrier(3), []

    def send() -> None:
        gate.wait(60)
        answers.extend(together((mine, rows), (mine, rows)))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [answer and answer.content for answer in answers] == [b"[]"] * 6
    assert Version.objects.count() == 1


def test_contact_is_noted_for_all_and_waits_for_nobody(crowd: list[Pages]) -> None:
    busy = crowd[0].of.tablet
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Tablet.objects.select_for_update(no_key=True).get(pk=busy.pk)
                held.set()
                done.wait(60)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(60)
    try:
        answers = together(*((one, new(one)) for one in crowd))
    finally:
        done.set()
        holder.join()
    assert None not in answers
    seen = dict(Tablet.objects.values_list("pk", "last_seen_at"))
    assert [seen[one.of.tablet.pk] is None for one in crowd] == [True, False, False, False]
