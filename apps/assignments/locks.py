"""What is locked of calls, on the rungs of docs/adr/0030."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from apps.assignments.models import Assignment
from apps.changes.locks import Lock, Rung, each, register_rows
from apps.dispatch.models import Incident


def locks_of_rows(ids: Iterable[UUID]) -> set[Lock]:
    """The incidents of these assignments, and all assignments of those: for whoever tells something
    of them, or holds several."""
    incidents = Assignment.objects.filter(pk__in=list(ids)).values("incident")
    rows = list(Assignment.objects.filter(incident__in=incidents).values_list("pk", "incident"))
    return {
        *each(Rung.INCIDENTS, (incident for _, incident in rows)),
        *each(Rung.ASSIGNMENTS, (pk for pk, _ in rows)),
    }


def locks_of_arrivals(ids: Iterable[UUID]) -> set[Lock]:
    """What orders what comes to these assignments: see `records.lock_arrivals`."""
    return each(Rung.ARRIVALS, ids)


def locks_of_calls(ids: Iterable[UUID]) -> set[Lock]:
    """Both: for what may be early, and is told of them. What is told of one may change what the
    other units of its incident show, and what is recorded on their assignments."""
    wanted = set(ids)
    rows = locks_of_rows(wanted)
    beside = {one.id for one in rows if one.rung == Rung.ASSIGNMENTS}
    return rows | locks_of_arrivals(wanted | beside)


def _lock_incidents(ids: Iterable[UUID]) -> None:
    rows = Incident.objects.select_for_update(no_key=True).filter(pk__in=list(ids))
    list(rows.order_by("pk").values_list("pk"))


def _lock_assignments(ids: Iterable[UUID]) -> None:
    rows = Assignment.objects.select_for_update(no_key=True).filter(pk__in=list(ids))
    list(rows.order_by("pk").values_list("pk"))


register_rows(Rung.INCIDENTS, _lock_incidents)
register_rows(Rung.ASSIGNMENTS, _lock_assignments)
