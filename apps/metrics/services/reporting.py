"""Two reports: calls that the rules would have let CARE take and that nobody was sent to, and who
declined. Counted from codes and times; of a call nothing is opened but for the list of declines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments.documents import handoff
from apps.assignments.models import Assignment
from apps.assignments.records import look_at
from apps.audit.services import Act, record_all
from apps.core.clock import iso
from apps.dispatch.models import Agency, CrewMember, Incident
from apps.metrics.exports import Cell
from apps.metrics.models import HandoffFigures
from apps.metrics.periods import Period
from apps.metrics.spans import Span, free_at

# So many calls are counted at most, the newest first; a busy month has some thousands.
MOST_COUNTED: Final = 20_000
# A page of each list.
PAGE: Final = 100
PAGE_OF_DECLINES: Final = 30

NOT_SENT_COLUMNS: Final = ("id", "occurred_at", "beat", "call_type", "units_free")
DECLINED_COLUMNS: Final = (
    *("incident_id", "assignment_id", "declined_at", "agency", "unit", "reason"),
)


@dataclass(frozen=True)
class Missed:
    """A call that CARE could have taken. `free`: how many of its units were, when it came in."""

    id: UUID
    number: str
    at: datetime
    beat: str
    call_type: str
    free: int


@dataclass(frozen=True)
class NotSent:
    """All of a time: newest first. `capped`: there are more than MOST_COUNTED."""

    calls: tuple[Missed, ...]
    capped: bool
    by_hour: Mapping[int, int] = field(default_factory=dict)
    by_beat: Mapping[str, int] = field(default_factory=dict)
    by_type: Mapping[str, int] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """To how many of them a unit could have gone at once."""
        return sum(one.free > 0 for one in self.calls)


@dataclass(frozen=True)
class Decline:
    """Who declined on a call, as the ledger of its handoff tells it."""

    incident_id: UUID
    assignment_id: UUID
    number: str
    at: datetime | None
    agency: str
    unit: str
    reason: str


def not_sent(period: Period, by: User) -> NotSent:
    """The calls of a period that the rules would have let CARE take, without a CARE unit on them,
    of those that `by` may see."""
    rows = (
        Incident.objects.visible_to(by)
        .eligible_not_sent()
        .filter(occurred_at__gte=period.begins, occurred_at__lt=period.ends)
        .order_by("-occurred_at", "-pk")
        .values_list(
            "pk", "cad_number", "occurred_at", "beat", "final_call_type", "initial_call_type"
        )
    )
    told = list(rows[: MOST_COUNTED + 1])
    capped, told = len(told) > MOST_COUNTED, told[:MOST_COUNTED]
    free = _free([at for _, _, at, *_ in told])
    calls = tuple(
        Missed(pk, number or "", at, beat, final or initial, units)
        for (pk, number, at, beat, final, initial), units in zip(told, free, strict=True)
    )
    return NotSent(
        calls,
        capped,
        by_hour=_counted(one.at.astimezone(period.zone).hour for one in calls),
        by_beat=_most(one.beat or "no beat" for one in calls),
        by_type=_most(one.call_type or "no type" for one in calls),
    )


def not_sent_lines(found: NotSent) -> Iterator[list[Cell]]:
    """The same as lines of a file, under NOT_SENT_COLUMNS: codes and times."""
    for one in found.calls:
        yield [str(one.id), iso(one.at), one.beat, one.call_type, one.free]


@transaction.atomic
def declines(
    period: Period, by: User, *, before: datetime | None, now: datetime
) -> tuple[list[Decline], datetime | None]:
    """Who declined on the newest calls of a period (on those given before `before`), of the calls
    that `by` may see; and before when the next page begins, None after the last. At most
    PAGE_OF_DECLINES calls. Reading them is written down."""
    until = min(before or period.ends, period.ends)
    calls = HandoffFigures.objects.between(period.begins, until).exclude(declined={})
    newest = calls.order_by("-given_at", "-pk").values_list("pk", "given_at")
    page = list(newest[: PAGE_OF_DECLINES + 1])
    more, page = len(page) > PAGE_OF_DECLINES, page[:PAGE_OF_DECLINES]
    return _declines_on([pk for pk, _ in page], by, now), page[-1][1] if more else None


@transaction.atomic
def all_declines(period: Period, by: User, *, now: datetime) -> list[Decline]:
    """The same of all calls of a period, the newest MOST_COUNTED of them."""
    calls = HandoffFigures.objects.between(period.begins, period.ends).exclude(declined={})
    ids = list(calls.order_by("-given_at", "-pk").values_list("pk", flat=True)[:MOST_COUNTED])
    return [
        one
        for start in range(0, len(ids), PAGE_OF_DECLINES)  # so many records are held at once
        for one in _declines_on(ids[start : start + PAGE_OF_DECLINES], by, now)
    ]


def declined_lines(found: Iterable[Decline]) -> Iterator[list[Cell]]:
    """The same as lines of a file, under DECLINED_COLUMNS: codes and times."""
    for one in found:
        at = iso(one.at) if one.at else None
        ids = [str(one.incident_id), str(one.assignment_id)]
        yield [*ids, at, one.agency, one.unit, one.reason]


def _declines_on(ids: Sequence[UUID], by: User, now: datetime) -> list[Decline]:
    """Who declined on these calls, as far as `by` may see them; that they were read is written
    down."""
    rows = Assignment.objects.visible_to(by).filter(incident__in=ids)
    one_each: dict[UUID, Assignment] = {}
    for row in rows.select_related("incident", "unit").order_by("given_at", "pk"):
        one_each.setdefault(row.incident_id, row)
    seen = [one_each[pk] for pk in ids if pk in one_each]
    read = [row.pk for row in seen]
    record_all([Act(user_actor(by), "read", "assignment", read)], now=now)
    return [_decline(row, told) for row in seen for told in handoff(look_at(row))["declined"]]


def _decline(row: Assignment, told: Mapping[str, Any]) -> Decline:
    return Decline(
        incident_id=row.incident_id,
        assignment_id=row.pk,
        number=row.incident.cad_number or "",
        at=told["at"] and datetime.fromisoformat(told["at"]),
        agency=told["agency"] or Agency.CARE,
        unit=told["unit"] or "",
        reason=told["reason"] or "",
    )


def _free(moments: list[datetime]) -> list[int]:
    """How many CARE units were crewed and on no call at each of these moments."""
    if not moments:
        return []
    first, last = min(moments), max(moments)
    crews = CrewMember.objects.filter(unit__agency=Agency.CARE, since__lte=last)
    on_duty = crews.filter(Q(until=None) | Q(until__gt=first)).values_list(
        "unit_id", "since", "until"
    )
    calls = Assignment.objects.filter(given_at__lte=last)
    busy = calls.filter(Q(closed_at=None) | Q(closed_at__gt=first)).values_list(
        "unit_id", "given_at", "closed_at"
    )
    return free_at(moments, (Span(*told) for told in on_duty), (Span(*told) for told in busy))


def _counted(values: Iterator[Any]) -> dict[Any, int]:
    return dict(sorted(Counter(values).items()))


def _most(values: Iterator[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
