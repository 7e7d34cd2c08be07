"""A supervisor's look at a signed note."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from apps.accounts.models import Role, User
from apps.assignments.services import let_cleared_go
from apps.casenotes import services
from apps.casenotes.content import content_hash
from apps.casenotes.models import CaseNote, Review, ReviewState
from apps.core.problems import ProblemError
from tests.factories import person
from tests.integration.assignments.conftest import dropped, shown
from tests.integration.casenotes.conftest import MET, Crew, World, after, note_on, place
from tests.policies import drawn, in_force, sampling

Application = Callable[[], AbstractContextManager[None]]

HIGH: dict[str, Any] = {
    **MET,
    "screen": {"q1": "yes", "q2": "yes", "q3": "no", "q4": "yes", "q5": "no", "q6": "no"},
    "interventions": ["basic_needs", "dcr_requested", "stayed"],
}


@pytest.fixture(autouse=True)
def _no_sample(db: None) -> None:
    drawn(0)


@pytest.fixture(autouse=True)
def _long_in_service(crew: Crew) -> None:
    """Nobody is new."""
    User.objects.update(created_at=after(-400 * 86_400))


@pytest.fixture
def waiting(world: World, crew: Crew) -> Review:
    """The review of a note that is high risk."""
    crew.met(world)
    crew.first.write(crew.call, **HIGH)
    assert crew.first.sign(crew.call) == []
    return Review.objects.get()


class TestTheQueue:
    def test_holds_what_a_rule_asks_for(self, world: World, waiting: Review) -> None:
        assert waiting.state == ReviewState.WAITING
        assert "high_risk" in waiting.reasons
        assert list(Review.objects.visible_to(world.supervisor).waiting()) == [waiting]
        assert not Review.objects.visible_to(person(Role.SUPERVISOR)).exists()
        assert not Review.objects.visible_to(world.dispatcher).exists()

    def test_holds_nothing_where_no_rule_does(self, world: World, crew: Crew) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.first.sign(crew.call)
        assert not Review.objects.exists()

    def test_holds_what_the_sample_draws(self, crew: Crew) -> None:
        in_force(sampling(100), since=after(-60))
        crew.first.write(crew.call, outcome="cancelled")
        crew.first.sign(crew.call)
        assert Review.objects.get().reasons == ["sample"]

    def test_is_left_by_a_second_signature_where_that_is_all_that_is_asked_for(
        self, crew: Crew, waiting: Review
    ) -> None:
        Review.objects.filter(pk=waiting.pk).get()
        named = note_on(crew.call).signed_hash
        assert crew.first.sign(crew.call, named=named) == []
        waiting.refresh_from_db()
        assert waiting.state == ReviewState.WAITING, "nobody co-signs their own"
        assert crew.second.sign(crew.call, named=named, now=after(60)) == []
        waiting.refresh_from_db()
        assert (waiting.state, waiting.reviewer) == (ReviewState.ACCEPTED, crew.second.user)


class TestADecision:
    def test_accepts(self, world: World, crew: Crew, waiting: Review) -> None:
        services.accept(review=waiting, by=world.supervisor, now=after(99))
        world.commit()
        [told] = shown(world.ours.tablets[0], "case_notes")[note_on(crew.call).pk]["reviews"]
        assert (told["state"], told["reviewer"]) == ("accepted", world.supervisor.display_name)
        assert not Review.objects.waiting().exists()

    def test_returns_with_a_comment_that_reaches_the_authors_after_the_call(
        self, world: World, crew: Crew, waiting: Review
    ) -> None:
        crew.cleared(world, now=after(60))
        let_cleared_go(now=after(10_000))
        world.commit()
        note, tablet = note_on(crew.call).pk, world.ours.tablets[0]
        assert note in dropped(tablet, "case_notes")
        comment = "Who was told of the plan?"
        services.give_back(review=waiting, by=world.supervisor, comment=comment, now=after(10_060))
        world.commit()
        [told] = shown(tablet, "case_notes")[note]["reviews"]
        assert (told["state"], told["comment"]) == ("returned", comment)
        assert place(crew.call)[0] in shown(tablet, "encounters")
        assert note in dropped(world.ours.tablets[1], "case_notes"), "who wrote nothing owes none"

    def test_that_returned_it_is_answered_with_an_addendum(
        self, world: World, crew: Crew, waiting: Review
    ) -> None:
        services.give_back(review=waiting, by=world.supervisor, comment="Who?", now=after(60))
        assert crew.first.add(crew.call, "The DCR.", now=after(90)) == []
        [again] = Review.objects.waiting()
        assert (again.reasons, again.asked_at) == (waiting.reasons, after(90))
        services.accept(review=again, by=world.supervisor, now=after(99))
        assert note_on(crew.call).signatures.count() == 1

    def test_that_is_answered_leaves_nothing_of_the_call_with_its_authors(
        self, world: World, crew: Crew, waiting: Review
    ) -> None:
        crew.cleared(world, now=after(60))
        let_cleared_go(now=after(10_000))
        services.give_back(review=waiting, by=world.supervisor, comment="Who?", now=after(10_060))
        world.commit()
        tablet, encounter = world.ours.tablets[0], place(crew.call)[0]
        assert encounter in shown(tablet, "encounters")
        assert crew.first.add(crew.call, "The DCR.", now=after(10_090))[0]["_deleted"]
        assert encounter in dropped(tablet, "encounters")

    def test_that_waits_for_an_answer_keeps_the_encounter_whatever_else_is_signed(
        self, world: World, crew: Crew, waiting: Review
    ) -> None:
        crew.second.write(crew.call, ordinal=2, **MET)
        crew.cleared(world, now=after(60))
        let_cleared_go(now=after(10_000))
        services.give_back(review=waiting, by=world.supervisor, comment="Who?", now=after(10_060))
        other = place(crew.call, 2)[1]
        named = content_hash(crew.second.believed[other])
        crew.second.tell("note_signature", note_id=other, content_hash=named, now=after(10_090))
        assert CaseNote.objects.get(pk=other).signed_hash == named
        assert place(crew.call)[0] in shown(world.ours.tablets[0], "encounters")

    def test_needs_a_comment_to_return(self, world: World, waiting: Review) -> None:
        with pytest.raises(ProblemError) as raised:
            services.give_back(review=waiting, by=world.supervisor, comment=" ", now=after(60))
        assert raised.value.status_code == 400

    def test_stands(self, world: World, waiting: Review) -> None:
        services.accept(review=waiting, by=world.supervisor, now=after(60))
        again = services.accept(review=waiting, by=world.supervisor, now=after(61))
        assert again.decided_at == after(60)
        with pytest.raises(ProblemError) as raised:
            services.give_back(review=waiting, by=world.supervisor, comment="No.", now=after(62))
        assert raised.value.status_code == 409

    def test_is_not_for_whoever_wrote_it(self, crew: Crew, waiting: Review) -> None:
        with pytest.raises(ProblemError) as raised:
            services.accept(review=waiting, by=crew.first.user, now=after(60))
        assert raised.value.status_code == 403

    def test_is_not_for_another_team(self, waiting: Review) -> None:
        with pytest.raises(ProblemError) as raised:
            services.accept(review=waiting, by=person(Role.SUPERVISOR), now=after(60))
        assert raised.value.status_code == 403


# What SQL can try once a reviewer has decided.
_UNDO = (
    """update casenotes_review
    set state = 'waiting', reviewer_id = null, decided_at = null, comment = null""",
    "update casenotes_review set state = 'returned'",
    "update casenotes_review set reviewer_id = (select signed_by_id from casenotes_casenote)",
    "update casenotes_review set decided_at = now()",
    "update casenotes_review set comment = 'x'",
    "update casenotes_review set reasons = 'x'",
    "update casenotes_review set asked_at = now()",
    "delete from casenotes_review",
)


@pytest.mark.parametrize("statement", _UNDO)
def test_what_a_reviewer_decided_stands(
    world: World, waiting: Review, application_role: Application, statement: str
) -> None:
    services.accept(review=waiting, by=world.supervisor, comment="Good.", now=after(60))
    with pytest.raises(ProgrammingError), application_role(), connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reviewer) == (ReviewState.ACCEPTED, world.supervisor)
    assert (waiting.decided_at, waiting.comment) == (after(60), "Good.")


def test_a_review_that_waits_goes_from_the_queue_by_a_decision_alone(
    waiting: Review, application_role: Application
) -> None:
    for statement in (
        "delete from casenotes_review",
        "update casenotes_review set reasons = 'x'",
        "update casenotes_review set asked_at = now()",
    ):
        with pytest.raises(ProgrammingError), application_role(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_database_refuses_impossible_states(waiting: Review) -> None:
    for impossible in (
        {"state": "lost"},
        {"state": "accepted"},
        {"decided_at": after(1)},
        {"reviewer": waiting.note.signed_by},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Review.objects.filter(pk=waiting.pk).update(**impossible)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(note=waiting.note, asked_at=after(1), reasons=[])
