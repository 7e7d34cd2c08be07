from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from apps.assignments.models import Assignment
from apps.assignments.records import lock_arrivals
from apps.assignments.services import let_cleared_go, reassign
from apps.audit.models import Entry
from apps.changes.models import ParkedReaction
from apps.core.ids import uuid7
from apps.people import services
from apps.people.ids import encounter_id
from apps.people.models import Encounter
from apps.sync.gathered import PUSHES
from apps.sync.models import Conflict, QuarantinedWrite, Version
from apps.sync.services.applying import apply_quarantined
from apps.sync.services.versions import restore
from tests.integration.assignments.conftest import NOON, World, after, dropped, shown
from tests.integration.conftest import Elsewhere
from tests.integration.people.conftest import Writer
from tests.integration.sync.conftest import request_of

pytestmark = pytest.mark.django_db


def met(world: World, **more: Any) -> Assignment:
    """A call on which our crew has met somebody."""
    row = world.given()
    for second, event in enumerate(("acknowledged", "en_route", "on_scene", "contact_made"), 1):
        data = {"call_revision": 1} if event == "acknowledged" else {}
        world.tap(event, row, now=after(60 * second), data=data)
    assert not ParkedReaction.objects.exists()
    return row


class TestTheTimelineOpensIt:
    def test_when_contact_is_made_under_the_id_that_a_tablet_works_out(self, world: World) -> None:
        row = met(world)

        found = Encounter.objects.get()
        assert (found.pk, found.opened_by) == (encounter_id(row.pk), "timeline")
        document = shown(world.ours.tablets[0], "encounters")[found.pk]
        assert document["met"] == "met"
        assert document["summary"]["unit"] == "CARE21"
        assert document["summary"]["times"]["on_scene"]

    @pytest.mark.parametrize("by_cad", [False, True])
    def test_tells_what_all_units_of_the_incident_gave_back(
        self, world: World, by_cad: bool
    ) -> None:
        both = [world.status("Dispatched", of=unit) for unit in ("CARE21", "CARE22")]
        incident = world.call(number="1", units=[*both, world.status("OnScene", of="3M21")])
        first, second = (
            world.assignment(incident, unit) for unit in (world.ours.unit, world.theirs.unit)
        )
        world.tap("police_released", first, now=after(300), data={"agency": "spd"})
        cleared = {"disposition": "18"}
        world.tap("cleared", first, now=after(2100), data=cleared)
        ours, id = world.ours.tablets[0], encounter_id(first.pk)
        assert shown(ours, "encounters")[id]["summary"]["police"]["seconds_given_back"] is None

        if by_cad:
            gone = world.status("Cleared", of="CARE22", at=after(3900))
            world.call(number="1", now=after(3900), units=[gone])
        else:
            theirs = world.theirs.tablets[0]
            world.tap("cleared", second, by=theirs, now=after(3900), data=cleared)
        assert shown(ours, "encounters")[id]["summary"]["police"]["seconds_given_back"] == 3600
        assert not ParkedReaction.objects.exists()

    def test_not_before(self, world: World) -> None:
        world.acknowledge(world.given())

        assert not Encounter.objects.exists()

    @pytest.mark.parametrize(
        ("event", "data", "says"),
        [
            ("unable_to_locate", {"disposition": "14"}, "nobody_found"),
            ("declined", {"agency": "care", "reason": "scene_not_secured"}, "not_met"),
        ],
    )
    def test_when_the_call_ends_without_anybody(
        self, world: World, event: str, data: dict[str, Any], says: str
    ) -> None:
        row = world.given()
        world.tap(event, row, data=data)

        document = shown(world.ours.tablets[1], "encounters")[encounter_id(row.pk)]
        assert document["met"] == says
        assert document["summary"]["closing"] == event

    def test_once_whatever_happens_after(self, world: World) -> None:
        row = met(world)
        world.tap("cleared", row, data={"disposition": "18"})
        services.follow_assignment(assignment_id=row.pk, now=NOON)

        assert Encounter.objects.count() == 1

    def test_and_writes_down_that_it_did(self, world: World) -> None:
        met(world)

        entry = Entry.objects.filter(subject_type="encounter").get()
        assert (entry.action, entry.actor_kind) == ("create", "system")


