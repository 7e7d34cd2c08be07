"""Rows of Seattle's Call Data (data.seattle.gov 33kz-ixgy) to calls.

Both schemas are read, in any spelling of their headers: the 13 older columns ("Original Time
Queued", "11/04/2023 6:08:26 PM") and the newer Socrata names with the times of CARE, co-response
and SPD units. The newer schema has one row for each call sign, so an event has several rows; the
older one has one row and no units. Times are local, without zone.

The file is written after the fact: a row tells the final type and how the event ended.
`common_type` is that of the initial type, which is what dispatch knew; `steps` gives the event as
it unfolded.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from apps.dispatch import pidf, reference
from apps.dispatch.calls import (
    AlternateValue,
    Call,
    CallEvent,
    Location,
    Service,
    ServiceTimes,
    UnitOnCall,
    UnitStatus,
)
from apps.dispatch.localtime import SEATTLE, to_utc
from apps.dispatch.normalise import CAD_NUMBER_LENGTH, complete
from apps.dispatch.wire import Findings, clean, step

_NOT_WORD = re.compile(r"[^a-z0-9]+")
#: Header in lower case, without what is no letter or digit, to the member that it is read as.
_COLUMNS: dict[str, str] = {
    "cad_event_number": "number",
    "event_clearance_description": "clearance",
    "cad_event_clearance_description": "clearance",
    "call_type": "how_received",
    "priority": "priority",
    "initial_call_type": "initial",
    "final_call_type": "final",
    "original_time_queued": "queued",
    "cad_event_original_time_queued": "queued",
    "arrived_time": "arrived",
    "cad_event_arrived_time": "arrived",
    "precinct": "precinct",
    "dispatch_precinct": "precinct",
    "sector": "sector",
    "dispatch_sector": "sector",
    "beat": "beat",
    "dispatch_beat": "beat",
    "blurred_longitude": "lon",
    "dispatch_longitude": "lon",
    "blurred_latitude": "lat",
    "dispatch_latitude": "lat",
    "call_sign_dispatch_id": "call_sign",
    "call_sign_dispatch_time": "dispatched",
    "call_sign_at_scene_time": "on_scene",
    "call_sign_in_service_time": "in_service",
}
_SERVICES: tuple[Literal["care", "co_response", "spd"], ...] = ("care", "co_response", "spd")
for _name in _SERVICES:
    _COLUMNS[f"first_{_name}_call_sign_dispatch_time"] = f"{_name}_dispatched"
    _COLUMNS[f"first_{_name}_call_sign_at_scene_time"] = f"{_name}_on_scene"
    _COLUMNS[f"last_{_name}_call_sign_in_service_time"] = f"{_name}_in_service"
#: Columns that repeat or reckon from others, or tell nothing of a call.
_DERIVED = re.compile(
    r"_time_s$|^call_type_indicator$|^call_type_received_classification$"
    r"|^cad_event_response_category$|^dispatch_neighborhood$"
    r"|^dispatch_reporting_area$|^source$"
)
_FORMATS = (
    "%m/%d/%Y %I:%M:%S %p",
    "%Y %b %d %I:%M:%S %p",
    "%m/%d/%Y %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%b %d %Y %I:%M:%S:%f%p",
)
#: The publisher writes the year 1900 where a time is missing.
_FIRST_YEAR = 1990
_HIDDEN = frozenset({"redacted", "-", "unknown", "-1", "-1.0", "0", "0.0", "null", "none", "99"})


def read(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Rows of the CSV by their own headers; cells beyond the header are one column of their own."""
    bare = (line.removeprefix("\ufeff") for line in lines)
    for row in csv.DictReader(bare, restkey="beyond the header", restval=""):
        yield {name: ",".join(v) if isinstance(v, list) else v for name, v in row.items()}


def calls(rows: Iterable[Mapping[str, str]]) -> list[Call]:
    """One call for each event, in the order of first appearance; rows of one event are joined.

    Raises `Malformed` for a row without an event number.
    """
    joined: dict[str, Call] = {}
    for row in rows:
        call = parse_row(row)
        known = joined.get(call.cad_number)
        joined[call.cad_number] = _join(known, call) if known else call
    return [_with_services(call) for call in joined.values()]


