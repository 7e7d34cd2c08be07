"""A message from CAD becomes, or changes, an incident."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.accounts.models import Client
from apps.audit.models import ActorKind
from apps.audit.services import Actor
from apps.dispatch.calls import LINK_KINDS, Call, Relation, UnitOnCall
from apps.dispatch.cji import scrub
from apps.dispatch.merging import (
    Known,
    Status,
    carry,
    heir,
    merge,
    nothing_yet,
    plausible,
    told_status,
)
from apps.dispatch.models import Agency, Incident, IncidentLink, IncidentStatus, Source, Unit
from apps.dispatch.services import rulebook, units
from apps.dispatch.services.drafts import MOST_OF_OURS, Draft, Key, begin, lock, write
from apps.dispatch.services.tracking import former_key, identifiers, key_of, numbered
from apps.dispatch.stored import fitted
from apps.dispatch.unitstates import LEFT

_STATUSES: dict[Status, IncidentStatus] = {
    "active": IncidentStatus.ACTIVE,
    "cancelled": IncidentStatus.CANCELLED,
    "closed": IncidentStatus.CLOSED,
}
_MERGES = ("REPLACING", "REPLACED")
_NUMBER_TAKEN = "dispatch_cad_number"
T = TypeVar("T")
Told = tuple[UnitOnCall, Unit]


@dataclass(frozen=True)
class Received:
    """What became of a message. `changed` is false for one that told nothing new."""

    incident: Incident
    created: bool
    changed: bool


def receive(*, call: Call, client: Client, now: datetime) -> Received:
    """Takes in one message about an incident, known by agency and CAD event number, or by its
    tracking identifier (see `tracking`).

    The same message again changes nothing and publishes nothing. One that was overtaken on its way
    adds what it alone tells. Criminal history is removed before anything else looks at the call.

    1. Two messages about a number that is here: the second waits for the incident's row and then
       reads what the first wrote.
    2. Two first messages about a number at once: neither finds a row, both insert, the unique
       constraint lets one through. The other's transaction ends there, before it has told anybody
       anything, and begins again: now it finds the row.
    3. A merge locks both incidents, in the order of their keys. Where two messages lock more than
       they name (a merged incident passes on what it hears) and meet head on, PostgreSQL ends one
       of them; the caller answers 503 and CAD sends it again, which is harmless.
    """
    call, _ = scrub(plausible(fitted(call), now=now))
    if not call.agency_id:
        call = replace(call, agency_id=str(client.pk))
    by = Actor(ActorKind.CAD, client.pk)
    return once_more_if_number_taken(lambda: _receive(call, by, now))


def once_more_if_number_taken(verb: Callable[[], T]) -> T:
    """Runs a verb in a transaction; again, in a new one, where somebody else was first to insert
    the CAD event number."""
    try:
        with transaction.atomic():
            return verb()
    except IntegrityError as error:
        if _NUMBER_TAKEN not in str(error):
            raise
    with transaction.atomic():
        return verb()


def _receive(call: Call, by: Actor, now: datetime) -> Received:
    drafts = _drafts_of(call)
    call = numbered(call, drafts)
    mine: Key = (call.agency_id, call.cad_number)
    draft = drafts.setdefault(mine, begin(call, now=now))
    call = rulebook.current().classified(call)
    _take(draft, call, now)
    _relate(draft, call, drafts, now)
    _pass_on(draft, call, drafts, now)
    changed = write(list(drafts.values()), by=by, now=now)
    return Received(draft.incident, draft.created, changed)


def _drafts_of(call: Call) -> dict[Key, Draft]:
    """The incident of the message, and those that it is merged with, as far as they are here."""
    keys = {(call.agency_id, call.cad_number)}
    keys |= {key_of(call, relation) for relation in call.merges if relation.kind != "SPLIT"}
    named = identifiers(call)
    where = Q(tracking_id__in=named) if named else Q()
    for agency_id, cad_number in sorted(keys):
        where |= Q(agency_id=agency_id, cad_number=cad_number)
    return {
        (draft.incident.agency_id, draft.incident.cad_number or ""): draft for draft in lock(where)
    }


def _take(draft: Draft, call: Call, now: datetime) -> None:
    """The call itself: values, status, units."""
    at = call.updated_at or now
    outcome = merge(draft.known, call, far_m=settings.MATERIAL_MOVE_METRES, now=now)
    known = outcome.known
    flags = _put_units(draft, units.resolve(call.units), at=at)
    draft.know(replace(known, call=_flagged(known.call, flags)))
    draft.revise(outcome.material, now=now)
    if told_status(call) is None:
        _begin_again(draft)
    _change_status(draft, call, draft.known.told.get("status", at))


def _put_units(draft: Draft, told: Iterable[Told], *, at: datetime) -> list[str]:
    """What is told of units, into an incident. Returns the doubts about it."""
    flags = []
    for one, unit in told:
        if draft.is_full_for(unit):
            flags.append(f"more than {MOST_OF_OURS} CARE units: the others are not taken")
        elif not draft.put(unit, one, at=at, source=Source.CAD):
            flags.append(f"unit queued, not on this call: {unit.call_sign}")
        elif unit.agency == Agency.CARE and unit.team_id is None:
            flags.append(f"CARE unit of no team: {unit.call_sign}")
    return flags


def _begin_again(draft: Draft) -> None:
    """A CARE unit that CAD sends after it ended the call is sent to a call that has begun again,
    whether CAD says so or not: nobody is sent to what is over. So it is where a CAD uses a number
    again, for another call of another year."""
    ended = draft.known.told.get("status")
    if draft.known.status == "active" or ended is None:
        return
    sent_at = max(draft.sent, default=ended)
    if sent_at > ended:
        since = {**draft.known.told, "status": sent_at}
        call = _flagged(draft.known.call, ["a unit was sent after the end, taken as re-opened"])
        draft.know(Known(call=call, told=since, sent_to=draft.known.sent_to))


def _flagged(call: Call, flags: Iterable[str]) -> Call:
    return replace(call, flags=tuple(dict.fromkeys((*call.flags, *flags))))


def _change_status(draft: Draft, call: Call, at: datetime) -> None:
    """An incident that was merged comes back by an explicit re-open alone: its CAD goes on to close
    and cancel the number that was replaced."""
    if draft.merged:
        merged_at = draft.incident.closed_at
        if call.event != "reopen" or (merged_at and (call.updated_at or at) < merged_at):
            return
    draft.transition(_STATUSES[draft.known.status], at=at)


def _relate(draft: Draft, call: Call, drafts: dict[Key, Draft], now: datetime) -> None:
    """Links and merges. One that was told before changes nothing: messages restate them."""
    relations = [*call.links, *call.merges]
    if not relations:
        return
    at = call.updated_at or now
    known = {} if draft.created else _links(draft)
    for relation in relations:
        agency_id, cad_number = key_of(call, relation)
        name = (relation.kind, agency_id, cad_number)
        if name in known or (agency_id, cad_number) == (call.agency_id, call.cad_number):
            continue
        former = known.pop((relation.kind, *former_key(call, relation)), None)
        if former is not None:
            draft.gone_links.append(former)  # told anew, under its number
        if relation.kind in LINK_KINDS:
            _replace_links(draft, relation, (agency_id, cad_number), known)
        known[name] = IncidentLink(
            incident=draft.incident,
            kind=relation.kind,
            agency_id=agency_id,
            cad_number=cad_number,
            at=at,
            reason=relation.reason or None,
        )
        draft.new_links.append(known[name])
        if relation.kind in _MERGES and former is None:
            other = _other(draft, relation, (agency_id, cad_number), drafts, now)
            if relation.kind == "REPLACED":
                fold(draft, other, at=at, now=now)
            else:
                fold(other, draft, at=at, now=now)
    if any(link.kind not in _MERGES for link in draft.new_links):
        draft.events.append("incident.linked")


def _links(draft: Draft) -> dict[tuple[str, str, str], IncidentLink]:
    rows = IncidentLink.objects.filter(incident=draft.incident)
    return {(row.kind, row.agency_id, row.cad_number): row for row in rows}


def _replace_links(
    draft: Draft,
    relation: Relation,
    other: Key,
    known: dict[tuple[str, str, str], IncidentLink],
) -> None:
    """UNLINK ends the links to the other incident; a new link ends an UNLINK."""
    ended = [kind for kind in LINK_KINDS if (kind == "UNLINK") != (relation.kind == "UNLINK")]
    for kind in ended:
        row = known.pop((kind, *other), None)
        if row is not None:
            draft.gone_links.append(row)


def _other(
    draft: Draft, relation: Relation, key: Key, drafts: dict[Key, Draft], now: datetime
) -> Draft:
    """The incident at the other end of a merge. One that has not come yet is begun.

    Where it takes the place of the one that is here, it begins with what that one tells, so that
    neither hazards nor crews wait for its first message.
    """
    if key not in drafts:
        call = heir(
            draft.known.call,
            key[1],
            key[0],
            of=str(draft.incident.pk),
            incident_id=relation.incident_id,
        )
        known = nothing_yet(call)
        known = replace(known, call=replace(known.call, incident_id=call.incident_id))
        if relation.kind == "REPLACED":
            known = replace(known, call=call)
        other = begin(call, now=now)
        other.incident.occurred_at = draft.incident.occurred_at
        other.know(known)
        drafts[key] = other
    return drafts[key]


def fold(source: Draft, target: Draft, *, at: datetime, now: datetime) -> None:
    """The source is merged into the target: hazards, notes and units on it go with it."""
    if source.merged and source.incident.merged_into_id == target.incident.pk:
        return
    if _leads_to(target, source):
        flags = (*source.known.call.flags, "merge contradicts an earlier one, not done")
        source.know(replace(source.known, call=replace(source.known.call, flags=flags)))
        return
    source.transition(IncidentStatus.MERGED, at=at)
    source.set(merged_into=target.incident)
    call, material = carry(target.known.call, source.known.call, of=str(source.incident.pk))
    target.know(replace(target.known, call=call))
    target.revise(material, now=now)
    for row in source.units.values():
        if row.detached_at is None:
            target.inherit(row, at=at)


def _leads_to(draft: Draft, end: Draft) -> bool:
    """Whether following merges from one incident arrives at the other."""
    row: Incident | None = draft.incident
    for _ in range(20):
        if row is None:
            return False
        if row.pk == end.incident.pk:
            return True
        row = row.merged_into
    return True


def _pass_on(draft: Draft, call: Call, drafts: dict[Key, Draft], now: datetime) -> None:
    """What is told of an incident after it was merged goes to the one that took its place:
    cautions, notes, and the units that CAD sends under the former number."""
    seen = {draft.incident.pk}
    while draft.merged and draft.changed and draft.incident.merged_into_id not in seen:
        pk = draft.incident.merged_into_id
        target = next((d for d in drafts.values() if d.incident.pk == pk), None)
        if target is None:
            target = next(iter(lock(Q(pk=pk))))
            drafts[(target.incident.agency_id, target.incident.cad_number or str(pk))] = target
        flags = _put_units(target, _still_sent(call), at=call.updated_at or now)
        of = str(draft.incident.pk)
        passed, material = carry(target.known.call, draft.known.call, of=of)
        target.know(replace(target.known, call=_flagged(passed, flags)))
        target.revise(material, now=now)
        if not target.merged:
            _begin_again(target)
            target.transition(_STATUSES[target.known.status], at=now)
        seen.add(target.incident.pk)
        draft = target


def _still_sent(call: Call) -> list[Told]:
    """The units of a merged incident's message as the surviving one takes them.

    A CARE unit that leaves the former number may have been moved to the other one with it, so its
    end there ends nothing here. Of the others an end is taken: it says since when they are gone,
    and what the surviving number tells of them later counts.
    """
    found = []
    for told, unit in units.resolve(call.units):
        if unit.agency != Agency.CARE:
            if told.active or told.statuses:
                found.append((replace(told, active=True), unit))
            continue
        sent = tuple(one for one in told.statuses if one.status not in LEFT)
        if told.active and (sent or not told.statuses):
            found.append((replace(told, statuses=sent), unit))
    return found
