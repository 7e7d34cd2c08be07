"""A call as plain JSON, for a CAD that speaks no EIDO.

The members are the fields of `calls.Call` (see `EXAMPLE`); only `cad_number` is required. Times are
ISO 8601 with offset. What is missing is not known, which is not the same as none: a later message
without a member leaves what is known as it is. Unknown members are kept and flagged; a value that
cannot be read is flagged and the rest is taken.

    event           report | cancel | close | reopen | merge | split | link | unlink
    priority        EIDO common priority 0 to 10, 10 highest; else derived from priority_text
    location        lat, lon (WGS 84), uncertainty_m, method, address, description, url ...
    premise_type    RFC 4589: street, residence, office ...
    cautions        severity highest | high | normal | low | lowest; kind weapon | violence |
                    premise | medical | other (else found from the text)
    units           unit_id as resource@AgencyId; statuses of EIDO's secondary registry with times
    links, merges   kind PARENT | CHILD | RELATED | UNLINK, and REPLACING | REPLACED | SPLIT
    requested_by    spd | sfd
    exclusions      what the source states: yes | no | unknown, by name (see calls.EXCLUSIONS)
    service_times   first and last times of care, co_response and spd, as Call Data gives them
    doubts          what the source says of the quality of its data (see quality.is_doubt)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any, get_args

from apps.dispatch import pidf, reference
from apps.dispatch.calls import (
    ANSWERS,
    CALL_EVENTS,
    CAUTION_KINDS,
    EXCLUSIONS,
    LINK_KINDS,
    MAX_RELATIONS,
    MERGE_KINDS,
    SEVERITIES,
    AlternateValue,
    Call,
    CallEvent,
    Caution,
    ExclusionHint,
    Location,
    Malformed,
    Note,
    Relation,
    RelationKind,
    RequestedBy,
    Service,
    ServiceTimes,
    TimedService,
    UnitOnCall,
    UnitStatus,
)
from apps.dispatch.hazards import caution_kind
from apps.dispatch.normalise import CAD_NUMBER_LENGTH, complete, service_of
from apps.dispatch.quality import is_doubt
from apps.dispatch.wire import Findings, Node, clean

EXAMPLE: dict[str, Any] = {
    "cad_number": "2026000123456",
    "agency_id": "care.seattle.wa.us",
    "event": "report",
    "received_at": "2026-03-02T14:18:40-08:00",
    "updated_at": "2026-03-02T14:20:05-08:00",
    "initial_call_type": "SERVICE - WELFARE CHECK",
    "priority_text": "3",
    "how_received": "911",
    "address": "5TH AVE S / S JACKSON ST",
    "location": {"lat": 47.5993, "lon": -122.3277, "uncertainty_m": 30, "method": "GPS"},
    "premise": "bus stop",
    "premise_type": "street",
    "beat": "K3",
    "narrative": [
        {
            "at": "2026-03-02T14:19:30-08:00",
            "text": "CALLER SAYS A WOMAN SITS ON THE GROUND, CRYING, NO COAT",
        }
    ],
    "cautions": [
        {
            "severity": "high",
            "kind": "weapon",
            "text": "pocket knife seen last week",
            "source": "caller",
            "since": "2026-03-02T14:19:30-08:00",
        }
    ],
    "units": [
        {
            "unit_id": "care21@care.seattle.wa.us",
            "call_sign": "CARE21",
            "primary_status": "NotAvailable",
            "statuses": [{"status": "Dispatched", "at": "2026-03-02T14:20:05-08:00"}],
        }
    ],
    "links": [{"kind": "RELATED", "cad_number": "2026000123401"}],
    "requested_by": "",
    "exclusions": {"violence": "no", "medical": "no", "residence": "no"},
}

_EVENT_WORDS: dict[str, CallEvent] = {
    "new": "report",
    "update": "report",
    "updated": "report",
    "cancelled": "cancel",
    "canceled": "cancel",
    "closed": "close",
    "reopened": "reopen",
    "merged": "merge",
    "linked": "link",
    "unlinked": "unlink",
}
_REQUESTED_BY: tuple[RequestedBy, ...] = ("spd", "sfd")
TIMED_SERVICES: tuple[TimedService, ...] = get_args(TimedService)
_SERVICES: tuple[Service, ...] = ("care", "spd", "sfd", "other")


def parse(document: object) -> Call:
    """The call that decoded JSON tells. Raises `Malformed` if it is none or has no number."""
    document = clean(document)
    if not isinstance(document, dict):
        raise Malformed([("", "must be a JSON object")])
    findings = Findings()
    node = Node(document, "", findings)
    cad_number = _cad_number(node)
    location = next((_location(one) for one in node.nodes("location")), None)
    address = node.text("address") or (location.address if location else "")
    if location and not location.address:
        location = replace(location, address=address)
    call = Call(
        cad_number=cad_number,
        wire="plain",
        event=_event(node),
        agency_id=node.text("agency_id", 120),
        incident_id=node.text("incident_id", 200),
        received_at=node.time("received_at"),
        updated_at=node.time("updated_at"),
        initial_call_type=node.text("initial_call_type", 120),
        final_call_type=node.text("final_call_type", 120),
        common_type=node.text("common_type", 20),
        priority_text=node.text("priority_text", 40),
        priority=node.integer("priority", 0, 10),
        how_received=node.text("how_received", 60),
        statuses=_statuses(node),
        dispositions=tuple(code.zfill(2) for code in node.texts("dispositions", 20)),
        clearance=node.text("clearance", 200),
        address=address,
        location=location,
        other_locations=tuple(_location(one) for one in node.nodes("other_locations")),
        premise=node.text("premise"),
        premise_type=node.text("premise_type", 40).lower(),
        beat=node.text("beat", 10),
        sector=node.text("sector", 40),
        precinct=node.text("precinct", 40),
        narrative=tuple(note for one in node.worded("narrative") if (note := _note(one))),
        cautions=tuple(_caution(one) for one in node.worded("cautions")),
        units=tuple(_unit(one) for one in node.nodes("units")),
        links=_relations(node, "links", LINK_KINDS),
        merges=_relations(node, "merges", MERGE_KINDS),
        requested_by=node.choice("requested_by", _REQUESTED_BY) or "",
        exclusions=_hints(node),
        alternates=tuple(_alternate(one) for one in node.nodes("alternates")),
        service_times=tuple(
            times for one in node.nodes("service_times") if (times := _service_times(one))
        ),
    )
    _doubts(node)
    node.keep_unread()
    findings.stop_if_fatal()
    return complete(call, findings)


def build(call: Call) -> dict[str, Any]:
    """The plain JSON of a call, without what is empty. `parse` reads it back to the same call."""
    document = _members(call)
    for name in ("wire", "flags", "extras"):
        document.pop(name, None)
    if doubts := [flag for flag in call.flags if is_doubt(flag)]:
        document["doubts"] = doubts
    for note in document.get("narrative", []):
        note.pop("ref", None)
    for unit in document.get("units", []):
        unit["unit_id"] = unit.pop("eido_id", "")
    if call.exclusions:
        document["exclusions"] = {hint.name: hint.answer for hint in call.exclusions}
    return document


def _cad_number(node: Node) -> str:
    value = node.raw("cad_number")
    text = str(value).strip() if isinstance(value, str | int) else ""
    if isinstance(value, bool) or not text:
        node.findings.fatal("/cad_number", "give the CAD event number, as text")
    elif len(text) > CAD_NUMBER_LENGTH:
        node.findings.fatal("/cad_number", f"at most {CAD_NUMBER_LENGTH} characters")
    return text


def _event(node: Node) -> CallEvent:
    """What happened. A word that is not understood is taken as a report and flagged."""
    value = node.raw("event")
    if isinstance(value, str) or value is None:
        word = (value or "report").strip().lower()
        for event in CALL_EVENTS:
            if word == event:
                return event
        if word in _EVENT_WORDS:
            return _EVENT_WORDS[word]
    node.findings.bad("/event", f"must be one of: {', '.join(CALL_EVENTS)}")
    node.findings.keep("/event", value)
    return "report"


def _statuses(node: Node) -> tuple[str, ...]:
    statuses = node.texts("statuses", 40)
    for status in statuses:
        if status not in reference.incident_statuses():
            node.findings.flag("unknown incident status")
    return statuses


def _location(node: Node) -> Location:
    lat, lon = node.number("lat", -180, 180), node.number("lon", -180, 180)
    if (lat is None) != (lon is None):
        node.findings.bad(node.pointer, "give both lat and lon, or none")
        node.findings.keep(node.pointer, node.value)
        lat = lon = None
    if lat is not None and lon is not None:
        known = pidf.coordinates(lat, lon)
        if known is None:
            node.findings.bad(node.at("lat"), "must lie between -90 and 90")
            node.findings.keep(node.pointer, node.value)
        elif known[2]:
            node.findings.flag(known[2], node.pointer)
        lat, lon = known[:2] if known else (None, None)
    url = node.text("url", 2000)
    if url:
        node.findings.flag("location by reference, not fetched", node.pointer)
    location = Location(
        kind=node.text("kind", 40) or "CurrentIncident",
        lat=lat,
        lon=lon,
        uncertainty_m=node.number("uncertainty_m", 0, 1_000_000),
        method=node.text("method", 60),
        address=node.text("address"),
        place_name=node.text("place_name"),
        place_type=node.text("place_type", 40).lower(),
        description=node.text("description"),
        cross_streets=node.texts("cross_streets"),
        url=url,
        at=node.time("at"),
    )
    node.keep_unread()
    return location


def _note(node: Node) -> Note | None:
    note = Note(at=node.time("at"), text=node.text("text"), author=node.text("author", 200))
    node.keep_unread()
    return note if note.text else None


def _caution(node: Node) -> Caution:
    severity = node.choice("severity", SEVERITIES)
    if severity is None:
        node.findings.flag("caution without a known severity, taken as highest", node.pointer)
    text = node.text("text")
    caution = Caution(
        severity=severity or "highest",
        kind=node.choice("kind", CAUTION_KINDS) or caution_kind(text),
        text=text or "caution without text, ask dispatch",
        source=node.text("source", 200),
        since=node.time("since"),
    )
    node.keep_unread()
    return caution


def _unit(node: Node) -> UnitOnCall:
    eido_id = node.text("unit_id", 120)
    resource, _, agency = eido_id.partition("@")
    agency_id = node.text("agency_id", 120) or agency
    call_sign = node.text("call_sign", 40) or resource[:40].upper()
    if not (eido_id or call_sign):
        node.findings.bad(node.at("unit_id"), "give resource@AgencyId, or a call_sign")
    statuses = []
    for one in node.nodes("statuses"):
        status = one.text("status", 40)
        if status not in reference.unit_statuses():
            node.findings.flag("unknown unit status", one.pointer)
        statuses.append(UnitStatus(status=status, at=one.time("at")))
        one.keep_unread()
    resource_type = node.text("resource_type", 60)
    found = service_of(agency_id, resource_type=resource_type, call_sign=call_sign)
    unit = UnitOnCall(
        eido_id=eido_id,
        call_sign=call_sign,
        agency_id=agency_id,
        service=node.choice("service", _SERVICES) or found,
        resource_type=resource_type,
        attributes=node.texts("attributes"),
        primary_status=node.text("primary_status", 40),
        statuses=tuple(statuses),
        status_text=node.text("status_text", 200),
        eta=node.time("eta"),
        active=node.raw("active") is not False,
    )
    node.keep_unread()
    return unit


def _relations(node: Node, key: str, kinds: tuple[RelationKind, ...]) -> tuple[Relation, ...]:
    found: list[Relation] = []
    for one in node.nodes(key):
        kind = one.choice("kind", kinds)
        number = one.text("cad_number")
        if kind is None or not 0 < len(number) <= CAD_NUMBER_LENGTH or len(found) >= MAX_RELATIONS:
            expected = f"give kind ({', '.join(kinds)}) and cad_number, {MAX_RELATIONS} at most"
            one.findings.bad(one.pointer, expected)
            one.findings.keep(one.pointer, one.value)
            continue
        found.append(
            Relation(
                kind=kind,
                cad_number=number,
                incident_id=one.text("incident_id", 200),
                agency_id=one.text("agency_id", 120),
                reason=one.text("reason"),
            )
        )
        one.keep_unread()
    return tuple(found)


def _hints(node: Node) -> tuple[ExclusionHint, ...]:
    found = []
    for one in node.nodes("exclusions"):
        for name in EXCLUSIONS:
            answer = one.choice(name, ANSWERS)
            if answer:
                found.append(ExclusionHint(name=name, answer=answer))
        one.keep_unread()
    return tuple(found)


def _service_times(node: Node) -> ServiceTimes | None:
    service = node.choice("service", TIMED_SERVICES)
    if service is None:
        node.findings.bad(node.at("service"), f"must be one of: {', '.join(TIMED_SERVICES)}")
        node.findings.keep(node.pointer, node.value)
        return None
    times = ServiceTimes(
        service=service,
        first_dispatched=node.time("first_dispatched"),
        first_on_scene=node.time("first_on_scene"),
        last_in_service=node.time("last_in_service"),
    )
    node.keep_unread()
    return times


def _doubts(node: Node) -> None:
    """The source's own doubts become flags; other words than those of the vocabulary do not."""
    for doubt in node.texts("doubts", 100):
        if is_doubt(doubt):
            node.findings.flag(doubt)
        else:
            node.findings.bad(node.at("doubts"), "must be words of the vocabulary")


def _alternate(node: Node) -> AlternateValue:
    other = AlternateValue(
        component=node.text("component", 200),
        element=node.text("element", 120),
        value=node.text("value"),
        constituent=node.text("constituent", 200),
        at=node.time("at"),
    )
    node.keep_unread()
    return other


def _members(value: Any) -> dict[str, Any]:
    """The members of a dataclass that differ from nothing."""
    return {
        field.name: _json(getattr(value, field.name))
        for field in fields(value)
        if getattr(value, field.name) not in (None, "", ())
    }


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    return _members(value) if is_dataclass(value) else value
