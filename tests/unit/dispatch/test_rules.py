from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from apps.dispatch import reference, rules
from apps.dispatch.calls import (
    EXCLUSIONS,
    Answer,
    Call,
    Caution,
    ExclusionHint,
    Location,
    Malformed,
    Note,
)
from apps.dispatch.localtime import SEATTLE
from apps.dispatch.rules import Evaluation, Rule, evaluate, shipped
from tests.data import shared_data

PILOT, EXPANSION, CITYWIDE, SOLO = shipped()
RANK = {"not_eligible": 0, "not_determined": 1, "eligible": 2}
AFTERNOON = datetime(2023, 12, 1, 14, 20, tzinfo=SEATTLE)


def hints(answers: dict[str, Answer]) -> tuple[ExclusionHint, ...]:
    return tuple(ExclusionHint(name=name, answer=answer) for name, answer in answers.items())


def call(answers: dict[str, Answer] | None = None, **members: Any) -> Call:
    told = {"initial_call_type": "SERVICE - WELFARE CHECK", "beat": "K3", **members}
    return Call(cad_number="1", wire="plain", exclusions=hints(answers or {}), **told)


ALL_NO: dict[str, Answer] = dict.fromkeys(EXCLUSIONS, "no")


def rule(**changes: Any) -> Rule:
    return replace(PILOT, **{"exclusions": frozenset(), **changes})


def judge(told: Call, by: Rule = PILOT, at: datetime = AFTERNOON) -> Evaluation:
    return evaluate(told, [by], at)


# The words of an evaluation


def test_eligible_in_plain_words() -> None:
    found = judge(call(ALL_NO | {"residence": "unknown"}))
    assert found.verdict == "eligible"
    assert found.rule_version == "2023-pilot"
    expected = "eligible: welfare check, beat K3, 14:20; dual dispatch with SPD; residence unknown"
    assert found.text == expected
    assert found.matched == {"area": "yes", "hours": "yes", "call_type": "yes"}
    assert found.reasons == ()


def test_person_down_in_plain_words() -> None:
    found = judge(call(ALL_NO, initial_call_type="DOWN - CHECK FOR DOWN PERSON", beat="O1"))
    assert found.text == "eligible: person down, beat O1, 14:20; dual dispatch with SPD"


def test_not_determined_names_what_is_unknown() -> None:
    found = judge(call())
    assert found.verdict == "not_determined"
    assert found.text == "not determined: welfare check, beat K3, 14:20; violence, medical unknown"
    assert found.reasons == ("violence, medical unknown",)


def test_not_eligible_names_every_reason() -> None:
    told = call({"violence": "yes"}, beat="B1", initial_call_type="TRESPASS")
    found = judge(told, at=AFTERNOON.replace(hour=9))
    assert found.verdict == "not_eligible"
    assert found.text == (
        "not eligible: trespass, beat B1, 09:20; beat B1 lies outside the rule's area;"
        " outside the rule's hours, 11:00 to 23:00; the call type is not in the rule;"
        " excluded by the rule: violence; confrontational reported"
    )


def test_what_the_rule_does_not_exclude_is_told_when_it_is_reported() -> None:
    found = judge(call(ALL_NO | {"weapon": "yes"}))
    # With a weapon reported, nobody can call it free of violence.
    assert found.verdict == "not_determined"
    assert found.text.endswith("violence unknown; weapon reported")


def test_who_asked_is_told() -> None:
    assert "; requested by SPD" in judge(call(ALL_NO, requested_by="spd")).text


def test_the_evaluation_as_json_holds_no_free_text() -> None:
    told = call(
        ALL_NO,
        address="500 5TH AVE",
        narrative=(Note(text="JOHN DOE CALM"),),
        beat="JOHN DOE",
        initial_call_type="JOHN DOE",
    )
    stored = json.dumps(judge(told).as_json())
    assert "JOHN" not in stored
    assert "500" not in stored
    assert "call type not in the list, beat unknown" in stored


# Terms


@pytest.mark.parametrize(
    ("beat", "answer"),
    [("K3", "yes"), ("g1", "yes"), ("D1", "yes"), ("D2", "no"), ("", "unknown"), ("Z9", "unknown")],
)
def test_area_by_beat(beat: str, answer: str) -> None:
    assert judge(call(ALL_NO, beat=beat)).matched["area"] == answer


@pytest.mark.parametrize(
    ("lat", "lon", "uncertainty", "answer"),
    [
        (47.6050, -122.3340, None, "yes"),  # Third and Cherry
        (47.6050, -122.3340, 5000, "unknown"),
        (47.6614, -122.3130, None, "no"),  # University District
        (47.6045, -122.3275, None, "unknown"),  # on the line
    ],
)
def test_area_by_coordinates_where_no_beat_is_known(
    lat: float, lon: float, uncertainty: float | None, answer: str
) -> None:
    place = Location(lat=lat, lon=lon, uncertainty_m=uncertainty)
    assert judge(call(ALL_NO, beat="", location=place)).matched["area"] == answer


