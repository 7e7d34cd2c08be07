"""Two records of one person: put together, seen together, taken apart; and two who act on persons
at the same moment, on connections of their own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import Role
from apps.accounts.services import user_actor
from apps.assignments.models import Assignment
from apps.audit.models import Entry
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.people import services
from apps.people.ids import encounter_id
from apps.people.models import BrokenGlass, Person
from tests.factories import EnrolledTablet, person, team
from tests.integration.assignments.conftest import NOON, World, shown
from tests.integration.conftest import Elsewhere
from tests.integration.people.conftest import Writer


def written(writer: Writer, **fields: Any) -> Person:
    """Somebody of whom our crew writes."""
    id = uuid7()
    assert writer.save("persons", id, **fields) == []
    return Person.objects.get(pk=id)


def meet(writer: Writer, row: Assignment, who: Person, by: EnrolledTablet | None = None) -> None:
    """A call leads to them."""
    told = {"assignment_id": str(row.pk), "ordinal": 1, "match": "possible"}
    writer.save("encounters", encounter_id(row.pk), by=by, **told, person_id=str(who.pk))


def merge(world: World, row: Person, into: Person) -> Person:
    merged = services.merge_persons(person=row, into=into, by=world.supervisor, now=NOON)
    world.commit()
    return merged


def unmerge(world: World, row: Person) -> None:
    services.unmerge_person(person=row, by=world.supervisor, now=NOON)
    world.commit()


def sees(tablet: EnrolledTablet) -> set[UUID]:
    return set(shown(tablet, "persons"))


@pytest.mark.django_db
class TestMerged:
    @pytest.mark.parametrize("led_to", ["the one that stays", "the one that is merged"])
    def test_whoever_is_led_to_either_sees_both_and_no_more_when_it_is_taken_back(
        self, world: World, writer: Writer, led_to: str
    ) -> None:
        one, other = written(writer, aliases=["Red"]), written(writer, aliases=["Blue"])
        met, unmet = (one, other) if led_to == "the one that stays" else (other, one)
        meet(writer, world.given(), met)
        second = world.ours.tablets[1]
        assert sees(second) == {met.pk}

        merge(world, other, one)
        assert sees(second) == {one.pk, other.pk}
        assert shown(second, "persons")[other.pk]["merged_into"] == str(one.pk)

        unmerge(world, other)
        assert sees(second) == {met.pk}
        assert unmet.pk in sees(world.ours.tablets[0]), "whoever wrote of them has them again"
        assert Person.objects.get(pk=other.pk).content == other.content

    def test_of_three_in_a_row_all_are_seen(self, world: World, writer: Writer) -> None:
        some = [written(writer, aliases=[name]) for name in ("Red", "Blue", "Green")]
        meet(writer, world.given(), some[2])
        merge(world, some[0], some[1])
        merge(world, some[1], some[2])
        assert sees(world.ours.tablets[1]) == {one.pk for one in some}
        unmerge(world, some[1])
        assert sees(world.ours.tablets[1]) == {some[2].pk}

    def test_into_somebody_else_already_they_stay_until_that_is_taken_back(
        self, world: World, writer: Writer
    ) -> None:
        some = [written(writer, aliases=[name]) for name in ("Red", "Blue", "Green")]
        merge(world, some[0], some[1])
        with pytest.raises(ProblemError) as problem:
            merge(world, some[0], some[2])
        assert problem.value.problem.status == 409
        assert Person.objects.get(pk=some[0].pk).merged_into_id == some[1].pk
        unmerge(world, some[0])
        assert merge(world, some[0], some[2]).merged_into_id == some[2].pk

    def test_they_are_offered_once_and_not_to_themselves(
        self, world: World, writer: Writer
    ) -> None:
        one, other = (written(writer, given_name="Dana", family_name="Reyes") for _ in range(2))
        merge(world, other, one)
        documents = shown(world.ours.tablets[0], "persons")
        assert [documents[row.pk]["possible_matches"] for row in (one, other)] == [[], []]
        again = written(writer, given_name="Dana", family_name="Reyes")
        offered = shown(world.ours.tablets[0], "persons")[again.pk]["possible_matches"]
        assert [match["person_id"] for match in offered] == [str(one.pk)]

    def test_who_did_it_is_found_under_both(self, world: World, writer: Writer) -> None:
        one, other = written(writer, aliases=["Red"]), written(writer, aliases=["Blue"])
        for _ in range(2):
            merge(world, other, one)
        for _ in range(2):
            unmerge(world, other)
        entries = Entry.objects.filter(action__in=["merge", "unmerge"]).order_by("pk")
        assert [(entry.action, entry.subject_ids) for entry in entries] == [
            ("merge", [other.pk, one.pk]),
            ("unmerge", [other.pk, one.pk]),
        ]

    def test_nobody_merges_whom_they_do_not_see(self, world: World, writer: Writer) -> None:
        one, other = written(writer, aliases=["Red"]), written(writer, aliases=["Blue"])
        client = Client()
        client.force_login(person(Role.SUPERVISOR, of=team()))
        into = {"into": str(one.pk)}
        for verb, status in (("merge", 400), ("unmerge", 404)):
            answer = client.post(f"/api/v1/people/{other.pk}/{verb}", into, "application/json")
            assert answer.status_code == status
        client.force_login(world.supervisor)
        into = {"into": str(uuid7())}
        answer = client.post(f"/api/v1/people/{other.pk}/merge", into, "application/json")
        assert answer.status_code == 400
        assert Person.objects.filter(merged_into=None).count() == 2


@pytest.mark.django_db
class TestOnReading:
    """Who is merged is whom they were merged into, by whatever of theirs they are met."""

    @pytest.fixture
    def dana(self, world: World, writer: Writer) -> tuple[Person, Person]:
        """Dana Reyes, and the record of "Red" that turned out to be of her."""
        dana = written(writer, given_name="Dana", family_name="Reyes", helps="Talk of the dog.")
        red = written(writer, aliases=["Red"], harms="Uniforms close up.")
        return dana, merge(world, red, dana)

    def test_who_is_known_by_a_name_of_before_is_found_as_who_they_are(
        self, world: World, writer: Writer, dana: tuple[Person, Person], client: Client
    ) -> None:
        root, _ = dana
        client.force_login(world.supervisor)
        for like in ({"aliases": ["Red"]}, {"given_name": "Dana", "family_name": "Reyes"}):
            answer = client.post("/api/v1/people/search", like, "application/json").json()
            assert [one["person_id"] for one in answer] == [str(root.pk)]
            assert answer[0]["name"] == "Dana Reyes"
        [found] = client.post(
            "/api/v1/people/search", {"aliases": ["Red"]}, "application/json"
        ).json()
        assert found["aliases"] == ["Red"], "whoever looks sees why"

        again = written(writer, aliases=["Red"])
        [offered] = shown(world.ours.tablets[0], "persons")[again.pk]["possible_matches"]
        assert (offered["person_id"], offered["aliases"]) == (str(root.pk), ["Red"])

    def test_whom_a_tablet_offered_by_a_name_of_before_is_named_without_a_review(
        self, world: World, writer: Writer, dana: tuple[Person, Person]
    ) -> None:
        call = world.assignment(
            world.call(units=[world.status("Dispatched", of="CARE22")]), world.theirs.unit
        )
        theirs, id = world.theirs.tablets[0], uuid7()
        writer.save("persons", id, by=theirs, aliases=["Red"])
        meet(writer, call, Person.objects.get(pk=id), by=theirs)
        meet(writer, call, dana[0], by=theirs)

        assert not BrokenGlass.objects.exists()

    @pytest.mark.parametrize("asked", ["the one that stays", "the one that is merged"])
    def test_their_page_tells_all_that_is_recorded_of_them(
        self, world: World, dana: tuple[Person, Person], client: Client, asked: str
    ) -> None:
        root, red = dana
        row = root if asked == "the one that stays" else red
        headers = world.ours.tablets[0].headers
        page = client.get(f"/api/v1/people/{row.pk}/page", headers=headers).content.decode()

        told = ("Dana", "Talk of the dog.", "Uniforms close up.")
        assert [page.index(text) for text in told] == sorted(page.index(text) for text in told)
        assert Entry.objects.filter(action="read", subject_ids=[root.pk, red.pk]).exists()

    def test_medics_are_told_of_who_they_are(
        self, world: World, writer: Writer, dana: tuple[Person, Person], client: Client
    ) -> None:
        red = dana[1]
        row = world.given()
        meet(writer, row, red)
        address = f"/api/v1/encounters/{encounter_id(row.pk)}/handover"

        told = client.get(address, headers=world.ours.tablets[0].headers).json()

        assert told["person"]["given_name"] == "Dana"


class TestAtOnce:
    def test_two_who_merge_the_same_two_each_the_other_way_make_no_circle(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world, writer = committed_world, Writer(committed_world)
        one, other = written(writer, aliases=["Red"]), written(writer, aliases=["Blue"])
        with transaction.atomic():
            merge(world, one, other)
            second = elsewhere.start(lambda: merge(world, other, one))
            elsewhere.until_waiting(second)
        with pytest.raises(ProblemError):
            second.result(timeout=60)
        assert Person.objects.get(pk=one.pk).merged_into_id == other.pk
        assert Person.objects.get(pk=other.pk).merged_into_id is None

    def test_a_call_that_leads_to_one_meanwhile_leads_to_both(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        """Whoever names the one does not see yet that they are the other."""
        world, writer = committed_world, Writer(committed_world)
        one, other = written(writer, aliases=["Red"]), written(writer, aliases=["Blue"])
        row = world.given()
        with transaction.atomic():
            merge(world, other, one)
            naming = elsewhere.start(lambda: meet(writer, row, other))
            elsewhere.until_waiting(naming)
        naming.result(timeout=60)
        assert sees(world.ours.tablets[1]) == {one.pk, other.pk}

    def test_whoever_breaks_the_glass_twice_has_broken_it_once(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world, writer = committed_world, Writer(committed_world)
        row, who = written(writer, aliases=["Red"]), world.theirs.people[0]

        def broken() -> BrokenGlass:
            return services.break_glass(
                person=row, reason="In distress.", by=who, actor=user_actor(who), now=NOON
            )

        with transaction.atomic():
            first = broken()
            second = elsewhere.start(broken)
            elsewhere.until_waiting(second)
        assert second.result(timeout=60) == first