def parse_row(row: Mapping[str, str], zone: ZoneInfo = SEATTLE) -> Call:
    """The call that one row tells. Raises `Malformed` if it has no event number."""
    findings = Findings()
    cells = _cells(row, findings)
    number = cells.get("number", "")
    if not number:
        findings.fatal("/cad_event_number", "give the CAD event number")
    elif len(number) > CAD_NUMBER_LENGTH:
        findings.fatal("/cad_event_number", f"at most {CAD_NUMBER_LENGTH} characters")
    times = _Times(cells, findings, zone)
    queued, arrived = times.read("queued"), times.read("arrived")
    for name, moment in (("queued", queued), ("arrived", arrived)):
        if moment is None and name in cells:
            findings.flag(f"time missing: {name}")
    service_times = tuple(found for name in _SERVICES if (found := _service(name, times)))
    if arrived and not any(found.first_on_scene for found in service_times):
        # The older schema has one arrival, and only police were sent then.
        service_times = (ServiceTimes(service="spd", first_on_scene=arrived),)
    units = _unit(cells, times)
    clearance = reference.clearances().get(cells.get("clearance", "").upper())
    event: CallEvent = "report"
    if cells.get("clearance"):
        event = "cancel" if clearance and clearance.cancels else "close"
    initial, final = cells.get("initial", ""), cells.get("final", "")
    place = _place(cells, findings)
    times.check_order(queued, [arrived, *_moments(units, service_times)])
    call = Call(
        cad_number=number,
        wire="call_data",
        event=event,
        received_at=queued,
        updated_at=max((m for m in [queued, *_moments(units, service_times)] if m), default=None),
        initial_call_type=initial,
        final_call_type=final,
        common_type=reference.common_type_of(initial),
        priority_text=cells.get("priority", ""),
        how_received=cells.get("how_received", ""),
        statuses=("Active",)
        if event == "report"
        else ("Cancelled",)
        if event == "cancel"
        else ("Closed",),
        dispositions=(clearance.disposition,) if clearance and clearance.disposition else (),
        clearance=cells.get("clearance", ""),
        location=place,
        beat=cells.get("beat", ""),
        sector=cells.get("sector", ""),
        precinct=cells.get("precinct", ""),
        units=units,
        service_times=service_times,
    )
    findings.stop_if_fatal()
    return complete(call, findings)


def steps(call: Call) -> Iterator[tuple[datetime, Call]]:
    """The event as a live CAD would have told it: when, and the call as it stood.

    First the report with the initial type, then each status of a unit, then the end with the final
    type and the clearance. A call without any time has no steps.
    """
    start = call.received_at or call.updated_at
    if start is None:
        return
    moments = sorted({s.at for unit in call.units for s in unit.statuses if s.at} | {start})
    last = max(moments[-1], call.updated_at or start)
    opened = replace(
        call,
        event="report",
        statuses=("Active",),
        final_call_type="",
        dispositions=(),
        clearance="",
        service_times=(),
    )
    for moment in moments:
        if moment < start:
            continue
        so_far = [replace(unit, statuses=_until(unit, moment)) for unit in call.units]
        units = tuple(unit for unit in so_far if unit.statuses)
        yield moment, replace(opened, units=units, updated_at=moment)
    if call.event != "report":
        yield last, replace(call, updated_at=last)


def _until(unit: UnitOnCall, moment: datetime) -> tuple[UnitStatus, ...]:
    return tuple(status for status in unit.statuses if status.at and status.at <= moment)


def _cells(row: Mapping[str, str], findings: Findings) -> dict[str, str]:
    cells: dict[str, str] = {}
    for header, value in row.items():
        column = _NOT_WORD.sub("_", header.strip().lower()).strip("_")
        text = str(clean(value)).strip()
        name = _COLUMNS.get(column)
        if name:
            cells.setdefault(name, text)
        elif text and not _DERIVED.search(column):
            findings.keep(step("", column), text, why="column not understood, kept")
    for name in ("beat", "sector", "precinct", "lat", "lon", "call_sign"):
        if cells.get(name, "").lower() in _HIDDEN:
            findings.flag(f"withheld or unknown in the file: {name}")
            cells[name] = ""
    return cells


@dataclass
class _Times:
    """The times of one row, each read once."""

    cells: Mapping[str, str]
    findings: Findings
    zone: ZoneInfo

    def read(self, name: str) -> datetime | None:
        text = " ".join(self.cells.get(name, "").removesuffix("+0000").split())
        if not text:
            return None
        wall = next((moment for form in _FORMATS if (moment := _parsed(text, form))), None)
        if wall is None:
            self.findings.bad(step("", name), "must be a local time such as 11/04/2023 6:08:26 PM")
            self.findings.keep(step("", name), text)
            return None
        if wall.year < _FIRST_YEAR:
            self.findings.flag(f"time is a placeholder: {name}")
            return None
        moment, doubt = to_utc(wall, self.zone)
        if doubt:
            self.findings.flag(f"{doubt}: {name}")
        return moment

    def check_order(self, queued: datetime | None, later: Iterable[datetime | None]) -> None:
        """Flag times before the call was queued."""
        if queued and any(moment < queued for moment in later if moment):
            self.findings.flag("times out of order: before queued")


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the file's times have no zone
    except ValueError:
        return None


