"""What can be counted of a dispatch, and of an incident's handoff: from the records. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apps.assignments.records import Record
from apps.assignments.timeline import Handoff, Timeline
from apps.assignments.timeline.presence import AgencyHandoff
from apps.casenotes.models import RecordKind
from apps.firstaid import codes
from apps.firstaid.doses import Dose

# Columns by the milestone of the timeline that they hold.
_MILESTONES: Final = {
    "acknowledged_at": "acknowledged",
    "en_route_at": "en_route",
    "on_scene_at": "on_scene",
    "contact_at": "contact",
    "closed_at": "closed",
}


# Ends by which CARE had taken the call over: what was called off gave nothing back.
_TOOK_OVER: Final = frozenset({"cleared", "unable_to_locate"})
CARE: Final = "care"
_FULLEST_FIRST: Final = (RecordKind.FULL, RecordKind.MINIMAL, RecordKind.AUTOMATIC)


@dataclass(frozen=True)
class Around:
    """What other rooms hold of a dispatch: `record` the kind of its record, the rest how many."""

    record: str = ""
    encounters: int = 0
    doses: Sequence[Dose] = ()
    aids: int = 0
    referrals: int = 0


def dispatch(of: Record, around: Around) -> dict[str, Any]:
    """The columns of `DispatchFigures`, without `id`."""
    row, call, timeline = of.assignment, of.incident, of.timeline
    closing = timeline.closing
    given = [dose for dose in around.doses if dose.gave_naloxone]
    return {
        "incident_id": call.pk,
        "unit_id": row.unit_id,
        "team_id": row.unit.team_id,
        "entry_kind": row.entry_kind,
        "call_type": call.final_call_type or call.initial_call_type,
        "beat": call.beat,
        "occurred_at": call.occurred_at,
        "given_at": row.given_at,
        **{name: first_of(timeline, told) for name, told in _MILESTONES.items()},
        "closing": closing.kind if closing else "",
        "disposition": (closing.disposition or "") if closing else "",
        "met": timeline.met,
        "record": around.record,
        "encounters": around.encounters,
        "doses": sum(dose.given_by == codes.CARE for dose in given),
        "naloxone": len(given),
        "aids": around.aids,
        "referrals": around.referrals,
    }


def first_of(timeline: Timeline, milestone: str) -> datetime | None:
    """When a milestone was reached first. Of the end the last one counts: a call that was opened
    again had not ended."""
    if milestone == "closed":
        moment = timeline.times.get("closed") if timeline.closing else None
        return moment.at if moment else None
    episodes = (*timeline.earlier, timeline.current)
    moments = [episode.times.get(milestone) for episode in episodes]
    return min((moment.at for moment in moments if moment and moment.at), default=None)


def record_of(kinds: Iterable[str]) -> str:
    """The kind of a dispatch's record, from those of its encounters: the fullest; "" while one of
    them is owed, or there is none."""
    told = set(kinds)
    if "" in told:
        return ""
    return next((kind for kind in _FULLEST_FIRST if kind in told), "")


def handoff(records: Iterable[Record], told: Handoff) -> dict[str, Any]:
    """The columns of `HandoffFigures`, without `id`, from all our assignments of an incident."""
    ours = list(records)
    call = ours[0].incident
    return {
        "given_at": min(one.assignment.given_at for one in ours),
        "beat": call.beat,
        "call_type": call.final_call_type or call.initial_call_type,
        "took_over": any(_took_over(one.timeline) for one in ours),
        **_agency("police", told.police),
        **_agency("fire", told.fire),
        "declined": dict(
            Counter(f"{one.agency or CARE}:{one.reason or ''}" for one in told.declined)
        ),
    }


def _took_over(timeline: Timeline) -> bool:
    return timeline.closing is not None and timeline.closing.kind in _TOOK_OVER


def _agency(name: str, told: AgencyHandoff) -> dict[str, int]:
    known = [unit.given_back for unit in told.units if unit.given_back is not None]
    return {
        f"{name}_units": len(told.units),
        f"{name}_known": len(known),
        f"{name}_seconds": int(sum(one.total_seconds() for one in known)),
    }
