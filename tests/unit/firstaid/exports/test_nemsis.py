"""Encounters as NEMSIS documents: compared with files of our own, and judged by the schema."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from apps.assignments.codes import DISPOSITIONS, ENTRY_KINDS
from apps.core.ids import uuid7
from apps.firstaid import codes
from apps.firstaid.exports import nemsis, nemsis_codes
from apps.firstaid.exports.care import Care, Patient
from tests.data import shared_data
from tests.unit.firstaid.exports.cases import (
    AGENCY,
    OVERDOSE,
    REFUSAL,
    aid,
    at,
    bystanders,
    care,
    dose,
    response,
)

HERE = Path(__file__).parent
NEMSIS = "{http://www.nemsis.org}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(shared_data("nemsis", "xsd", "EMSDataSet_v3.xsd")))


def document(*cases: Care) -> bytes:
    reports = b"".join(nemsis.report(one, AGENCY) for one in cases)
    return nemsis.head(AGENCY) + reports + nemsis.tail()


def read(one: Care) -> etree._Element:
    return etree.fromstring(document(one))


def values(one: Care, name: str) -> list[str]:
    """Text of each element of this name; of a nil one, why there is none."""
    return [
        element.get("NV") or element.get("PN") if element.get(NIL) else element.text
        for element in read(one).iter(NEMSIS + name)
    ]


@pytest.mark.parametrize(("case", "file"), [(OVERDOSE, "overdose.xml"), (REFUSAL, "refusal.xml")])
def test_an_encounter_is_written_as_expected(case: Care, file: str) -> None:
    assert document(case).decode() == (HERE / file).read_text(encoding="utf-8")


def test_the_official_schema_takes_both_in_one_file() -> None:
    schema().assertValid(etree.fromstring(document(OVERDOSE, REFUSAL)))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(care(contact=False, response=response(times={})), id="nobody met"),
        pytest.param(care(), id="nothing given"),
        pytest.param(care(response=response(disposition="")), id="no disposition"),
        pytest.param(care(patient=Patient(id=uuid7(), age=0)), id="age 0"),
        pytest.param(care(patient=Patient(id=uuid7(), sex="?")), id="sex unknown"),
        pytest.param(
            care(
                doses=(
                    dose(drug="x", route="1", amount=Decimal("1e12"), amount_unit="2", response="3",
                         complications=("4",), given_by="5", authorization="6",
                         breathing_after="7"),
                    dose(amount=Decimal("0.00049")),
                    dose(withheld=codes.REFUSED),
                    dose(withheld="8801009"),
                    dose(withheld="not a code"),
                ),
            ),
            id="codes that nobody knows",
        ),
        pytest.param(
            care(
                aids=(
                    aid(procedures=("sewing",), level="9", breathing="9", given_by="9",
                        vitals={"diastolic": 0, "systolic": 0.4}),
                    aid(at=None, before_arrival=True, given_by="bystander",
                        procedures=("89666000", "450661000124102"),
                        vitals={"glucose": 2000, "oxygen": 99.6}),
                ),
            ),
            id="first aid that nobody knows",
        ),
        pytest.param(
            care(response=response(cad_number="1" * 60), narrative="é\x00\ud83d" + 20_000 * "w"),
            id="texts that do not fit",
        ),
        pytest.param(
            care(
                doses=(dose(at=datetime(2071, 1, 1, tzinfo=ZoneInfo("UTC"))),),
                response=response(
                    times={name: at(5) for name in ("staged", "transporting", "at_destination")}
                ),
            ),
            id="times of a wrong clock",
        ),
    ],
)  # fmt: skip
def test_the_official_schema_takes_whatever_was_written_down(case: Care) -> None:
    schema().assertValid(read(case))


@pytest.mark.parametrize("kind", ENTRY_KINDS)
@pytest.mark.parametrize("closing", ["cleared", "unable_to_locate", "cancelled", "declined"])
def test_the_official_schema_takes_every_end(kind: str, closing: str) -> None:
    cases = [
        replace(one, response=response(entry_kind=kind, closing=closing, disposition=disposition))
        for disposition in DISPOSITIONS
        for one in (care(), care(contact=False), OVERDOSE)
    ]
    schema().assertValid(etree.fromstring(document(*cases)))


def test_whether_a_schema_is_asked_shows() -> None:
    broken = document(REFUSAL).replace(b"2301051", b"0000000")
    assert not schema().validate(etree.fromstring(broken))


def test_nobody_is_named_and_no_place() -> None:
    text = document(replace(OVERDOSE, narrative=None)).decode()
    for name in ("ePatient.02", "ePatient.03", "ePatient.17", "eScene.11", "eScene.15"):
        assert f"<{name}" not in text
    assert "47.6" not in text
    assert "eNarrative" not in text


def test_a_dose_that_was_refused_is_a_pertinent_negative() -> None:
    [medicine] = read(care(doses=(dose(withheld=codes.REFUSED),))).iter(NEMSIS + "eMedications.03")
    assert (medicine.text, medicine.get("PN")) == (codes.NALOXONE, codes.REFUSED)


def test_a_dose_withheld_for_an_unknown_reason_does_not_read_as_given() -> None:
    case = care(doses=(dose(withheld="8809999"), dose()))
    assert values(case, "eMedications.03") == [codes.NALOXONE]
    assert values(care(doses=(dose(withheld="8809999"),)), "eMedications.03") == ["7701001"]


def test_one_group_a_dose_with_who_gave_it() -> None:
    case = care(doses=(bystanders(), dose(), dose(given_by="police", response="9916003")))
    assert values(case, "eMedications.02") == ["9923003", "9923001", "9923001"]
    assert values(case, "eMedications.10") == ["9905045", "9905021", "9905047"]
    assert values(case, "eMedications.09") == values(case, "eCrew.01")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (care(), ("4227001", "4228009", "4229009", "4230013")),
        (care(doses=(dose(),)), ("4227001", "4228001", "4229001", "4230013")),
        (care(doses=(bystanders(),)), ("4227001", "4228009", "4229009", "4230013")),
        (care(doses=(dose(withheld=codes.REFUSED),)), ("4227001", "4228009", "4229009", "4230013")),
        (OVERDOSE, ("4227001", "4228001", "4229003", "4230005")),
        (REFUSAL, ("4227001", "4228007", "4229013", "4230013")),
        (
            replace(REFUSAL, aids=(*REFUSAL.aids, aid(level="3326001"))),
            ("4227001", "4228003", "4229013", "4230013"),
        ),
        (
            care(response=response(disposition="39"), fatal=True),
            ("4227001", "7701001", "7701001", "4230013"),
        ),
        (care(fatal=True), ("4227001", "7701001", "7701001", "4230013")),
        (
            care(response=response(disposition="16"), fatal=True),
            ("4227001", "7701001", "7701001", "4230013"),
        ),
        (
            care(response=response(disposition="44"), fatal=True),
            ("4227001", "4228001", "4229003", "4230005"),
        ),
        (
            care(response=response(disposition="16")),
            ("4227001", "4228009", "4229009", "4230011"),
        ),
        (
            care(response=response(disposition="")),
            ("4227001", "7701003", "7701003", "7701003"),
        ),
        (
            care(contact=False, response=response(closing="unable_to_locate", disposition="14")),
            ("4227009", "7701001", "7701001", "4230013"),
        ),
        (
            care(contact=False, response=response(closing="cancelled", disposition="10")),
            ("4227003", "7701001", "7701001", "4230013"),
        ),
        (
            care(contact=False, response=response(closing="cancelled", times={})),
            ("4227005", "7701001", "7701001", "4230013"),
        ),
        (
            care(contact=False, response=response(entry_kind="patrol", disposition="13")),
            ("4227011", "7701001", "7701001", "4230013"),
        ),
        (
            care(contact=False, response=response(disposition="35")),
            ("4227007", "7701001", "7701001", "4230013"),
        ),
    ],
)
def test_the_disposition_says_what_was_done(case: Care, expected: tuple[str, ...]) -> None:
    numbers = ("27", "28", "29", "30")
    assert tuple(values(case, f"eDisposition.{number}")[0] for number in numbers) == expected


@pytest.mark.parametrize(
    ("case", "acuity"),
    [
        (care(), "7701001"),
        (care(fatal=True), "4219007"),
        (care(fatal=True, doses=(dose(),)), "4219009"),
        (care(fatal=True, doses=(bystanders(),)), "4219007"),
        (care(fatal=True, doses=(dose(withheld="8801023"),)), "4219007"),
        (care(fatal=True, aids=(aid(procedures=("89666000",)),)), "4219009"),
        (care(fatal=True, aids=(aid(procedures=("182531007",)),)), "4219007"),
    ],
)
def test_who_died_is_released_dead(case: Care, acuity: str) -> None:
    assert values(case, "eDisposition.19") == [acuity]
    schema().assertValid(read(case))


def test_what_was_seen_of_their_mind_stands_in_the_codes_of_the_note() -> None:
    case = care(mental_status=("3519025", "3519003", "3519999"), barriers=("3101035", "3101007"))
    assert values(case, "eExam.19") == ["3519025", "3519003"]
    assert values(case, "eHistory.01") == ["3101035", "3101007"]
    schema().assertValid(read(case))
    assert values(care(), "eExam.19") == []


def test_none_noted_does_not_stand_beside_what_was() -> None:
    case = care(barriers=("3101009", "3101007"))
    assert values(case, "eHistory.01") == ["3101007"]
    assert values(care(barriers=("3101009",)), "eHistory.01") == ["3101009"]


def test_a_text_is_cut_visibly() -> None:
    [text] = values(care(narrative="w" * 20_000), "eNarrative.01")
    assert len(text) == nemsis.LONGEST_NARRATIVE
    assert text.endswith("[cut: the record holds more]")


def test_the_official_case_definition_counts_a_dose_that_helped() -> None:
    """The XQuery's second half as XPath: lxml has no XQuery."""
    query = shared_data("nemsis", "OpioidOverdose.xquery").read_text(encoding="utf-8")
    [drugs] = re.findall(r"eMedications\.03 = \(([^)]*)\)", query)
    [improved] = re.findall(r"eMedications\.07 = '(\d+)'", query)
    assert set(re.findall(r"\d+", drugs)) == codes.NALOXONES
    assert improved == codes.IMPROVED
    is_drug = " or ".join(f"n:eMedications.03='{one}'" for one in sorted(codes.NALOXONES))
    path = f"//n:eMedications.MedicationGroup[({is_drug}) and n:eMedications.07='{improved}']"
    found = etree.fromstring(document(OVERDOSE, REFUSAL, care(doses=(dose(),)))).xpath(
        path, namespaces={"n": "http://www.nemsis.org"}
    )
    assert len(found) == 1


