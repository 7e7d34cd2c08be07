"""The documents that tablets and desks are sent: assignments, facts, alerts.

Built from rows that were read before; nothing is queried here. What may endanger a responder stands
first: serialisation keeps the order of the keys. Times are ISO 8601 in UTC with Z.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from apps.assignments import check_ins
from apps.assignments.codes import ALERTING
from apps.assignments.models import STAMP, Alert, AlertKind, Assignment, Fact
from apps.assignments.records import Record, limits, orphan_team
from apps.assignments.timeline import (
    Arrival,
    PairedUnit,
    Stamp,
    arrival_of,
    handoff_document,
    ledger,
    read,
    timeline_document,
)
from apps.changes import scopes
from apps.changes.services import Document
from apps.core.clock import iso
from apps.dispatch.models import STARTED_BY_RESPONDER, Agency, Incident, IncidentUnit
from apps.sync.stamps import as_sent

ASSIGNMENT_EVENT: Final = "assignment_event"
# Whom each alarm level calls, besides everyone below it.
AT_WHOM: Final = ("second_responder", "supervisors", "dispatch_desk")
# Fields of a fact that the server alone writes.
SERVER_FIELDS: Final = frozenset(
    {"author_id", "author_name", "unit_id", "unit", "source", "received_at", "clock_offset_ms"}
    | {"clock_uncertainty_ms", "flags", "order", "alert"}
)
# Alerts whose cause may be over.
_PASSING: Final = frozenset({AlertKind.UNACKNOWLEDGED, AlertKind.CHECK_IN})
# A document is at most 64 KB; the rest is room for `rev` and for sealing.
_LARGEST: Final = 60_000
_LONGEST_NOTE: Final = 4_000


def assignment(record: Record, *, now: datetime) -> Document:
    """The assignment as its unit, its team and the desk see it, as of `now`."""
    return Document(
        "assignments", record.assignment.pk, record.scopes(), assignment_body(record, now)
    )


def assignment_body(record: Record, now: datetime) -> dict[str, Any]:
    """Hazards first, then what the crew must know and do, then the rest."""
    row, call = record.assignment, record.incident
    details = call.details
    body = {
        "cautions": call.cautions,
        "withheld": details["withheld"],
        "call_revision": record.call_revision,
        "needs_ack": record.timeline.needs_ack,
        "state": row.state,
        "id": str(row.pk),
        "incident_id": str(call.pk),
        "cad_number": call.cad_number,
        "waiting_number": _waiting_number(row, call),
        "incident_status": call.status,
        "entry_kind": row.entry_kind,
        "address": details["address"],
        "location": details["location"],
        "premise": details["premise"],
        "beat": call.beat,
        "call_types": {
            "initial": call.initial_call_type,
            "final": call.final_call_type,
            "common": call.common_type,
        },
        "priority": call.priority,
        "priority_text": call.priority_text,
        "how_received": call.how_received,
        "requested_by": details["requested_by"],
        "narrative": details["narrative"],
        "alternates": details["alternates"],
        "revisions": [
            {**one, "revision": row.revision_base + one["revision"]}
            for one in details.get("revisions", [])
        ],
        "evaluation": {"verdict": call.verdict, "text": call.evaluation.get("text", "")},
        "override": _override(row),
        "given": {"source": row.source, "by": _name(row.given_by), "at": iso(row.given_at)},
        "unit": {"id": str(row.unit_id), "call_sign": row.unit.call_sign},
        "former_units": [str(unit) for unit in row.former_units],
        "units": [_unit(unit) for unit in record.call.units],
        **_progress(record),
        "handoff": handoff(record),
        "alarm": _alarm(row),
        "check_in": _check_in(record),
        "alerts": [_short(alert) for alert in record.alerts if _matters(alert)],
        "links": [{"kind": link.kind, "cad_number": link.cad_number} for link in record.call.links],
        "occurred_at": iso(call.occurred_at),
        "received_at": iso(call.received_at),
        "closed_at": iso(row.closed_at),
        "leaves_at": iso(row.leaves_at),
        "as_of": iso(now),
    }
    return _cut(body)


def handoff(record: Record) -> dict[str, Any]:
    """The handoff between police, fire and CARE: one for all CARE units of the incident. It names
    units and agencies, never a responder, and holds nobody's words."""
    facts = [entry.fact for one in record.call.records for entry in one.timeline.history]
    return handoff_document(ledger(facts, paired(record), limits=limits()))


def paired(record: Record) -> list[PairedUnit]:
    """The police and fire units on the incident, as CAD names them."""
    return [
        PairedUnit(unit.call_sign, unit.agency)
        for unit in record.call.units
        if unit.agency in (Agency.SPD, Agency.SFD)
    ]


def fact(record: Record, row: Fact) -> Document:
    """A fact of an assignment."""
    body = fact_body(row, flags=record.flags_of(row), alert=record.alert_of(row))
    return Document("facts", row.pk, record.scopes_of(row), body)


