"""Notes and cautions of an EIDO: no hazard is lost, wherever it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.dispatch import eidos
from tests.unit.dispatch.eidos import component, flagged, parse


def test_notes_are_plain_text_in_order_of_time() -> None:
    call = parse(
        notesComponent=[
            eidos.note("n2", "<p>LATER &amp; CALM</p>", "2026-03-02T14:30:00-08:00"),
            eidos.note("n1", "<script>x()</script><b>KNIFE</b>", "2026-03-02T14:10:00-08:00"),
            eidos.note("n3", "<script>x()</script>"),
        ]
    )
    assert [note.text for note in call.narrative] == ["KNIFE", "LATER & CALM"]
    assert call.narrative[0].at == datetime(2026, 3, 2, 22, 10, tzinfo=UTC)
    assert flagged(call, "a note without readable text: /notesComponent/2")


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        ({"cautionComponent": ["HAS A KNIFE"]}, "weapon"),
        ({"cautionComponent": [{"$ref": "nowhere", "words": "HAS A KNIFE"}]}, "weapon"),
        ({"cautionComponent": [{"$ref": "c1", "words": "VICIOUS DOG"}]}, "premise"),
        ({"novelComponent": ["VICIOUS DOG"]}, "premise"),
    ],
)
def test_a_hazard_in_no_place_of_its_own_becomes_a_caution(
    member: dict[str, Any], kind: str
) -> None:
    call = parse(**member, heldComponent=[component("c1", notesActionComments="calm")])
    assert kind in {caution.kind for caution in call.cautions}


@pytest.mark.parametrize(
    "note",
    ["<script>knife</script>", "calm <!-- knife -->", '<img alt="knife">', "<script> knife"],
)
def test_a_weapon_in_markup_that_is_not_shown_becomes_a_caution(note: str) -> None:
    call = parse(notesComponent=[eidos.note("n1", note)])
    assert [caution.kind for caution in call.cautions] == ["weapon"]
    assert [extra.pointer for extra in call.extras] == ["/notesComponent/0/notesActionComments"]


def test_a_struck_word_is_no_violence() -> None:
    call = parse(notesComponent=[eidos.note("n1", "<strike>calm</strike>")])
    assert (call.cautions, call.extras) == ((), ())


def test_cautions_keep_severity_and_kind_and_the_worst_comes_first() -> None:
    call = parse(
        cautionComponent=[
            eidos.caution("c1", "AGGRESSIVE DOG IN YARD", "low"),
            eidos.caution("c2", "KNIFE IN BAG", "high"),
            eidos.caution("c3", "THREATENED CREW"),
            eidos.caution("c4", "DIABETIC", "lowest"),
            eidos.caution("c5", "GATE CODE NEEDED", "normal"),
            eidos.caution("c6", "NEEDLES", "grave"),
            component("c7"),
        ]
    )
    assert [(c.severity, c.kind) for c in call.cautions] == [
        ("highest", "premise"),
        ("highest", "other"),
        ("high", "weapon"),
        ("high", "violence"),
        ("normal", "other"),
        ("low", "violence"),
        ("lowest", "medical"),
    ]
    assert call.cautions[1].text == "caution without text, ask dispatch"
    assert flagged(call, "caution without a known severity, taken as highest: /cautionComponent/5")


def test_a_caution_is_found_wherever_it_stands_and_by_its_common_type() -> None:
    named = component("c9", cautionTypeCommonRegistryText="FirearmPresent", cautionSeverity="high")
    call = parse(personComponent=[component("p1", cautionReference=[named])])
    assert next((c.kind, c.text) for c in call.cautions if c.severity == "high") == (
        "weapon",
        "FirearmPresent",
    )


def test_a_weapon_in_a_part_that_is_not_shown_becomes_a_caution() -> None:
    call = parse(itemComponent=[component("i1", ncItemType={"description": "9mm pistol"})])
    assert [(c.severity, c.kind) for c in call.cautions] == [("high", "weapon")]
