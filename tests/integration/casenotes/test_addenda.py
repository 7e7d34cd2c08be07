"""What is added to a note, and what was typed into it after it was signed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apps.casenotes import services
from apps.casenotes.models import Addendum
from apps.core import clock
from apps.core.problems import ProblemError
from apps.people.parts import part_of
from apps.sync.services import quarantine
from tests.integration.assignments.conftest import shown
from tests.integration.casenotes.conftest import MET, Crew, World, after, note_on, place

LATE = "Asleep in the doorway; his dog beside him."


@pytest.fixture
def signed(world: World, crew: Crew) -> None:
    crew.met(world)
    crew.first.write(crew.call, **MET)
    assert crew.first.sign(crew.call) == []


@pytest.mark.usefixtures("signed")
class TestAnAddendum:
    def test_is_shown_with_its_note(self, world: World, crew: Crew) -> None:
        assert crew.second.add(crew.call, "The day center called.", now=after(60)) == []
        row = Addendum.objects.get()
        for tablet in world.ours.tablets:
            [told] = shown(tablet, "case_notes")[note_on(crew.call).pk]["addenda"]
            assert told["text"] == "The day center called."
            assert told["author_name"] == crew.second.user.display_name
            assert shown(tablet, "facts")[row.pk]["text"] == "The day center called."

    def test_that_says_nothing_is_refused(self, crew: Crew) -> None:
        [answer] = crew.first.add(crew.call, "  ")
        assert answer["sync_errors"] == ["/text: An addendum says something."]

    def test_of_somebody_who_was_not_there_is_refused(self, crew: Crew) -> None:
        [answer] = crew.stranger.add(crew.call, "I was not there.")
        assert answer["sync_status"] == "quarantined"

    def test_with_what_cannot_be_read_is_taken_and_flagged(self, crew: Crew) -> None:
        changes = ["no", "object"]
        assert crew.first.add(crew.call, "Words.", changes=changes, counter="x", more=1) == []
        row = Addendum.objects.get()
        assert (row.text, row.changes, row.flags) == ("Words.", None, ["bad_field"])
        assert row.unread == {"changes": changes, "counter": "x", "more": 1}


class TestOneThatComesFirst:
    def test_of_somebody_who_was_not_there_stays_theirs(self, world: World, crew: Crew) -> None:
        """A note's id follows from its assignment's: whoever knows that one can be first."""
        assert crew.stranger.add(crew.call, "I was not there.") == []
        row = Addendum.objects.get()
        crew.met(world)
        crew.first.write(crew.call, **MET)

        assert "addenda" not in (part_of("note", place(crew.call)[0]) or {})
        for tablet in world.ours.tablets:
            assert shown(tablet, "case_notes")[note_on(crew.call).pk]["addenda"] == []
            assert row.pk not in shown(tablet, "facts")
        assert shown(crew.stranger.tablet, "facts")[row.pk]["text"] == "I was not there."

    def test_is_its_authors_until_the_note_comes(self, world: World, crew: Crew) -> None:
        assert crew.first.add(crew.call, "He has a mat for tonight.") == []
        row = Addendum.objects.get()
        assert row.pk in shown(world.ours.tablets[0], "facts")
        assert row.pk not in shown(world.ours.tablets[1], "facts")
        crew.first.write(crew.call, **MET)
        for tablet in world.ours.tablets:
            assert row.pk in shown(tablet, "facts")
            [told] = shown(tablet, "case_notes")[note_on(crew.call).pk]["addenda"]
            assert told["text"] == "He has a mat for tonight."


@pytest.mark.usefixtures("signed")
class TestAnEditAfterTheSignature:
    @pytest.fixture
    def late(self, crew: Crew) -> Any:
        """The other responder typed on in a basement, knowing the draft alone."""
        id = place(crew.call)[1]
        crew.second.believed[id] = dict(crew.first.believed[id])
        [answer] = crew.second.write(crew.call, narrative=LATE, now=after(60))
        assert answer["narrative"] == LATE, "what was typed stays in sight"
        [write] = crew.second.refused()
        return write

    def test_becomes_an_addendum_of_the_fields_that_were_typed(
        self, world: World, crew: Crew, late: Any
    ) -> None:
        services.add_refused(write=late, by=world.supervisor, now=after(90))
        world.commit()
        row = Addendum.objects.get()
        assert (row.changes, row.text) == ({"narrative": LATE}, "")
        assert (row.author, row.recorded_by) == (crew.second.user, world.supervisor)
        late.refresh_from_db()
        assert quarantine.status_of(late) == "applied"
        [told] = shown(world.ours.tablets[0], "case_notes")[note_on(crew.call).pk]["addenda"]
        assert told["changes"] == {"narrative": LATE}
        assert note_on(crew.call).signatures.get().content["narrative"] == MET["narrative"]

    def test_twice_is_one_addendum(self, world: World, crew: Crew, late: Any) -> None:
        first = services.add_refused(write=late, by=crew.second.user, now=after(90))
        again = services.add_refused(write=late, by=world.supervisor, now=after(95))
        assert (again.pk, again.recorded_by) == (first.pk, None)

    def test_is_added_by_its_author_from_the_tablet(self, crew: Crew, late: Any) -> None:
        """Offline too: the fact names the row in quarantine that it is made from."""
        told = {"changes": {"narrative": LATE}, "quarantined": str(late.pk)}
        assert crew.second.add(crew.call, **told) == []
        late.refresh_from_db()
        assert quarantine.status_of(late) == "applied"
        assert crew.second.refused() == []

    def test_of_somebody_else_is_not_settled_by_naming_it(self, crew: Crew, late: Any) -> None:
        assert crew.first.add(crew.call, "Mine.", quarantined=str(late.pk)) == []
        late.refresh_from_db()
        assert quarantine.status_of(late) == "open"

    def test_that_a_supervisor_has_acknowledged_stays_so(self, world: World, late: Any) -> None:
        quarantine.acknowledge(write=late, by=world.supervisor, now=after(80))
        with pytest.raises(ProblemError) as raised:
            services.add_refused(write=late, by=world.supervisor, now=after(90))
        assert raised.value.status_code == 409

    def test_is_nobodys_who_does_not_see_it(self, crew: Crew, late: Any) -> None:
        with pytest.raises(ProblemError) as raised:
            services.add_refused(write=late, by=crew.stranger.user, now=after(90))
        assert raised.value.status_code == 403

    def test_over_the_api(
        self, world: World, late: Any, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock, "now", lambda: after(90))
        client.force_login(world.supervisor, "django.contrib.auth.backends.ModelBackend")
        answer = client.post(f"/api/v1/quarantine/{late.pk}/addendum", {}, "application/json")
        assert answer.status_code == 200
        told = answer.json()
        assert told["changes"] == {"narrative": LATE}
        assert told["recorded_by"] == world.supervisor.display_name
        assert Addendum.objects.get().pk == UUID(told["id"])


def test_an_edit_of_a_draft_is_no_addendum(world: World, crew: Crew) -> None:
    """It can be taken itself."""
    crew.first.write(crew.call, narrative="Asleep.")
    [_] = crew.stranger.write(crew.call, narrative="Not mine.")
    [write] = crew.stranger.refused()
    with pytest.raises(ProblemError) as raised:
        services.add_refused(write=write, by=crew.stranger.user, now=after(90))
    assert raised.value.status_code == 409


def test_what_is_added_to_a_draft_is_its_authors_alone_once_the_draft_is(
    world: World, crew: Crew
) -> None:
    crew.first.write(crew.call, **MET)
    crew.first.add(crew.call, "A neighbour called.")
    added, (mine, theirs) = Addendum.objects.get().pk, world.ours.tablets
    assert added in shown(theirs, "facts")
    crew.first.write(crew.call, mandated_report={"about": "child"})
    assert added in shown(mine, "facts")
    assert added not in shown(theirs, "facts")
