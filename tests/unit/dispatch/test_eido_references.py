"""Components of an EIDO in place, by reference, and by references that lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from apps.dispatch import eido
from tests.unit.dispatch import eidos
from tests.unit.dispatch.eidos import component, flagged, parse


def test_one_object_where_a_list_is_due_and_the_reverse() -> None:
    call = parse(
        incidentComponent=[eidos.incident(incidentTypeInternalText=["SERVICE - WELFARE CHECK"])],
        notesComponent=eidos.note("n1", "ONE"),
        cautionComponent=eidos.caution("c1", "DOG"),
        emergencyResourceComponent=eidos.unit("care21@care.seattle.wa.us", "Dispatched"),
    )
    assert call.initial_call_type == "SERVICE - WELFARE CHECK"
    assert [note.text for note in call.narrative] == ["ONE"]
    assert [caution.kind for caution in call.cautions] == ["premise"]
    assert [unit.call_sign for unit in call.units] == ["CARE21"]


def test_references_anywhere() -> None:
    document = eidos.eido(
        incidentComponent={"$ref": "the-incident"},
        spareComponent=[eidos.incident(**{"$id": "the-incident"})],
        notesComponent=[{"$ref": "n1"}, {"$ref": "#/heldComponent/0"}],
        heldComponent=[eidos.note("n2", "TWO"), eidos.note("n1", "ONE")],
        locationComponent=["loc"],
        otherComponent=eidos.location("loc", "CurrentIncident", road="PIKE ST"),
    )
    call = eido.parse(document)
    assert call.cad_number == "2026000123456"
    assert {note.text for note in call.narrative} == {"ONE", "TWO"}
    assert call.address == "PIKE ST"


def test_components_in_place_of_references() -> None:
    call = parse(
        incidentComponent=eidos.incident(
            locationReference=[eidos.location("l1", "CurrentIncident", road="PIKE ST")],
            notesReference=[eidos.note("n1", "ONE")],
        ),
        dispatchComponent=[
            component(
                "d1",
                emergencyResourceReference=[eidos.unit("care21@care.seattle.wa.us", "Assigned")],
            )
        ],
    )
    assert call.address == "PIKE ST"
    assert [note.text for note in call.narrative] == ["ONE"]
    assert [unit.eido_id for unit in call.units] == ["care21@care.seattle.wa.us"]


def test_references_to_nothing_and_in_circles_are_flagged() -> None:
    call = parse(
        incidentComponent=eidos.incident(
            notesReference=[{"$ref": "nowhere"}], locationReference=[{"$ref": "a"}]
        ),
        aComponent=[{"$id": "a", "$ref": "b"}, {"$id": "b", "$ref": "a"}],
    )
    assert flagged(call, "reference not found: /incidentComponent/notesReference/0")
    assert flagged(call, "reference not found: /incidentComponent/locationReference/0")


@pytest.mark.parametrize(
    "reference",
    [
        *("#", "#/", "#/notesComponent", "#/notesComponent/\u00b2", "#/notesComponent/-1"),
        *("#/notesComponent/" + "9" * 5000, "", "file:///etc/passwd", "https://example.org/x"),
        *(["n1"], {"$ref": "n1"}, 1, None),
    ],
)
def test_a_reference_of_any_kind_loses_nothing(reference: Any) -> None:
    call = parse(
        incidentComponent=eidos.incident(notesReference=[{"$ref": reference}]),
        notesComponent=[eidos.note("n1", "ONE")],
    )
    assert [note.text for note in call.narrative] == ["ONE"]


def test_the_same_id_twice_is_flagged() -> None:
    call = parse(notesComponent=[eidos.note("n1", "ONE"), eidos.note("n1", "TWO")])
    assert [note.text for note in call.narrative] == ["ONE", "TWO"]
    assert flagged(call, "the same $id twice, the first taken: /notesComponent/1")
