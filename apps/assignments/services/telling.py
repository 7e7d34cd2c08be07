"""What happens on the way, as tablets and desks tell it: one fact at a time, once.

A fact is taken whatever is odd about it, and flagged. It is refused only where nobody could use it
(an event that is not known, or is not a tablet's to tell) or where it is none of its author's
business. A call for help is never refused for a detail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import F, Q

from apps.accounts.auth import TabletSession
from apps.accounts.models import Tablet, User
from apps.accounts.services import tablet_actor, user_actor
from apps.assignments import codes, documents
from apps.assignments.codes import NOT_HERE_YET
from apps.assignments.models import Alert, Assignment, Fact, FactSource
from apps.assignments.records import (
    Record,
    facts_at,
    incident_record,
    lock,
    lock_arrivals,
    lock_with_others,
    orphan_scopes,
    orphan_team,
    private_scopes,
)
from apps.assignments.services import harms
from apps.assignments.services.writing import called_by, publish_all, write
from apps.assignments.timeline import corrected_time, read
from apps.audit.services import Act, Actor, record_all
from apps.core.clock import iso
from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError
from apps.dispatch.models import CrewMember, EntryKind, Source, Unit
from apps.dispatch.services import open_incident


class NotYours(Exception):
    """The author has nothing to do with the assignment, now or before. Or there is none."""


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A fact before it is stored. `data` and `unread` may hold PHI and are never printed.

    `id` is the client's. `device_time` is the device's clock, uncorrected; `flags` say what could
    not be read of it, `unread` holds that part as it came.
    """

    id: UUID
    event: str
    assignment_id: UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    device: UUID | None = None
    counter: int | None = None
    edit_no: int | None = None
    device_time: datetime | None = None
    clock_offset_ms: int | None = None
    clock_uncertainty_ms: int | None = None
    unread: Mapping[str, Any] | None = field(default=None, repr=False)
    flags: tuple[str, ...] = ()

    @property
    def happened_at(self) -> datetime | None:
        """The device's time, corrected by its measured offset. None where it cannot be."""
        return corrected_time(self.device_time, self.clock_offset_ms)


@transaction.atomic(savepoint=False)
def record_from_tablet(*, telling: Telling, session: TabletSession, now: datetime) -> Fact | None:
    """Takes a fact from the person who is signed in on a tablet. None: it is here already.

    A call for help is taken from anybody: where nobody is signed in, from whoever it is, for the
    unit of whoever had the tablet last; where it names an assignment that is not its author's, it
    is taken without it, and what it named is kept beside it.

    Raises NotYours, and ProblemError (INVALID) for what nobody can use, CONFLICT where something
    else was told under its id.

    A fact whose assignment is not here yet is kept, shown to its author, and counted in when the
    assignment comes:

    1. The fact and the `opened` that starts its assignment arrive at once. Neither finds a row.
    2. Both take the advisory lock of the assignment's id, and look again. Whoever is second sees
       what the first has committed: the fact finds the assignment, or the assignment the fact.
    """
    author = session.user
    urgent = telling.event in codes.HEARD
    assert author is not None or urgent, "the edge lets nobody through who is not signed in"
    speaker = author or _had_it_last(session.tablet)
    _must_be_a_tablets(telling)
    if telling.event in codes.PRIVATE or _corrects_private(telling):
        return _take_private(telling, speaker, session, now)
    record = None
    if telling.assignment_id is not None:
        record = lock_with_others(telling.assignment_id, fact_id=telling.id)
        if record is None:
            lock_arrivals([telling.assignment_id])
            record = lock_with_others(telling.assignment_id, fact_id=telling.id)
    known = record.repeated if record else Fact.objects.filter(pk=telling.id).first()
    if known is not None:
        apart = urgent and known.assignment_id is None
        _must_be_a_repeat(known, _apart(telling) if apart else telling)
        return None
    actor = tablet_actor(session.tablet, author)
    if record is not None:
        try:
            unit = spoken_for(record.assignment, speaker)
        except NotYours:
            if not urgent:
                raise
            return _take_orphan(_apart(telling), session, speaker, now)
        received_at = _since_it_left(record.assignment, now)
        fact = _fact(telling, author, unit, FactSource.TABLET, received_at)
        write([record], facts=[fact], acts=[_act(actor, fact)], now=now)
        return fact
    if author is not None and telling.event == "opened" and telling.assignment_id is not None:
        return _open(telling, author, actor, now)
    return _take_orphan(telling, session, speaker, now)


