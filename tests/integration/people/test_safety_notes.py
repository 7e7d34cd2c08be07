"""Safety notes: who said that one stands, and of which words; when one is over; which are to be
looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apps.audit.models import Entry
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.people import services
from apps.people.models import Person
from apps.people.safety import Verdict, mark_of
from tests.integration.assignments.conftest import NOON, World, after, shown
from tests.integration.people.conftest import Writer

pytestmark = pytest.mark.django_db

NOTE = {
    "id": "01931f72-1a2c-7c3a-9a51-0d7a8f4b2c32",
    "text": "Carries a knife for work.",
    "source": "told_by_person",
    "seen_on": "2026-03-01",
}


def with_note(writer: Writer, **other: Any) -> UUID:
    id = uuid7()
    assert writer.save("persons", id, aliases=["Red"], safety_notes=[{**NOTE, **other}]) == []
    return id


def say(world: World, id: UUID, verdict: Verdict = Verdict.STANDS, *, now: datetime = NOON) -> None:
    """A supervisor has read the person's note as it stands."""
    row = Person.objects.get(pk=id)
    note = mark_of(row.content["safety_notes"][0])
    services.review_safety_note(
        person=row, note=note, verdict=verdict, by=world.supervisor, now=now
    )
    world.commit()


def reviews(world: World, id: UUID) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown(world.ours.tablets[0], "persons")[id]["safety_reviews"]
    return found


class TestAReview:
    def test_names_who_said_what_of_which_note(self, world: World, writer: Writer) -> None:
        id = with_note(writer)
        say(world, id)

        [review] = reviews(world, id)
        assert review == {
            "note": NOTE["id"],
            "verdict": "stands",
            "by": world.supervisor.display_name,
            "at": clock.iso(NOON),
            "until": None,
        }
        entry = Entry.objects.get(action="review")
        assert entry.detail == {"note": NOTE["id"], "verdict": "stands"}

    def test_is_said_once_until_the_note_is_over_or_somebody_says_otherwise(
        self, world: World, writer: Writer
    ) -> None:
        id = with_note(writer)
        for _ in range(2):
            say(world, id)
        assert Entry.objects.filter(action="review").count() == 1

        say(world, id, now=after(200 * 86400))
        assert [one["until"] for one in reviews(world, id)] == ["2027-03-19"]
        say(world, id, Verdict.ENDED)
        assert [one["verdict"] for one in reviews(world, id)] == ["ended"]
        say(world, id)
        assert [one["verdict"] for one in reviews(world, id)] == ["stands"]

    def test_holds_for_the_words_that_were_read_alone(self, world: World, writer: Writer) -> None:
        id = with_note(writer)
        say(world, id)
        base = shown(world.ours.tablets[0], "persons")[id]
        writer.save("persons", id, assumed=base, safety_notes=[{**NOTE, "text": "Harmless."}])

        assert reviews(world, id) == []
        assert Person.objects.with_unread_notes().filter(pk=id).exists()

        base = shown(world.ours.tablets[0], "persons")[id]
        writer.save("persons", id, assumed=base, safety_notes=[NOTE])
        assert [one["note"] for one in reviews(world, id)] == [NOTE["id"]]

    def test_is_not_of_words_that_were_written_meanwhile(
        self, world: World, writer: Writer
    ) -> None:
        id = with_note(writer)
        read = mark_of(NOTE)
        writer.save("persons", id, safety_notes=[{**NOTE, "text": "Harmless."}])

        with pytest.raises(ProblemError) as problem:
            services.review_safety_note(
                person=Person.objects.get(pk=id),
                note=read,
                verdict=Verdict.STANDS,
                by=world.supervisor,
                now=NOON,
            )
        assert problem.value.errors[0].pointer == "/note"
        assert not Entry.objects.filter(action="review").exists()

    def test_words_in_the_place_of_an_id_are_in_no_audit_entry(
        self, world: World, writer: Writer
    ) -> None:
        say(world, with_note(writer, id="Dana has a knife"))

        assert "knife" not in str(Entry.objects.get(action="review").detail)


class TestWhatIsOver:
    def test_is_found_until_it_is_renewed_or_ended(self, world: World, writer: Writer) -> None:
        today = clock.local(NOON).date()
        expired = Person.objects.with_expired_notes(today)
        one, other = (with_note(writer, expires_on="2026-03-03") for _ in range(2))
        with_note(writer, expires_on="2026-03-04")
        assert {row.pk for row in expired.all()} == {one, other}

        say(world, one)
        say(world, other, Verdict.ENDED)

        assert not expired.all().exists()
        assert [review["until"] for review in reviews(world, one)] == ["2026-08-31"]
        assert [review["verdict"] for review in reviews(world, other)] == ["ended"]

    def test_is_reckoned_from_when_it_was_seen_where_it_names_no_day(
        self, world: World, writer: Writer
    ) -> None:
        id = with_note(writer)
        assert str(Person.objects.get(pk=id).safety_until) == "2026-08-28"

    def test_and_what_was_ended_is_looked_at_no_more(self, world: World, writer: Writer) -> None:
        id = with_note(writer, source=None, seen_on=None)
        assert Person.objects.with_unread_notes().filter(pk=id).exists()
        assert shown(world.ours.tablets[0], "persons")[id]["flags"] == ["no_date", "no_source"]

        say(world, id, Verdict.ENDED)

        assert not Person.objects.with_unread_notes().filter(pk=id).exists()
        assert shown(world.ours.tablets[0], "persons")[id]["flags"] == []

    def test_is_said_to_be_over_on_the_persons_page(
        self, world: World, writer: Writer, client: Client
    ) -> None:
        id = with_note(writer, expires_on="2020-01-01")

        page = client.get(f"/api/v1/people/{id}/page", headers=world.ours.tablets[0].headers)

        assert "1 expired." in page.content.decode()


class TestWhatALineOfAListSays:
    @pytest.mark.parametrize(
        "fields",
        [
            {"safety_notes": [{**NOTE, "source": "care_team"}]},
            {"contacts": [{"id": NOTE["id"], "kind": "pigeon", "value": "grey"}]},
        ],
        ids=["safety note", "contact"],
    )
    def test_by_a_code_that_is_not_known_is_kept_and_flagged(
        self, world: World, writer: Writer, fields: dict[str, Any]
    ) -> None:
        id = uuid7()
        writer.save("persons", id, **fields)

        document = shown(world.ours.tablets[0], "persons")[id]
        assert document["flags"] == ["unknown_code"]
        assert all(document[name] == said for name, said in fields.items())
