"""What every wire has in common: one message's values checked against the reference lists."""

from __future__ import annotations

import re
from dataclasses import replace

from apps.dispatch import reference
from apps.dispatch.calls import (
    Call,
    Caution,
    RequestedBy,
    Service,
    in_order,
    worst_first,
)
from apps.dispatch.hazards import hidden_cautions, mentions
from apps.dispatch.wire import Findings

#: The longest CAD event number that is taken.
CAD_NUMBER_LENGTH = 60
#: EIDO's resource type of CARE's units, and of some of others.
CRISIS_UNIT = "CrisisInterventionUnit"

_URN = re.compile(r"urn:emergency:uid:incidentid:([^:]+):(.+)", re.IGNORECASE)
_POLICE = frozenset({"spd", "police", "sheriff", "pd"})
_FIRE = frozenset({"sfd", "fire", "ems", "medic"})


def incident_parts(incident_id: str) -> tuple[str, str]:
    """Number and domain of an incident id (urn:emergency:uid:incidentid:<number>:<domain>)."""
    found = _URN.fullmatch(incident_id)
    return (found[1], found[2]) if found else ("", "")


def complete(call: Call, findings: Findings) -> Call:
    """The call with what the lists add to it, and the flags and kept parts of its reading.

    An unknown type, beat or code is taken and flagged. Hazards in parts that have no place in a
    call become a caution, so that nobody has to look for them.
    """
    initial = _type(call.initial_call_type)
    final = _type(call.final_call_type)
    if not (initial or final or call.common_type):
        findings.flag("no call type")
    for text in dict.fromkeys((initial, final)):
        if text and reference.call_type(text) is None:
            findings.flag("unknown call type")
    common = _common_type(call.common_type, findings)
    if not common:
        common = reference.common_type_of(final, initial)
    priority = call.priority
    if priority is None:
        priority = reference.common_priority(call.priority_text)
    if call.received_at and call.updated_at and call.updated_at < call.received_at:
        findings.flag("times out of order: updated before received")
    if not call.address and (call.location is None or call.location.lat is None):
        findings.flag("no location by value")
    for code in call.dispositions:
        if code not in reference.dispositions():
            findings.flag("unknown disposition code")
    cautions = [*call.cautions, *_hidden(call, findings)]
    done = replace(
        call,
        initial_call_type=initial,
        final_call_type=final,
        common_type=common,
        priority=priority,
        requested_by=call.requested_by or requested_by(initial),
        cautions=worst_first(cautions),
        narrative=in_order(call.narrative),
    )
    done = _with_beat(done, findings)
    return replace(done, flags=tuple(findings.flags), extras=tuple(findings.extras))


def requested_by(call_type: str) -> RequestedBy:
    """Who asked for help, where the call type itself says so."""
    if call_type.startswith("ASSIST SPD"):
        return "spd"
    return "sfd" if call_type.startswith("SFD - ASSIST") else ""


def service_of(
    agency_id: str,
    *,
    agency_types: tuple[str, ...] = (),
    resource_type: str = "",
    call_sign: str = "",
) -> Service:
    """Whose unit it is, by what the message tells of the unit and its agency."""
    labels = set(agency_id.lower().split("."))
    kinds = {kind.lower().split(".")[0] for kind in agency_types}
    sign = call_sign.upper()
    if resource_type == CRISIS_UNIT or "care" in labels or sign.startswith("CARE"):
        return "care"
    if labels & _POLICE or "police" in kinds or resource_type == "PatrolUnit":
        return "spd"
    if labels & _FIRE or kinds & {"fire", "ems", "ambulance"}:
        return "sfd"
    return "sfd" if "Ambulance" in resource_type or "FireEngine" in resource_type else "other"


def _type(text: str) -> str:
    """A call type without the prefix of final types; known ones as the list spells them."""
    known = reference.call_type(text)
    return known.code if known else text.removeprefix("--").strip()


def _common_type(code: str, findings: Findings) -> str:
    known = reference.common_types()
    if code and code not in known and code.upper() in known:
        return code.upper()
    if code and code not in known:
        findings.flag("unknown common type")
    return code


def _with_beat(call: Call, findings: Findings) -> Call:
    """Sector and precinct of a known beat; those of the message must fit."""
    code = call.beat.strip().upper()
    beat = reference.beats().get(code)
    if beat is None:
        if code:
            findings.flag("unknown beat")
        return call
    if call.sector and call.sector.casefold() not in (
        beat.sector.casefold(),
        beat.sector_name.casefold(),
    ):
        findings.flag("sector does not fit the beat")
    if call.precinct and call.precinct.casefold() != beat.precinct.casefold():
        findings.flag("precinct does not fit the beat")
    return replace(call, beat=code, sector=beat.sector, precinct=beat.precinct)


def _hidden(call: Call, findings: Findings) -> list[Caution]:
    """Cautions for hazards in parts of the message that are kept but not shown."""
    found = {hazard for extra in findings.extras for hazard in mentions(extra.value)}
    found |= {hazard for other in call.alternates for hazard in mentions(other.value)}
    return hidden_cautions(found)
