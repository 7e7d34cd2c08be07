"""The offer of peer support that is owed to whoever came to harm."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.test import Client as Browser

from apps.accounts.models import Role, User
from apps.assignments import services
from apps.assignments.models import Alert, Assignment, Fact, SupportOffer
from apps.audit.models import Entry
from apps.changes.models import Item, Member, StoredDocument
from apps.core import clock
from apps.core.problems import ProblemError
from tests.factories import person
from tests.integration.assignments.conftest import World, after, shown
from tests.integration.conftest import Elsewhere

pytestmark = pytest.mark.django_db
NOTE = "he spat in my eye"
TOLD = {"kinds": ["assault", "exposure"], "note": NOTE}


def harm(world: World, row: Assignment | None, **written: Any) -> Fact:
    document = world.document("harm", row, **{"data": TOLD, **written})
    assert world.push(document, now=after(60)) == []
    return Fact.objects.get(pk=document["id"])


def owed() -> list[tuple[User | None, list[str], str]]:
    rows = SupportOffer.objects.order_by("raised_at", "pk")
    return [(row.user, row.kinds, row.state) for row in rows]


def desk(user: User) -> Browser:
    found = Browser()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


class TestTheOffer:
    def test_is_owed_to_whoever_told_of_it(self, world: World) -> None:
        harm(world, world.given())
        assert owed() == [(world.ours.people[0], ["assault", "exposure"], "due")]

    def test_is_owed_to_those_who_are_named(self, world: World) -> None:
        stranger = person()
        other = world.ours.people[1]
        named = [str(other.pk), str(stranger.pk)]
        harm(world, world.given(), data={**TOLD, "affected": named})
        assert owed() == [(other, ["assault", "exposure"], "due")]

    def test_is_one_for_a_person_and_call(self, world: World) -> None:
        row = world.given()
        harm(world, row, data={"kinds": ["assault"]})
        harm(world, row, data={"kinds": ["assault", "exposure"]})
        assert owed() == [(world.ours.people[0], ["assault", "exposure"], "due")]

    @pytest.mark.parametrize(("disposition", "owes"), [("39", True), ("40", True), ("45", False)])
    def test_follows_from_a_death_that_nobody_taps(
        self, world: World, disposition: str, owes: bool
    ) -> None:
        row = world.given()
        world.tap("contact_made", row, now=after(30))
        world.tap("cleared", row, data={"disposition": disposition}, now=after(60))
        people = world.ours.people if owes else []
        assert [(user, kinds) for user, kinds, _ in owed()] == [(one, ["death"]) for one in people]
        kinds = [body["kind"] for body in shown(world.supervisor, "alerts").values()]
        assert kinds == (["harm"] if owes else [])
        assert shown(world.dispatcher, "alerts") == {}

    def test_of_a_death_is_made_once_however_it_is_told(self, world: World) -> None:
        row = world.given()
        everyone = [str(one.pk) for one in world.ours.people]
        harm(world, row, data={"kinds": ["death"], "affected": everyone})
        for second in (70, 80):
            world.tap("cleared", row, data={"disposition": "39"}, now=after(second))
        assert (Alert.objects.count(), SupportOffer.objects.count()) == (1, 2)

    def test_is_one_when_two_tell_at_once(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        world = committed_world
        row = world.given()
        named = {**TOLD, "affected": [str(world.ours.people[0].pk)]}
        barrier = threading.Barrier(2)

        def report(number: int) -> None:
            by = world.ours.tablets[number]
            document = world.document("harm", row, by=by, data=named)
            barrier.wait(60)
            assert world.push(document, by=by, now=after(60)) == []

        for work in [elsewhere.start(lambda n=n: report(n)) for n in range(2)]:
            work.result(60)
        assert (Alert.objects.count(), SupportOffer.objects.count()) == (2, 1)

    def test_is_published_to_nobody(self, world: World) -> None:
        harm(world, world.given())
        offer = SupportOffer.objects.get()
        for model in (Item, Member, StoredDocument):
            assert not model.objects.filter(doc_id=offer.pk).exists()


class TestTheVerbs:
    @pytest.fixture
    def offer(self, world: World) -> SupportOffer:
        harm(world, world.given())
        return SupportOffer.objects.get()

    def test_offer_answer_close(self, world: World, offer: SupportOffer) -> None:
        by = world.supervisor
        services.offer_support(offer=offer, by=by, note="by phone", now=after(100))
        services.offer_support(offer=offer, by=by, note="again", now=after(110))
        services.record_answer(offer=offer, taken=False, by=by, note="", now=after(120))
        services.record_answer(offer=offer, taken=True, by=by, note="tomorrow", now=after(130))
        services.close_support(offer=offer, by=by, reason="met twice", now=after(140))
        offer.refresh_from_db()
        assert (offer.state, offer.offered_at, offer.answered_at, offer.closed_at) == (
            "taken",
            after(100),
            after(130),
            after(140),
        )
        assert offer.offered_by == by
        said = ["by phone", "again", "tomorrow", "met twice"]
        assert [one["text"] for one in offer.notes] == said
        acts = Entry.objects.about(offer.pk).order_by("id")
        done = ["owe", "offer", "offer", "answer", "answer", "close"]
        assert [one.action for one in acts] == done
        assert not any(one.detail for one in acts)

    def test_two_offers_at_once_keep_both_notes(self, world: World, offer: SupportOffer) -> None:
        """The second has the row as it was before the first. The same, sent twice, is one."""
        first, second = world.supervisor, person(Role.SUPERVISOR, of=world.team)
        for by, note in ((first, "by phone"), (second, "at the station"), (first, "by phone")):
            services.offer_support(offer=offer, by=by, note=note, now=after(100))
        offer.refresh_from_db()
        assert (offer.state, offer.offered_by) == ("offered", first)
        assert [one["text"] for one in offer.notes] == ["by phone", "at the station"]

    def test_closed_without_an_answer_it_is_withdrawn(
        self, world: World, offer: SupportOffer
    ) -> None:
        by = world.supervisor
        with pytest.raises(ProblemError):
            services.close_support(offer=offer, by=by, reason=" ", now=after(90))
        services.close_support(offer=offer, by=by, reason="a mis-tap", now=after(100))
        offer.refresh_from_db()
        assert offer.state == "withdrawn"
        with pytest.raises(ProblemError):
            services.offer_support(offer=offer, by=by, note="", now=after(110))

    def test_nothing_is_answered_before_it_was_offered(
        self, world: World, offer: SupportOffer
    ) -> None:
        with pytest.raises(ProblemError):
            services.record_answer(
                offer=offer, taken=True, by=world.supervisor, note="", now=after(90)
            )

    @pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DISPATCHER, Role.ADMINISTRATOR])
    def test_are_for_nobody_but_the_teams_supervisors(self, offer: SupportOffer, role: str) -> None:
        with pytest.raises(ProblemError):
            services.offer_support(offer=offer, by=person(role), note="", now=after(90))


class TestThePage:
    LIST = "/admin/assignments/supportoffer/"

    @pytest.fixture(autouse=True)
    def noon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock, "now", lambda: after(600))

    def test_is_the_supervisors_and_each_look_is_on_record(self, world: World) -> None:
        harm(world, world.given())
        offer = SupportOffer.objects.get()
        reader = desk(world.supervisor)
        page = f"{self.LIST}{offer.pk}/change/"
        text = reader.get(page).content.decode()
        assert "Exposure to blood" in text
        assert "Irrigate eyes with clean water" in text
        listed = reader.get(self.LIST).content.decode()
        assert world.ours.people[0].display_name in listed
        assert "Exposure to blood" not in listed
        reads = Entry.objects.about(offer.pk).filter(action="read", actor_id=world.supervisor.pk)
        assert reads.count() == 2

    @pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DISPATCHER, Role.ADMINISTRATOR])
    def test_is_nobody_elses(self, world: World, role: str) -> None:
        harm(world, world.given())
        other = person(role)
        other.is_staff = other.is_superuser = True
        other.save()
        answer = desk(other).get(f"{self.LIST}{SupportOffer.objects.get().pk}/change/")
        assert answer.status_code in {302, 403}
        assert world.ours.people[0].display_name not in answer.content.decode()

    def test_steps_are_taken_there(self, world: World) -> None:
        harm(world, world.given())
        offer = SupportOffer.objects.get()
        reader = desk(world.supervisor)

        def act(action: str, **answers: str) -> None:
            chosen = {"action": action, "_selected_action": str(offer.pk), "apply": "yes"}
            answer = reader.post(self.LIST, {**chosen, **answers})
            assert answer.status_code == 302, answer.content.decode()

        act("offer", note="")
        act("answer", taken="yes", note="next week")
        act("close", reason="done")
        offer.refresh_from_db()
        assert (offer.state, offer.closed_by) == ("taken", world.supervisor)
