"""Somebody opens a record that no call leads them to: for a while, for a reason, and reviewed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.accounts.services import user_actor
from apps.audit.models import Entry
from apps.core.problems import ProblemError
from apps.notify import wording
from apps.notify.models import Channel, ContactPoint, Notification
from apps.people import services
from apps.people.models import BrokenGlass, Person
from tests.factories import EnrolledTablet, person, team
from tests.integration.assignments.conftest import NOON, World, after, dropped
from tests.integration.people.test_persons import Street, sees, street

__all__ = ["street"]

pytestmark = pytest.mark.django_db


class TestBreakingTheGlass:
    def ask(self, client: Client, who: EnrolledTablet, id: UUID, reason: str) -> Any:
        return client.post(
            f"/api/v1/people/{id}/open",
            {"reason": reason},
            "application/json",
            headers=who.headers,
        )

    def test_shows_a_person_for_a_while_and_tells_a_supervisor_why(
        self, world: World, street: Street, client: Client
    ) -> None:
        id = street.person(aliases=["Red"])
        stranger = world.theirs.tablets[0]
        assert client.get(f"/api/v1/people/{id}", headers=stranger.headers).status_code == 404

        answer = self.ask(client, stranger, id, "Collapsed before us, knows us.")
        world.commit()

        assert answer.status_code == 200, answer.content
        assert client.get(f"/api/v1/people/{id}", headers=stranger.headers).status_code == 200
        assert id in sees(stranger)
        glass = BrokenGlass.objects.visible_to(world.supervisor).get()
        assert glass.reason == "Collapsed before us, knows us."
        assert Entry.objects.filter(action="break-glass").get().subject_ids == [id]

        services.close_over(now=glass.until)
        world.commit()
        assert id in dropped(stranger, "persons")

    def test_naming_a_person_on_a_call_that_nothing_led_to_is_reviewed_too(
        self, world: World, street: Street
    ) -> None:
        id, stranger = street.person(aliases=["Red"]), world.theirs.tablets[0]
        call = world.call(units=[world.status("Dispatched", of="CARE22")])
        street.meets(world.assignment(call, world.theirs.unit), id, by=stranger)

        assert id in sees(stranger)  # whoever stands before somebody does not give reasons first
        glass = BrokenGlass.objects.visible_to(world.supervisor).get()
        assert (glass.person_id, glass.user) == (id, world.theirs.people[0])
        assert "Named on a call" in glass.reason

    def test_naming_whom_one_wrote_of_or_was_offered_is_not(
        self, world: World, street: Street
    ) -> None:
        known = street.person(aliases=["Red"])
        stranger = world.theirs.tablets[0]
        new = street.person(by=stranger, aliases=["Red"])
        call = world.call(units=[world.status("Dispatched", of="CARE22")])
        row = world.assignment(call, world.theirs.unit)
        street.meets(row, new, by=stranger)
        street.meets(row, known, by=stranger, match="confirmed")

        assert known in sees(stranger)
        assert not BrokenGlass.objects.exists()

    def test_takes_a_reason(self, world: World, street: Street, client: Client) -> None:
        answer = self.ask(client, world.theirs.tablets[0], street.person(aliases=["Red"]), " ")

        assert answer.status_code == 400
        assert "/reason" in answer.content.decode()
        with pytest.raises(ProblemError):
            services.break_glass(
                person=Person.objects.get(),
                reason=" ",
                by=world.supervisor,
                actor=user_actor(world.supervisor),
                now=NOON,
            )
        assert not BrokenGlass.objects.exists()

    def test_twice_is_once(self, world: World, street: Street, client: Client) -> None:
        id = street.person(aliases=["Red"])
        first = self.ask(client, world.theirs.tablets[0], id, "In distress.")
        second = self.ask(client, world.theirs.tablets[0], id, "In distress.")

        assert first.json() == second.json()

    def test_is_not_closed_before_its_time(
        self, world: World, street: Street, client: Client
    ) -> None:
        id = street.person(aliases=["Red"])
        self.ask(client, world.theirs.tablets[0], id, "In distress.")
        until = BrokenGlass.objects.get().until

        assert services.close_over(now=until - timedelta(seconds=1)) == 0

    def test_again_when_its_time_is_over_lasts_as_long_as_the_first(
        self, world: World, street: Street
    ) -> None:
        """Also before a tick has closed the first one, which then ends nothing of the second."""
        id, stranger = street.person(aliases=["Red"]), world.theirs.tablets[0]
        first = self.open(world, id, now=NOON)
        assert self.open(world, id, now=first.until - timedelta(seconds=1)) == first
        second = self.open(world, id, now=first.until)
        assert second != first

        assert services.close_over(now=first.until) == 1
        world.commit()
        assert id in sees(stranger)
        assert services.close_over(now=second.until) == 1
        world.commit()
        assert id in dropped(stranger, "persons")

    def open(self, world: World, id: UUID, *, now: datetime) -> BrokenGlass:
        """By somebody to whom nothing leads them."""
        who, row = world.theirs.people[0], Person.objects.get(pk=id)
        glass = services.break_glass(
            person=row, reason="In distress.", by=who, actor=user_actor(who), now=now
        )
        world.commit()
        return glass

    def test_on_one_record_shows_those_that_are_the_same(
        self, world: World, street: Street
    ) -> None:
        one, other = street.person(aliases=["Red"]), street.person(aliases=["Blue"])
        into = Person.objects.get(pk=one)
        merged = Person.objects.get(pk=other)
        services.merge_persons(person=merged, into=into, by=world.supervisor, now=NOON)
        self.open(world, other, now=NOON)

        assert sees(world.theirs.tablets[0]) == {one, other}
        assert set(Entry.objects.get(action="break-glass").subject_ids) == {one, other}

    def test_of_one_person_by_two_ends_for_each_by_itself(
        self, world: World, street: Street
    ) -> None:
        id = street.person(aliases=["Red"])
        first = self.open(world, id, now=NOON)
        other = world.ours.people[1]
        row = Person.objects.get(pk=id)
        services.break_glass(
            person=row, reason="Asked.", by=other, actor=user_actor(other), now=after(60)
        )
        services.close_over(now=first.until)
        world.commit()

        assert id not in sees(world.theirs.tablets[0])
        assert id in sees(world.ours.tablets[1])

    def test_is_reviewed_by_somebody_else_once(
        self, world: World, street: Street, client: Client
    ) -> None:
        """By a supervisor of whoever opened it."""
        self.ask(client, world.theirs.tablets[0], street.person(aliases=["Red"]), "In distress.")
        world.commit()
        glass = BrokenGlass.objects.get()
        for by in (glass.user, person(Role.SUPERVISOR, of=team())):
            assert self.refused(glass, by) == 403
        services.review_glass(glass=glass, justified=False, by=world.supervisor, now=NOON)
        assert self.refused(glass, world.supervisor) == 409
        assert BrokenGlass.objects.get().justified is False

    def test_is_not_reviewed_by_the_supervisor_who_did_it(
        self, world: World, street: Street
    ) -> None:
        by, row = world.supervisor, Person.objects.get(pk=street.person(aliases=["Red"]))
        glass = services.break_glass(
            person=row, reason="In distress.", by=by, actor=user_actor(by), now=NOON
        )
        world.commit()

        assert self.refused(glass, by) == 409

    def test_asked_about_is_told_to_who_did_it_without_a_word_of_anybody(
        self, world: World, street: Street
    ) -> None:
        glass = self.open(world, street.person(aliases=["Red"]), now=NOON)
        phone = ContactPoint(user=glass.user, channel=Channel.TEXT, address="+12065550100")
        phone.save()
        asked = {"glass": glass, "by": world.supervisor}
        for question, at in (("Why Red?", 60), ("Why Red?", 70), ("Why him?", 80)):
            services.ask_about_glass(**asked, question=question, now=after(at))
        earlier, row = Notification.objects.order_by("made_at")
        assert (row.user, row.channel, row.topic) == (glass.user, "text", "question")
        assert (earlier.stopped_at, row.stopped_at) == (after(80), None)
        said = wording.text({row.topic: 1})
        assert "A supervisor asks why you opened a record." in said
        services.review_glass(glass=glass, justified=True, by=world.supervisor, now=after(90))
        assert not Notification.objects.waiting().exists()

    def refused(self, glass: BrokenGlass, by: User) -> int:
        with pytest.raises(ProblemError) as problem:
            services.review_glass(glass=glass, justified=True, by=by, now=NOON)
        return problem.value.problem.status

    def test_somebody_is_found_by_name_and_who_was_offered_is_written_down(
        self, world: World, street: Street, client: Client
    ) -> None:
        id = street.person(given_name="Dana", family_name="Reyes", helps="Talk about the dog.")

        answer = client.post(
            "/api/v1/people/search",
            {"given_name": "Dana", "family_name": "Rayes"},
            "application/json",
            headers=world.theirs.tablets[0].headers,
        )

        assert [one["person_id"] for one in answer.json()] == [str(id)]
        assert "dog" not in answer.content.decode()
        entry = Entry.objects.get(action="search")
        assert entry.subject_ids == [id]
        assert "Rayes" not in str(entry.detail)
