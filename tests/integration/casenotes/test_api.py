"""Notes, debts and the handover for whoever is online."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client as Browser

from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.casenotes.handover import handover
from apps.core import clock
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.firstaid.handover import care
from tests.factories import NOON, person
from tests.integration.assignments.conftest import shown as held_by
from tests.integration.casenotes.conftest import (
    MET,
    Crew,
    Document,
    World,
    after,
    note_on,
    place,
    saves,
)

DOG: Document = {"id": "1", "text": "His dog bites.", "source": "R. Ortega"}
TYPED = "the man with the grey dog"


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: after(3600))


def online(user: User) -> Browser:
    found = Browser()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def edited(crew: Crew) -> Document:
    """The next save of the first responder's tablet."""
    return {"editor": str(crew.first.tablet.instance), "edit_no": next(saves)}


def looks(user: User, subject: str) -> list[Any]:
    rows = Entry.objects.filter(action="read", actor_id=user.pk, subject_type=subject)
    return [str(id) for row in rows for id in row.subject_ids]


class TestANote:
    def test_is_shown_with_its_timeline_and_each_look_is_on_record(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        crew.first.write(crew.call, **MET)
        crew.first.sign(crew.call)
        id = place(crew.call)[1]
        answer = online(world.supervisor).get(f"/api/v1/casenotes/{id}")
        assert answer.status_code == 200
        told = answer.json()
        assert told["note"]["narrative"] == MET["narrative"]
        assert told["note"]["state"] == "signed"
        assert told["timeline"]["state"] == "contact"
        assert "note" not in told["parts"]
        assert looks(world.supervisor, "case_note") == [id]

    def test_is_shown_as_it_was_signed_whatever_is_sent(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, outcome="cancelled")
        crew.first.sign(crew.call)
        row = note_on(crew.call)
        shown = online(world.supervisor).get(f"/api/v1/casenotes/{row.pk}").json()["note"]
        assert shown["content_hash"] == row.signed_hash

    def test_is_nobodys_else(self, world: World, crew: Crew) -> None:
        crew.first.write(crew.call, narrative=TYPED)
        id = place(crew.call)[1]
        for user, status in (
            (world.theirs.people[0], 404),
            (person(Role.SUPERVISOR), 404),
            (world.dispatcher, 403),
        ):
            answer = online(user).get(f"/api/v1/casenotes/{id}")
            assert answer.status_code == status
            assert TYPED not in answer.content.decode()


class TestDebts:
    @pytest.fixture
    def owed(self, world: World, crew: Crew) -> None:
        crew.met(world)
        crew.first.write(crew.call, narrative=TYPED)
        crew.cleared(world)

    @pytest.mark.usefixtures("owed")
    def test_are_listed_for_the_crew_and_their_supervisors_with_their_age(
        self, world: World, crew: Crew
    ) -> None:
        for user in (*world.ours.people, world.supervisor):
            [told] = online(user).get("/api/v1/casenotes/debts").json()["results"]
            assert (told["owed"], told["id"]) == ("record", str(place(crew.call)[0]))
            assert (told["assignment_id"], told["ordinal"]) == (str(crew.call.pk), 1)
            assert (told["hours"], told["unit"], told["closing"]) == (1.0, "CARE21", "cleared")
            assert told["drafts"] == [{"id": place(crew.call)[1], "missing": 3, "asked": 4}]
            assert looks(user, "encounter") == [told["id"]]
        for stranger in (*world.theirs.people, person(Role.SUPERVISOR)):
            assert online(stranger).get("/api/v1/casenotes/debts").json()["results"] == []

    @pytest.mark.usefixtures("owed")
    def test_cost_two_statements_however_many(
        self, world: World, crew: Crew, django_assert_max_num_queries: Any
    ) -> None:
        browser = online(world.supervisor)
        browser.get("/api/v1/casenotes/debts")
        with django_assert_max_num_queries(10):
            browser.get("/api/v1/casenotes/debts")

    def test_are_reports_that_the_law_asks_for_too(self, world: World, crew: Crew) -> None:
        crew.met(world)
        child = {"about": "child", "known_at": iso(NOON), "observed": TYPED}
        crew.first.write(crew.call, **MET, mandated_report=child)
        crew.first.sign(crew.call)
        encounter, note = place(crew.call)
        for user in (world.ours.people[0], world.supervisor):
            answer = online(user).get("/api/v1/casenotes/debts")
            [told] = answer.json()["results"]
            assert (told["owed"], told["id"], told["note_id"]) == ("report", str(encounter), note)
            assert datetime.fromisoformat(told["due_at"]) == NOON + timedelta(hours=48)
            assert (told["unit"], told["cleared_at"], told["drafts"]) == ("CARE21", None, [])
            assert told["hours"] < 0, "there is time left"
            assert TYPED not in answer.content.decode()
            assert looks(user, "case_note") == [note]
        for other in (world.ours.people[1], *world.theirs.people, person(Role.SUPERVISOR)):
            assert online(other).get("/api/v1/casenotes/debts").json()["results"] == []

    def test_come_a_page_at_a_time_each_once_what_is_owed_longest_first(
        self, world: World, crew: Crew
    ) -> None:
        crew.met(world)
        child = {"about": "child", "known_at": iso(NOON)}
        crew.first.write(crew.call, **MET, mandated_report=child)
        crew.cleared(world)
        browser, url = online(world.supervisor), "/api/v1/casenotes/debts?limit=1"
        owed = []
        while url:
            page = browser.get(url).json()
            owed += [one["owed"] for one in page["results"]]
            last, url = page, page["next"]
        assert owed == ["record", "report"]
        [before] = browser.get(last["previous"]).json()["results"]
        assert before["owed"] == "record"


class TestTheHandover:
    @pytest.fixture
    def known(self, world: World, crew: Crew) -> str:
        """A call with contact, a draft, a dose, and somebody who is known."""
        crew.met(world)
        person = {"id": str(uuid7()), "aliases": ["Red"], "safety_notes": [DOG], **edited(crew)}
        crew.first.push("persons", person)
        here = {"assignment_id": str(crew.call.pk), "ordinal": 1, **edited(crew)}
        named = {"person_id": person["id"], "match": "confirmed"}
        crew.first.push("encounters", {"id": str(place(crew.call)[0]), **here, **named})
        dose = crew.first.fact(assignment_id=str(crew.call.pk), dose=4, dose_unit="mg")
        crew.first.push("naloxone_doses", dose)
        crew.first.tell(
            "overdose_answer", assignment_id=str(crew.call.pk), question="fire_called",
            answer="called",
        )  # fmt: skip
        crew.first.write(crew.call, **MET)
        return str(place(crew.call)[0])

    def test_is_what_is_known_now(self, world: World, crew: Crew, known: str) -> None:
        answer = online(world.ours.people[0]).get(f"/api/v1/encounters/{known}/handover")
        assert answer.status_code == 200
        told = answer.json()
        assert told["call"]["unit"] == "CARE21"
        assert told["call"]["times"]["contact"]
        assert told["parts"]["note"]["presenting_needs"] == ["Shelter"]
        assert told["parts"]["note"]["narrative"] == MET["narrative"]
        assert told["parts"]["doses"][0]["dose"] == "4 mg"
        assert told["fire"]["called_at"] == iso(NOON)
        assert told["person"]["safety_notes"] == [DOG]
        assert looks(world.ours.people[0], "encounter") == [known]

    def test_is_what_a_tablet_makes_of_what_it_holds(
        self, world: World, crew: Crew, known: str
    ) -> None:
        """Offline, too: nothing else is asked."""
        world.commit()
        names = (
            *("assignments", "encounters", "persons", "case_notes", "naloxone_doses"),
            *("first_aid_logs", "facts"),
        )
        held = {name: list(held_by(world.ours.tablets[0], name).values()) for name in names}
        made = handover(held, UUID(known), rooms=[care], now=clock.now())
        answer = online(world.ours.people[0]).get(f"/api/v1/encounters/{known}/handover")
        assert answer.json() == made
        assert made["parts"].keys() == {"doses", "note"}

    def test_says_nothing_of_a_mandated_report(self, world: World, crew: Crew, known: str) -> None:
        """Nor in its words, which may speak of it. What the care needs is there."""
        crew.first.write(crew.call, mandated_report={"observed": "not for medics"})
        for page in ("handover", "handover/page"):
            told = online(world.ours.people[0]).get(f"/api/v1/encounters/{known}/{page}")
            assert "not for medics" not in told.content.decode()
            assert MET["narrative"] not in told.content.decode()
            assert "Shelter" in told.content.decode()

    def test_is_one_page_to_print_with_nothing_to_type(
        self, world: World, crew: Crew, known: str
    ) -> None:
        crew.first.write(crew.call, narrative="<script>alert(1)</script>")
        answer = online(world.ours.people[0]).get(f"/api/v1/encounters/{known}/handover/page")
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/html")
        page = answer.content.decode()
        assert "Shelter" in page
        assert f"{NOON.astimezone(clock.city()):%H:%M:%S}" in page, "by the city's clock"
        assert "<script" not in page
        assert not {"<input", "<form", "<textarea"} & set(page.split())

    def test_is_nobodys_else(self, world: World, known: str) -> None:
        for user, status in ((world.theirs.people[0], 404), (world.dispatcher, 403)):
            for page in ("handover", "handover/page"):
                answer = online(user).get(f"/api/v1/encounters/{known}/{page}")
                assert answer.status_code == status
                assert answer["Content-Type"] == "application/problem+json"