@transaction.atomic
def record_from_desk(*, telling: Telling, by: User, now: datetime) -> Fact | None:
    """Takes a fact that a supervisor or dispatcher states for a unit, as told by radio. None: it is
    here already. ProblemError (INVALID) for an event that is not a desk's to tell."""
    kind = codes.EVENTS.get(telling.event)
    if kind is None or FactSource.DESK not in kind.told_by or telling.event in _VERBS:
        raise ProblemError(
            INVALID, errors=[FieldError("/event", "Not an event that a desk tells.")]
        )
    assert telling.assignment_id is not None, "a desk tells about an assignment"
    record = lock_with_others(telling.assignment_id, fact_id=telling.id)
    if record is None:
        raise NotYours
    if _corrects_private(telling):
        telling = _apart(telling)  # on the call's timeline everybody would read it
    if record.repeated is not None:
        _must_be_a_repeat(record.repeated, telling)
        return None
    unit, actor = record.assignment.unit, user_actor(by)
    fact = _fact(telling, by, unit, FactSource.DESK, now)
    if telling.event in codes.PRIVATE:
        Fact.objects.bulk_create([fact])
        harms.tell(fact, speaker=None, team=by.team_id, of=record, by=actor, now=now)
    elif telling.assignment_id is None:
        Fact.objects.bulk_create([fact])
        harms.show(fact, team=by.team_id, by=actor, now=now)
    else:
        write([record], facts=[fact], acts=[_act(actor, fact)], now=now)
    return fact


# What a desk says through a verb of its own, with its own checks.
_VERBS: Final = frozenset({"assigned", "reassigned", "reopened", "cancelled"})


def _must_be_a_tablets(telling: Telling) -> None:
    kind = codes.EVENTS.get(telling.event)
    if kind is None or FactSource.TABLET not in kind.told_by:
        raise ProblemError(
            INVALID, errors=[FieldError("/event", "Not an event that a tablet tells.")]
        )
    if telling.assignment_id is None and telling.event not in codes.HEARD:
        raise ProblemError(INVALID, errors=[FieldError("/assignment_id", "Of which assignment?")])


def _must_be_a_repeat(known: Fact, telling: Telling) -> None:
    """A repeat changes nothing; another content under a known id is refused, never swallowed."""
    same = (
        (known.event, known.assignment_id) == (telling.event, telling.assignment_id)
        and known.device_time == telling.device_time
        and known.counter == telling.counter
        and known.data == dict(telling.data)
        and (known.unread or None) == (dict(telling.unread) if telling.unread else None)
    )
    if not same:
        error = FieldError("/id", "Something else was recorded under this id.")
        raise ProblemError(CONFLICT, errors=[error])


def _had_it_last(tablet: Tablet) -> User | None:
    """Who was signed in on a tablet last."""
    last = tablet.sign_ins.select_related("user").order_by("-started_at", "-pk").first()
    return last.user if last else None


def _apart(telling: Telling) -> Telling:
    """The same without its assignment; what it named is kept where no schema looks."""
    if telling.assignment_id is None:
        return telling
    named = {"assignment_id": str(telling.assignment_id)}
    return replace(
        telling,
        assignment_id=None,
        unread={**(telling.unread or {}), **named},
        flags=tuple(sorted({*telling.flags, "bad_field"})),
    )