def test_the_beat_decides_over_coordinates() -> None:
    place = Location(lat=47.6614, lon=-122.3130)
    assert judge(call(ALL_NO, beat="K3", location=place)).matched["area"] == "yes"


def test_a_tower_is_no_place_of_the_incident() -> None:
    place = Location(kind="TowerLocation", lat=47.6050, lon=-122.3340)
    assert judge(call(ALL_NO, beat="", location=place)).matched["area"] == "unknown"


@pytest.mark.parametrize("shipped_rule", [PILOT, EXPANSION, CITYWIDE], ids=lambda r: r.version)
def test_an_outline_never_contradicts_the_map(shipped_rule: Rule) -> None:
    path = shared_data("geo", "seattle_spd_beats.geojson")
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    always = replace(shipped_rule, effective_from=PILOT.effective_from, effective_to=None)
    for feature in features:
        beat = feature["properties"]["beat"]
        expected = {"unknown", "yes" if beat in always.beats else "no"}
        # 50 metres within the beat, so that its neighbour has no claim to the point.
        ring = shape(feature["geometry"]).buffer(0).buffer(-0.0005).boundary
        for step in range(30):
            point = ring.interpolate(step / 30, normalized=True)
            told = call(ALL_NO, beat="", location=Location(lat=point.y, lon=point.x))
            assert judge(told, always).matched["area"] in expected, (beat, point)


@pytest.mark.parametrize(
    ("local", "answer"),
    [("10:59:59", "no"), ("11:00:00", "yes"), ("22:59:59", "yes"), ("23:00:00", "no")],
)
@pytest.mark.parametrize("month", [1, 7])
def test_hours_are_local_in_winter_and_summer(local: str, answer: str, month: int) -> None:
    at = datetime.combine(date(2024, month, 15), time.fromisoformat(local), SEATTLE)
    by = rule(effective_to=None)
    assert judge(call(ALL_NO), by, at.astimezone(UTC)).matched["hours"] == answer


def test_hours_over_midnight_belong_to_the_day_they_began() -> None:
    night = rule(hours_from=time(20), hours_to=time(2), weekdays=frozenset({5}))  # Friday
    friday = datetime(2023, 12, 1, tzinfo=SEATTLE)
    for hours, answer in ((19, "no"), (20, "yes"), (25, "yes"), (26, "no"), (44, "no"), (1, "no")):
        at = (friday.replace(tzinfo=None) + timedelta(hours=hours)).replace(tzinfo=SEATTLE)
        assert judge(call(ALL_NO), night, at).matched["hours"] == answer, hours


def test_hours_on_the_days_the_clock_changes() -> None:
    night = rule(hours_from=time(0), hours_to=time(3))
    autumn = datetime(2023, 11, 5, 7, 0, tzinfo=UTC)  # midnight in Seattle; the night has 4 hours
    night = replace(night, effective_from=autumn - timedelta(days=1))
    answers = [
        judge(call(ALL_NO), night, autumn + timedelta(minutes=m)).matched["hours"]
        for m in (-1, 0, 90, 150, 239, 240)
    ]
    assert answers == ["no", "yes", "yes", "yes", "yes", "no"]
    spring = datetime(2024, 3, 10, 8, 0, tzinfo=UTC)  # this night has 2 hours
    answers = [
        judge(call(ALL_NO), night, spring + timedelta(minutes=m)).matched["hours"]
        for m in (-1, 0, 119, 120)
    ]
    assert answers == ["no", "yes", "yes", "no"]


def test_equal_hours_are_the_whole_day() -> None:
    always = rule(hours_from=time(0), hours_to=time(0))
    assert judge(call(ALL_NO), always, AFTERNOON.replace(hour=3)).matched["hours"] == "yes"


@pytest.mark.parametrize(
    ("members", "answer"),
    [
        ({"initial_call_type": "SERVICE - WELFARE CHECK"}, "yes"),
        ({"initial_call_type": "TRESPASS"}, "no"),
        ({"initial_call_type": "FOLLOW UP"}, "no"),
        ({"initial_call_type": "GOOSE ON ROOF"}, "unknown"),
        ({"initial_call_type": ""}, "unknown"),
        ({"initial_call_type": "GOOSE ON ROOF", "common_type": "WELFARE"}, "yes"),
        ({"initial_call_type": "GOOSE ON ROOF", "common_type": "GOOSE"}, "unknown"),
    ],
)
def test_call_types(members: dict[str, str], answer: str) -> None:
    assert judge(call(ALL_NO, **members)).matched["call_type"] == answer


