"""The narrative of a real note: once it is signed, and not where only its authors may read it."""

from __future__ import annotations

from apps.firstaid.exports.records import read
from apps.people.parts import part_of
from tests.integration.assignments.conftest import World, after
from tests.integration.casenotes.conftest import MET, Writer
from tests.integration.firstaid.exports.conftest import encounter_of, over

SAID = MET["narrative"]


def test_of_a_signed_note_with_its_addenda(world: World) -> None:
    row, writer = over(world), Writer(world, world.ours.tablets[0])
    writer.write(row, now=after(700), **MET)
    assert read([encounter_of(row)], narrative=True).cares[0].narrative is None
    assert writer.sign(row, now=after(800)) == []
    assert read([encounter_of(row)], narrative=True).cares[0].narrative == SAID
    writer.add(row, "He came back for his coat.", now=after(900))
    told = read([encounter_of(row)], narrative=True).cares[0].narrative
    assert told == f"{SAID}\n\nAddendum: He came back for his coat."
    assert read([encounter_of(row)]).cares[0].narrative is None


def test_a_note_says_that_it_is_restricted(world: World) -> None:
    """A mandated report makes it so: the part that exports read must show it."""
    row, writer = over(world), Writer(world, world.ours.tablets[0])
    writer.write(row, now=after(700), **MET, mandated_report={"about": "child"})
    told = part_of("note", encounter_of(row).pk)
    assert (told["restricted"], told["narrative"]) == (True, SAID)