def spoken_for(assignment: Assignment, author: User | None) -> Unit | None:
    """The unit that the author speaks for: the one they crew or crewed since the call was given,
    the present one of the call before a former one. None for somebody who sees the call without
    being its crew (a supervisor). NotYours for everyone else."""
    if author is None:
        raise NotYours
    units = [assignment.unit_id, *assignment.former_units]
    crews = (
        CrewMember.objects.filter(user=author, unit__in=units)
        .filter(Q(until=None) | Q(until__gte=assignment.given_at))
        .order_by(F("until").desc(nulls_first=True), "-since")
        .select_related("unit")
    )
    served = {crew.unit_id: crew.unit for crew in crews}
    if served:
        return served.get(assignment.unit_id) or next(iter(served.values()))
    if Assignment.objects.visible_to(author).filter(pk=assignment.pk).exists():
        return None
    raise NotYours


def crewed(author: User, at: datetime) -> Unit | None:
    """The unit that a person crewed at an instant, else the one they crew now, else the last."""
    crews = list(
        CrewMember.objects.filter(user=author).order_by("-since").select_related("unit")[:20]
    )
    then = [c for c in crews if c.since <= at and (c.until is None or c.until > at)]
    now = [c for c in crews if c.until is None]
    return next((crew.unit for crew in [*then, *now, *crews]), None)


def _since_it_left(assignment: Assignment, now: datetime) -> datetime:
    """When a fact is received of which `now` was read before the row was locked. The call may have
    left the tablets since, or by a clock that is ahead: what is told after that is late all the
    same, comes to its author's tablet and leaves it again. Else nobody told the tablet to drop it.
    """
    if assignment.left_at is None:
        return now
    return max(now, assignment.left_at + timedelta(microseconds=1))


def _fact(
    telling: Telling, author: User | None, unit: Unit | None, source: FactSource, now: datetime
) -> Fact:
    return Fact(
        id=telling.id,
        assignment_id=telling.assignment_id,
        event=telling.event,
        device=telling.device,
        counter=telling.counter,
        edit_no=telling.edit_no,
        device_time=telling.device_time,
        clock_offset_ms=telling.clock_offset_ms,
        clock_uncertainty_ms=telling.clock_uncertainty_ms,
        received_at=now,
        author=author,
        unit=unit,
        source=source,
        flags=list(telling.flags),
        data=dict(telling.data),
        unread=dict(telling.unread) if telling.unread else None,
    )


def _take_orphan(
    telling: Telling, session: TabletSession, speaker: User | None, now: datetime
) -> Fact:
    """Keeps a fact whose assignment is not here yet, or a call for help that belongs to none.
    `speaker`: whose unit it is about. A correction waits (`records.on_the_call`)."""
    author, team = session.user, session.tablet.team_id
    unit = crewed(speaker, telling.happened_at or now) if speaker else None
    fact = _fact(telling, author, unit, FactSource.TABLET, now)
    if telling.assignment_id is not None:
        fact.flags = [*fact.flags, NOT_HERE_YET]
    Fact.objects.bulk_create([fact])
    alert = called_by(fact, now=now)
    waits = fact.event == "corrected"
    to = private_scopes(fact, orphan_team(fact) or team) if waits else orphan_scopes(fact)
    found = [documents.orphan(fact, alert, to=to)]
    if alert is not None:
        Alert.objects.bulk_create([alert])
        found.append(documents.alert(alert, of=None, about=fact))
    publish_all(found, now=now)
    record_all([_act(tablet_actor(session.tablet, author), fact)], now=now)
    return fact


def _corrects_private(telling: Telling) -> bool:
    """Whether it corrects a private report, or what was said further of one, which alone stands
    apart from its call: then it is as private as that."""
    target = read("corrected", telling.data, "corrects") if telling.event == "corrected" else None
    if target is None:
        return False
    private = Q(event__in=codes.PRIVATE) | Q(event="corrected", assignment_id=None)
    return Fact.objects.filter(private, pk=target).exists()


