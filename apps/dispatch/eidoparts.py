"""The components of an EIDO as parts of a call."""

from __future__ import annotations

import re

from apps.dispatch import html, pidf, reference
from apps.dispatch.calls import (
    MAX_RELATIONS,
    SEVERITIES,
    Caution,
    Location,
    Note,
    Relation,
    RelationKind,
    UnitOnCall,
    UnitStatus,
)
from apps.dispatch.eidodoc import Document
from apps.dispatch.hazards import caution_kind, mentions
from apps.dispatch.normalise import CAD_NUMBER_LENGTH, incident_parts, service_of
from apps.dispatch.wire import Node, words

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
# The name of a tag that is also a word for violence.
_STRIKE = re.compile(r"</?strike\b", re.IGNORECASE)
#: Location types that may stand for where the incident is, the best first.
_PLACES = ("CurrentIncident", "InitialIncident", "Caller", "Investigation", "Other")
_ELSEWHERE = ("RoutingLocation", "Staging", "TowerLocation", "UnitLocation")
#: Members with references or technical data that a call has no use for.
_LOCATION_KNOWN = words(
    "locationDereferencedFromReference crossStreetByReferenceUrl intersectingStreetByReferenceUrl"
    " cellTowerSectorId additionalDataReference localIdentifier"
)
_RESOURCE_KNOWN = words(
    "agentReference unitLocationReference unitDestinationReference personReference vehicleReference"
    " itemReference"
)


def relations(nodes: list[Node], key: str, kinds: tuple[RelationKind, ...]) -> tuple[Relation, ...]:
    """Links or merges. One that names no incident or no known kind is kept and flagged."""
    found: list[Relation] = []
    for node in nodes:
        kind = node.choice(key, kinds)
        incident_id = node.text("incidentTrackingIdentifier", 200)
        reason = node.text("transactionReasonText")
        node.ignore("involvedAgencyReference")
        number, domain = incident_parts(incident_id)
        cad_number = number or incident_id
        full = len(found) >= MAX_RELATIONS
        if full or kind is None or not 0 < len(cad_number) <= CAD_NUMBER_LENGTH:
            node.findings.keep(node.pointer, node.value, why="link or merge not understood, kept")
            continue
        found.append(
            Relation(
                kind=kind,
                cad_number=cad_number,
                incident_id=incident_id,
                agency_id=domain[:120],
                reason=reason,
            )
        )
    return tuple(found)


def locations(
    doc: Document, root: Node, incident: Node, calls: list[Node]
) -> tuple[Location | None, tuple[Location, ...]]:
    """The location of the incident, and all the others."""
    own = doc.components(incident, "locationReference")
    nodes = {id(n.value): n for n in [*own, *doc.components(root, "locationComponent")]}
    for call in calls:
        nodes.update((id(n.value), n) for n in doc.components(call, "locationReference"))
    mine = {id(node.value) for node in own}
    places = [(_location(node), id(node.value) in mine) for node in nodes.values()]

    def rank(place: tuple[Location, bool]) -> tuple[bool, bool, int]:
        location, referred = place
        told = bool(location.address or location.description) or location.lat is not None
        return (not told, not referred, _PLACES.index(location.kind))

    fitting = sorted((p for p in places if p[0].kind in _PLACES), key=rank)
    if not fitting:
        return None, tuple(location for location, _ in places)
    chosen = fitting[0][0]
    if chosen.kind not in _PLACES[:2]:
        root.findings.flag("the location is not the incident's own")
    return chosen, tuple(location for location, _ in places if location is not chosen)


def _location(node: Node) -> Location:
    findings = node.findings
    kind = node.text("locationTypeDescriptionRegistryText", 40)
    known = {name.casefold(): name for name in (*_PLACES, *_ELSEWHERE)}
    if kind.casefold() not in known:
        findings.flag("unknown location type", node.pointer)
    xml = node.text("locationByValue", pidf.MAX_LENGTH)
    place = pidf.parse(xml) if xml else None
    if xml and place is None:
        findings.bad(node.at("locationByValue"), "must be a PIDF-LO in XML")
        findings.keep(node.at("locationByValue"), xml)
    for flag in place.flags if place else ():
        findings.flag(flag, node.pointer)
    url = node.text("locationByReferenceUrl", 2000)
    if url:
        findings.flag("location by reference, not fetched", node.pointer)
    crossings = [
        (pidf.parse(text) or pidf.Place(address=text)).address
        for key in ("crossStreetByValue", "intersectingStreetByValue")
        for text in node.texts(key)
    ]
    node.ignore("notesReference", *_LOCATION_KNOWN)
    place = place or pidf.Place()
    return Location(
        kind=known.get(kind.casefold(), "Other"),
        lat=place.lat,
        lon=place.lon,
        uncertainty_m=place.uncertainty_m,
        method=place.method,
        address=place.address,
        place_name=place.place_name,
        place_type=place.place_type,
        description=html.to_text(node.text("locationDescriptionText")),
        cross_streets=tuple(street for street in crossings if street),
        url=url,
        at=node.time("lastUpdateTimeStamp"),
    )