def orphan(row: Fact, alert: Alert | None, *, to: frozenset[str]) -> Document:
    """A fact whose assignment is not here yet, or that has none."""
    return Document("facts", row.pk, to, fact_body(row, flags=row.flags, alert=alert))


def private_body(row: Fact) -> dict[str, Any]:
    """The document of what a responder tells of themselves: see `codes.PRIVATE`."""
    return fact_body(row, flags=row.flags, alert=None)


def fact_body(row: Fact, *, flags: Iterable[str], alert: Alert | None) -> dict[str, Any]:
    """What the client sent, and what the server knows about it.

    What of it has no column (`unread`) is stored and not sent: another client's schema might not
    allow it, and one document that does not fit stops that client's whole replication.
    """
    body = {
        "id": str(row.pk),
        "kind": ASSIGNMENT_EVENT,
        "assignment_id": str(row.assignment_id) if row.assignment_id else None,
        "event": row.event,
        "device_time": as_sent(row.device_time, "device_time", row.unread),
        "counter": row.counter,
        "data": row.data,
        **_edit(row),
        "author_id": str(row.author_id) if row.author_id else None,
        "author_name": _name(row.author),
        "unit_id": str(row.unit_id) if row.unit_id else None,
        "unit": row.unit.call_sign if row.unit else None,
        "source": row.source,
        "received_at": iso(row.received_at),
        "clock_offset_ms": row.clock_offset_ms,
        "clock_uncertainty_ms": row.clock_uncertainty_ms,
        "flags": list(flags),
        "order": row.order,
    }
    if row.event in ALERTING:
        body["alert"] = alert and {"id": str(alert.pk), **_answer(alert)}
    return body


def _edit(row: Fact) -> dict[str, Any]:
    """Which save of which local database it is; nothing for a fact that no tablet made."""
    if row.device is None:
        return {}
    return {"editor": str(row.device), **({"edit_no": row.edit_no} if row.edit_no else {})}


def alert(row: Alert, *, of: Record | None, about: Fact | None) -> Document:
    """An alert as the supervisors (level 2) and the dispatch desk (level 3) see it.

    `of`: the assignment it is about, `about`: the fact that raised it; either may be missing.
    """
    return Document("alerts", row.pk, alert_scopes(row, about), alert_body(row, of, about))


def alert_scopes(row: Alert, about: Fact | None) -> frozenset[str]:
    """The unit's supervisors; from level 3 the dispatch desk too."""
    found = set()
    team = row.unit.team_id if row.unit else orphan_team(about) if about else None
    if team:
        found.add(scopes.team(team))
    # Nobody to call is no reason to call nobody.
    if row.level >= 3 or not found:
        found.add(scopes.agency())
    return frozenset(found)


def alert_body(row: Alert, of: Record | None, about: Fact | None) -> dict[str, Any]:
    """Who calls for what, where, and who answered."""
    details = of.incident.details if of else {}
    return {
        "kind": row.kind,
        "level": row.level,
        **_answer(row),
        "id": str(row.pk),
        "raised_at": iso(row.raised_at),
        **_tap(arrival_of(about, limits()) if about else None),
        "unit": row.unit.call_sign if row.unit else None,
        "author_name": _name(about.author) if about else "",
        "note": (read(about.event, about.data, "note") if about else None) or "",
        "position": _position(about) if about else None,
        "cautions": of.incident.cautions if of else [],
        "address": details.get("address", ""),
        "location": details.get("location"),
        "cad_number": of.incident.cad_number if of else None,
        "call_type": of.incident.final_call_type or of.incident.initial_call_type if of else "",
        "assignment_id": str(row.assignment_id) if row.assignment_id else None,
        "fact_id": str(row.fact_id) if row.fact_id else None,
        "counted": row.counted,
        "signal": signal(row, of),
    }


def arrival(row: Alert) -> Arrival | None:
    """When the tap that raised an alert was made, and whether it came late. The row is read by
    `with_taps`. None: no tap raised it."""
    said = {name: getattr(row, f"fact_{name}") for name in STAMP}
    return arrival_of(Stamp(**said), limits()) if said["received_at"] else None


def _tap(came: Arrival | None) -> dict[str, Any]:
    late = came.late if came else None
    return {
        "tapped_at": iso(came.tapped_at) if came else None,
        "late_s": None if late is None else int(late.total_seconds()),
    }


def _name(person: Any) -> str:
    return person.display_name if person else ""


def _waiting_number(row: Assignment, call: Incident) -> dict[str, Any] | None:
    """A CAD number that is not settled: one that a desk is to confirm, or one that was taken and of
    which CAD has told nothing."""
    if row.link_number:
        by, at = _name(row.link_by), iso(row.link_at)
        return {"number": row.link_number, "why": "to_confirm", "by": by, "at": at}
    if row.entry_kind in STARTED_BY_RESPONDER and call.cad_number and not call.details.get("told"):
        return {"number": call.cad_number, "why": "not_told", "by": "", "at": None}
    return None


