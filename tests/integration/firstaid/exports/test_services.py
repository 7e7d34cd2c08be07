"""Exports page by page: valid as a whole, and in the audit log."""

from __future__ import annotations

import csv
import io
from uuid import UUID

import pytest
from lxml import etree

from apps.accounts.services import user_actor
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.firstaid import codes
from apps.firstaid.exports import services
from apps.firstaid.exports.services import Tally, between, export_odmap, report_improved
from apps.people.models import Encounter
from tests.data import shared_data
from tests.factories import NOON
from tests.integration.assignments.conftest import World, after
from tests.integration.firstaid.exports.conftest import aid, dose, encounter_of, over, xml

NEMSIS = "{http://www.nemsis.org}"


def reports(text: bytes) -> list[str]:
    """The encounters of a document, in its order."""
    return [str(one.text) for one in etree.fromstring(text).iter(NEMSIS + "eRecord.01")]


def entries() -> list[Entry]:
    return list(Entry.objects.filter(action="export").order_by("pk"))


def test_what_was_written_down_is_a_valid_document(world: World) -> None:
    row = over(world, disposition="44")
    dose(row, world.ours.people[0], response=codes.IMPROVED)
    dose(row, given_by="bystander", before_arrival=True)
    aid(row, injuries=["bleeding"], procedures=["447686008"], vitals={"pulse": 90})
    path = shared_data("nemsis", "xsd", "EMSDataSet_v3.xsd")
    etree.XMLSchema(etree.parse(path)).assertValid(etree.fromstring(xml()))


@pytest.mark.usefixtures("pages_of_two")
def test_pages_follow_each_other_without_a_gap(world: World) -> None:
    """All of them are opened in the same moment: only their ids tell them apart."""
    rows = [over(world) for _ in range(5)]
    Encounter.objects.update(opened_at=NOON)
    assert reports(xml()) == sorted(str(encounter_of(row).pk) for row in rows)


@pytest.mark.usefixtures("pages_of_two")
def test_a_page_is_audited_before_it_is_handed_out(world: World) -> None:
    rows = [over(world) for _ in range(3)]
    tally = Tally()
    parts = services.export_nemsis(
        rows=Encounter.objects.all(), actor=user_actor(world.supervisor), now=NOON, tally=tally
    )
    next(parts)
    [entry] = entries()
    assert len(entry.subject_ids) == 2
    assert (entry.actor_id, entry.subject_type) == (world.supervisor.pk, "encounter")
    assert entry.detail == {"format": "nemsis", "narrative": False}
    list(parts)
    exported = {id for one in entries() for id in one.subject_ids}
    assert exported == {encounter_of(row).pk for row in rows}
    assert tally.exported == 3


def test_what_is_left_out_is_counted_and_in_no_audit(world: World) -> None:
    here = over(world)
    open_one = world.given()
    world.tap("contact_made", open_one, now=after(60))
    tally = Tally()
    assert reports(xml(tally=tally)) == [str(encounter_of(here).pk)]
    assert (tally.exported, dict(tally.left_out)) == (1, {"open": 1})
    assert [one.subject_ids for one in entries()] == [[encounter_of(here).pk]]


@pytest.mark.usefixtures("pages_of_two")
def test_a_first_page_without_a_report_begins_no_document(world: World) -> None:
    for _ in range(2):
        world.tap("contact_made", world.given(), now=after(60))
    row = over(world)
    Encounter.objects.filter(pk=encounter_of(row).pk).update(opened_at=after(4000))
    assert reports(xml()) == [str(encounter_of(row).pk)]


def test_of_no_encounters_there_is_no_document(world: World) -> None:
    assert xml() == b""


def test_a_period_has_its_beginning_and_not_its_end(world: World) -> None:
    row = over(world)
    Encounter.objects.update(opened_at=NOON)
    rows = Encounter.objects.all()
    assert list(between(rows, NOON, after(1))) == [encounter_of(row)]
    assert list(between(rows, after(-1), NOON)) == []


def test_overdoses_are_told_and_audited_alone(world: World) -> None:
    row, other = over(world), over(world)
    dose(row)
    text = b"".join(
        export_odmap(rows=Encounter.objects.all(), actor=SYSTEM, now=NOON, tally=Tally())
    )
    [told] = csv.DictReader(io.StringIO(text.decode()))
    assert (told["latitude"], told["longitude"]) == ("47.610", "-122.338")
    assert (told["naloxone"], told["administered_by"]) == ("Single dose", "Crisis responder")
    assert UUID(told["event_id"]) not in {encounter_of(row).pk, encounter_of(other).pk}
    assert [one.subject_ids for one in entries()] == [[encounter_of(row).pk]]


def test_the_report_counts_and_says_whose_doses_were_read(world: World) -> None:
    row, _ = over(world), over(world)
    dose(row, response=codes.IMPROVED)
    found = report_improved(rows=Encounter.objects.all(), actor=SYSTEM, now=NOON)
    assert (found.encounters, found.with_naloxone, found.improved) == (2, 1, 1)
    assert [one.subject_ids for one in entries()] == [[encounter_of(row).pk]]
