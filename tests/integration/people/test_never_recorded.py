"""Immigration status is never recorded: wherever a tablet writes it, it is nowhere afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from apps.core.ids import uuid7
from apps.people.ids import encounter_id
from apps.people.models import Person
from apps.sync import registry
from apps.sync.models import Conflict, QuarantinedWrite, Version
from apps.sync.push import Row
from apps.sync.rows import parsed
from apps.sync.services.applying import apply_quarantined
from tests.integration.assignments.conftest import NOON, World, shown
from tests.integration.people.conftest import Writer
from tests.pushing import pushed

pytestmark = pytest.mark.django_db

STATUS = "came from somewhere"
NOTE = {
    "id": "01931f72-1a2c-7c3a-9a51-0d7a8f4b2c32",
    "text": "Startles.",
    "source": "seen",
    "seen_on": "2026-03-01",
}
# Where a tablet may write it.
PLACES: dict[str, dict[str, Any]] = {
    "the person": {"immigration_status": STATUS},
    "an item": {"safety_notes": [{**NOTE, "immigration_status": STATUS}]},
    "within an item": {"found_at": [{"id": NOTE["id"], "more": [{"Citizenship": STATUS}]}]},
    "another spelling": {"contacts": [{"id": NOTE["id"], "visaStatus": {"is": STATUS}}]},
}
everywhere = pytest.mark.parametrize("fields", PLACES.values(), ids=PLACES)


def everything_of(world: World, id: UUID) -> str:
    """All that is kept or shown of a document."""
    versions = [(row.content, row.result) for row in Version.objects.filter(doc_id=id)]
    refused = [(r.content, r.base, r.errors) for r in QuarantinedWrite.objects.filter(doc_id=id)]
    conflicts = [(row.won, row.kept) for row in Conflict.objects.filter(doc_id=id)]
    stored = [row.content for row in Person.objects.filter(pk=id)]
    desks = (*world.ours.tablets, *world.theirs.tablets, world.supervisor)
    seen = [shown(desk, name) for desk in desks for name in ("persons", "quarantine")]
    return str([versions, refused, conflicts, stored, seen])


@everywhere
def test_it_is_in_no_document_and_no_history_and_the_document_says_so(
    world: World, writer: Writer, client: Client, fields: dict[str, Any]
) -> None:
    id = uuid7()
    [answer] = writer.save("persons", id, aliases=["Red"], **fields)

    assert answer["flags"] == ["not_recorded"]
    document = shown(world.ours.tablets[0], "persons")[id]
    assert (document["aliases"], document["flags"]) == (["Red"], ["not_recorded"])
    client.force_login(world.supervisor)
    history = client.get(f"/api/v1/sync/persons/{id}/versions").content.decode()
    page = client.get(f"/admin/sync/version/{Version.objects.get().pk}/change/").content.decode()
    assert "Red" in history
    assert "Red" in page
    assert STATUS not in str(answer) + history + page + everything_of(world, id)


@everywhere
def test_what_cannot_be_taken_is_kept_without_it(
    world: World, writer: Writer, fields: dict[str, Any]
) -> None:
    id, other = uuid7(), world.theirs.tablets[0]
    writer.save("persons", id, aliases=["Red"])
    writer.save("persons", id, by=other, assumed={"id": str(id), **fields}, harms="Uniforms.")
    unknown = {"id": "no-uuid", "harms": "Uniforms.", **fields}
    [answer] = pushed(
        other, "persons", [Row("no-uuid", unknown, None)], commits=world.commit, now=NOON
    )

    assert answer["sync_status"] == "quarantined"
    kept = [(row.content, row.base) for row in QuarantinedWrite.objects.all()]
    assert len(kept) == 2
    assert all(content["harms"] == "Uniforms." for content, _ in kept)
    assert STATUS not in str([answer, kept]) + everything_of(world, id)


def test_a_supervisor_cannot_bring_it_in_with_a_mended_version(
    world: World, writer: Writer
) -> None:
    id = uuid7()
    writer.save("persons", id, aliases=["Red"])
    writer.save("persons", id, by=world.theirs.tablets[0], harms="Uniforms.")
    apply_quarantined(
        write=QuarantinedWrite.objects.get(),
        by=world.supervisor,
        document={"id": str(id), "harms": "Uniforms.", "immigration_status": STATUS},
        now=NOON,
    )
    world.commit()

    assert shown(world.supervisor, "persons")[id]["flags"] == ["not_recorded"]
    assert STATUS not in everything_of(world, id)


@everywhere
def test_the_same_push_again_is_a_repeat_and_is_told_again_what_holds(
    world: World, writer: Writer, fields: dict[str, Any]
) -> None:
    id, tablet = uuid7(), world.ours.tablets[0]
    document = {"id": str(id), "aliases": ["Red"], **fields}
    document |= {"editor": str(tablet.instance), "edit_no": 900_001}
    for _ in range(2):
        row = Row(str(id), document, None)
        [answer] = pushed(tablet, "persons", [row], commits=world.commit, now=NOON)
        assert answer["rev"] == 1
        assert STATUS not in str(answer)

    assert Version.objects.filter(doc_id=id).count() == 1


def test_a_tablet_that_still_holds_it_goes_on_from_what_it_holds(
    world: World, writer: Writer
) -> None:
    """An older app may have the field in its store: that is no edit of somebody else's."""
    id = uuid7()
    writer.save("persons", id, helps="Talk about the dog.")
    held = {**shown(world.ours.tablets[0], "persons")[id], "immigration_status": STATUS}

    writer.save("persons", id, assumed=held, helps="Talk about the cat.")

    assert Version.objects.latest("rev").fate == "applied"
    assert shown(world.ours.tablets[0], "persons")[id]["helps"] == "Talk about the cat."
    assert STATUS not in everything_of(world, id)


def test_who_adds_nothing_else_is_told_that_it_was_left_out(world: World, writer: Writer) -> None:
    id = uuid7()
    writer.save("persons", id, aliases=["Red"])

    [answer] = writer.save("persons", id, aliases=["Red"], immigration_status=STATUS)
    assert answer["flags"] == ["not_recorded"]

    writer.save("persons", id, aliases=["Red", "Dana"])
    assert shown(world.ours.tablets[0], "persons")[id]["flags"] == []


def test_an_encounter_does_not_keep_it_either(world: World, writer: Writer) -> None:
    row = world.given()
    told = {"assignment_id": str(row.pk), "ordinal": 1, "citizenship": STATUS}
    writer.save("encounters", encounter_id(row.pk), **told)

    document = shown(world.ours.tablets[0], "encounters")[encounter_id(row.pk)]
    assert document["flags"] == ["not_recorded"]
    versions = [one.content for one in Version.objects.filter(collection="encounters")]
    assert STATUS not in str([document, versions])


@everywhere
def test_it_is_taken_out_on_every_way_into_the_records(fields: dict[str, Any]) -> None:
    collection = registry.get("persons")
    assert collection
    id = str(uuid7())

    row = parsed(collection, Row(id, {"id": id, **fields}, {"id": id, **fields}))

    assert not isinstance(row, list)
    assert row.withheld
    assert STATUS not in str(row)
