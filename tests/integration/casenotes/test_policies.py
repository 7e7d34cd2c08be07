"""What notes are judged by: a new version counts from its day, what was judged before stays, and
what nobody has confirmed says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jsonschema
import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.casenotes import schemas
from apps.casenotes.documents import why_reviewed
from apps.casenotes.models import NotePolicy, Review, ReviewState
from apps.casenotes.services.policies import (
    confirm_policy,
    load_policies,
    new_version,
    save_policy,
)
from apps.changes.models import Change
from apps.changes.services import EVERYONE_SCOPE, Document, publish
from apps.core import clock
from apps.core.clock import iso
from apps.core.problems import ProblemError
from apps.dispatch.codelists import CodeList
from apps.dispatch.referencekinds import REFERENCE
from apps.dispatch.services import load_reference
from tests.factories import person
from tests.integration.assignments.conftest import shown
from tests.integration.casenotes.conftest import (
    MET,
    NOON,
    Crew,
    World,
    after,
    note_on,
    on_a_call,
)
from tests.integration.firstaid.conftest import reference
from tests.policies import Definition, child_report, sampling

pytestmark = pytest.mark.django_db

PAGES = "/admin/casenotes/notepolicy/"
DAY = timedelta(days=1)
# Two days after now, when the next version takes effect.
TURN = NOON + 2 * DAY
REPORT = {
    "about": "child",
    "observed": "Bruises on both arms.",
    "reported_to": ["dcyf"],
    "report_number": "26-114",
}
HIGH: dict[str, Any] = {
    **MET,
    "screen": {"q1": "yes", "q2": "yes", "q3": "no", "q4": "yes", "q5": "no", "q6": "no"},
}


@pytest.fixture
def by(world: World) -> User:
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def first(db: None) -> NotePolicy:
    """The one that comes with the product, with nobody new and nothing drawn by it."""
    load_policies(by=SYSTEM, now=NOON)
    row = NotePolicy.objects.get()
    row.definition = sampling(0)(row.definition)
    row.save()
    return row


@pytest.fixture(autouse=True)
def _long_in_service(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: after(60))  # of whoever is at a desk
    User.objects.update(created_at=after(-400 * 86_400))


def next_version(
    first: NotePolicy, by: User, change: Callable[[Definition], Definition], *, at: datetime = TURN
) -> NotePolicy:
    """A version that says otherwise from a day on, made as an administrator makes it."""
    row = new_version(of=first, by=by, now=NOON)
    row.version, row.effective_from, row.definition = "second", at, change(row.definition)
    return save_policy(policy=row, by=by, now=NOON)


def act_by(*interventions: str) -> Callable[[Definition], Definition]:
    """At high risk one of these is asked for."""

    def changed(told: Definition) -> Definition:
        acts = [
            {**act, "done_by": list(interventions)} if act["risk"] == "high" else act
            for act in told["acts"]
        ]
        return {**told, "acts": acts}

    return changed


def refused(what: Callable[[], Any]) -> dict[str, str]:
    with pytest.raises(ProblemError) as told:
        what()
    return {one.pointer: one.detail for one in told.value.errors} or {"": told.value.text}


def signed(crew: Crew, *, now: datetime, **fields: Any) -> Review | None:
    """The review that the signed note of a crew's call has; None: nobody looks at it."""
    crew.first.write(crew.call, now=now, **(fields or {"outcome": "cancelled"}))
    assert crew.first.sign(crew.call, now=now) == []
    return Review.objects.filter(note=note_on(crew.call)).first()


