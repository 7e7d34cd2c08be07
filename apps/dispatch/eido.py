"""NENA-STA-021 EIDO (JSON) to a call.

Read with tolerance: components in place or by `$ref`, one object where a list is due and the
reverse, older and newer code lists. What is not understood is kept and flagged. Persons, vehicles,
media and additional data are kept but have no place in a call; who works where (agents) is not held
at all.

Our own extension (`eidoExtensionId` "carefield-1") is the member `carefield` of the incident
component: {"exclusions": {name: "yes|no|unknown"}, "requestedBy", "initialCallType", "premise",
"premiseType", "clearance"}, for what EIDO has no member for.
"""

from __future__ import annotations

from apps.dispatch import eidoparts, reference
from apps.dispatch.calls import (
    ANSWERS,
    EXCLUSIONS,
    LINK_KINDS,
    MERGE_KINDS,
    Call,
    CallEvent,
    ExclusionHint,
    Malformed,
    Relation,
    RequestedBy,
)
from apps.dispatch.eidodoc import PROLOGUE, Document
from apps.dispatch.normalise import CAD_NUMBER_LENGTH, complete, incident_parts
from apps.dispatch.wire import Findings, Node, clean, words

EXTENSION = "carefield-1"

_REQUESTED_BY: tuple[RequestedBy, ...] = ("spd", "sfd")
#: Members with references or technical data that a call has no use for.
_INCIDENT_KNOWN = words(
    "agentReference personReference organizationReference vehicleReference documentIdentification"
    " reportNumberType"
)
_CALL_KNOWN = words(
    "relatedCallIdentifier queueIdentifier standardSecondaryCallType direction priorityIdentifier"
    " additionalDataReference answerDate callStateRegistryText agentReference callBackReference"
    " verstat sipIdentity personReference organizationReference agencyReference"
)


def parse(document: object) -> Call:
    """The call that a decoded EIDO tells. Raises `Malformed` if it is none or names no incident."""
    document = clean(document)
    if not isinstance(document, dict):
        raise Malformed([("", "must be a JSON object")])
    findings = Findings()
    doc = Document(document, findings)
    root = doc.root
    incident = doc.component(root, "incidentComponent")
    if incident is None:
        incident = Node({}, "/incidentComponent", findings)
        findings.flag("no incident component")
    incident_id, cad_number, agency_id = _identity(doc, root, incident)
    calls = doc.components(root, "callComponent")
    received = [moment for moment in (node.time("callStartTimestamp") for node in calls) if moment]
    location, others = eidoparts.locations(doc, root, incident, calls)
    links = eidoparts.relations(
        doc.components(root, "linkComponent"), "linkDirectionCode", LINK_KINDS
    )
    merges = eidoparts.relations(
        doc.components(root, "mergeComponent"), "incidentMergeDirectionCode", MERGE_KINDS
    )
    statuses = _statuses(incident)
    if {"Cancelled", "Closed"} & {*statuses} and {"Active", "ReOpened"} & {*statuses}:
        # An end beside a live status contradicts itself: nobody is called off by that.
        findings.keep(
            incident.at("incidentStatusCommonRegistryText"),
            statuses,
            why="contradicting incident statuses, taken as open",
        )
        statuses = tuple(s for s in statuses if s not in ("Cancelled", "Closed"))
    dispositions = doc.components(incident, "dispositionComponent")
    extension = _extension(incident)
    final, initial = incident.text("incidentTypeInternalText", 120), ""
    code = incident.text("incidentTypeInternalCode", 120)
    final = final or code
    initial = extension.text("initialCallType", 120)
    if not initial and not final.startswith("--"):
        initial, final = final, ""
    call = Call(
        cad_number=cad_number,
        wire="eido",
        event=_event(statuses, links, merges),
        agency_id=agency_id,
        incident_id=incident_id,
        received_at=min(received, default=None),
        updated_at=root.time("lastUpdateTimeStamp"),
        initial_call_type=initial,
        final_call_type=final,
        common_type=incident.text("incidentTypeCommonRegistryText", 20),
        priority_text=incident.text("incidentPriorityInternalText", 40),
        priority=incident.integer("incidentCommonPriorityNumber", 0, 10),
        how_received=_how_received(calls),
        statuses=statuses,
        dispositions=tuple(
            code.zfill(2)
            for code in (node.text("dispositionCommonRegistryCode", 20) for node in dispositions)
            if code
        ),
        clearance=extension.text("clearance", 200)
        or next(filter(None, (n.text("dispositionDescriptionText") for n in dispositions)), ""),
        address=location.address if location else "",
        location=location,
        other_locations=others,
        premise=extension.text("premise") or eidoparts.premise(location),
        premise_type=extension.text("premiseType", 40) or (location.place_type if location else ""),
        beat=incident.text("beatOrDispatchGroupText", 10),
        narrative=eidoparts.notes(doc),
        cautions=eidoparts.cautions(doc, root),
        units=eidoparts.units(doc, root, incident_id, cad_number),
        links=links,
        merges=merges,
        requested_by=extension.choice("requestedBy", _REQUESTED_BY) or "",
        exclusions=_hints(extension),
        alternates=doc.alternates(),
    )
    _leave_nothing(doc, incident, extension, calls=calls, dispositions=dispositions)
    findings.stop_if_fatal()
    return complete(call, findings)