def test_the_codes_are_those_of_the_schema() -> None:
    known: dict[str, set[str]] = {}
    for path in shared_data("nemsis", "xsd").glob("*.xsd"):
        for kind in etree.parse(path).iter("{*}simpleType"):
            known[kind.get("name") or ""] = {
                one.get("value") for one in kind.iter("{*}enumeration")
            }
    used: dict[str, Any] = {
        "BarriersToPatientCare": nemsis_codes.BARRIERS,
        "MentalStatusAssessment": nemsis_codes.MENTAL_STATUS,
        "MedicationComplication": set(codes.COMPLICATIONS),
        "Response": set(codes.RESPONSES),
    }
    assert used == {name: known[name] for name in used}
    parts: dict[str, Any] = {
        "CurrentMedicationAdministrationRoute": codes.ROUTES,
        "MedicationDosageUnits": codes.UNITS,
        "RespiratoryEffort": codes.BREATHING,
        "PatientsHighestLevelResponsiveness": codes.LEVELS,
        "TxAuthorization": codes.AUTHORIZATIONS,
        "EMSCaregiverLevel": [giver.role for giver in codes.GIVERS.values()],
        "PN": codes.PERTINENT_NEGATIVES,
    }
    assert {name for name, mine in parts.items() if not set(mine) <= known[name]} == set()


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((HERE.parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == nemsis.VERSION