def test_a_rule_on_request_needs_a_request() -> None:
    lateral = rule(mode="request")
    assert judge(call(ALL_NO), lateral).verdict == "not_determined"
    found = judge(call(ALL_NO, requested_by="sfd"), lateral)
    assert found.verdict == "eligible"
    assert found.text.endswith("; on request; requested by SFD")


# Which rule


def test_rules_change_with_their_dates() -> None:
    told = call(ALL_NO, initial_call_type="PERSON IN BEHAVIORAL/EMOTIONAL CRISIS", beat="L2")
    versions = {
        (2023, 10, 24): "",
        (2023, 10, 25): "2023-pilot",
        (2024, 7, 1): "2023-pilot",
        (2024, 7, 2): "2024-expansion",
        (2025, 3, 10): "2025-citywide",
        (2025, 10, 22): "2025-solo",
    }
    for day, version in versions.items():
        found = evaluate(told, shipped(), datetime(*day, 14, 20, tzinfo=SEATTLE))
        assert found.rule_version == version
        assert found.verdict == (
            "eligible" if day >= (2025, 3, 10) else "not_eligible" if version else "not_determined"
        )


def test_without_a_rule_nothing_is_determined() -> None:
    found = evaluate(call(ALL_NO), [], AFTERNOON)
    assert found.verdict == "not_determined"
    assert found.text == "not determined: welfare check, beat K3; no dispatch rule in force"


def test_the_most_favourable_rule_is_told_and_all_are_named() -> None:
    at = datetime(2026, 3, 2, 14, 20, tzinfo=SEATTLE)
    found = evaluate(call(ALL_NO | {"residence": "yes"}), shipped(), at)
    assert (found.verdict, found.rule_version) == ("eligible", "2025-citywide")
    assert found.considered == (("2025-citywide", "eligible"), ("2025-solo", "not_eligible"))
    assert found.text.endswith("dual dispatch with SPD; residence reported")
    found = evaluate(call(ALL_NO), shipped(), at)
    assert found.text == "eligible: welfare check, beat K3, 14:20; solo dispatch"


def test_the_pilot_does_not_know_residences_and_the_solo_rule_does() -> None:
    assert "residence" not in PILOT.exclusions
    assert {"encampment", "residence", "business", "drug_use", "confrontational"} <= SOLO.exclusions
    assert len(CITYWIDE.beats) == 51
    assert (CITYWIDE.hours_from, CITYWIDE.hours_to) == (time(12), time(22))
    assert PILOT.beats == {b for b, beat in reference.beats().items() if beat.pilot_area}
    assert all(rule.citation for rule in shipped())


def test_at_must_be_aware() -> None:
    with pytest.raises(ValueError, match="aware"):
        evaluate(call(), shipped(), datetime(2026, 1, 1))  # noqa: DTZ001


# Properties