def desk(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def read(reader: Client, page: str) -> str:
    answer = reader.get(f"{PAGES}{page}")
    assert answer.status_code == 200
    return str(answer.content.decode())


class TestANewVersion:
    def test_draws_its_share_from_its_day_on_and_not_before(
        self, world: World, crew: Crew, first: NotePolicy, by: User
    ) -> None:
        second = next_version(first, by, sampling(100))
        assert signed(crew, now=TURN - timedelta(seconds=1)) is None
        review = signed(on_a_call(world), now=TURN)
        assert review is not None
        assert (review.reasons, review.policy) == (["sample"], second)

    def test_takes_nothing_from_what_was_judged_before_it(
        self, world: World, crew: Crew, first: NotePolicy, by: User
    ) -> None:
        """The review, its reason in words, and what settles it are the former's."""

        def without_rules(told: Definition) -> Definition:
            return {**told, "rules": []}

        next_version(first, by, without_rules)
        acted = {**HIGH, "interventions": ["stayed"]}
        review = signed(crew, now=NOON, **acted)
        assert review is not None
        later = TURN + DAY
        assert signed(on_a_call(world), now=later, **acted) is None
        named = note_on(crew.call).signed_hash
        assert crew.second.sign(crew.call, named=named, now=after(3600)) == []
        review.refresh_from_db()
        assert review.state == ReviewState.ACCEPTED
        assert (review.policy, why_reviewed(review)) == (first, "High risk of suicide")

    def test_changes_a_deadline_that_begins_after_it_and_none_that_runs(
        self, world: World, crew: Crew, first: NotePolicy, by: User
    ) -> None:
        next_version(first, by, child_report(24))
        before, after_it = TURN - timedelta(hours=1), TURN + timedelta(hours=1)
        for call, known_at, hours in ((crew, before, 48), (on_a_call(world), after_it, 24)):
            report = {**REPORT, "known_at": iso(known_at)}
            # Both are written, and shown, when the second version is in force.
            call.first.write(call.call, now=TURN + DAY, **MET, mandated_report=report)
            [deadline] = note_of(world, call)["deadlines"]
            assert deadline["code"] == "child_report"
            assert deadline["due_at"] == iso(known_at + timedelta(hours=hours))

    def test_asks_a_draft_for_its_act_and_no_signed_note(
        self, world: World, crew: Crew, first: NotePolicy, by: User
    ) -> None:
        next_version(first, by, act_by("dcr_requested"))
        stayed = {**HIGH, "interventions": ["stayed"]}
        assert signed(crew, now=NOON, **stayed) is not None
        crew.first.add(crew.call, "She called back.", now=TURN + DAY)
        told = note_of(world, crew)
        assert (len(told["addenda"]), told["completeness"]["missing"]) == (1, []), (
            "it is shown anew"
        )

        other = on_a_call(world)
        other.first.write(other.call, now=TURN, **stayed)
        assert note_of(world, other)["completeness"]["missing"] == ["required_act"]
        assert other.first.sign(other.call, now=TURN) != [], "it is refused"
        assert note_on(other.call).state == "draft"

    def test_that_ends_gives_back_to_the_former(
        self, world: World, crew: Crew, first: NotePolicy, by: User
    ) -> None:
        second = next_version(first, by, sampling(100))
        second.effective_to = TURN + DAY
        save_policy(policy=second, by=by, now=NOON)
        assert signed(crew, now=TURN + DAY - timedelta(seconds=1)) is not None
        assert signed(on_a_call(world), now=TURN + DAY) is None


def note_of(world: World, crew: Crew) -> dict[str, Any]:
    """The note of a call as a tablet of its crew holds it."""
    world.commit()
    return shown(world.ours.tablets[0], "case_notes")[note_on(crew.call).pk]


class TestAPreview:
    def test_tells_what_a_version_would_have_had_looked_at_and_writes_nothing(
        self, world: World, crew: Crew, first: NotePolicy, by: User
    ) -> None:
        assert signed(crew, now=NOON, **{**HIGH, "interventions": ["stayed"]}) is not None
        assert signed(on_a_call(world), now=NOON) is None
        draft = next_version(first, by, sampling(100))
        reader = desk(world.supervisor)
        assert "on the last month" in read(reader, "")
        text = read(reader, f"{draft.pk}/preview/")
        assert "the 2 notes of your team" in text
        assert "<strong>2</strong> of them would have been looked at, instead of <strong>1<" in text
        assert "<td>sample</td><td><strong>2</strong></td><td>0</td>" in text
        assert "<td>high_risk</td><td>1</td><td>1</td>" in text
        assert Review.objects.count() == 1
        looked = Entry.objects.get(action="dry-run")
        assert (looked.subject_type, len(looked.subject_ids)) == ("case_note", 2)

    def test_is_of_the_notes_that_its_reader_may_see(
        self, world: World, crew: Crew, first: NotePolicy, by: User
    ) -> None:
        assert signed(crew, now=NOON) is None
        assert "the 0 notes" in read(desk(person(Role.SUPERVISOR)), f"{first.pk}/preview/")
        administrator = desk(by)
        assert "on the last month" not in read(administrator, "")
        assert administrator.get(f"{PAGES}{first.pk}/preview/").status_code == 403


class TestConfirming:
    def test_ends_that_tablets_say_it_is_to_be_confirmed(self, world: World, by: User) -> None:
        load_reference(by=SYSTEM, now=NOON)
        world.commit()
        [told] = reference("note_policy").values()
        jsonschema.validate(told, {"type": "object", "properties": schemas.POLICY})
        assert told["confirmed_at"] is None
        assert {one["to_confirm"] for one in told["acts"]} == {
            "to be confirmed by the medical director"
        }
        assert {one["to_confirm"] for one in told["intervals"]} == {"to be confirmed by counsel"}
        assert all("agency" in one["to_confirm"] for one in told["rules"])

        policy, words = NotePolicy.objects.get(), "Dr. Lee and the City Attorney, memo of 03-01."
        confirm_policy(policy=policy, confirmation=words, by=by, now=after(60))
        world.commit()
        [told] = reference("note_policy").values()
        jsonschema.validate(told, {"type": "object", "properties": schemas.POLICY})
        assert (told["confirmed_at"], told["confirmation"]) == (iso(after(60)), words)
        for part in ("rules", "intervals", "acts"):
            assert {one["to_confirm"] for one in told[part]} == {None}
        policy.refresh_from_db()
        assert (policy.confirmed_by, policy.confirmed_at) == (by, after(60))
        entry = Entry.objects.get(subject_type="note_policy", action="confirm")
        assert (entry.actor_id, entry.subject_ids) == (by.pk, [policy.pk])

    def test_is_done_once_and_says_whose_word_it_is(self, first: NotePolicy, by: User) -> None:

        def confirmed(words: str) -> NotePolicy:
            return confirm_policy(policy=first, confirmation=words, by=by, now=NOON)

        assert "/confirmation" in refused(lambda: confirmed(" "))
        confirmed("Dr. Lee")
        assert refused(lambda: confirmed("Somebody else")) == {"": "It was confirmed before."}

    def test_holds_for_what_was_confirmed(self, first: NotePolicy, by: User) -> None:
        """A draft that says something else is to be confirmed again; a day more or less of its end
        is not what was read."""
        draft = next_version(first, by, sampling(10))
        confirmed = confirm_policy(policy=draft, confirmation="Dr. Lee", by=by, now=NOON)
        confirmed.effective_to = TURN + 9 * DAY
        save_policy(policy=confirmed, by=by, now=NOON)
        draft.refresh_from_db()
        assert draft.confirmation == "Dr. Lee"
        draft.definition = sampling(20)(draft.definition)
        save_policy(policy=draft, by=by, now=NOON)
        draft.refresh_from_db()
        assert (draft.confirmed_by, draft.confirmed_at, draft.confirmation) == (None, None, "")

    def test_is_of_one_version_alone(self, first: NotePolicy, by: User) -> None:
        confirm_policy(policy=first, confirmation="Dr. Lee", by=by, now=NOON)
        first.refresh_from_db()
        assert new_version(of=first, by=by, now=NOON).confirmed_at is None


class TestAVersion:
    def test_in_force_keeps_its_text(self, first: NotePolicy, by: User) -> None:
        first.definition = sampling(1)(first.definition)
        told = refused(lambda: save_policy(policy=first, by=by, now=NOON))
        assert "Make a new version" in told[""]

    def test_says_what_is_wrong_with_it_all_at_once(self, first: NotePolicy, by: User) -> None:
        row = new_version(of=first, by=by, now=NOON)
        row.citation, row.definition = " ", {"rules": [{}], "intervals": [], "acts": []}
        row.effective_to = row.effective_from - DAY
        told = refused(lambda: save_policy(policy=row, by=by, now=NOON))
        assert {"/citation", "/effective_to", "/definition/rules/0/code"} <= told.keys()

    def test_is_not_ended_before_another_one_holds(self, first: NotePolicy, by: User) -> None:
        first.effective_to = TURN
        told = refused(lambda: save_policy(policy=first, by=by, now=NOON))
        assert "Nothing would hold from" in told["/effective_to"]
        second = next_version(first, by, sampling(1))
        save_policy(policy=first, by=by, now=NOON)
        second.effective_from = TURN + DAY
        assert "/effective_to" in refused(lambda: save_policy(policy=second, by=by, now=NOON))

    def test_that_comes_with_the_product_is_loaded_once(self, first: NotePolicy) -> None:
        before = first.definition
        assert load_policies(by=SYSTEM, now=NOON) == 0
        first.refresh_from_db()
        assert first.definition == before, "what is here stays as the agency has it"


def test_tablets_drop_the_lists_that_told_it_before(world: World) -> None:
    """Nothing on them says for ever that it waits for counsel."""
    old = CodeList("note_legal_intervals", "", lambda: [{"code": "child_report"}])
    everyone = frozenset({EVERYONE_SCOPE})
    publish(documents=[Document(REFERENCE, old.id, everyone, old.body())], now=NOON)
    world.commit()
    assert old.name in {one["name"] for one in reference("code_list").values()}
    load_reference(by=SYSTEM, now=NOON)
    world.commit()
    names = {one["name"] for one in reference("code_list").values()}
    assert "note_screen" in names
    assert old.name not in names
    changes = Change.objects.count()
    load_reference(by=SYSTEM, now=NOON)
    world.commit()
    assert Change.objects.count() == changes


def test_without_any_that_was_loaded_the_one_of_the_product_counts(crew: Crew) -> None:
    assert not NotePolicy.objects.exists()
    review = signed(crew, now=NOON, **{**HIGH, "interventions": ["stayed"]})
    assert review is not None
    assert (review.policy, "High risk of suicide" in why_reviewed(review)) == (None, True)


def test_the_database_refuses_impossible_states(first: NotePolicy, by: User) -> None:
    for impossible in (
        {"effective_to": first.effective_from},
        {"confirmed_at": NOON},
        {"confirmed_by": by, "confirmed_at": NOON},
        {"confirmation": "Somebody"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            NotePolicy.objects.filter(pk=first.pk).update(**impossible)
