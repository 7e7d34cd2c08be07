"""What came to a responder: their supervisor is told, owes them an offer, and nobody else knows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import jsonschema
import pytest
from django.test import Client as Browser

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.assignments import schemas, services
from apps.assignments.models import Alert, Assignment, Fact, SupportOffer
from apps.assignments.services import Telling
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.models import Member
from apps.core.ids import uuid7
from apps.sync.models import QuarantinedWrite
from tests.factories import person, tablet
from tests.integration.assignments.conftest import World, after, shown

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


class TestAReport:
    def test_is_told_to_the_supervisors_of_the_team_alone(self, world: World) -> None:
        row = world.given()
        harm(world, row)
        (body,) = shown(world.supervisor, "alerts").values()
        assert (body["kind"], body["level"], body["state"]) == ("harm", 2, "open")
        assert (body["note"], body["unit"]) == (NOTE, "CARE21")
        assert body["author_name"] == world.ours.people[0].display_name
        jsonschema.validate(body, schemas.ALERT)
        another = person(Role.SUPERVISOR)
        for other in (world.dispatcher, another):
            assert shown(other, "alerts") == {}

    def test_reaches_no_crewmate_and_no_dispatch_desk(self, world: World) -> None:
        """Not as a fact, not as an alert, not as a flag or a line of the call's own document."""
        row = world.given()
        fact = harm(world, row, data={"kinds": ["no such"], "note": NOTE})
        members = Member.objects.filter(collection="facts", doc_id=fact.pk)
        assert set(members.values_list("scope", flat=True)) == {
            f"team:{world.team.pk}",
            f"responder:{world.ours.people[0].pk}",
        }
        assert fact.pk in shown(world.ours.tablets[0], "facts")
        for other in (world.ours.tablets[1], world.theirs.tablets[0], world.dispatcher):
            assert fact.pk not in shown(other, "facts")
        # Whatever is told next derives the call anew, and publishes what differs.
        world.tap("on_scene", row, now=after(70))
        services.reassign(assignment=row, to=world.theirs.unit, by=world.dispatcher, now=after(80))
        world.commit()
        assert fact.pk not in shown(world.theirs.tablets[0], "facts")
        body = shown(world.theirs.tablets[0], "assignments")[row.pk]
        assert str(fact.pk) not in str(body)
        assert "harm" not in str(body)
        row.refresh_from_db()
        assert row.flags == []

    @pytest.mark.parametrize(
        "page",
        [
            "/api/v1/assignments/{}",
            "/api/v1/assignments/{}/facts",
            "/admin/assignments/assignment/{}/change/",
        ],
    )
    def test_is_on_no_page_of_the_call(self, world: World, page: str) -> None:
        row = world.given()
        fact = harm(world, row)
        for reader in (world.dispatcher, world.supervisor):
            text = desk(reader).get(page.format(row.pk)).content.decode()
            assert "CARE21" in text
            assert str(fact.pk) not in text
            assert NOTE not in text
            assert "came to harm" not in text

    def test_is_in_no_story(self, world: World) -> None:
        row = world.given()
        world.tap("on_scene", row, now=after(50))
        fact = harm(world, row)
        text = desk(world.supervisor).get(f"/admin/story/assignment/{row.pk}/").content.decode()
        assert "On scene" in text
        assert str(fact.pk) not in text
        assert NOTE not in text
        assert "came to harm" not in text

    def test_is_read_as_a_fact_by_the_supervisor_and_no_dispatcher(self, world: World) -> None:
        fact = harm(world, world.given())
        page = f"/admin/assignments/fact/{fact.pk}/change/"
        assert NOTE in desk(world.supervisor).get(page).content.decode()
        assert desk(world.dispatcher).get(page).status_code == 302

    def test_is_heard_whatever_is_wrong_with_it(self, world: World) -> None:
        row = world.given()
        odd: list[dict[str, Any]] = [
            {"assignment_id": "garbled"},
            {"assignment_id": None},
            {"assignment_id": str(uuid7())},
            {"data": "hurt"},
            {"data": {}},
            {"data": {"kinds": [["assault"], 5, "death"], "affected": [1, "x", str(uuid7())]}},
            {"device_time": "now"},
        ]
        for one in odd:
            assert world.push({**world.document("harm", row, data=TOLD), **one}) == [], one
            (alert,) = Alert.objects.open()
            assert alert.pk in shown(world.supervisor, "alerts")
            services.acknowledge_alert(alert=alert, by=world.supervisor, now=after(90))
            world.commit()
        assert shown(world.dispatcher, "alerts") == {}
        assert not QuarantinedWrite.objects.exists()

    def test_of_anothers_call_is_taken_without_it(self, world: World) -> None:
        row = world.given()
        document = world.document("harm", row, data=TOLD, by=world.theirs.tablets[0])
        for _ in range(2):
            assert world.push(document, by=world.theirs.tablets[0]) == []
        alert = Alert.objects.get()
        assert (alert.assignment_id, alert.unit) == (None, world.theirs.unit)

    def test_of_a_tablet_with_nobody_signed_in_is_of_whoever_had_it(self, world: World) -> None:
        accounts.sign_out(tablet=world.ours.tablets[0].tablet, by=SYSTEM, now=after(5))
        world.commit()
        harm(world, None)
        assert [offer[0] for offer in owed()] == [world.ours.people[0]]

    def test_of_a_tablet_that_nobody_ever_had_is_its_teams(self, world: World) -> None:
        fresh = tablet(of=world.team)
        assert world.push(world.document("harm", None, by=fresh, data=TOLD), by=fresh) == []
        assert len(shown(world.supervisor, "alerts")) == 1
        assert owed() == [(None, ["assault", "exposure"], "due")]
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.supervisor, now=after(90))
        world.commit()
        (body,) = shown(world.supervisor, "alerts").values()
        assert body["state"] == "acknowledged"

    def test_in_a_flood_is_taken_and_counted(self, world: World) -> None:
        """A tablet in the wrong hands: every report is kept, few of them ring."""
        opened = [uuid7() for _ in range(3)]
        for call in opened:
            assert world.tap("opened", call, data={"entry": "on_view"}) == []
        calls: list[Assignment | UUID | None] = [world.given(), *opened, None, None, uuid7()]
        everyone = [str(one.pk) for one in world.ours.people]
        made = [world.document("harm", on, data={**TOLD, "affected": everyone}) for on in calls]
        for one in made:
            assert world.push(one, now=after(60)) == []
        assert {UUID(one["id"]) for one in made} <= shown(world.supervisor, "facts").keys()
        alerts = shown(world.supervisor, "alerts").values()
        assert [body["counted"] for body in alerts] == [None, None, {"reports": 5}]
        assert SupportOffer.objects.count() == 3 * len(everyone)
        assert shown(world.dispatcher, "alerts") == {}
        # Nobody else is silenced by it, nor they once they are answered, nor in another hour.
        colleague = world.theirs.tablets[0]
        assert world.push(world.document("harm", None, by=colleague), by=colleague) == []
        assert Alert.objects.count() == 4
        for alert in Alert.objects.filter(unit=world.ours.unit)[:1]:
            services.acknowledge_alert(alert=alert, by=world.supervisor, now=after(90))
        harm(world, None)
        assert Alert.objects.count() == 5
        assert world.push(world.document("harm", None, data=TOLD), now=after(7200)) == []
        assert Alert.objects.count() == 6

    def test_of_a_death_in_a_flood_is_counted_too(self, world: World) -> None:
        for _ in range(4):
            row = world.given()
            world.tap("contact_made", row, now=after(30))
            world.tap("cleared", row, data={"disposition": "39"}, now=after(60))
        alerts = shown(world.supervisor, "alerts").values()
        assert [body["counted"] for body in alerts] == [None, None, {"reports": 2}]
        assert SupportOffer.objects.count() == 3 * len(world.ours.people)

    def test_twice_is_one(self, world: World) -> None:
        document = world.document("harm", world.given(), data=TOLD)
        for _ in range(3):
            assert world.push(document) == []
        assert (Alert.objects.count(), SupportOffer.objects.count()) == (1, 1)

    def test_by_the_desk(self, world: World) -> None:
        row = world.given()
        telling = Telling(id=uuid7(), event="harm", assignment_id=row.pk, data={**TOLD})
        services.record_from_desk(telling=telling, by=world.dispatcher, now=after(9))
        world.commit()
        assert len(shown(world.supervisor, "alerts")) == 1
        assert shown(world.dispatcher, "alerts") == {}
        assert telling.id not in shown(world.dispatcher, "facts")

    def test_answered_goes_to_those_who_had_it(self, world: World) -> None:
        row = world.given()
        harm(world, row)
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.supervisor, now=after(90))
        world.commit()
        (body,) = shown(world.supervisor, "alerts").values()
        assert (body["state"], body["note"]) == ("acknowledged", NOTE)
        assert body["address"] == "3RD AVE / PIKE ST"
        assert shown(world.dispatcher, "alerts") == {}

    def test_corrected_is_no_more_public_than_before(self, world: World) -> None:
        row = world.given()
        fact = harm(world, row)
        data = {"corrects": str(fact.pk), "reason": "wrong_detail", "note": NOTE}
        made = world.document("corrected", row, data=data)
        assert world.push(made) == []
        id = UUID(made["id"])
        assert id in shown(world.supervisor, "facts")
        for other in (world.ours.tablets[1], world.dispatcher):
            assert id not in shown(other, "facts")
        assert Fact.objects.of(row.pk).filter(pk=id).count() == 0

    def test_corrected_again_is_no_more_public_either(self, world: World) -> None:
        row = world.given()
        id = str(harm(world, row).pk)
        for note in ("not him", "nor her"):
            data = {"corrects": id, "reason": "wrong_detail", "note": note}
            made = world.document("corrected", row, data=data)
            for _ in range(2):
                assert world.push(made) == []
            id = made["id"]
        assert UUID(id) in shown(world.supervisor, "facts")
        for other in (world.ours.tablets[1], world.dispatcher):
            assert UUID(id) not in shown(other, "facts")

    def test_corrected_before_it_is_here_is_no_more_public_either(self, world: World) -> None:
        """Nor is a correction of that correction. On the way, and once the report has come."""
        row = world.given()
        report = world.document("harm", row, data=TOLD)
        ids = [report["id"]]
        for note in ("not him", "nor her"):
            data = {"corrects": ids[-1], "reason": "wrong_detail", "note": note}
            made = world.document("corrected", row, data=data)
            assert world.push(made) == []
            ids.append(made["id"])
        self.stay_private(world, row, ids[1:])
        assert world.push(report) == []
        self.stay_private(world, row, ids)
        world.tap("on_scene", row, now=after(70))
        self.stay_private(world, row, ids)

    def stay_private(self, world: World, row: Assignment, ids: list[str]) -> None:
        for id in ids:
            for one in (world.supervisor, world.ours.tablets[0]):
                assert UUID(id) in shown(one, "facts")
            for other in (world.ours.tablets[1], world.dispatcher):
                assert UUID(id) not in shown(other, "facts")
                assert id not in str(shown(other, "assignments"))
        reader = desk(world.supervisor)
        for page in (
            "/api/v1/assignments/{}",
            "/api/v1/assignments/{}/facts",
            "/admin/assignments/assignment/{}/change/",
            "/admin/story/assignment/{}/",
        ):
            text = reader.get(page.format(row.pk)).content.decode()
            assert "CARE21" in text
            assert "not him" not in text

    def test_corrected_before_its_call_is_here_is_no_more_public_either(self, world: World) -> None:
        call = uuid7()
        data = {"corrects": str(uuid7()), "reason": "wrong_detail", "note": NOTE}
        made = world.document("corrected", call, data=data)
        assert world.push(made) == []
        assert UUID(made["id"]) in shown(world.supervisor, "facts")
        for begin in (list, lambda: world.tap("opened", call, data={"entry": "patrol"})):
            assert begin() == []
            for other in (world.ours.tablets[1], world.dispatcher):
                assert UUID(made["id"]) not in shown(other, "facts")

    def test_corrected_before_it_is_here_leaves_the_tablet_with_its_call(
        self, world: World
    ) -> None:
        row = world.given()
        data = {"corrects": str(uuid7()), "reason": "wrong_detail", "note": NOTE}
        made = world.document("corrected", row, data=data)
        world.push(made, now=after(10))
        world.tap("cleared", row, data={"disposition": "18"}, now=after(20))
        assert services.let_cleared_go(now=after(90_000)) == 1
        world.commit()
        assert UUID(made["id"]) not in shown(world.ours.tablets[0], "facts")
        assert UUID(made["id"]) in shown(world.supervisor, "facts")

    @pytest.mark.parametrize("role", ["supervisor", "dispatcher"])
    def test_corrected_at_a_desk_is_no_more_public_than_before(
        self, world: World, role: str
    ) -> None:
        row = world.given()
        fact = harm(world, row)
        data = {"corrects": str(fact.pk), "reason": "wrong_detail", "note": "it was not him"}
        told = {"id": str(uuid7()), "event": "corrected", "data": data}
        answers = [
            desk(getattr(world, role)).post(
                f"/api/v1/assignments/{row.pk}/facts", told, content_type="application/json"
            )
            for _ in range(2)
        ]
        assert [answer.status_code for answer in answers] == [201, 200]
        assert [NOTE in answer.content.decode() for answer in answers] == [False, False]
        world.commit()
        id = UUID(told["id"])
        assert id in shown(world.supervisor, "facts")
        for other in (*world.ours.tablets, world.dispatcher):
            assert id not in shown(other, "facts")

    def test_becomes_of_no_other_fact(self, world: World) -> None:
        row = world.given()
        made = world.document("en_route", row)
        world.push(made)
        data = {"corrects": made["id"], "reason": "wrong_event", "event": "harm"}
        world.tap("corrected", row, data=data)
        body = shown(world.ours.tablets[1], "assignments")[row.pk]
        assert body["state"] == "en_route"

    def test_leaves_no_word_of_its_kind_in_the_log(self, world: World) -> None:
        row = world.given()
        before = set(Entry.objects.values_list("pk", flat=True))
        fact = harm(world, row)
        entries = Entry.objects.exclude(pk__in=before)
        assert {(one.action, one.subject_type) for one in entries} == {
            ("record", "fact"),
            ("owe", "support_offer"),
        }
        services.acknowledge_alert(alert=Alert.objects.get(), by=world.supervisor, now=after(90))
        assert entries.filter(action="acknowledge", subject_type="alert").count() == 1
        assert not any("harm" in str(one.detail) for one in entries.all())
        assert not Entry.objects.about(row.pk).filter(pk__in=entries.all()).exists()
        assert entries.filter(subject_ids=[fact.pk]).exists()
