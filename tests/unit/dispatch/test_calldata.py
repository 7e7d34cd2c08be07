from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from apps.dispatch import calldata, reference
from apps.dispatch.calls import Call, Malformed
from tests.data import shared_data

OLD = {
    "CAD Event Number": "2023000319821",
    "Event Clearance Description": "ASSISTANCE RENDERED",
    "Call Type": "911",
    "Priority": "2",
    "Initial Call Type": "SERVICE - WELFARE CHECK",
    "Final Call Type": "--CRISIS COMPLAINT - GENERAL",
    "Original Time Queued": "11/04/2023 6:08:26 PM",
    "Arrived Time": "11/04/2023 6:51:06 PM",
    "Precinct": "WEST",
    "Sector": "KING",
    "Beat": "K3",
    "Blurred Longitude": "-122.3277",
    "Blurred Latitude": "47.5993",
}
NEW = {
    "cad_event_number": "2026000123456",
    "cad_event_clearance_description": "UNABLE TO LOCATE INCIDENT OR COMPLAINANT",
    "call_type": "911",
    "priority": "3",
    "initial_call_type": "DOWN - CHECK FOR DOWN PERSON",
    "final_call_type": "--ASSIST PUBLIC - OTHER (NON-SPECIFIED)",
    "cad_event_original_time_queued": "2026-03-02T14:18:40.000",
    "cad_event_arrived_time": "2026-03-02T14:31:00.000",
    "dispatch_precinct": "WEST",
    "dispatch_sector": "KING",
    "dispatch_beat": "K3",
    "dispatch_longitude": "REDACTED",
    "dispatch_latitude": "REDACTED",
    "call_sign_dispatch_id": "CARE21",
    "call_sign_dispatch_time": "2026-03-02T14:20:05.000",
    "call_sign_at_scene_time": "2026-03-02T14:33:00.000",
    "call_sign_in_service_time": "2026-03-02T15:10:00.000",
    "first_care_call_sign_dispatch_time": "2026-03-02T14:20:05.000",
    "first_care_call_sign_at_scene_time": "2026-03-02T14:33:00.000",
    "last_care_call_sign_in_service_time": "2026-03-02T15:10:00.000",
    "care_call_sign_total_service_time_s_": "2995",
    "first_spd_call_sign_dispatch_time": "2026-03-02T14:19:00.000",
    "first_spd_call_sign_at_scene_time": "2026-03-02T14:31:00.000",
    "last_spd_call_sign_in_service_time": "2026-03-02T14:50:00.000",
}
POLICE = NEW | {
    "call_sign_dispatch_id": "2K12",
    "call_sign_dispatch_time": "2026-03-02T14:19:00.000",
    "call_sign_at_scene_time": "2026-03-02T14:31:00.000",
    "call_sign_in_service_time": "2026-03-02T14:50:00.000",
}


def at(hour: int, minute: int, second: int = 0) -> datetime:
    """A time of 2 March 2026 in Seattle."""
    return datetime(2026, 3, 2, hour + 8, minute, second, tzinfo=UTC)


def one(**cells: str) -> Call:
    (call,) = calldata.calls([OLD | cells])
    return call


def test_all_real_rows_are_read() -> None:
    path = shared_data("cad", "seattle_cad_calls_full_columns.csv")
    with path.open(encoding="utf-8", newline="") as file:
        calls = calldata.calls(calldata.read(file))
    assert len(calls) == 497
    assert all(call.received_at and call.location and call.beat in ("C2", "C3") for call in calls)
    assert {flag for call in calls for flag in call.flags} == {"time missing: arrived"}
    assert sum("time missing: arrived" in call.flags for call in calls) == 102
    assert not any(call.final_call_type.startswith("--") for call in calls)
    assert {call.event for call in calls} == {"close", "cancel"}
    first = calls[0]
    assert first.cad_number == "2023000319821"
    assert first.received_at == datetime(2023, 11, 5, 1, 8, 26, tzinfo=UTC)
    assert first.initial_call_type == "BURN - RECKLESS BURNING"
    assert first.final_call_type == "SUSPICIOUS CIRCUM. - SUSPICIOUS PERSON"
    assert all(list(calldata.steps(call)) for call in calls)


