from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.assignments.services import let_cleared_go
from apps.audit.models import Entry
from apps.changes.models import StoredDocument
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.people import services
from apps.people.ids import encounter_id
from apps.people.models import BrokenGlass, Encounter, Match, Person, PersonKey
from apps.sync.models import Conflict
from tests.factories import EnrolledTablet
from tests.integration.assignments.conftest import NOON, World, after, dropped, shown
from tests.integration.people.conftest import Writer

pytestmark = pytest.mark.django_db


class Street:
    """Persons as our crew writes of them."""

    def __init__(self, world: World, writer: Writer) -> None:
        self.world, self.writer = world, writer

    def person(self, by: EnrolledTablet | None = None, **fields: Any) -> UUID:
        id = uuid7()
        assert self.writer.save("persons", id, by=by, **fields) == []
        return id

    def meets(
        self,
        row: Assignment,
        person: UUID,
        by: EnrolledTablet | None = None,
        match: str = "possible",
    ) -> UUID:
        id = encounter_id(row.pk)
        self.writer.save(
            "encounters",
            id,
            by=by,
            assignment_id=str(row.pk),
            ordinal=1,
            person_id=str(person),
            match=match,
        )
        return id


@pytest.fixture
def street(world: World, writer: Writer) -> Street:
    return Street(world, writer)


def sees(who: EnrolledTablet | User) -> set[UUID]:
    return set(shown(who, "persons"))


class TestWhoSeesThem:
    def test_whoever_wrote_of_them_until_a_call_leads_there(
        self, world: World, street: Street
    ) -> None:
        id = street.person(aliases=["Red"])

        assert id in sees(world.ours.tablets[0])
        assert id not in sees(world.ours.tablets[1])

    def test_and_no_longer_than_it_takes_to_name_them_on_a_call(
        self, world: World, street: Street
    ) -> None:
        unlinked, met = street.person(aliases=["Red"]), street.person(aliases=["Blue"])
        street.meets(row := world.given(), met)
        ours, day = world.ours.tablets[0], 24 * 3600
        services.let_unlinked_go(now=after(day - 1))
        world.commit()
        assert sees(ours) == {unlinked, met}

        assert services.let_unlinked_go(now=after(day)) == 2
        assert services.let_unlinked_go(now=after(day)) == 0
        world.commit()

        assert sees(ours) == {met}, "a call leads there"
        assert unlinked in dropped(ours, "persons")
        assert unlinked in sees(world.supervisor)

        street.meets(row, unlinked)
        assert sees(ours) == {unlinked}, "who is named no more is nobody's to keep"
        assert not BrokenGlass.objects.exists()

    def test_a_call_that_is_not_here_yet_takes_them_from_nobody(
        self, world: World, street: Street, writer: Writer
    ) -> None:
        """Offline the encounter may be sent before its assignment, and anybody may make one up."""
        id, call = street.person(aliases=["Red"]), uuid7()
        ours, theirs = world.ours.tablets[0], world.theirs.tablets[0]
        for by in (ours, theirs):
            named = {"assignment_id": str(call), "ordinal": 1, "person_id": str(id)}
            writer.save("encounters", encounter_id(call), by=by, **named)
            call = uuid7()

        assert id in sees(ours)
        assert id not in sees(theirs)
        assert writer.save("persons", id, aliases=["Red"], given_name="Dana") == []

    def test_who_led_a_call_to_them_is_found_under_the_person(
        self, world: World, street: Street
    ) -> None:
        """Naming somebody opens their record to the crew."""
        id, row = street.person(aliases=["Red"]), world.given()
        encounter = street.meets(row, id)
        street.meets(row, id, match="confirmed")

        [entry] = Entry.objects.filter(action="link")
        assert (entry.subject_type, entry.subject_ids) == ("person", [id])
        assert (entry.actor_id, entry.detail) == (
            world.ours.people[0].pk,
            {"encounter": str(encounter)},
        )

    def test_the_crew_that_met_them_as_long_as_it_has_the_call(
        self, world: World, street: Street
    ) -> None:
        row, id = world.given(), street.person(aliases=["Red"])
        street.meets(row, id)
        assert id in sees(world.ours.tablets[1])

        world.tap("cleared", row, now=after(60), data={"disposition": "18"})
        let_cleared_go(now=after(60 + 3600))
        world.commit()

        assert all(id in dropped(one, "persons") for one in world.ours.tablets)
        assert Person.objects.visible_to(world.supervisor).exists()
        assert not Person.objects.visible_to(world.dispatcher).exists()

    def test_a_crew_that_meets_them_again_gets_what_the_first_one_wrote(
        self, world: World, street: Street
    ) -> None:
        id = street.person(aliases=["Red"], helps="Talk about the dog.")
        street.meets(world.given(), id)
        again = world.assignment(
            world.call(units=[world.status("Dispatched", of="CARE22")]), world.theirs.unit
        )
        assert id not in sees(world.theirs.tablets[0])

        street.meets(again, id, by=world.theirs.tablets[0])

        assert shown(world.theirs.tablets[0], "persons")[id]["helps"] == "Talk about the dog."

    def test_another_person_on_the_encounter_takes_the_first_one_away(
        self, world: World, street: Street
    ) -> None:
        one, other = street.person(aliases=["Red"]), street.person(aliases=["Blue"])
        row = world.given()
        street.meets(row, one)
        street.meets(row, other)

        assert other in sees(world.ours.tablets[1])
        assert one not in sees(world.ours.tablets[1])

    def test_a_match_is_possible_until_somebody_has_confirmed_it(
        self, world: World, street: Street
    ) -> None:
        row, id = world.given(), street.person(aliases=["Red"])
        street.meets(row, id, match="sure")
        assert Encounter.objects.get().match == Match.POSSIBLE

        street.meets(row, id, match="confirmed")
        assert Encounter.objects.get().match == Match.CONFIRMED


