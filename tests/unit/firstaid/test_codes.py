"""The codes agree with NEMSIS 3.5.1 and with each other."""

from __future__ import annotations

import csv
import json

import pytest

from apps.firstaid import codes
from tests.data import shared_data


def enumeration(name: str) -> set[str]:
    known = json.loads(
        shared_data("nemsis", "nemsis_3_5_1_enumerations.json").read_text(encoding="utf-8")
    )
    return {row["code"] for row in known[name]}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (codes.UNITS, "MedicationDosageUnits"),
        (codes.RESPONSES, "Response"),
        (codes.BREATHING, "RespiratoryEffort"),
        (codes.COMPLICATIONS, "MedicationComplication"),
        (codes.AUTHORIZATIONS, "TxAuthorization"),
        (codes.ROUTES, "CurrentMedicationAdministrationRoute"),
        (codes.PERTINENT_NEGATIVES, "PN"),
    ],
)
def test_every_code_is_one_of_nemsis(ours: dict[str, str], theirs: str) -> None:
    assert set(ours) <= enumeration(theirs)


@pytest.mark.parametrize("code", [giver.role for giver in codes.GIVERS.values()])
def test_the_role_of_whoever_gave_it_is_one_of_nemsis(code: str) -> None:
    xsd = shared_data("nemsis", "xsd", "commonTypes_v3.xsd").read_text(encoding="utf-8")
    assert f'<xs:enumeration value="{code}">' in xsd


def test_the_levels_are_those_of_nemsis() -> None:
    xsd = shared_data("nemsis", "xsd", "eVitals_v3.xsd").read_text(encoding="utf-8")
    assert all(f'<xs:enumeration value="{code}">' in xsd for code in codes.LEVELS)


def test_the_procedures_are_a_part_of_nemsis_defined_list() -> None:
    with shared_data("nemsis", "Procedure.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = {cell.strip() for row in csv.reader(file) for cell in row}
    assert set(codes.PROCEDURES) <= cells


def test_naloxone_is_the_ingredient_of_rxnorm() -> None:
    known = json.loads(shared_data("code_lists.json").read_text(encoding="utf-8"))
    listed = {row[0] for row in known["nemsis_eMedications"]["03_medication"]}
    assert codes.NALOXONE == "7242"
    assert set(codes.DRUGS) == listed


def test_every_question_has_its_answers() -> None:
    assert set(codes.ANSWERS) == set(codes.QUESTIONS)