def _place(cells: Mapping[str, str], findings: Findings) -> Location | None:
    lat, lon = cells.get("lat", ""), cells.get("lon", "")
    if not (lat and lon):
        return None
    try:
        known = pidf.coordinates(float(lat), float(lon))
    except ValueError:
        known = None
    if known is None:
        findings.bad("/latitude", "must be degrees")
        findings.keep("/latitude", [lat, lon])
        return None
    if known[2]:
        findings.flag(known[2])
    return Location(lat=known[0], lon=known[1], method="blurred to the block")


def _service(name: Literal["care", "co_response", "spd"], times: _Times) -> ServiceTimes | None:
    found = ServiceTimes(
        service=name,
        first_dispatched=times.read(f"{name}_dispatched"),
        first_on_scene=times.read(f"{name}_on_scene"),
        last_in_service=times.read(f"{name}_in_service"),
    )
    order = [m for m in (found.first_dispatched, found.first_on_scene, found.last_in_service) if m]
    if order != sorted(order):
        times.findings.flag(f"times out of order: {name}")
    return found if order else None


def _unit(cells: Mapping[str, str], times: _Times) -> tuple[UnitOnCall, ...]:
    """The unit of a row; its service is found when all rows of the event are known."""
    sign = cells.get("call_sign", "")
    told = [
        (status, times.read(name))
        for name, status in (
            ("dispatched", "Dispatched"),
            ("on_scene", "OnScene"),
            ("in_service", "Cleared"),
        )
    ]
    moments = [moment for _, moment in told if moment]
    if moments != sorted(moments):
        times.findings.flag("times out of order: unit")
    if not sign:
        if moments:
            times.findings.flag("unit times without a call sign")
        return ()
    if told[0][1] is None:
        times.findings.flag("time missing: dispatched")
    statuses = tuple(UnitStatus(status=s, at=moment) for s, moment in told if moment)
    return (UnitOnCall(call_sign=sign[:40], statuses=statuses, primary_status="NotAvailable"),)


def _moments(
    units: Iterable[UnitOnCall], services: Iterable[ServiceTimes]
) -> list[datetime | None]:
    found = [status.at for unit in units for status in unit.statuses]
    for one in services:
        found += [one.first_dispatched, one.first_on_scene, one.last_in_service]
    return found


def _join(known: Call, row: Call) -> Call:
    """Two rows of one event: units together, doubts together, differing values beside."""
    same = {"initial_call_type", "final_call_type", "priority_text", "clearance", "beat"}
    alternates = [
        AlternateValue(component="row", element=name, value=getattr(row, name))
        for name in sorted(same)
        if getattr(row, name) not in ("", getattr(known, name))
    ]
    signs = {unit.call_sign: unit for unit in known.units}
    for unit in row.units:
        before = signs.get(unit.call_sign)
        statuses = {*(before.statuses if before else ()), *unit.statuses}
        ordered = sorted(statuses, key=lambda s: s.at.timestamp() if s.at else 0)
        signs[unit.call_sign] = replace(unit, statuses=tuple(ordered))
    flags = (*known.flags, *row.flags, *(["rows of one event differ"] if alternates else []))
    times = [moment for moment in (known.updated_at, row.updated_at) if moment]
    services = {one.service: one for one in (*row.service_times, *known.service_times)}
    return replace(
        known,
        units=tuple(signs.values()),
        updated_at=max(times, default=None),
        service_times=tuple(services[name] for name in _SERVICES if name in services),
        alternates=tuple(dict.fromkeys((*known.alternates, *alternates))),
        extras=(*known.extras, *row.extras),
        flags=tuple(dict.fromkeys(flags)),
    )


def _with_services(call: Call) -> Call:
    """Whose each unit is: by the times of the services, or because only one service was there."""
    if not call.units:
        return call
    there = [one.service for one in call.service_times]

    def service(unit: UnitOnCall) -> Service:
        if unit.call_sign.upper().startswith("CARE"):
            return "care"
        times = {status.status: status.at for status in unit.statuses}
        marks = [
            one.service
            for one in call.service_times
            if (one.first_dispatched and one.first_dispatched == times.get("Dispatched"))
            or (one.first_on_scene and one.first_on_scene == times.get("OnScene"))
            or (one.last_in_service and one.last_in_service == times.get("Cleared"))
        ]
        only = marks if len(marks) == 1 else there if len(there) == 1 else []
        # A co-response is a police officer with a mental health professional.
        return "other" if not only else "care" if only[0] == "care" else "spd"

    return replace(call, units=tuple(replace(u, service=service(u)) for u in call.units))
