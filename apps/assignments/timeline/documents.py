"""Timelines and ledgers as JSON: times as ISO 8601 with Z, durations as whole seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.assignments.timeline.corrections import Correction, Entry
from apps.assignments.timeline.derive import Timeline
from apps.assignments.timeline.episodes import Episode
from apps.assignments.timeline.handoff import Handoff, SceneChange
from apps.assignments.timeline.presence import AgencyHandoff, Stay, UnitHandoff
from apps.assignments.timeline.times import Claim, Duration, Moment


def timeline_document(timeline: Timeline) -> dict[str, Any]:
    """State, times with their provenance, durations and flags; no author, no data of facts."""
    return {
        "needs_ack": timeline.needs_ack,
        **_episode(timeline.current),
        "earlier": [_episode(episode) for episode in timeline.earlier],
        "flags": [
            {"code": flag.code, "fact": str(flag.fact), "text": flag.text}
            for flag in timeline.flags
        ],
    }


def history_document(timeline: Timeline) -> list[dict[str, Any]]:
    """Every fact as it was told and as it stands, with its corrections. Holds PHI (`data`)."""
    return [
        {**_history_entry(entry), "flags": list(timeline.flags_of(entry.fact.id))}
        for entry in timeline.history
    ]


def handoff_document(handoff: Handoff) -> dict[str, Any]:
    """The ledger: agencies, units, times, sums. Nothing in it leads to a responder."""
    return {
        "police": _agency(handoff.police),
        "fire": _agency(handoff.fire),
        "scene": handoff.scene,
        "secured": _scene_change(handoff.secured) if handoff.secured else None,
        "scene_changes": [_scene_change(change) for change in handoff.scene_changes],
        "declined": [
            {
                "agency": declined.agency,
                "unit": declined.unit,
                "reason": declined.reason,
                "safety": declined.safety,
                **_telling(declined.told),
            }
            for declined in handoff.declined
        ],
        "requests": [
            {"kind": request.kind, "agency": request.agency, **_telling(request.told)}
            for request in handoff.requests
        ],
        "care_cleared_at": _iso(handoff.care_cleared_at),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def _episode(episode: Episode) -> dict[str, Any]:
    closing = episode.closing
    return {
        "state": episode.state,
        "unit": episode.unit,
        "began_by": str(episode.began_by) if episode.began_by else None,
        "acknowledged_revision": episode.acknowledged_revision,
        "closing": closing
        and {
            "kind": closing.kind,
            "fact": str(closing.fact),
            "source": closing.source,
            "disposition": closing.disposition,
        },
        "closing_refused": [
            {"fact": str(refusal.fact), "event": refusal.event, "why": refusal.why}
            for refusal in episode.closing_refused
        ],
        "times": {name: _moment(moment) for name, moment in episode.times.items()},
        "durations": {name: _duration(duration) for name, duration in episode.durations.items()},
    }


def _moment(moment: Moment) -> dict[str, Any]:
    return {
        "at": _iso(moment.at),
        "confirmed": moment.confirmed,
        **_claim(moment.chosen),
        "claims": [{"at": _iso(claim.at), **_claim(claim)} for claim in moment.claims],
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "fact": str(claim.fact),
        "source": claim.source,
        "device_time": _iso(claim.device_time),
        "received_at": _iso(claim.received_at),
        "clock_offset_ms": claim.clock_offset_ms,
        "uncertainty_ms": claim.uncertainty_ms,
        "flags": list(claim.flags),
        "corrected_by": [str(correction) for correction in claim.corrected_by],
    }


def _duration(duration: Duration) -> dict[str, Any]:
    return {
        "seconds": _seconds(duration.length),
        "uncertainty_ms": duration.uncertainty_ms,
        "why": duration.why,
    }


def _history_entry(entry: Entry) -> dict[str, Any]:
    fact = entry.fact
    return {
        "id": str(fact.id),
        "counts": entry.counts,
        "event": entry.event,
        "at": _iso(entry.reading.at),
        "data": dict(entry.data),
        "told": {
            "event": fact.event,
            "device_time": _iso(fact.device_time),
            "data": dict(fact.data),
        },
        "received_at": _iso(fact.received_at),
        "author_id": str(fact.author_id) if fact.author_id else None,
        "unit": fact.unit,
        "source": fact.source,
        "corrections": [_correction(correction) for correction in entry.corrections],
    }


def _correction(correction: Correction) -> dict[str, Any]:
    return {
        "fact": str(correction.fact),
        "author_id": str(correction.author_id) if correction.author_id else None,
        "source": correction.source,
        "at": _iso(correction.at),
        "reason": correction.reason,
        "takes_back": correction.takes_back,
        "in_force": correction.in_force,
    }


def _telling(moment: Moment) -> dict[str, Any]:
    # No ids of facts in the ledger: a fact leads to its author.
    return {
        "at": _iso(moment.at),
        "source": moment.chosen.source,
        "confirmed": moment.confirmed,
        "flags": list(moment.chosen.flags),
    }


def _scene_change(change: SceneChange) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "at": _iso(change.at),
        "source": change.source,
        "agency": change.agency,
        "unit": change.unit,
    }


def _agency(agency: AgencyHandoff) -> dict[str, Any]:
    return {
        "agency": agency.agency,
        "arrived": _telling(agency.arrived) if agency.arrived else None,
        "released_at": _iso(agency.released_at),
        "seconds_given_back": _seconds(agency.given_back),
        "complete": agency.complete,
        "units": [_unit(unit) for unit in agency.units],
    }


def _unit(unit: UnitHandoff) -> dict[str, Any]:
    return {
        "unit": unit.call_sign,
        "stays": [_stay(stay) for stay in unit.stays],
        "seconds_given_back": _seconds(unit.given_back),
        "flags": list(unit.flags),
    }


def _stay(stay: Stay) -> dict[str, Any]:
    return {
        "arrived": _telling(stay.arrived) if stay.arrived else None,
        "released": _telling(stay.released) if stay.released else None,
        "decided_by": stay.decided_by,
        "care_agreed": stay.care_agreed,
    }