def _take_private(
    telling: Telling, speaker: User | None, session: TabletSession, now: datetime
) -> Fact | None:
    """Takes a report that is for its author and their supervisors alone. None: it is here already.

    Two reports of a call are taken one after the other: both hold its row. A correction changes
    nothing of what was set going; the supervisors read it beside the report.
    """
    record = lock(telling.assignment_id) if telling.assignment_id else None
    known = Fact.objects.filter(pk=telling.id).first()
    if known is not None:
        _must_be_a_repeat(known, _apart(telling) if known.assignment_id is None else telling)
        return None
    unit = crewed(speaker, telling.happened_at or now) if speaker else None
    if telling.event not in codes.PRIVATE:
        telling = _apart(telling)  # on the call's timeline everybody would read it
    elif record is not None:
        try:
            unit = spoken_for(record.assignment, speaker) or unit
        except NotYours:
            telling, record = _apart(telling), None
    fact = _fact(telling, session.user, unit, FactSource.TABLET, now)
    Fact.objects.bulk_create([fact])
    by = tablet_actor(session.tablet, session.user)
    team = session.tablet.team_id
    if telling.event in codes.PRIVATE:
        harms.tell(fact, speaker=speaker, team=team, of=record, by=by, now=now)
    else:
        harms.show(fact, team=team, by=by, now=now)
    return fact


def _open(telling: Telling, author: User, actor: Actor, now: datetime) -> Fact:
    """Starts an assignment that the responders began themselves, under the id they gave it.

    Facts that came before it are counted in.
    """
    assert telling.assignment_id is not None
    happened_at = telling.happened_at or now
    unit = crewed(author, happened_at)
    if unit is None:
        error = FieldError("/author_id", "Not on a crew: ask the desk, then send it again.")
        raise ProblemError(INVALID, errors=[error])
    kind = read("opened", telling.data, "entry") or "on_view"
    incident = open_incident(
        incident_id=uuid5(telling.assignment_id, "incident"),
        unit=unit,
        entry_kind=EntryKind(kind),
        details=_details(telling, author, happened_at),
        call_type=_text(telling.data, "call_type", 120),
        occurred_at=min(happened_at, now),
        by=actor,
        now=now,
    )
    row = Assignment(
        id=telling.assignment_id,
        incident=incident,
        unit=unit,
        entry_kind=kind,
        source=Source.RESPONDER,
        given_by=author,
        given_at=now,
    )
    record = Record(row, incident_record(incident))
    record.take(facts_at([row.pk]))
    record.alerts += list(Alert.objects.of_calls([row.pk]))
    fact = _fact(telling, author, unit, FactSource.TABLET, now)
    write([record], facts=[fact], acts=[_act(actor, fact)], now=now)
    return fact


def _details(telling: Telling, author: User, at: datetime) -> dict[str, Any]:
    """What the responders said of the place and the reason, as parts of an incident's details."""
    note = read("opened", telling.data, "note")
    told = {"at": iso(at), "text": note, "author": author.display_name}
    return {
        "address": _text(telling.data, "address", 400),
        "location": _place(telling.data.get("location")),
        "narrative": [told] if note else [],
    }


def _place(value: object) -> dict[str, float] | None:
    """A point in degrees (WGS 84), None where it is none."""
    if not isinstance(value, Mapping):
        return None
    lat, lon = value.get("lat"), value.get("lon")
    numbers = all(isinstance(one, int | float) and abs(one) <= 180 for one in (lat, lon))
    return {"lat": lat, "lon": lon} if numbers else None  # type: ignore[dict-item]


def _text(data: Mapping[str, Any], name: str, longest: int) -> str:
    """A text of the data without control characters, which PostgreSQL might refuse; cut."""
    value = data.get(name)
    if not isinstance(value, str):
        return ""
    return "".join(sign for sign in value if sign.isprintable()).strip()[:longest]


def _act(actor: Actor, fact: Fact) -> Act:
    subject = fact.assignment_id or fact.pk
    kind = "assignment" if fact.assignment_id else "fact"
    return Act(actor, "record", kind, [subject], {"event": fact.event, "fact": str(fact.pk)})
