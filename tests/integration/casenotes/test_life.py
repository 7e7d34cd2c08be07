"""A note's life: draft, signed, locked; who sees it meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Role
from apps.assignments.services import let_cleared_go, reassign
from apps.casenotes import services
from apps.casenotes.content import content_hash
from apps.casenotes.models import NoteState, Signature
from apps.casenotes.services import early
from apps.core.ids import uuid7
from apps.people.models import Person
from apps.people.services import merge_persons
from tests.factories import NOON, person, team
from tests.factories import tablet as enrolled
from tests.integration.assignments.conftest import dropped, shown
from tests.integration.casenotes.conftest import (
    MET,
    Crew,
    World,
    Writer,
    after,
    note_on,
    place,
)


class TestADraft:
    def test_is_on_both_tablets_of_the_unit_with_what_is_left(
        self, world: World, crew: Crew
    ) -> None:
        assert crew.first.write(crew.call, narrative="Asleep.", outcome="contact_made") == []
        row = note_on(crew.call)
        assert row.state == NoteState.DRAFT
        for tablet in world.ours.tablets:
            document = shown(tablet, "case_notes")[row.pk]
            assert document["narrative"] == "Asleep."
            assert document["state"] == "draft"
            assert "narrative" not in document["completeness"]["missing"]
            assert "screen" in document["completeness"]["missing"]
        assert (row.asked, row.missing) == (6, 4)
        assert shown(world.theirs.tablets[0], "case_notes") == {}

    def test_says_who_wrote_which_part(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, narrative="Asleep.", screen={"q1": "no"})
        seen = shown(world.ours.tablets[1], "case_notes")[note_on(crew.call).pk]
        crew.second.believed[str(seen["id"])] = seen
        crew.second.write(crew.call, screen={"q1": "no", "q2": "yes"}, disposition="18")
        document = shown(world.ours.tablets[0], "case_notes")[note_on(crew.call).pk]
        assert [(one["name"], one["parts"]) for one in document["authors"]] == [
            (crew.first.user.display_name, ["narrative", "screen.q1"]),
            (crew.second.user.display_name, ["screen.q2", "disposition"]),
        ]

    def test_two_who_write_apart_are_put_together_and_both_are_named(
        self, world: World, crew: Crew
    ) -> None:
        crew.first.write(crew.call, narrative="Asleep.")
        crew.second.write(crew.call, disposition="18")  # knows nothing of the first
        document = shown(world.ours.tablets[0], "case_notes")[note_on(crew.call).pk]
        assert (document["narrative"], document["disposition"]) == ("Asleep.", "18")
        assert [one["parts"] for one in document["authors"]] == [["narrative"], ["disposition"]]

    def test_asks_what_a_minor_asks_where_the_person_is_known_to_be_one(
        self, world: World, crew: Crew
    ) -> None:
        person, encounter = str(uuid7()), place(crew.call)[0]
        saved = {"editor": str(crew.first.tablet.instance), "edit_no": 1}
        crew.first.push("persons", {"id": person, "approximate_age": 16, **saved})
        met = {"assignment_id": str(crew.call.pk), "ordinal": 1, "person_id": person}
        crew.first.push("encounters", {"id": str(encounter), **met, **saved})
        crew.first.write(crew.call, narrative="Asleep.", outcome="contact_made")

        document = shown(world.ours.tablets[0], "case_notes")[note_on(crew.call).pk]
        assert "minor" in document["completeness"]["missing"]

    @pytest.mark.parametrize("known", ["the one that stays", "the one that is merged"])
    def test_a_minor_is_one_by_whichever_record_says_so(
        self, world: World, crew: Crew, known: str
    ) -> None:
        """The encounter names a record that was merged into another meanwhile."""
        ids, ages = [str(uuid7()), str(uuid7())], [16, None]
        if known == "the one that is merged":
            ages.reverse()
        for number, (id, age) in enumerate(zip(ids, ages, strict=True)):
            saved = {"editor": str(crew.first.tablet.instance), "edit_no": number + 1}
            crew.first.push("persons", {"id": id, "approximate_age": age, **saved})
        root, merged = (Person.objects.get(pk=id) for id in ids)
        merge_persons(person=merged, into=root, by=world.supervisor, now=NOON)
        met = {"assignment_id": str(crew.call.pk), "ordinal": 1, "person_id": ids[1]}
        crew.first.push("encounters", {"id": str(place(crew.call)[0]), **met})
        crew.first.write(crew.call, narrative="Asleep.", outcome="contact_made")

        document = shown(world.ours.tablets[0], "case_notes")[note_on(crew.call).pk]
        assert "minor" in document["completeness"]["missing"]

    def test_of_somebody_who_was_not_there_is_refused(self, crew: Crew) -> None:
        [answer] = crew.stranger.write(crew.call, narrative="I was not there.")
        assert answer["sync_status"] == "quarantined"
        assert len(crew.stranger.refused()) == 1

    def test_of_a_supervisor_is_taken_where_they_oversee_the_call(
        self, world: World, crew: Crew
    ) -> None:
        """They came along, and stand by what they wrote."""
        along = Writer(world, enrolled(world.supervisor))
        stranger = Writer(world, enrolled(person(Role.SUPERVISOR, of=team())))
        assert along.write(crew.call, narrative="Was there.") == []
        stranger.write(crew.call, ordinal=2, narrative="Was not.")

        assert [one.author for one in note_on(crew.call).authors.all()] == [world.supervisor]
        assert [row.errors[0]["pointer"] for row in stranger.refused()] == ["/assignment_id"]

    def test_stays_with_its_encounter(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, narrative="Asleep.")
        other = world.given(number="26000099999", units=[world.status("Dispatched")])
        id = place(crew.call)[1]
        moved = {**crew.first.believed[id], "assignment_id": str(other.pk), "edit_no": 10**6}
        [answer] = crew.first.push("case_notes", moved, base=crew.first.believed[id])
        assert answer["sync_status"] == "quarantined"
        assert note_on(crew.call).assignment_id == crew.call.pk

    def test_names_an_encounter_of_its_assignment(self, crew: Crew) -> None:
        """Nobody writes into somebody else's encounter by naming an assignment of their own."""
        encounter, id = place(crew.call)
        document = {
            "id": id,
            "encounter_id": str(encounter),
            "assignment_id": "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11",
            "narrative": "Not mine.",
            "editor": str(crew.stranger.tablet.instance),
            "edit_no": 1,
        }
        [answer] = crew.stranger.push("case_notes", document)
        assert answer["sync_errors"] == ["/encounter_id: It is no encounter of this assignment."]

    def test_that_comes_before_its_assignment_is_its_authors_and_their_supervisors(
        self, world: World, crew: Crew
    ) -> None:
        unknown = place(crew.call)[0]  # any id that is no assignment's
        assert crew.first.write(unknown, narrative="On view.") == []
        row = note_on(unknown)
        assert row.pk in shown(world.ours.tablets[0], "case_notes")
        assert row.pk not in shown(world.ours.tablets[1], "case_notes")
        assert type(row).objects.visible_to(world.supervisor).filter(pk=row.pk).exists()


