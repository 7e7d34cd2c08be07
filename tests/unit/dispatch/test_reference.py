from __future__ import annotations

import json
from pathlib import Path

import pytest

from apps.dispatch import reference
from tests.data import shared_data

FILES = sorted(path.stem for path in Path(reference.__file__).parent.glob("*.json"))


@pytest.mark.parametrize("name", FILES)
def test_every_list_has_its_source(name: str) -> None:
    document = reference.load(name)
    assert set(document) == {"source", "items"}
    assert reference.source(name)
    assert document["items"]


@pytest.mark.parametrize("name", [name for name in FILES if name != "rules"])
def test_codes_are_unique(name: str) -> None:
    codes = [item["code"] for item in reference.load(name)["items"]]
    assert len(codes) == len(set(codes))


def test_every_call_type_stands_for_a_known_common_type() -> None:
    known = reference.common_types()
    types = reference.call_types().values()
    assert all(t.common_type in known for t in types if t.common_type)
    assert all(t.nemsis_code.startswith("2301") for t in types if t.nemsis_code)


def test_the_mapping_agrees_with_the_list_it_was_drawn_from() -> None:
    lists = json.loads(shared_data("code_lists.json").read_text(encoding="utf-8"))
    pairs = lists["seattle_call_type_to_apco_2_103_2_2019_and_nemsis_eDispatch01"]
    for code, common, nemsis in pairs:
        known = reference.call_type(code)
        assert known is not None
        assert (known.common_type, known.nemsis_code) == (common, nemsis)


def test_the_registries_are_complete() -> None:
    path = shared_data("eido", "eido_registries.json")
    registries = json.loads(path.read_text(encoding="utf-8"))
    for name, codes in {
        "Incident Type – Common": reference.common_types(),  # noqa: RUF001 - the file's own dash
        "Incident Status – Common": reference.incident_statuses(),  # noqa: RUF001
        "Common Disposition Codes": reference.dispositions(),
        "Secondary Unit Status-Common": reference.unit_statuses(),
        "Primary Unit Status-Common": reference.unit_statuses(),
    }.items():
        assert {item["value"] for item in registries[name]} <= set(codes)


def test_beats() -> None:
    beats = reference.beats()
    assert len(beats) == 51
    assert len({beat.sector for beat in beats.values()}) == 17
    assert {beat.precinct for beat in beats.values()} == {
        "North",
        "East",
        "West",
        "South",
        "Southwest",
    }
    pilot = {code for code, beat in beats.items() if beat.pilot_area}
    assert pilot == {"K1", "K2", "K3", "M1", "M2", "M3", "G1", "O1", "O2", "D1"}


def test_beats_agree_with_the_map() -> None:
    path = shared_data("geo", "seattle_spd_beats.geojson")
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    on_map = {f["properties"]["beat"]: f["properties"]["precinct"] for f in features}
    assert {code: beat.precinct for code, beat in reference.beats().items()} == on_map


def test_45_dispositions() -> None:
    assert list(reference.dispositions()) == [f"{number:02}" for number in range(1, 46)]


@pytest.mark.parametrize("text", ["--service - welfare  check", " SERVICE - WELFARE CHECK "])
def test_call_types_are_found_in_any_spelling(text: str) -> None:
    known = reference.call_type(text)
    assert known is not None
    assert (known.code, known.common_type, known.label) == (
        "SERVICE - WELFARE CHECK",
        "WELFARE",
        "welfare check",
    )


def test_the_first_type_with_a_common_type_decides() -> None:
    assert reference.common_type_of("FOLLOW UP", "NEW", "SICK PERSON") == "SICK"
    assert reference.common_type_of("", "NEW") == ""


def test_no_label_speaks_of_safety() -> None:
    labels = [t.label for t in reference.call_types().values()]
    labels += [t.label for t in reference.common_types().values()]
    assert not [label for label in labels if "safe" in label.lower()]


def test_priorities_fall_with_urgency() -> None:
    assert reference.common_priority("1") == 10
    assert reference.common_priority(" 2 ") == 8
    assert reference.common_priority("urgent") is None
    order = [priority.common_priority for priority in reference.priorities().values()]
    assert order == sorted(order, reverse=True)