class TestWhatIsWritten:
    def test_is_sealed_and_so_is_what_finds_it(self, world: World, street: Street) -> None:
        id = street.person(given_name="Dana", family_name="Reyes")

        stored = bytes(StoredDocument.objects.get(doc_id=id).body)
        keys = b"".join(bytes(one.key) for one in PersonKey.objects.filter(person=id))
        assert keys
        assert b"Reyes" not in stored
        assert b"rys" not in keys.lower()

    def test_two_who_write_at_once_lose_nothing(
        self, world: World, street: Street, writer: Writer
    ) -> None:
        row, id = world.given(), street.person(aliases=["Red"], helps="Talk about the dog.")
        street.meets(row, id)
        base = shown(world.ours.tablets[0], "persons")[id]
        typed = {name: base[name] for name in ("aliases", "helps")}
        writer.save("persons", id, assumed=base, **typed, harms="Uniforms close up.")
        writer.save(
            "persons",
            id,
            by=world.ours.tablets[1],
            assumed=base,
            **{**typed, "helps": "Talk about the dog. Offer water."},
        )

        document = shown(world.ours.tablets[0], "persons")[id]
        assert (document["harms"], document["helps"]) == (
            "Uniforms close up.",
            "Talk about the dog. Offer water.",
        )
        assert not Conflict.objects.exists()

    def test_immigration_status_is_never_recorded(self, world: World, street: Street) -> None:
        id = uuid7()
        street.writer.save("persons", id, aliases=["Red"], immigration_status="somewhere")

        document = shown(world.ours.tablets[0], "persons")[id]
        assert document["flags"] == ["not_recorded"]
        assert "somewhere" not in str(document)
        assert "immigration_status" not in Person.objects.get(pk=id).content

    def test_what_to_beware_of_stands_first(self, world: World, street: Street) -> None:
        id = street.person(aliases=["Red"], safety_notes=[{"id": str(uuid7()), "text": "A knife."}])

        assert next(iter(shown(world.ours.tablets[0], "persons")[id])) == "safety_notes"


class TestLikelyDuplicates:
    @pytest.mark.parametrize(
        "again",
        [
            {"given_name": "Dana", "family_name": "Reyes"},
            {"given_name": "Dayna", "family_name": "Reyes"},
            {"given_name": "Reyes", "family_name": "Dana"},
            {"family_name": "Reyes", "given_name": "Dána", "birth_year": 1982},
            {"aliases": ["Red"]},
        ],
    )
    def test_are_offered(self, world: World, street: Street, again: dict[str, Any]) -> None:
        id = street.person(given_name="Dana", family_name="Reyes", birth_year=1981, aliases=["Red"])
        other = street.person(**again)

        offered = shown(world.ours.tablets[0], "persons")[other]["possible_matches"]
        assert [one["person_id"] for one in offered] == [str(id)]
        assert set(offered[0]) == {"person_id", "name", "aliases", "birth_year", "score"}

    @pytest.mark.parametrize(
        "again",
        [
            {"given_name": "Mark", "family_name": "Olsen"},
            {"given_name": "Dana", "family_name": "Reyes", "birth_year": 1955},
            {"description": "the man with the grey dog"},
        ],
    )
    def test_are_not_made_of_strangers(
        self, world: World, street: Street, again: dict[str, Any]
    ) -> None:
        street.person(given_name="Dana", family_name="Reyes", birth_year=1981)
        other = street.person(**again)

        assert shown(world.ours.tablets[0], "persons")[other]["possible_matches"] == []

    def test_merged_they_are_one_and_taken_apart_as_they_were(
        self, world: World, street: Street
    ) -> None:
        one = street.person(given_name="Dana", family_name="Reyes", helps="Talk about the dog.")
        other = street.person(aliases=["Red"], harms="Uniforms.")
        street.meets(world.given(), one)
        before = Person.objects.get(pk=other).content
        row = services.merge_persons(
            person=Person.objects.get(pk=other),
            into=Person.objects.get(pk=one),
            by=world.supervisor,
            now=NOON,
        )
        world.commit()

        documents = shown(world.ours.tablets[1], "persons")
        assert documents[other]["merged_into"] == str(one)
        assert documents[one]["helps"] == "Talk about the dog."

        services.unmerge_person(person=row, by=world.supervisor, now=NOON)
        world.commit()
        assert Person.objects.get(pk=other).content == before
        assert other not in shown(world.ours.tablets[1], "persons")

    def test_nobody_is_merged_into_themselves_by_a_detour(
        self, world: World, street: Street
    ) -> None:
        one, other = street.person(aliases=["Red"]), street.person(aliases=["Blue"])
        first, second = Person.objects.get(pk=one), Person.objects.get(pk=other)
        services.merge_persons(person=first, into=second, by=world.supervisor, now=NOON)

        with pytest.raises(ProblemError):
            services.merge_persons(person=second, into=first, by=world.supervisor, now=NOON)


class TestThePage:
    def test_that_a_person_may_be_shown_is_read_as_their_record_is(
        self, world: World, street: Street, client: Client
    ) -> None:
        id = street.person(given_name="Dana", contested="<b>I have no sister.</b>")
        address = f"/api/v1/people/{id}/page"

        page = client.get(address, headers=world.ours.tablets[0].headers)

        assert page.headers["Content-Type"].startswith("text/html")
        assert "Dana" in page.content.decode()
        assert "&lt;b&gt;I have no sister." in page.content.decode()
        assert Entry.objects.filter(action="read", subject_ids=[id]).exists()
        assert client.get(address, headers=world.theirs.tablets[0].headers).status_code == 404