class TestSigning:
    def test_ends_the_draft_and_names_what_was_signed(self, world: World, crew: Crew) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        assert crew.first.sign(crew.call, now=after(60)) == []
        row = note_on(crew.call)
        assert (row.state, row.content) == (NoteState.SIGNED, None)
        assert (row.signed_by, row.signed_at) == (crew.first.user, after(60))
        signature = row.signatures.get()
        assert signature.content["narrative"] == MET["narrative"]
        assert signature.content_hash == row.signed_hash == content_hash(signature.content)
        assert signature.authors[0]["name"] == crew.first.user.display_name
        for tablet in world.ours.tablets:
            document = shown(tablet, "case_notes")[row.pk]
            assert document["state"] == "signed"
            assert document["narrative"] == MET["narrative"]
            assert [one["author_name"] for one in document["signatures"]] == [
                crew.first.user.display_name
            ]
            assert shown(tablet, "facts")[signature.pk]["content_hash"] == row.signed_hash

    def test_is_refused_for_another_text_than_the_server_holds(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        seen = shown(world.ours.tablets[1], "case_notes")[note_on(crew.call).pk]
        crew.second.believed[str(seen["id"])] = seen
        crew.second.write(crew.call, narrative="Asleep, then awake.")
        [answer] = crew.first.sign(crew.call)  # what they have on the screen is older
        assert answer["sync_errors"] == [
            "/content_hash: Not the text that the server holds. Read it again, then sign it."
        ]
        assert note_on(crew.call).state == NoteState.DRAFT
        assert len(crew.first.refused()) == 1

    def test_is_refused_with_what_is_missing(self, world: World, crew: Crew) -> None:
        crew.met(world)
        crew.first.write(crew.call, **{**MET, "narrative": None, "screen": None})
        [answer] = crew.first.sign(crew.call)
        said = " ".join(answer["sync_errors"])
        assert "/narrative" in said
        assert "/screen" in said
        assert note_on(crew.call).state == NoteState.DRAFT

    def test_asks_for_nothing_where_nothing_happened(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, outcome="cancelled")
        assert crew.first.sign(crew.call) == []
        assert note_on(crew.call).state == NoteState.SIGNED

    def test_by_somebody_who_was_not_there_is_refused(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, outcome="cancelled")
        named = content_hash(crew.first.believed[place(crew.call)[1]])
        [answer] = crew.stranger.sign(crew.call, named=named)
        assert "crew" in answer["sync_errors"][0]
        assert note_on(crew.call).state == NoteState.DRAFT

    def test_twice_is_once(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, outcome="cancelled")
        id = "01931f90-1a2b-7c3a-9a51-0d7a8f4b2c31"
        assert crew.first.sign(crew.call, id=id, counter=1, device_time=None) == []
        assert crew.first.sign(crew.call, id=id, counter=1, device_time=None) == []
        assert Signature.objects.count() == 1

    def test_another_responder_signs_the_same_text(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, outcome="cancelled")
        crew.first.sign(crew.call)
        named = note_on(crew.call).signed_hash
        assert crew.second.sign(crew.call, named=named, now=after(60)) == []
        row = note_on(crew.call)
        assert row.signed_by == crew.first.user
        assert row.signatures.count() == 2
        [answer] = crew.second.sign(crew.call, named="0" * 64)
        assert answer["sync_status"] == "quarantined"


class TestASignatureThatOvertakesItsText:
    def test_is_taken_when_the_text_comes(self, world: World, crew: Crew) -> None:
        text = {
            "encounter_id": str(place(crew.call)[0]),
            "assignment_id": str(crew.call.pk),
            "outcome": "cancelled",
        }
        [answer] = crew.first.sign(crew.call, named=content_hash(text))
        assert answer["sync_status"] == "quarantined"
        assert crew.first.write(crew.call, outcome="cancelled", now=after(5)) == []
        assert services.take_early_signatures(now=after(5)) == 1
        world.commit()
        assert note_on(crew.call).state == NoteState.SIGNED
        assert note_on(crew.call).signed_by == crew.first.user
        assert crew.first.refused() == []

    def test_is_not_kept_waiting_by_what_nobody_settles(
        self, crew: Crew, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(early, "MOST_AT_ONCE", 1)
        text = {
            "encounter_id": str(place(crew.call)[0]),
            "assignment_id": str(crew.call.pk),
            "outcome": "cancelled",
        }
        crew.stranger.sign(crew.call, named="0" * 64)
        crew.second.sign(crew.call, named=content_hash(text), now=after(1))
        crew.first.write(crew.call, outcome="cancelled", now=after(5))
        assert services.take_early_signatures(now=after(5)) == 1
        assert note_on(crew.call).signed_by == crew.second.user

    def test_waits_on_where_another_text_came(self, crew: Crew) -> None:
        crew.first.sign(crew.call, named="0" * 64)
        crew.first.write(crew.call, outcome="cancelled")
        assert services.take_early_signatures(now=after(5)) == 0
        assert len(crew.first.refused()) == 1
        assert note_on(crew.call).state == NoteState.DRAFT

    def test_is_taken_right_after_the_save_that_it_is_for(
        self, crew: Crew, django_capture_on_commit_callbacks: Any
    ) -> None:
        text = {
            "encounter_id": str(place(crew.call)[0]),
            "assignment_id": str(crew.call.pk),
            "outcome": "cancelled",
        }
        crew.first.sign(crew.call, named=content_hash(text))
        with django_capture_on_commit_callbacks(execute=True):
            crew.first.write(crew.call, outcome="cancelled")
        assert note_on(crew.call).state == NoteState.SIGNED


class TestTheLock:
    def test_comes_after_its_time_and_once(self, world: World, crew: Crew, settings: Any) -> None:
        settings.NOTE_LOCK_HOURS = 24
        crew.first.write(crew.call, outcome="cancelled")
        crew.first.sign(crew.call, now=after(60))
        due = after(60) + timedelta(hours=24)
        assert services.lock_due(now=due - timedelta(seconds=1)) == 0
        assert services.lock_due(now=due) == 1
        world.commit()
        row = note_on(crew.call)
        assert (row.state, row.locked_at) == (NoteState.LOCKED, due)
        assert shown(world.ours.tablets[0], "case_notes")[row.pk]["state"] == "locked"
        assert services.lock_due(now=due + timedelta(hours=1)) == 0
        [answer] = crew.second.sign(crew.call, named=row.signed_hash)
        assert answer["sync_errors"] == ["/note_id: This note is locked. Write an addendum."]


class TestWhoKeepsIt:
    def leave(self, world: World) -> None:
        assert let_cleared_go(now=after(10_000)) == 1
        world.commit()

    def test_a_draft_stays_with_its_authors_when_the_call_leaves_the_tablets(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        crew.first.write(crew.call, narrative="Asleep.")
        crew.cleared(world, now=after(60))
        self.leave(world)
        row = note_on(crew.call)
        assert row.pk in shown(world.ours.tablets[0], "case_notes")
        assert place(crew.call)[0] in shown(world.ours.tablets[0], "encounters")
        assert row.pk in dropped(world.ours.tablets[1], "case_notes")

    def test_once_signed_it_leaves_with_the_call(self, world: World, crew: Crew) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.first.sign(crew.call)
        crew.cleared(world, now=after(60))
        self.leave(world)
        row = note_on(crew.call)
        for tablet in world.ours.tablets:
            assert row.pk in dropped(tablet, "case_notes")
            assert row.signatures.get().pk in dropped(tablet, "facts")
            assert place(crew.call)[0] in dropped(tablet, "encounters")
        assert type(row).objects.visible_to(world.supervisor).filter(pk=row.pk).exists()

    def test_signed_afterwards_it_and_its_encounter_leave_at_once(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.cleared(world, now=after(60))
        self.leave(world)
        crew.first.sign(crew.call, now=after(10_060))
        assert note_on(crew.call).pk in dropped(world.ours.tablets[0], "case_notes")
        for tablet in world.ours.tablets:
            assert place(crew.call)[0] in dropped(tablet, "encounters")

    def test_it_goes_with_its_call_to_another_unit(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, narrative="Asleep.")
        reassign(assignment=crew.call, to=world.theirs.unit, by=world.supervisor, now=after(5))
        world.commit()
        row = note_on(crew.call)
        assert row.pk in shown(world.theirs.tablets[0], "case_notes")
        assert row.pk in shown(world.ours.tablets[0], "case_notes"), "its author owes it"
        assert row.pk in dropped(world.ours.tablets[1], "case_notes")

    def test_one_with_a_mandated_report_is_its_authors_and_supervisors_alone(
        self, world: World, crew: Crew
    ) -> None:
        crew.first.write(crew.call, narrative="Asleep.")
        crew.first.write(crew.call, mandated_report={"about": "child"})
        row = note_on(crew.call)
        assert row.restricted
        assert row.pk in shown(world.ours.tablets[0], "case_notes")
        assert row.pk in dropped(world.ours.tablets[1], "case_notes")
        assert type(row).objects.visible_to(world.supervisor).filter(pk=row.pk).exists()
        assert not type(row).objects.visible_to(world.dispatcher).filter(pk=row.pk).exists()