def premise(location: Location | None) -> str:
    """What the place is called, else how it is described."""
    return (location.place_name or location.description) if location else ""


def notes(doc: Document) -> tuple[Note, ...]:
    """Every note of the message, whoever refers to it."""
    notes = []
    for node in doc.having("notesActionComments"):
        source = node.text("notesActionComments")
        text = html.to_text(source)
        if source and not text:
            doc.findings.flag("a note without readable text", node.pointer)
        if mentions(_STRIKE.sub("", source)) - mentions(text):
            # A hazard in a script, comment or attribute is kept; it becomes a caution.
            doc.findings.keep(node.at("notesActionComments"), source)
        author = doc.reference(node, "agentReference") or doc.reference(
            node, "updatedByAgentReference"
        )
        if text:
            at, ref = node.time("lastUpdateTimeStamp"), node.text("$id", 120)
            # A name is one word. Several are a text, and may be about a person.
            named = ref if len(ref.split()) == 1 else ""
            notes.append(Note(at=at, text=text, author=author, ref=named))
    return tuple(notes)


def cautions(doc: Document, root: Node) -> tuple[Caution, ...]:
    """Every caution of the message, whatever is missing in it."""
    nodes = {
        id(node.value): node
        for node in [
            *doc.components(root, "cautionComponent"),
            *doc.having(
                "cautionSeverity", "cautionTypeInternalText", "cautionTypeCommonRegistryText"
            ),
        ]
    }
    found = []
    for node in nodes.values():
        severity = node.choice("cautionSeverity", SEVERITIES)
        if severity is None:
            doc.findings.flag("caution without a known severity, taken as highest", node.pointer)
        common = (
            *node.texts("cautionTypeCommonRegistryText"),
            *node.texts("cautionTypeCommonSubRegistryText"),
        )
        text = html.to_text(node.text("cautionTypeInternalText"))
        words = " ".join((*common, text))
        if not text:
            text = ", ".join(common) or "caution without text, ask dispatch"
        found.append(
            Caution(
                severity=severity or "highest",
                kind=caution_kind(_WORDS.sub(" ", words)),
                text=text,
                source=node.text("cautionSource", 200),
                since=node.time("startDate") or node.time("lastUpdateTimeStamp"),
            )
        )
    return tuple(found)


def units(doc: Document, root: Node, incident_id: str, cad_number: str) -> tuple[UnitOnCall, ...]:
    """The units of the message, those included that only a dispatch tells of."""
    agencies = {
        node.text("$id", 120): node.texts("agencyType")
        for node in doc.components(root, "agencyComponent")
    }
    nodes = {id(n.value): n for n in doc.components(root, "emergencyResourceComponent")}
    for dispatch in doc.components(root, "dispatchComponent"):
        dispatch.ignore("agencyReference", "agentReference", "notesReference")
        for node in doc.components(dispatch, "emergencyResourceReference"):
            nodes.setdefault(id(node.value), node)
    return tuple(_unit(node, agencies, {incident_id, cad_number}) for node in nodes.values())


def _unit(node: Node, agencies: dict[str, tuple[str, ...]], here: set[str]) -> UnitOnCall:
    findings = node.findings
    eido_id = node.text("$id", 120)
    resource, _, agency_id = eido_id.partition("@")
    if not agency_id:
        findings.flag("unit id is not resource@AgencyId", node.pointer)
    call_sign = node.text("emergencyResourceName", 40) or resource[:40].upper()
    kind = node.text("emergencyResourceTypeCommonRegistryText", 60)
    local_kind = node.text("emergencyResourceTypeInternalText", 60)
    attributes = (
        *node.texts("resourceAttributeRegistryText"),
        *node.texts("resourceAttributeInternalText"),
    )
    at = node.time("lastUpdateTimeStamp")
    primary = _status(node.text("primaryUnitStatusRegistryText", 40), node)
    secondary = node.texts("secondaryUnitStatusRegistryText", 40)
    active_on = node.text("activeOnIncidentId", 200)
    stacked = node.texts("stackedOnIncidentId")
    active = active_on in here if active_on else not here & set(stacked)
    if not active:
        findings.flag("unit is not at work on this incident", node.pointer)
    node.ignore("notesReference", *_RESOURCE_KNOWN)
    return UnitOnCall(
        eido_id=eido_id,
        call_sign=call_sign,
        agency_id=agency_id,
        service=service_of(
            agency_id,
            agency_types=agencies.get(agency_id, ()),
            resource_type=kind,
            call_sign=call_sign,
        ),
        resource_type=kind or local_kind,
        attributes=attributes,
        primary_status=primary,
        statuses=tuple(UnitStatus(status=_status(word, node), at=at) for word in secondary),
        status_text=", ".join(node.texts("unitStatusInternal", 40)),
        eta=node.time("eta"),
        active=active,
    )


def _status(word: str, node: Node) -> str:
    known = {code.casefold(): code for code in reference.unit_statuses()}
    if word and word.casefold() not in known:
        node.findings.flag("unknown unit status", node.pointer)
    return known.get(word.casefold(), word)
