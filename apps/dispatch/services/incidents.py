"""What people and other apps do to incidents: units put on and taken off, incidents of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.audit.services import SYSTEM, Actor
from apps.core.problems import CONFLICT, INVALID, NOT_FOUND, FieldError, ProblemError
from apps.dispatch.cautions import parted
from apps.dispatch.merging import Known, is_far, point
from apps.dispatch.models import (
    STARTED_BY_RESPONDER,
    Agency,
    EntryKind,
    Incident,
    IncidentStatus,
    IncidentUnit,
    Source,
    Unit,
    details,
)
from apps.dispatch.normalise import CAD_NUMBER_LENGTH
from apps.dispatch.services.drafts import (
    Draft,
    Key,
    lock,
    state_of,
    write,
)
from apps.dispatch.services.intake import fold, once_more_if_number_taken
from apps.dispatch.stored import known_of


@transaction.atomic
def attach_unit(
    *, incident: Incident, unit: Unit, source: Source, now: datetime, by: Actor = SYSTEM
) -> IncidentUnit:
    """Puts a unit on an incident, or back on it. Repeating it changes nothing."""
    draft = _locked(incident.pk)
    row = draft.attach(unit, source=source, at=now)
    write([draft], by=by, now=now)
    return row


@transaction.atomic
def detach_unit(
    *, incident: Incident, unit: Unit, now: datetime, by: Actor = SYSTEM
) -> IncidentUnit | None:
    """Takes a unit off an incident; its part in it stays on record. None: it never was on it."""
    draft = _locked(incident.pk)
    row = draft.units.get((unit.agency, unit.call_sign))
    if row is not None and row.detached_at is None:
        draft.set_unit(row, replace(state_of(row), detached_at=now))
        write([draft], by=by, now=now)
    return row


@transaction.atomic
def open_incident(
    *,
    incident_id: UUID,
    unit: Unit,
    entry_kind: EntryKind,
    details: Mapping[str, Any],
    call_type: str,
    occurred_at: datetime,
    now: datetime,
    by: Actor = SYSTEM,
) -> Incident:
    """An incident that a responder began: on view, patrol, engagement, follow-up.

    `incident_id` is the caller's own and makes a repeat harmless: the same incident is returned as
    it stands. `details` are parts of `apps.dispatch.models.details`. No rule judges it: the rules
    speak of calls to 911. Publishes "incident.opened".
    """
    if entry_kind not in STARTED_BY_RESPONDER:
        error = FieldError("/data/entry_kind", "A responder starts on view, patrol, community "
                           "engagement or follow-up.")  # fmt: skip
        raise ProblemError(INVALID, errors=[error])
    existing = lock(Q(pk=incident_id))
    if existing:
        return existing[0].incident
    incident = Incident(
        pk=incident_id,
        entry_kind=entry_kind,
        initial_call_type=call_type[:120],
        occurred_at=occurred_at,
        received_at=now,
        details=_details(details),
    )
    draft = Draft(incident=incident, known=Known(call=known_of(incident).call), created=True)
    draft.opened = True
    draft.visible = True
    draft.attach(unit, source=Source.RESPONDER, at=now)
    write([draft], by=by, now=now)
    return incident


class NotPlausible(Exception):
    """An event that an incident is not linked to before a desk has looked. The text says why."""


def link_to_cad(
    *,
    incident: Incident,
    cad_number: str,
    agency_id: str = "",
    sees: Callable[[Incident], bool] | None = None,
    by: Actor,
    now: datetime,
) -> Incident:
    """Gives an incident that a responder began its CAD event number.

    Where CAD has told of that number already, the incident is merged into CAD's, with its units on
    it. Returns the one that goes on. Without `agency_id` that of the newest call is meant: a
    deployment hears one. `sees` says whether whoever asks may see an incident; with it, one that
    they can hardly mean is not opened to them: NotPlausible, and nothing is changed.
    """
    number = cad_number.strip()
    if not 0 < len(number) <= CAD_NUMBER_LENGTH:
        wanted = f"Give the CAD event number, at most {CAD_NUMBER_LENGTH} signs."
        error = FieldError("/cad_number", wanted)
        raise ProblemError(INVALID, errors=[error])
    agency_id = agency_id or _usual_agency()
    return once_more_if_number_taken(lambda: _link(incident, (agency_id, number), sees, by, now))


def _link(
    incident: Incident,
    key: Key,
    sees: Callable[[Incident], bool] | None,
    by: Actor,
    now: datetime,
) -> Incident:
    agency_id, number = key
    where = Q(pk=incident.pk) | Q(agency_id=agency_id, cad_number=number)
    drafts = {draft.incident.pk: draft for draft in lock(where)}
    mine = drafts.pop(incident.pk, None)
    if mine is None:
        raise ProblemError(NOT_FOUND)
    if mine.incident.cad_number is not None:
        if (mine.incident.agency_id, mine.incident.cad_number) == (agency_id, number):
            return mine.incident
        raise ProblemError(CONFLICT, "This incident has a CAD event number already.")
    others = list(drafts.values())
    if mine.merged:
        if others and mine.incident.merged_into_id == others[0].incident.pk:
            return others[0].incident
        raise ProblemError(CONFLICT, "This incident was merged into another one.")
    if others:
        if sees is not None and (doubt := _doubt(mine, others[0], sees)):
            raise NotPlausible(doubt)
        fold(mine, others[0], at=now, now=now)
        for row in mine.units.values():
            if row.unit is not None and row.detached_at is None:
                # CAD may have taken the unit off before: whoever links it is on it all the same.
                others[0].attach(row.unit, source=Source(row.source), at=now)
    else:
        call = replace(mine.known.call, cad_number=number, agency_id=agency_id)
        mine.set(cad_number=number, agency_id=agency_id)
        mine.know(replace(mine.known, call=call))
        mine.events.append("incident.linked")
    write([mine, *others], by=by, now=now)
    return others[0].incident if others else mine.incident


def _doubt(mine: Draft, other: Draft, sees: Callable[[Incident], bool]) -> str:
    """Why an event is hardly the one that a responder came upon; "" where it may well be.

    One that they see anyway opens nothing to them: it need only be of these hours. Of the others
    one digit leads to a stranger: no other unit of ours was sent there, it is of the same time, and
    of the same place where both have one.
    """
    apart = abs(other.incident.occurred_at - mine.incident.occurred_at)
    if other.merged:
        return "merged into another event"
    if apart > timedelta(hours=settings.LINK_HOURS):
        return "of another time"
    if sees(other.incident):
        return ""
    ours = {key for key, row in other.units.items() if row.agency == Agency.CARE}
    if ours - mine.units.keys():
        return "another unit's call"
    if apart > timedelta(hours=settings.LINK_NEAR_HOURS):
        return "of another time"
    here, there = point(mine.known.call.location), point(other.known.call.location)
    return "at another place" if is_far(here, there, settings.LINK_NEAR_METRES) else ""


@transaction.atomic
def unlink_from_cad(*, incident: Incident, by: Actor, now: datetime) -> Incident:
    """Takes back that an incident was given a CAD event number. It goes on without one, open.

    Out of the event that it was merged into its notes, its units and its cautions are taken again;
    a caution of which nobody knows whose it is stays with both (`apps.dispatch.cautions.parted`).
    CONFLICT where it has no number, or took one over of which CAD has told since, or into which
    another call was merged: that cannot be told apart any more.
    """
    where = Q(pk__in=[incident.pk, incident.merged_into_id])
    drafts = {draft.incident.pk: draft for draft in lock(where)}
    mine = drafts.pop(incident.pk, None)
    if mine is None:
        raise ProblemError(NOT_FOUND)
    for event in drafts.values():
        _take_out(mine, event, now)
    if mine.merged:
        mine.transition(IncidentStatus.ACTIVE, at=now)
    elif mine.incident.cad_number is None or mine.known.told or mine.incident.merged_from.exists():
        raise ProblemError(CONFLICT, "Its CAD number cannot be taken back any more.")
    else:
        mine.set(cad_number=None, agency_id="", verdict="", evaluation={})
    write([mine, *drafts.values()], by=by, now=now)
    return mine.incident


def _take_out(mine: Draft, event: Draft, now: datetime) -> None:
    begun, call = mine.known.call, event.known.call
    own = {(note.at, note.text) for note in begun.narrative}
    kept = tuple(note for note in call.narrative if (note.at, note.text) not in own)
    theirs, stay = parted(
        begun.cautions,
        call.cautions,
        of=str(mine.incident.pk),
        into=str(event.incident.pk),
        number=event.incident.cad_number or "",
        since=mine.incident.closed_at or mine.incident.occurred_at,
    )
    mine.know(replace(mine.known, call=replace(begun, cautions=theirs)))
    event.know(replace(event.known, call=replace(call, narrative=kept, cautions=stay)))
    for key, row in event.units.items():
        if key in mine.units and row.detached_at is None:
            event.set_unit(row, replace(state_of(row), detached_at=now))


def _locked(pk: UUID) -> Draft:
    found = lock(Q(pk=pk))
    if not found:
        raise ProblemError(NOT_FOUND)
    return found[0]


def _details(given: Mapping[str, Any]) -> dict[str, Any]:
    """The whole shape, which `known_of` can read: what is stored must stay readable."""
    try:
        whole = details(**given)
        known_of(Incident(details=whole, flags=[]))
    except (TypeError, ValueError, AttributeError, KeyError):
        raise ProblemError(INVALID, "The details have a part that cannot be read.") from None
    return whole


def _usual_agency() -> str:
    newest = Incident.objects.exclude(cad_number=None).order_by("-received_at")
    return newest.values_list("agency_id", flat=True).first() or ""
