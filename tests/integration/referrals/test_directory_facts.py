"""What the field tells of services: wrong data, beds, arrivals, handovers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from apps.accounts.models import Partner
from apps.assignments.services import let_cleared_go, reassign
from apps.audit.models import Entry
from apps.changes.models import Change, ParkedReaction
from apps.core.ids import uuid7
from apps.people.ids import encounter_id
from apps.referrals.directory import schemas
from apps.referrals.models import DirectoryTask, FacilityFact, Service
from apps.referrals.services import directory
from apps.webhooks.catalogue import named
from tests.factories import NOON, partner
from tests.integration.assignments.conftest import World, after, dropped, shown
from tests.integration.referrals.directory import a_shelter, fact, services_told

pytestmark = pytest.mark.django_db


@pytest.fixture
def agency(db: None) -> Partner:
    return partner()[1]


@pytest.fixture
def service(world: World, agency: Partner) -> Service:
    return a_shelter(world.commit, agency)


def take(world: World, kind: str, **said: Any) -> UUID:
    """A fact that is taken; its id."""
    document = fact(world, kind, **said)
    assert refusals(world.push(document, by=said.get("by"))) == []
    return UUID(document["id"])


def refusals(answers: list[dict[str, Any]]) -> list[str]:
    """What of a push lies in quarantine, by the field that is to be mended."""
    told = [one for answer in answers for one in answer.get("sync_errors", [])]
    return [one.partition(":")[0].partition(" ")[0] for one in told]


def happened(subject: UUID) -> list[str]:
    rows = Change.objects.filter(subject=subject, kind="event").order_by("n")
    return [row.event or "" for row in rows if str(row.event).startswith("facility.")]


class TestWrongData:
    def test_becomes_a_task_and_comes_back_with_its_outcome(
        self, world: World, service: Service
    ) -> None:
        id = take(
            world, "directory_report", service_id=service.pk, about="hours", found="Closes at 6"
        )
        task = DirectoryTask.objects.get()
        assert (task.service, task.about, task.settled_at) == (service, "hours", None)
        tablet = world.ours.tablets[0]
        assert shown(tablet, "facts")[id]["outcome"] is None
        directory.settle_task(
            task=task,
            outcome="corrected",
            assurer_email="front@harbor.example",
            by=world.supervisor,
            now=NOON + timedelta(days=1),
        )
        world.commit()
        assert shown(tablet, "facts")[id]["outcome"] == "corrected"
        assert shown(tablet, "facts")[id]["found"] == "Closes at 6"
        told = services_told()["Night shelter"]
        assert (told["assured_on"], told["assured_by"]) == ("2026-03-05", "front@harbor.example")
        assert Entry.objects.filter(action="settle", subject_ids=[task.pk]).exists()

    def test_of_the_same_thing_is_one_task_until_it_is_settled(
        self, world: World, service: Service
    ) -> None:
        for _ in range(2):
            take(world, "directory_report", service_id=service.pk, about="phone")
        take(world, "directory_report", service_id=service.pk, about="a later code")
        assert {(t.about, t.reports.count()) for t in DirectoryTask.objects.all()} == {
            ("phone", 2),
            ("other", 1),
        }
        phone = DirectoryTask.objects.get(about="phone")
        directory.settle_task(task=phone, outcome="not_ours", by=world.supervisor, now=NOON)
        directory.settle_task(task=phone, outcome="corrected", by=world.supervisor, now=NOON)
        phone.refresh_from_db()
        assert phone.outcome == "not_ours"
        take(world, "directory_report", service_id=service.pk, about="phone")
        assert DirectoryTask.objects.open().filter(about="phone").count() == 1

    def test_is_seen_by_its_author_and_their_supervisors(
        self, world: World, service: Service
    ) -> None:
        case = world.given()
        id = take(
            world, "directory_report", service_id=service.pk, about="phone", assignment_id=case.pk
        )
        assert id in shown(world.ours.tablets[0], "facts")
        assert id not in shown(world.ours.tablets[1], "facts")
        assert FacilityFact.objects.visible_to(world.supervisor).filter(pk=id).exists()
        assert not FacilityFact.objects.visible_to(world.dispatcher).exists()

    def test_leaves_its_authors_tablet_a_week_after_its_outcome(
        self, world: World, service: Service
    ) -> None:
        id = take(world, "directory_report", service_id=service.pk, about="phone")
        task = DirectoryTask.objects.get()
        directory.settle_task(task=task, outcome="not_ours", by=world.supervisor, now=NOON)
        assert directory.let_settled_go(now=NOON + timedelta(days=6)) == 0
        assert directory.let_settled_go(now=NOON + timedelta(days=7)) == 1
        world.commit()
        assert directory.let_settled_go(now=NOON + timedelta(days=8)) == 0
        assert id in dropped(world.ours.tablets[0], "facts")
        assert FacilityFact.objects.visible_to(world.supervisor).filter(pk=id).exists()

    def test_of_no_service_is_refused_and_kept(self, world: World) -> None:
        document = fact(world, "directory_report", service_id=uuid7(), about="phone")
        assert refusals(world.push(document)) == ["/service_id"]
        assert not DirectoryTask.objects.exists()

    def test_comes_once_however_often_it_is_sent(self, world: World, service: Service) -> None:
        document = fact(world, "directory_report", service_id=service.pk, about="phone")
        for _ in range(3):
            assert refusals(world.push(document)) == []
        assert DirectoryTask.objects.get().reports.count() == 1


class TestStaleEntries:
    def test_become_one_task_each(self, world: World, service: Service) -> None:
        late = NOON + timedelta(days=100)  # verified on 1 March
        assert directory.watch_directory(now=NOON) == 0
        assert directory.watch_directory(now=late) == 1
        assert directory.watch_directory(now=late) == 0
        task = DirectoryTask.objects.get()
        assert (task.about, task.service) == ("stale", service)

    def test_that_nobody_could_verify_are_asked_for_again_a_week_later(
        self, world: World, service: Service
    ) -> None:
        late = NOON + timedelta(days=100)
        directory.watch_directory(now=late)
        task = DirectoryTask.objects.get()
        directory.settle_task(task=task, outcome="unreachable", by=world.supervisor, now=late)
        assert directory.watch_directory(now=late + timedelta(days=6)) == 0
        assert directory.watch_directory(now=late + timedelta(days=8)) == 1

    def test_that_are_verified_are_none(self, world: World, service: Service) -> None:
        late = NOON + timedelta(days=100)
        directory.watch_directory(now=late)
        task = DirectoryTask.objects.get()
        directory.settle_task(task=task, outcome="confirmed", by=world.supervisor, now=late)
        assert directory.watch_directory(now=late + timedelta(days=8)) == 0

    def test_of_what_is_not_there_any_more_nobody_asks(
        self, world: World, service: Service
    ) -> None:
        service.status = "defunct"
        service.save()
        assert directory.watch_directory(now=NOON + timedelta(days=100)) == 0


class TestABedCall:
    def test_is_logged_for_whoever_has_the_call(self, world: World, service: Service) -> None:
        case = world.given()
        id = take(
            world,
            "bed_call",
            service_id=service.pk,
            assignment_id=case.pk,
            answered_by="Night desk",
            answer="held",
            held_until="2026-03-04T23:30:00.000Z",
        )
        told = shown(world.ours.tablets[1], "facts")[id]
        assert (told["answer"], told["answered_by"]) == ("held", "Night desk")
        assert told["held_until"] == "2026-03-04T23:30:00.000Z"
        assert told["encounter_id"] == str(encounter_id(case.pk))
        assert id not in shown(world.theirs.tablets[0], "facts")
        assert "Night desk" not in str(FacilityFact.objects.get(pk=id))

    def test_follows_the_call(self, world: World, service: Service) -> None:
        case = world.given()
        id = take(world, "bed_call", service_id=service.pk, assignment_id=case.pk, answer="full")
        reassign(
            assignment=case, to=world.theirs.unit, by=world.supervisor, reason="x", now=after(60)
        )
        world.commit()
        assert id in shown(world.theirs.tablets[0], "facts")
        assert id in dropped(world.ours.tablets[0], "facts")
        assert not ParkedReaction.objects.exists()

    def test_leaves_the_tablets_with_the_call(self, world: World, service: Service) -> None:
        case = world.given()
        id = take(world, "bed_call", service_id=service.pk, assignment_id=case.pk, answer="full")
        world.tap("contact_made", case, now=after(60))
        world.tap("cleared", case, now=after(120), data={"disposition": "43"})
        let_cleared_go(now=after(4000))
        world.commit()
        assert id in dropped(world.ours.tablets[0], "facts")
        assert FacilityFact.objects.visible_to(world.supervisor).filter(pk=id).exists()

    def test_that_is_early_is_counted_in_when_its_call_comes(
        self, world: World, service: Service
    ) -> None:
        opened = uuid7()
        id = take(world, "bed_call", service_id=service.pk, assignment_id=opened, answer="come")
        assert shown(world.ours.tablets[0], "facts")[id]["flags"] == ["not_here_yet"]
        world.tap("opened", opened, data={"address": "3RD AVE", "call_type": "x"})
        assert shown(world.ours.tablets[1], "facts")[id]["flags"] == []
        assert not ParkedReaction.objects.exists()

    def test_of_somebody_elses_call_is_refused(self, world: World, service: Service) -> None:
        case = world.given()
        by = world.theirs.tablets[0]
        document = fact(world, "bed_call", service_id=service.pk, assignment_id=case.pk, by=by)
        assert refusals(world.push(document, by=by)) == ["/assignment_id"]

    def test_is_taken_whatever_of_it_cannot_be_read(self, world: World) -> None:
        case = world.given()
        id = take(
            world,
            "bed_call",
            service_id=uuid7(),
            assignment_id=case.pk,
            answer="maybe",
            held_until="soon",
            beds=2,
        )
        row = FacilityFact.objects.get(pk=id)
        assert row.flags == ["bad_field", "service_unknown", "unknown_code"]
        assert row.unread == {"held_until": "soon", "beds": 2}


class TestAnArrival:
    def test_is_told_to_the_facility_without_a_word_of_whom(
        self, world: World, service: Service, agency: Partner
    ) -> None:
        case = world.given()
        said = {"service_id": service.pk, "assignment_id": case.pk}
        id = take(world, "arrival_notice", **said, expected_at="2026-03-04T23:00:00.000Z")
        assert happened(id) == ["facility.arrival_noticed"]
        found = directory.arrival_of(id)
        assert found is not None
        assert (found.service_id, found.partner_id) == (service.pk, agency.pk)
        assert not found.cancelled
        event = named("facility.arrival_noticed")
        assert event is not None
        assert event.audience(id) == {agency.pk}
        told = event.build(id)
        assert told == {
            "arrival_id": str(id),
            "service_id": str(service.pk),
            "expected_at": "2026-03-04T23:00:00.000Z",
        }
        event.check(told)
        take(world, "arrival_notice", **said, corrects=id, expected_at="2026-03-04T23:30:00.000Z")
        take(world, "arrival_notice", **said, corrects=id, withdrawn=True)
        assert happened(id) == [
            "facility.arrival_noticed",
            "facility.arrival_changed",
            "facility.arrival_cancelled",
        ]
        found = directory.arrival_of(id)
        assert found is not None
        assert found.cancelled

    def test_nobody_corrects_that_of_another_call(self, world: World, service: Service) -> None:
        first, second = world.given(), world.given()
        id = take(world, "arrival_notice", service_id=service.pk, assignment_id=first.pk)
        other = take(
            world,
            "arrival_notice",
            service_id=service.pk,
            assignment_id=second.pk,
            corrects=id,
            withdrawn=True,
        )
        assert happened(id) == ["facility.arrival_noticed"]
        assert happened(other) == ["facility.arrival_noticed"]


@pytest.mark.parametrize("direction", ["to_them", "from_them"])
def test_a_handover_is_recorded_in_both_directions(
    world: World, service: Service, direction: str
) -> None:
    case = world.given()
    id = take(
        world,
        "handover_call",
        service_id=service.pk,
        assignment_id=case.pk,
        direction=direction,
        answered_by="Counsellor",
        answer="taken_over",
        their_number="C-17",
    )
    told = shown(world.ours.tablets[1], "facts")[id]
    assert (told["direction"], told["answer"], told["their_number"]) == (
        direction,
        "taken_over",
        "C-17",
    )
    assert told["flags"] == []


@pytest.mark.parametrize("kind", schemas.FACTS)
def test_the_example_of_each_kind_is_taken_and_told_as_its_schema_says(
    world: World, service: Service, kind: str
) -> None:
    case = world.given()
    (example,) = schemas.FACTS[kind]["examples"]
    schema = jsonschema.Draft202012Validator(schemas.FACTS[kind])
    schema.validate(example)
    own = {name: example[name] for name in example.keys() - fact(world, kind).keys()}
    id = take(world, kind, **{**own, "service_id": service.pk, "assignment_id": case.pk})
    told = shown(world.ours.tablets[0], "facts")[id]
    assert told["flags"] == []
    schema.validate(told)
    assert told.keys() - schema.schema["properties"].keys() <= {
        *("editor", "edit_no", "rev", "_deleted"),
    }