class TestATabletOpensIt:
    def test_before_the_timeline_does(self, world: World, writer: Writer) -> None:
        row = world.given()
        id = encounter_id(row.pk)

        assert writer.save("encounters", id, assignment_id=str(row.pk), ordinal=1) == []
        world.tap("contact_made", row)

        assert Encounter.objects.get().opened_by == "tablet"
        assert shown(world.ours.tablets[1], "encounters")[id]["met"] == "met"

    def test_after_it_without_a_conflict(self, world: World, writer: Writer) -> None:
        """The tablet was offline and knows nothing of the one that is there."""
        row = met(world)
        id = encounter_id(row.pk)

        writer.save("encounters", id, assignment_id=str(row.pk), ordinal=1, role="Patient")

        assert not Conflict.objects.exists()
        document = shown(world.ours.tablets[1], "encounters")[id]
        assert (document["role"], document["met"]) == ("Patient", "met")

    def test_before_its_assignment_is_here(self, world: World, writer: Writer) -> None:
        """A call that they started themselves: nobody else sees the encounter until it comes."""
        assignment = uuid7()
        id = encounter_id(assignment)

        assert writer.save("encounters", id, assignment_id=str(assignment), ordinal=1) == []
        assert shown(world.ours.tablets[0], "encounters")[id]["flags"] == ["not_here_yet"]
        assert id not in shown(world.ours.tablets[1], "encounters")
        world.tap("opened", assignment, data={"entry": "on_view"})

        document = shown(world.ours.tablets[1], "encounters")[id]
        assert document["flags"] == []
        assert document["summary"]["entry_kind"] == "on_view"

    def test_a_second_person_on_the_same_call(self, world: World, writer: Writer) -> None:
        row = met(world)
        writer.save("encounters", encounter_id(row.pk, 2), assignment_id=str(row.pk), ordinal=2)

        assert [one.ordinal for one in Encounter.objects.of(row.pk)] == [1, 2]

    def test_under_an_id_of_its_own_it_is_refused_and_kept(
        self, world: World, writer: Writer
    ) -> None:
        row = met(world)
        own = uuid7()

        [answer] = writer.save("encounters", own, assignment_id=str(row.pk), ordinal=1)

        assert answer["sync_status"]
        assert answer["sync_errors"][0].startswith("/id")
        assert Encounter.objects.count() == 1

    def test_of_a_call_that_is_not_theirs_it_is_refused(self, world: World, writer: Writer) -> None:
        row = world.given()

        [answer] = writer.save(
            "encounters",
            encounter_id(row.pk),
            by=world.theirs.tablets[0],
            assignment_id=str(row.pk),
            ordinal=1,
        )

        assert answer["sync_errors"][0].startswith("/assignment_id")
        assert not Encounter.objects.exists()

    def test_what_does_not_fit_is_flagged_and_stops_nobody(
        self, world: World, writer: Writer
    ) -> None:
        row = world.given()
        id = encounter_id(row.pk)
        writer.save(
            "encounters",
            id,
            assignment_id=str(row.pk),
            ordinal=1,
            role="Friend",
            place=7,
            hat="red",
        )

        document = shown(world.ours.tablets[1], "encounters")[id]
        assert document["role"] == "Friend"
        assert "place" not in document
        assert "hat" not in document
        assert document["flags"] == ["bad_field", "unknown_code"]


class TestWhoHasIt:
    def test_it_follows_the_call_to_another_unit(self, world: World) -> None:
        row = met(world)
        reassign(assignment=row, to=world.theirs.unit, by=world.supervisor, now=after(600))
        world.commit()

        assert encounter_id(row.pk) in shown(world.theirs.tablets[0], "encounters")
        assert encounter_id(row.pk) in dropped(world.ours.tablets[0], "encounters")

    def test_the_desk_sees_none_of_it_and_supervisors_do(self, world: World) -> None:
        met(world)

        assert not Encounter.objects.visible_to(world.dispatcher).exists()
        assert Encounter.objects.visible_to(world.supervisor).exists()

    def test_whoever_owes_a_record_keeps_it_when_the_call_has_left(self, world: World) -> None:
        row = met(world)
        world.tap("cleared", row, now=after(1200), data={"disposition": "18"})
        let_cleared_go(now=after(1200 + 3600))
        world.commit()
        id = encounter_id(row.pk)

        assert row.pk in dropped(world.ours.tablets[0], "assignments")
        assert id in shown(world.ours.tablets[0], "encounters")
        assert shown(world.ours.tablets[0], "encounters")[id]["summary"]["closing"] == "cleared"

        assert Encounter.objects.get().kept_for == sorted(one.pk for one in world.ours.people)
        services.let_go(encounter_id=id, now=after(5000))
        world.commit()
        assert id in dropped(world.ours.tablets[0], "encounters")
        assert id in dropped(world.ours.tablets[1], "encounters")

    def test_so_does_the_partner_of_whoever_opened_it_before_its_call_was_here(
        self, world: World, writer: Writer
    ) -> None:
        assignment = uuid7()
        id = encounter_id(assignment)
        writer.save("encounters", id, assignment_id=str(assignment), ordinal=1)
        world.tap("opened", assignment, data={"entry": "on_view"})
        world.tap("cleared", assignment, now=after(60), data={"disposition": "18"})

        assert Encounter.objects.get().kept_for == sorted(one.pk for one in world.ours.people)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    """Whatever else is done on its call at the same moment."""

    @pytest.mark.parametrize("way", ["pushed", "pushed with others", "put back", "taken after all"])
    def test_it_is_written_in_its_turn(
        self, committed_world: World, elsewhere: Elsewhere, way: str
    ) -> None:
        world, writer = committed_world, Writer(committed_world)
        row, [here, _] = met(world), world.ours.tablets
        id = encounter_id(row.pk)
        told: dict[str, Any] = {"assignment_id": str(row.pk), "ordinal": 1, "place": "At the door."}
        writer.save("encounters", id, **told)
        writer.save("encounters", id, by=world.theirs.tablets[0], **told)  # it is none of theirs
        version = Version.objects.filter(doc_id=id).latest("at", "pk")
        refused = QuarantinedWrite.objects.get()
        save = {"id": str(id), **told, "editor": str(here.instance), "edit_no": 1000}
        request = request_of(here, [{"newDocumentState": save}], "encounters")
        by = world.supervisor
        ways: dict[str, Callable[[], object]] = {
            "pushed": lambda: writer.save("encounters", id, **told),
            "pushed with others": lambda: PUSHES.answer([request]),
            "put back": lambda: restore(version=version, by=by, now=NOON),
            "taken after all": lambda: apply_quarantined(write=refused, by=by, now=NOON),
        }
        with transaction.atomic():
            lock_arrivals([row.pk])
            written = elsewhere.start(ways[way])
            elsewhere.until_waiting(written)
        written.exception(timeout=60)
