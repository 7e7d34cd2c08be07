"""Incidents by EIDO's Incident Tracking Identifier, by which systems name them to each other.

Its number is not the CAD event number: whoever took the call makes the first, the CAD the second,
later, and a message may hold either or both. So an incident is known by both. A merge or link names
only the identifier: taken for a CAD number, it would begin an incident that nobody speaks of again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from django.db.models import Q

from apps.dispatch.calls import LINK_KINDS, Call, Relation
from apps.dispatch.models import Incident, IncidentLink
from apps.dispatch.normalise import incident_parts
from apps.dispatch.services.drafts import Draft, Key

Drafts = dict[Key, Draft]


def identifiers(call: Call) -> set[str]:
    """Those of the incident of a message, and of what it is merged with."""
    named = {call.incident_id, *(one.incident_id for one in call.merges if one.kind != "SPLIT")}
    return named - {""}


def numbered(call: Call, drafts: Drafts) -> Call:
    """The call under the number by which its incident is known here, and so are those that it is
    merged with, linked to or split from. `drafts` are all those that it names, under their locks.

    An incident of which only the identifier was known takes its CAD number over, in `drafts` too.
    Two first messages at once, one with each, make two incidents: nothing tells that they are one.
    """
    call = _own(call, drafts)
    merges = [
        one if one.kind == "SPLIT" or key_of(call, one) in drafts else _merged(one, drafts)
        for one in call.merges
    ]
    known = _numbers(one.incident_id for one in (*call.links, *merges) if _is_told(one))
    return replace(
        call,
        links=tuple(_with(one, known.get(one.incident_id)) for one in call.links),
        merges=tuple(
            _with(one, known.get(one.incident_id)) if _is_told(one) else one for one in merges
        ),
    )


def key_of(call: Call, relation: Relation) -> Key:
    """The agency and number of the other incident."""
    return relation.agency_id or call.agency_id, relation.cad_number


def former_key(call: Call, relation: Relation) -> Key:
    """The key by which the other incident was named before its CAD number was known."""
    number, domain = incident_parts(relation.incident_id)
    return domain or call.agency_id, number or relation.incident_id


def _is_told(relation: Relation) -> bool:
    """Whether it is told to tablets and does nothing: the other incident needs no lock."""
    return bool(relation.incident_id) and (relation.kind in LINK_KINDS or relation.kind == "SPLIT")


def _own(call: Call, drafts: Drafts) -> Call:
    key = (call.agency_id, call.cad_number)
    here = None if key in drafts else _tracked(call.incident_id, drafts)
    if here is None:
        return call
    agency_id, number = here.incident.agency_id, here.incident.cad_number or ""
    if _is_part(call.cad_number, call.incident_id):
        return replace(call, agency_id=agency_id, cad_number=number)
    if _is_part(number, call.incident_id):
        drafts[key] = drafts.pop((agency_id, number))
        _renumber(here, key)
    return call


def _is_part(number: str, incident_id: str) -> bool:
    """Whether it is no CAD number, but what stands for one where none was told."""
    return number in (incident_parts(incident_id)[0], incident_id)


def _renumber(draft: Draft, key: Key) -> None:
    row, (agency_id, number) = draft.incident, key
    others = Q(incident__merged_into=row) | Q(incident=row.merged_into_id)
    links = IncidentLink.objects.filter(others, agency_id=row.agency_id, cad_number=row.cad_number)
    links.update(agency_id=agency_id, cad_number=number)
    draft.set(agency_id=agency_id, cad_number=number)
    call = replace(draft.known.call, agency_id=agency_id, cad_number=number)
    draft.known = replace(draft.known, call=call)


def _merged(relation: Relation, drafts: Drafts) -> Relation:
    here = _tracked(relation.incident_id, drafts)
    key = (here.incident.agency_id, here.incident.cad_number or "") if here else None
    return _with(relation, key)


def _tracked(incident_id: str, drafts: Drafts) -> Draft | None:
    """The incident of that identifier; of several CADs that share it, the first that came."""
    found = [
        draft
        for draft in drafts.values()
        if incident_id and draft.incident.tracking_id == incident_id and draft.incident.cad_number
    ]
    return min(found, key=lambda draft: draft.incident.received_at, default=None)


def _numbers(identifiers: Iterable[str]) -> dict[str, Key]:
    wanted = set(identifiers)
    if not wanted:
        return {}
    rows = Incident.objects.filter(tracking_id__in=wanted).exclude(cad_number=None)
    told = rows.order_by("-received_at").values_list("tracking_id", "agency_id", "cad_number")
    return {name: (agency_id, number or "") for name, agency_id, number in told}


def _with(relation: Relation, key: Key | None) -> Relation:
    return replace(relation, agency_id=key[0], cad_number=key[1]) if key else relation