def test_the_whole_vocabulary_is_known() -> None:
    path = shared_data("cad", "seattle_call_types_vocabulary.csv")
    with path.open(encoding="utf-8", newline="") as file:
        unknown = [
            r["call_type"] for r in calldata.read(file) if not reference.call_type(r["call_type"])
        ]
    assert unknown == []


def test_the_older_schema() -> None:
    call = one()
    assert call.received_at == datetime(2023, 11, 5, 1, 8, 26, tzinfo=UTC)
    assert (call.initial_call_type, call.final_call_type) == (
        "SERVICE - WELFARE CHECK",
        "CRISIS COMPLAINT - GENERAL",
    )
    assert call.common_type == "WELFARE"
    assert (call.priority_text, call.priority) == ("2", 8)
    assert (call.how_received, call.clearance, call.dispositions) == (
        "911",
        "ASSISTANCE RENDERED",
        ("18",),
    )
    assert (call.sector, call.precinct) == ("K", "West")
    assert call.location is not None
    assert (call.location.lat, call.location.lon) == (47.5993, -122.3277)
    assert [(s.service, s.first_on_scene) for s in call.service_times] == [
        ("spd", datetime(2023, 11, 5, 1, 51, 6, tzinfo=UTC))
    ]
    assert call.units == ()
    assert call.flags == ()


def test_headers_in_any_spelling() -> None:
    spelled = {key.lower().replace(" ", "_"): value for key, value in OLD.items()}
    assert calldata.calls([spelled]) == calldata.calls([OLD])


def test_rows_of_one_event_are_joined_with_their_units() -> None:
    (call,) = calldata.calls([NEW, POLICE])
    assert [(unit.call_sign, unit.service) for unit in call.units] == [
        ("CARE21", "care"),
        ("2K12", "spd"),
    ]
    assert [(s.status, s.at) for s in call.units[0].statuses] == [
        ("Dispatched", at(14, 20, 5)),
        ("OnScene", at(14, 33)),
        ("Cleared", at(15, 10)),
    ]
    assert [(s.service, s.first_dispatched, s.last_in_service) for s in call.service_times] == [
        ("care", at(14, 20, 5), at(15, 10)),
        ("spd", at(14, 19), at(14, 50)),
    ]
    assert call.updated_at == at(15, 10)
    assert call.location is None
    assert set(call.flags) == {
        "withheld or unknown in the file: lat",
        "withheld or unknown in the file: lon",
        "no location by value",
    }


def test_rows_of_one_event_that_differ_keep_both_values() -> None:
    (call,) = calldata.calls([NEW, POLICE | {"priority": "1"}])
    assert call.priority_text == "3"
    assert [(a.element, a.value) for a in call.alternates] == [("priority_text", "1")]
    assert "rows of one event differ" in call.flags


def test_a_unit_of_unknown_service_is_other() -> None:
    strange = POLICE | {
        "call_sign_dispatch_id": "X1",
        "call_sign_dispatch_time": "",
        "call_sign_at_scene_time": "",
        "call_sign_in_service_time": "",
    }
    (call,) = calldata.calls([NEW, strange])
    assert [(unit.call_sign, unit.service) for unit in call.units][1] == ("X1", "other")
    assert "time missing: dispatched" in call.flags


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11/04/2023 6:08:26 PM", datetime(2023, 11, 5, 1, 8, 26, tzinfo=UTC)),
        ("2023 Nov 04 06:08:26 PM", datetime(2023, 11, 5, 1, 8, 26, tzinfo=UTC)),
        ("2023-11-04T18:08:26.000", datetime(2023, 11, 5, 1, 8, 26, tzinfo=UTC)),
        ("Nov 4 2023 06:08:26:000PM+0000", datetime(2023, 11, 5, 1, 8, 26, tzinfo=UTC)),
    ],
)
def test_times_in_every_spelling_of_the_file(text: str, expected: datetime) -> None:
    assert one(**{"Original Time Queued": text, "Arrived Time": ""}).received_at == expected


@pytest.mark.parametrize(
    ("queued", "expected", "flag"),
    [
        ("11/05/2023 1:30:00 AM", datetime(2023, 11, 5, 8, 30, tzinfo=UTC), "ambiguous local time"),
        ("03/12/2023 2:30:00 AM", datetime(2023, 3, 12, 10, 30, tzinfo=UTC), "non-existent local"),
    ],
)
def test_the_hours_of_the_clock_change_are_flagged(
    queued: str, expected: datetime, flag: str
) -> None:
    call = one(**{"Original Time Queued": queued, "Arrived Time": ""})
    assert call.received_at == expected
    assert any(flag in text for text in call.flags)


