"""Notes, reviews and debts in the stock admin: what lists show, what pages do, what looks leave."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Browser

from apps.accounts.models import Role, User
from apps.assignments.models import Assignment
from apps.audit.models import Entry
from apps.casenotes.models import (
    Addendum,
    CaseNote,
    EncounterRecord,
    OwedReport,
    Review,
    ReviewState,
)
from apps.core import clock
from tests.factories import person
from tests.integration.casenotes.conftest import MET, Crew, World, after, note_on, place
from tests.policies import drawn

TYPED = "the man with the grey dog"
LATE = "and a red leash"


def desk(user: User) -> Browser:
    found = Browser()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.fixture
def signed(world: World, crew: Crew, monkeypatch: pytest.MonkeyPatch) -> CaseNote:
    """A signed note that waits for a review; its call is cleared."""
    monkeypatch.setattr(clock, "now", lambda: after(7200))
    drawn(100)
    crew.met(world)
    crew.first.write(crew.call, **{**MET, "narrative": TYPED, "mandated_report": None})
    crew.cleared(world)
    crew.first.sign(crew.call)
    OwedReport(note=note_on(crew.call), due_at=after(7000), since=after(60)).save()
    return note_on(crew.call)


PAGES = {
    "casenotes/casenote": CaseNote,
    "casenotes/review": Review,
    "casenotes/encounterrecord": EncounterRecord,
    "casenotes/owedreport": OwedReport,
}
TOLD = {"casenotes/casenote", "casenotes/review"}


@pytest.mark.parametrize("page", PAGES)
def test_lists_show_codes_and_each_look_is_on_record(
    world: World, signed: CaseNote, page: str
) -> None:
    reader = desk(world.supervisor)
    every = {"casenotes/encounterrecord": "?record=full"}.get(page, "")
    assert TYPED not in text(reader.get(f"/admin/{page}/{every}"))
    pk = PAGES[page].objects.get().pk
    seen = Entry.objects.about(pk).filter(action="read", actor_id=world.supervisor.pk)
    assert seen.count() == 1
    shown = text(reader.get(f"/admin/{page}/{pk}/change/"))
    assert seen.count() == 2
    assert (TYPED in shown) == (page in TOLD)


@pytest.mark.parametrize("page", ["casenotes/casenote", "casenotes/review"])
def test_are_read_without_knowing_a_code(world: World, signed: CaseNote, page: str) -> None:
    """What stands in the note is `{"outcome": "contact_made", "disposition": "18", ...}`."""
    pk = PAGES[page].objects.get().pk
    shown = re.sub("<[^>]*>", " ", text(desk(world.supervisor).get(f"/admin/{page}/{pk}/change/")))
    for code, words in (("contact_made", "Contact made"), ("q1", "Wish to be dead")):
        assert words in shown
        assert not re.search(rf'{code}\b(?=["\s]*[:\s])', shown.split("Who wrote what")[0])
    assert "&quot;" not in shown, "no JSON"


@pytest.mark.parametrize("page", PAGES)
def test_name_their_call_as_the_desk_does(world: World, signed: CaseNote, page: str) -> None:
    pk = PAGES[page].objects.get().pk
    every = {"casenotes/encounterrecord": "?record=full"}.get(page, "")
    call = Assignment.objects.select_related("incident", "unit").get(pk=signed.assignment_id)
    name = f">{call.incident.cad_number}, {call.unit}</a>"
    for address in (f"/admin/{page}/{every}", f"/admin/{page}/{pk}/change/"):
        shown = text(desk(world.supervisor).get(address))
        assert re.search(rf"{call.pk}/change/\"[^>]*{re.escape(name)}", shown), address


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMINISTRATOR])
def test_are_supervisors_alone(signed: CaseNote, page: str, role: str) -> None:
    assert desk(person(role)).get(f"/admin/{page}/").status_code in {302, 403}


@pytest.mark.parametrize("page", PAGES)
def test_show_nothing_of_another_team(signed: CaseNote, page: str) -> None:
    pk = PAGES[page].objects.get().pk
    reader = desk(person(Role.SUPERVISOR))
    assert str(pk) not in text(reader.get(f"/admin/{page}/"))
    assert reader.get(f"/admin/{page}/{pk}/change/").status_code == 302


def test_a_note_is_read_and_never_changed(world: World, signed: CaseNote) -> None:
    reader = desk(world.supervisor)
    address = f"/admin/casenotes/casenote/{signed.pk}/change/"
    before = (signed.state, signed.signed_hash)
    reader.post(address, {"state": "draft", "content": "x"})
    signed.refresh_from_db()
    assert (signed.state, signed.signed_hash) == before
    assert reader.post(f"/admin/casenotes/casenote/{signed.pk}/delete/").status_code == 403


class TestReviews:
    def act(self, world: World, action: str, **answers: str) -> str:
        row = Review.objects.get()
        data = {"action": action, "_selected_action": str(row.pk), **answers}
        return text(desk(world.supervisor).post("/admin/casenotes/review/", data, follow=True))

    def test_are_accepted(self, world: World, signed: CaseNote) -> None:
        assert "Is it good as it is?" in self.act(world, "accept")
        assert "done" in self.act(world, "accept", apply="yes", comment="")
        assert Review.objects.get().state == ReviewState.ACCEPTED

    def test_are_returned_with_a_comment(self, world: World, signed: CaseNote) -> None:
        assert "required" in self.act(world, "give_back", apply="yes", comment="")
        assert Review.objects.get().state == ReviewState.WAITING
        self.act(world, "give_back", apply="yes", comment="Who was told?")
        row = Review.objects.get()
        assert (row.state, row.comment) == (ReviewState.RETURNED, "Who was told?")

    def test_that_are_decided_leave_the_queue(self, world: World, signed: CaseNote) -> None:
        self.act(world, "accept", apply="yes", comment="")
        reader, pk = desk(world.supervisor), str(Review.objects.get().pk)
        assert pk not in text(reader.get("/admin/casenotes/review/"))
        assert pk in text(reader.get("/admin/casenotes/review/?queue=decided"))


def test_debts_come_with_their_age_and_their_crew(
    world: World, crew: Crew, signed: CaseNote
) -> None:
    second = world.given()
    for event in ("on_scene", "contact_made"):
        world.tap(event, second)
    world.tap("cleared", second, data={"disposition": "18"})
    page = text(desk(world.supervisor).get("/admin/casenotes/encounterrecord/"))
    assert "2.0 h" in page
    assert world.ours.people[0].display_name in page
    assert page.count("2.0 h") == 1, "what is settled is not owed"


def test_a_restricted_note_is_marked(world: World, crew: Crew, signed: CaseNote) -> None:
    second = world.given()
    crew.first.write(second, mandated_report={"about": "child"})
    reader = desk(world.supervisor)
    assert "restricted" in text(reader.get("/admin/casenotes/casenote/?restricted__exact=1"))
    id = place(second)[1]
    assert "mandated report is in it" in text(reader.get(f"/admin/casenotes/casenote/{id}/change/"))


def test_a_late_edit_is_made_an_addendum_on_the_page_of_the_quarantine(
    world: World, crew: Crew, signed: CaseNote
) -> None:
    crew.second.believed[place(crew.call)[1]] = dict(crew.first.believed[place(crew.call)[1]])
    crew.second.write(crew.call, narrative=f"{TYPED} {LATE}")
    [write] = crew.second.refused()
    data = {"action": "make_addendum", "_selected_action": str(write.pk)}
    data |= {"reason": "It was typed before the signature came.", "apply": "1"}
    page = text(desk(world.supervisor).post("/admin/sync/quarantinedwrite/", data, follow=True))
    assert "added to its note" in page
    assert Addendum.objects.get().changes == {"narrative": f"{TYPED} {LATE}"}
    shown = text(desk(world.supervisor).get(f"/admin/casenotes/casenote/{signed.pk}/change/"))
    assert LATE in shown