ANSWERS = st.dictionaries(st.sampled_from(EXCLUSIONS), st.sampled_from(["yes", "no", "unknown"]))
RULES = st.builds(
    rule,
    exclusions=st.frozensets(st.sampled_from(EXCLUSIONS)),
    mode=st.sampled_from(rules.MODES),
    common_types=st.sampled_from([frozenset({"WELFARE"}), frozenset({"MNTL", "WELFARE"})]),
    version=st.sampled_from(["a", "b", "c"]),
)
CALLS = st.builds(
    call,
    ANSWERS,
    beat=st.sampled_from(["K3", "B1", "", "unsafe"]),
    initial_call_type=st.sampled_from(
        [*reference.call_types(), "SAFE HOUSE", "SERVICE - WELFARE CHECK", ""]
    ),
    requested_by=st.sampled_from(["", "spd"]),
    cautions=st.sampled_from([(), (Caution(text="KNIFE", kind="weapon"),)]),
    narrative=st.sampled_from([(), (Note(text="he fights, is it safe"),), (Note(text="calm"),)]),
    premise_type=st.sampled_from(["", "residence", "street"]),
)
START = datetime(2023, 10, 26, tzinfo=UTC)
TIMES = st.integers(0, 248 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


@settings(max_examples=150, deadline=None)
@given(CALLS, st.lists(RULES, min_size=1, max_size=3), TIMES)
def test_unknown_never_makes_eligible(told: Call, many: list[Rule], at: datetime) -> None:
    by_version = {one.version: one for one in many}
    assume(len(by_version) == len(many))
    found = evaluate(told, many, at)
    if found.verdict == "eligible":
        answers = {found.exclusions[name] for name in by_version[found.rule_version].exclusions}
        assert answers <= {"no"}
        assert set(found.matched.values()) == {"yes"}
    assert "safe" not in found.text.lower()
    assert all("safe" not in reason.lower() for reason in found.reasons)


@settings(max_examples=150, deadline=None)
@given(CALLS, st.lists(RULES, min_size=1, max_size=3), TIMES, st.sampled_from(EXCLUSIONS))
def test_knowing_less_never_makes_more_eligible(
    told: Call, many: list[Rule], at: datetime, name: str
) -> None:
    """From "no" over "unknown" to "yes", a verdict only falls."""
    verdicts = []
    for answer in ("no", "unknown", "yes"):
        rest = tuple(hint for hint in told.exclusions if hint.name != name)
        hint = ExclusionHint(name=name, answer=answer)
        verdicts.append(evaluate(replace(told, exclusions=(*rest, hint)), many, at).verdict)
    ranks = [RANK[verdict] for verdict in verdicts]
    assert ranks == sorted(ranks, reverse=True)


@settings(max_examples=100, deadline=None)
@given(CALLS, RULES, TIMES)
def test_a_caution_never_makes_more_eligible(told: Call, by: Rule, at: datetime) -> None:
    before = evaluate(told, [by], at)
    caution = Caution(kind="weapon", text="GUN", severity="low")
    after = evaluate(replace(told, cautions=(*told.cautions, caution)), [by], at)
    assert RANK[after.verdict] <= RANK[before.verdict]


@settings(max_examples=100, deadline=None)
@given(CALLS, RULES, st.sampled_from(EXCLUSIONS), TIMES)
def test_one_more_exclusion_never_makes_more_eligible(
    told: Call, by: Rule, name: str, at: datetime
) -> None:
    before = evaluate(told, [by], at)
    after = evaluate(told, [replace(by, exclusions=by.exclusions | {name})], at)
    assert RANK[after.verdict] <= RANK[before.verdict]


# Rules as data


@pytest.mark.parametrize("shipped_rule", shipped(), ids=lambda r: r.version)
def test_a_rule_survives_its_definition(shipped_rule: Rule) -> None:
    stored = json.loads(json.dumps(shipped_rule.definition()))
    again = rules.read(
        version=shipped_rule.version,
        effective_from=shipped_rule.effective_from,
        effective_to=shipped_rule.effective_to,
        citation=shipped_rule.citation,
        definition=stored,
    )
    assert again == shipped_rule


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"beats": ["K3", "K33"]}, "/beats/1"),
        ({"beats": [], "outline": []}, "/beats"),
        ({"outline": [[1, 2], [3]]}, "/outline"),
        ({"outline": [[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]}, "/outline"),
        ({"hours": {"from": "11", "to": "23:00"}}, "/hours/from"),
        ({"hours": {"from": "11:00", "to": "25:00"}}, "/hours/to"),
        ({"hours": {"from": "11:00", "to": "23:00", "lunch": "12:00"}}, "/hours/lunch"),
        ({"weekdays": []}, "/weekdays"),
        ({"weekdays": [0, 8]}, "/weekdays"),
        ({"weekdays": [True]}, "/weekdays"),
        ({"tz": "Seattle"}, "/tz"),
        ({"common_types": []}, "/common_types"),
        ({"common_types": ["GOOSE"]}, "/common_types/0"),
        ({"exclusions": ["moon"]}, "/exclusions/0"),
        ({"mode": "triple"}, "/mode"),
        ({"outline_tolerance_m": -1}, "/outline_tolerance_m"),
        ({"beat": ["K3"]}, "/beat"),
    ],
)
def test_a_mistake_in_a_rule_is_named(change: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as caught:
        rules.read(
            version="x",
            effective_from=PILOT.effective_from,
            effective_to=None,
            citation="agreement",
            definition=PILOT.definition() | change,
        )
    assert pointer in {where for where, _ in caught.value.errors}


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(Malformed) as caught:
        rules.read(
            version="x",
            effective_from=PILOT.effective_from,
            effective_to=PILOT.effective_from,
            citation=" ",
            definition={},
        )
    assert {pointer for pointer, _ in caught.value.errors} == {
        "/citation",
        "/effective_to",
        "/beats",
        "/common_types",
        "/hours/from",
        "/hours/to",
        "/weekdays",
    }


def test_a_day_may_end_at_24() -> None:
    late = PILOT.definition() | {"hours": {"from": "12:00", "to": "24:00"}}
    read = rules.read(
        version="x",
        effective_from=PILOT.effective_from,
        effective_to=None,
        citation="agreement",
        definition=late,
    )
    assert judge(call(ALL_NO), read, AFTERNOON.replace(hour=23, minute=59)).verdict == "eligible"
    found = judge(call(ALL_NO), read, AFTERNOON.replace(hour=0))
    assert "outside the rule's hours, 12:00 to 24:00" in found.text
