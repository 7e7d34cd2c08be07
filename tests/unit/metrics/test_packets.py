"""What is given out: with its definitions, without small cells, and told apart by its hash."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from apps.dispatch.models import EntryKind
from apps.metrics import figures, packets
from apps.metrics.definitions import DEFINITIONS
from apps.metrics.figures import Value
from apps.metrics.periods import Period

PERIOD = Period(date(2026, 2, 1), date(2026, 2, 28), ZoneInfo("America/Los_Angeles"))
SENT_KINDS = (EntryKind.DUAL_911, EntryKind.SOLO_911, EntryKind.REQUEST_SPD)
OWN = next(kind for kind in EntryKind if kind not in figures.SENT)
PLENTY = figures.share(40, 100)


def content(**changed: Value) -> dict[str, Any]:
    values = {**dict.fromkeys(DEFINITIONS, PLENTY), **changed}
    told = packets.content(PERIOD, values, by_hour={}, by_beat={}, declined={})
    return {one["code"]: one for one in told["figures"]}


def test_all_that_is_said_stands_beside_its_definition() -> None:
    one = content()["contact"]
    said = DEFINITIONS["contact"]
    assert (one["value"], one["numerator"], one["denominator"]) == (40.0, 40, 100)
    assert (one["says"], one["missing_is"]) == (said.says, said.missing)


@pytest.mark.parametrize(
    "value",
    [figures.share(10, 100), figures.share(95, 100), figures.share(0, 7)],
    ids=["few in it", "few outside", "few in all"],
)
def test_a_share_of_few_is_left_out(value: Value) -> None:
    one = content(contact=value)["contact"]
    assert one["hidden"]
    assert [one[name] for name in ("value", "p90", "numerator", "denominator")] == [None] * 4


def test_a_share_that_tells_how_many_were_called_off_is_left_out() -> None:
    value = Value(40, 100, 0, 40.0, {"called_off": Value(4, 104, 0, 4)})
    assert content(contact=value)["contact"]["hidden"]


def test_parts_that_are_few_are_left_out_with_what_would_tell_them() -> None:
    counts = {"cleared": 60, "cancelled": 35, "declined": 5}
    parts = {name: Value(n, 100, 0, n) for name, n in counts.items()}
    one = content(outcomes=Value(100, 100, 0, 100, parts))["outcomes"]
    assert one["parts"] == {"cleared": 60, "cancelled": None, "declined": None}


def test_those_with_none_of_the_parts_are_a_cell_too() -> None:
    parts = {"full": Value(90, 100, 0, 90), "minimal": Value(20, 110, 0, 20)}
    one = content(records=Value(110, 130, 0, 84.6, parts))["records"]
    assert one["parts"] == {"full": 90, "minimal": 20, "none": 20}


def test_what_has_no_record_tells_no_kind_of_few() -> None:
    kinds = {"full": 50, "minimal": 5, "automatic": 40}
    parts = {name: Value(n, 107, 0, n) for name, n in kinds.items()}
    one = content(records=Value(95, 107, 0, 88.8, parts))["records"]
    assert (one["numerator"], one["denominator"]) == (95, 107)
    assert one["parts"] == {"full": 50, "minimal": None, "automatic": None, "none": 12}


def test_how_many_were_called_off_tells_no_end_of_few() -> None:
    ends = {"cleared": 60, "unable_to_locate": 11, "cancelled": 3, "declined": 12}
    parts = {name: Value(n, 86, 0, n) for name, n in ends.items()}
    met = Value(55, 71, 0, 77.5, {"called_off": Value(15, 86, 0, 15)})
    one = content(outcomes=Value(86, 86, 0, 86, parts), contact=met)["outcomes"]
    assert one["parts"] == {**ends, "cancelled": None, "declined": None}


def test_how_many_were_sent_tells_no_entry_of_few() -> None:
    dual, solo, police = SENT_KINDS
    kinds: dict[str, int] = {dual: 60, solo: 5, OWN: 12, police: 20}
    parts = {name: Value(n, 97, 0, n) for name, n in kinds.items()}
    told = content(dispatches=Value(97, 97, 0, 97, parts), response=Value(85, 85, 0, 8.0))
    assert told["dispatches"]["parts"] == {**kinds, solo: None, police: None}


def test_a_few_that_nobody_sent_do_not_follow_from_those_that_somebody_did() -> None:
    told = content(dispatches=Value(100, 100, 0, 100), response=Value(81, 81, 14, 8.0))
    counts = [told["response"][name] for name in ("value", "denominator", "missing")]
    assert counts == [8.0, None, None]


def test_a_few_that_are_missing_do_not_follow_from_other_figures() -> None:
    ends = {"cleared": 60, "cancelled": 20, "declined": 17}
    told = content(
        dispatches=Value(100, 100, 0, 100),
        response=Value(97, 97, 3, 8.0, p90=12.0),
        outcomes=Value(97, 97, 3, 97, {name: Value(n, 97, 0, n) for name, n in ends.items()}),
        contact=Value(41, 60, 3, 68.3, {"called_off": Value(37, 97, 0, 37)}),
        records=Value(67, 97, 3, 69.1, {"full": Value(67, 97, 0, 67)}),
    )
    of = ("response", "outcomes", "contact", "records")
    assert {told[code][name] for code in of for name in ("missing", "denominator")} == {None}
    assert [told[code]["value"] for code in of] == [8.0, None, 68, 69]
    assert told["outcomes"]["parts"] == {**ends, "declined": None}
    assert told["records"]["parts"] == {"full": 67, "none": None}


def test_a_few_that_are_missing_do_not_follow_from_the_hours() -> None:
    hours = {"12:00": Value(40, 40, 0, 8.0, p90=12.0), "13:00": Value(57, 57, 0, 5.0, p90=6.0)}
    values = {**dict.fromkeys(DEFINITIONS, PLENTY), "response": Value(97, 97, 3, 8.0)}
    told = packets.content(PERIOD, values, by_hour=hours, by_beat={}, declined={})
    assert [one["count"] for one in told["response_by_hour"].values()] == [None, 57]


def test_the_ended_of_few_do_not_follow_from_those_that_go_on() -> None:
    one = content(dispatches=Value(100, 100, 0, 100), outcomes=Value(5, 5, 95, 5))["outcomes"]
    assert (one["hidden"], one["missing"]) == (True, None)


def test_minutes_of_a_few_units_are_left_out_however_many_are_not_known() -> None:
    one = content(police_minutes=Value(45, 12, 11, 45))["police_minutes"]
    assert (one["hidden"], one["missing"]) == (True, None)


def test_each_agency_hides_its_own() -> None:
    values = dict.fromkeys(DEFINITIONS, PLENTY)
    told = {"care:unsafe": 4, "care:no_unit": 20, "spd:weapon": 12}
    shown = packets.content(PERIOD, values, by_hour={}, by_beat={}, declined=told)["declined"]
    assert shown == {"care:unsafe": None, "care:no_unit": None, "spd:weapon": 12}


def test_a_spread_leaves_out_the_hours_of_few() -> None:
    hours = {"12:00": Value(40, 40, 0, 8.0, p90=12.0), "13:00": Value(3, 3, 0, 5.0, p90=6.0)}
    values = dict.fromkeys(DEFINITIONS, PLENTY)
    told = packets.content(PERIOD, values, by_hour=hours, by_beat={}, declined={"spd:weapon": 4})
    assert all(
        one == {"value": None, "p90": None, "count": None}
        for one in told["response_by_hour"].values()
    )
    assert told["declined"] == {"spd:weapon": None}
    assert told["left_out"] == 3


def test_the_same_figures_have_the_same_hash_and_others_another() -> None:
    values = dict.fromkeys(DEFINITIONS, PLENTY)
    told = packets.content(PERIOD, values, by_hour={}, by_beat={}, declined={})
    stored = orjson.loads(orjson.dumps(told))
    assert packets.digest(dict(reversed(stored.items()))) == packets.digest(told)
    assert packets.digest({**stored, "left_out": 1}) != packets.digest(told)