@pytest.mark.parametrize(
    ("cells", "flag"),
    [
        ({"Original Time Queued": ""}, "time missing: queued"),
        ({"Arrived Time": ""}, "time missing: arrived"),
        ({"Arrived Time": "11/04/2023 6:00:00 PM"}, "times out of order: before queued"),
        ({"Arrived Time": "01/01/1900 12:00:00 AM"}, "time is a placeholder: arrived"),
        ({"Original Time Queued": "soon"}, "not readable: /queued"),
        ({"Initial Call Type": "GOOSE ON ROOF"}, "unknown call type"),
        ({"Beat": "99"}, "withheld or unknown in the file: beat"),
        ({"Beat": "Z9"}, "unknown beat"),
        ({"Sector": "MARY"}, "sector does not fit the beat"),
        ({"Blurred Latitude": "north"}, "not readable: /latitude"),
        ({"Weather": "rain"}, "column not understood, kept: /weather"),
    ],
)
def test_dirty_rows_are_taken_and_flagged(cells: dict[str, str], flag: str) -> None:
    assert flag in one(**cells).flags


def test_units_with_times_out_of_order_are_flagged() -> None:
    (call,) = calldata.calls([NEW | {"call_sign_in_service_time": "2026-03-02T14:21:00.000"}])
    assert "times out of order: unit" in call.flags
    assert "times out of order: before queued" not in call.flags


def test_a_row_without_a_number_is_malformed() -> None:
    with pytest.raises(Malformed) as caught:
        calldata.parse_row(OLD | {"CAD Event Number": " ", "Arrived Time": "soon"})
    assert {pointer for pointer, _ in caught.value.errors} == {"/cad_event_number", "/arrived"}


def test_a_cancelled_call() -> None:
    call = one(**{"Event Clearance Description": "RESPONDING UNIT(S) CANCELLED BY RADIO"})
    assert (call.event, call.statuses, call.dispositions) == ("cancel", ("Cancelled",), ("21",))


def test_the_file_is_read_with_its_byte_order_mark() -> None:
    text = "\ufeff" + ",".join(OLD) + "\n" + ",".join(f'"{v}"' for v in OLD.values()) + "\n"
    assert list(calldata.read(io.StringIO(text))) == [OLD]


def test_cells_beyond_the_header_are_kept() -> None:
    text = ",".join(OLD) + "\n" + ",".join(f'"{v}"' for v in OLD.values()) + ",a,b\n"
    (call,) = calldata.calls(calldata.read(io.StringIO(text)))
    assert [(extra.pointer, extra.value) for extra in call.extras] == [
        ("/beyond_the_header", '"a,b"')
    ]


def test_an_event_unfolds_as_a_live_cad_would_have_told_it() -> None:
    (call,) = calldata.calls([NEW, POLICE])
    told = list(calldata.steps(call))
    assert [moment for moment, _ in told] == [
        at(14, 18, 40),
        at(14, 19),
        at(14, 20, 5),
        at(14, 31),
        at(14, 33),
        at(14, 50),
        at(15, 10),
        at(15, 10),
    ]
    opened = told[0][1]
    assert (opened.event, opened.units, opened.final_call_type) == ("report", (), "")
    care_assigned = told[2][1]
    assert {unit.call_sign: unit.secondary_status for unit in care_assigned.units} == {
        "CARE21": ("Dispatched",),
        "2K12": ("Dispatched",),
    }
    last = told[-1][1]
    assert (last.event, last.dispositions) == ("close", ("14",))
    assert last.final_call_type == "ASSIST PUBLIC - OTHER (NON-SPECIFIED)"
    assert all(step.updated_at == moment for moment, step in told)


def test_a_call_without_times_does_not_unfold() -> None:
    assert list(calldata.steps(one(**{"Original Time Queued": "", "Arrived Time": ""}))) == []


def test_no_step_lies_before_the_report() -> None:
    early = NEW | {"call_sign_dispatch_time": "2026-03-02T13:00:00.000"}
    (call,) = calldata.calls([early])
    moments = [moment for moment, _ in calldata.steps(call)]
    assert moments[0] == at(14, 18, 40)
    assert moments == sorted(moments)
    assert moments[0] - at(13, 0) > timedelta(0)