def _override(row: Assignment) -> dict[str, Any] | None:
    if not row.override_reason:
        return None
    return {"reason": row.override_reason, "by": _name(row.given_by), "at": iso(row.given_at)}


def _unit(unit: IncidentUnit) -> dict[str, Any]:
    return {
        "call_sign": unit.call_sign,
        "agency": unit.agency,
        "status": unit.status,
        "times": unit.times,
        "on_call": unit.detached_at is None,
    }


def _progress(record: Record) -> dict[str, Any]:
    """State and times as the tablet shows them; every telling of a time stays with the facts."""
    told = timeline_document(record.timeline)
    return {
        "closing": told["closing"],
        "acknowledged_revision": told["acknowledged_revision"],
        "times": {
            name: {key: moment[key] for key in ("at", "source", "confirmed", "flags")}
            for name, moment in told["times"].items()
        },
        "durations": {
            name: duration["seconds"]
            for name, duration in told["durations"].items()
            if duration["seconds"] is not None
        },
        "flags": told["flags"],
    }


def _alarm(row: Assignment) -> dict[str, Any] | None:
    if row.alarm_from is None:
        return None
    return {
        "level": row.alarm_level,
        "at": AT_WHOM[row.alarm_level - 1] if row.alarm_level else None,
        "awaited_since": iso(row.alarm_from),
        "raised_at": iso(row.alarm_raised_at),
        "due_at": iso(row.alarm_due_at),
    }


def _check_in(record: Record) -> dict[str, Any] | None:
    """What the crew owes. How a tablet asks for it is part of the document: whoever is on scene may
    not be given away by a sound or a bright screen."""
    awaited = check_ins.of(record)
    if awaited is None:
        return None
    return {
        "every_s": awaited.every.total_seconds(),
        "due_at": iso(awaited.due_at),
        "last_at": iso(awaited.heard_at),
        "level": record.assignment.check_in_level,
        "prompt": {"sound": False, "bright": False, "haptic": True},
        "reached_at": iso(record.assignment.check_in_reached_at),
    }


def signal(row: Alert, of: Record | None) -> dict[str, Any] | None:
    """Where a crew was when their signal was lost, as far as that is known; None where it was not,
    or where that is no question."""
    if row.signal_lost_since is None or of is None:
        return None
    details = of.incident.details
    return {
        "lost_since": iso(row.signal_lost_since),
        "position": last_position(of) or details["location"],
        "place": details["address"],
    }


def last_position(record: Record) -> Mapping[str, Any] | None:
    """Where a tablet of the crew was by the latest of their taps that says so."""
    said = [
        (entry.at or entry.fact.received_at, _point(entry.fact.data))
        for entry in record.timeline.history
        if entry.fact.unit == record.timeline.unit and _point(entry.fact.data) is not None
    ]
    return max(said, key=lambda one: one[0])[1] if said else None


def _matters(alert: Alert) -> bool:
    if alert.kind in {AlertKind.OVERDOSE_SPIKE, AlertKind.REFERRAL}:
        return False  # what was given to or asked for somebody is not for all who have the call
    return alert.stopped_at is None or alert.kind not in _PASSING


def _short(alert: Alert) -> dict[str, Any]:
    return {
        "id": str(alert.pk),
        "kind": alert.kind,
        "level": alert.level,
        "raised_at": iso(alert.raised_at),
        **_answer(alert),
    }


def _answer(alert: Alert) -> dict[str, Any]:
    acknowledged = alert.acknowledged_at is not None
    return {
        "state": "acknowledged" if acknowledged else "stopped" if alert.stopped_at else "open",
        "acknowledged_by": _name(alert.acknowledged_by),
        "acknowledged_at": iso(alert.acknowledged_at),
        "stopped_at": iso(alert.stopped_at),
    }


def _position(about: Fact) -> Any:
    """Where the tablet was, if it said so: {lat, lon, accuracy_m}."""
    return _point(about.data)


def _point(data: object) -> Mapping[str, Any] | None:
    where = data.get("position") if isinstance(data, Mapping) else None
    return where if isinstance(where, Mapping) else None


def _cut(body: dict[str, Any]) -> dict[str, Any]:
    """Shortens what can be asked for again until the document is small enough. Never a caution.

    First overlong notes, then values that others gave, then the oldest notes; `cut` counts them.
    """
    if len(orjson.dumps(body)) <= _LARGEST:
        return body
    long = [note for note in body["narrative"] if len(note["text"]) > _LONGEST_NOTE]
    body["narrative"] = [
        {**note, "text": note["text"][:_LONGEST_NOTE] + " ..."} if note in long else note
        for note in body["narrative"]
    ]
    excess = len(orjson.dumps(body)) - _LARGEST
    missing = len(long)
    for name in ("alternates", "narrative"):
        kept = list(body[name])
        while kept and excess > 0:
            excess -= len(orjson.dumps(kept.pop(0))) + 1
            missing += 1
        body[name] = kept
    return {**body, "cut": missing}