def _identity(doc: Document, root: Node, incident: Node) -> tuple[str, str, str]:
    """Incident id, CAD event number and agency.

    The agency is the one in the incident's id, because that stays when another agency updates.
    """
    findings = root.findings
    # Some senders give the message an id of its own: another one each time.
    ids = (root.text("$id", 200), incident.text("$id", 200))
    incident_id = next((one for one in ids if incident_parts(one)[0]), ids[0] or ids[1])
    cad_number, place = incident.text("internalIncidentId"), incident.at("internalIncidentId")
    number, domain = incident_parts(incident_id)
    if not cad_number:
        cad_number, place = number or incident_id, "/$id"
        if incident_id:
            findings.flag("no CAD event number, the incident id is used")
        else:
            findings.fatal("/$id", "give the incident's id (urn:emergency:uid:incidentid:...)")
            findings.fatal("/incidentComponent/internalIncidentId", "or give the CAD event number")
    if len(cad_number) > CAD_NUMBER_LENGTH:
        # Cut off, it could be another incident's.
        findings.fatal(place, f"a CAD event number has at most {CAD_NUMBER_LENGTH} characters")
    owner = next(
        (
            node.text("$id", 120)
            for node in doc.components(root, "agencyComponent")
            if node.raw("incidentOwningAgencyIndicator") is True
        ),
        "",
    )
    updater = doc.reference(root, "updatedByAgencyReference")
    issuer = root.text("issuingElementIdentification", 120)
    agency_id = domain or owner or issuer or updater
    return incident_id, cad_number, agency_id[:120]


def _statuses(incident: Node) -> tuple[str, ...]:
    statuses = incident.texts("incidentStatusCommonRegistryText", 40)
    known = {code.casefold(): code for code in reference.incident_statuses()}
    for status in statuses:
        if status.casefold() not in known:
            incident.findings.flag("unknown incident status")
    return tuple(known.get(status.casefold(), status) for status in statuses)


def _event(
    statuses: tuple[str, ...],
    links: tuple[Relation, ...],
    merges: tuple[Relation, ...],
) -> CallEvent:
    """What happened, from the state that the message tells.

    An EIDO tells the whole state, so links, merges and ReOpened stay in later ones.
    """
    if any(merge.kind == "REPLACED" for merge in merges):
        return "merge"
    if "Cancelled" in statuses:
        return "cancel"
    if "Closed" in statuses:
        return "close"
    if "ReOpened" in statuses:
        return "reopen"
    if merges:
        return "split" if all(merge.kind == "SPLIT" for merge in merges) else "merge"
    if links:
        return "unlink" if all(link.kind == "UNLINK" for link in links) else "link"
    return "report"


def _how_received(calls: list[Node]) -> str:
    found = [
        (node.text("localCallType", 60), node.text("standardPrimaryCallType", 60)) for node in calls
    ]
    return next((local or standard for local, standard in found if local or standard), "")


def _extension(incident: Node) -> Node:
    return next(iter(incident.nodes("carefield")), Node({}, "/carefield", incident.findings))


def _hints(extension: Node) -> tuple[ExclusionHint, ...]:
    found = []
    for node in extension.nodes("exclusions"):
        for name in EXCLUSIONS:
            answer = node.choice(name, ANSWERS)
            if answer:
                found.append(ExclusionHint(name=name, answer=answer))
        node.keep_unread()
    return tuple(found)


def _leave_nothing(
    doc: Document,
    incident: Node,
    extension: Node,
    *,
    calls: list[Node],
    dispositions: list[Node],
) -> None:
    """Check the references that were not needed, and keep all that has no place in a call."""
    root = doc.root
    doc.components(root, "notesComponent")
    doc.components(incident, "notesReference")
    incident.ignore(*_INCIDENT_KNOWN)
    for node in calls:
        doc.components(node, "notesReference")
        node.ignore(*_CALL_KNOWN)
    for node in dispositions:
        node.ignore("dispositionPrimaryIndicator", "dispositionCategoryText", "notesReference")
    for node in doc.having("notesActionComments"):
        node.ignore("cautionReference")
    for node in doc.components(root, "agencyComponent"):
        node.ignore(*node.value)
    if root.text("eidoVersion") not in ("", "1.0"):
        root.findings.flag("EIDO version not known")
    root.ignore(*PROLOGUE, "agentComponent", "eidoExtensionId")
    root.ignore(*(key for key in root.value if key.lower().startswith("alternatevalue")))
    for pointer, value in root.unread():
        root.findings.keep(pointer, value)
    doc.keep_unread()
    extension.keep_unread()
