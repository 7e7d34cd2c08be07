"""A call as a NENA-STA-021 EIDO: what the simulator's CAD sends, and what we tell other systems.

`eido.parse` reads it back to the same call. EIDO has one time for all statuses of a unit, so only
the latest time of each unit survives; kept parts (`extras`) and flags are not sent on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from html import escape
from typing import Any

from apps.dispatch.calls import Call, Location, Relation, UnitOnCall
from apps.dispatch.eido import EXTENSION

_NAMESPACES = (
    'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"'
    ' xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"'
    ' xmlns:gml="http://www.opengis.net/gml" xmlns:gs="http://www.opengis.net/pidflo/1.0"'
)
_WGS84 = 'srsName="urn:ogc:def:crs:EPSG::4326"'
_METRE = 'uom="urn:ogc:def:uom:EPSG::9001"'
_RESOURCE_TYPES = {
    "care": "CrisisInterventionUnit",
    "spd": "PatrolUnit",
    "sfd": "GroundALSAmbulance",
    "other": "CommSupportTeam",
}
_AGENCY_TYPES = {"care": "psap", "spd": "police", "sfd": "fire", "other": "psap"}


def build(call: Call, *, issuer: str = "", now: datetime | None = None) -> dict[str, Any]:
    """The EIDO of a call. `issuer` is the issuing element; `now` stands where no time is known."""
    return _Builder(call, issuer or call.agency_id, now).document()


class _Builder:
    def __init__(self, call: Call, issuer: str, now: datetime | None) -> None:
        self.call = call
        self.issuer = issuer
        self.at = call.updated_at or call.received_at or now
        self.incident_id = call.incident_id or (
            f"urn:emergency:uid:incidentid:{call.cad_number}:{call.agency_id}"
        )

    def document(self) -> dict[str, Any]:
        call = self.call
        own = call.location
        if own and not own.address:
            own = replace(own, address=call.address)
        elif own is None and call.address:
            own = Location(address=call.address)
        places = [place for place in (own, *call.other_locations) if place]
        return _given(
            {
                **self.prologue(self.incident_id),
                "eidoVersion": "1.0",
                "eidoExtensionId": [EXTENSION],
                "issuingElementIdentification": self.issuer,
                "incidentComponent": self.incident(),
                "callComponent": self.calls(),
                "agencyComponent": self.agencies(),
                "agentComponent": [self.agent()],
                "dispatchComponent": self.dispatches(),
                "emergencyResourceComponent": [self.unit(unit) for unit in call.units],
                "locationComponent": [
                    self.location(place, index) for index, place in enumerate(places)
                ],
                "notesComponent": [
                    {
                        **self.prologue(self.own_id("note", index), note.at),
                        "updatedByAgentReference": {"$ref": note.author or self.agent_id},
                        "notesActionComments": escape(note.text).replace("\n", "<br>"),
                    }
                    for index, note in enumerate(call.narrative)
                ],
                "cautionComponent": [
                    _given(
                        {
                            **self.prologue(self.own_id("caution", index), caution.since),
                            "cautionTypeInternalText": escape(caution.text),
                            "cautionTypeCommonRegistryText": caution.kind,
                            "cautionSeverity": caution.severity,
                            "cautionSource": caution.source,
                            "startDate": _time(caution.since),
                        }
                    )
                    for index, caution in enumerate(call.cautions)
                ],
                "linkComponent": [
                    self.relation(link, "linkDirectionCode", index)
                    for index, link in enumerate(call.links)
                ],
                "mergeComponent": [
                    self.relation(merge, "incidentMergeDirectionCode", index)
                    for index, merge in enumerate(call.merges)
                ],
                "alternateValuesComponent": self.alternates(),
            }
        )

    @property
    def agent_id(self) -> str:
        return f"system@{self.call.agency_id}"

    def own_id(self, kind: str, index: int) -> str:
        return f"{kind}-{index}@{self.call.cad_number}"

    def prologue(self, name: str, at: datetime | None = None) -> dict[str, Any]:
        return {
            "$id": name,
            "lastUpdateTimeStamp": _time(at or self.at),
            "updatedByAgencyReference": {"$ref": self.call.agency_id},
        }

    def incident(self) -> dict[str, Any]:
        call = self.call
        extension = {
            "exclusions": {hint.name: hint.answer for hint in call.exclusions},
            "requestedBy": call.requested_by,
            "initialCallType": call.initial_call_type if call.final_call_type else "",
            "premise": call.premise,
            "premiseType": call.premise_type,
            "clearance": call.clearance,
        }
        return _given(
            {
                **self.prologue(self.incident_id),
                "incidentTypeCommonRegistryText": call.common_type or "TROUBLE",
                "incidentTypeInternalText": call.call_type,
                "incidentStatusCommonRegistryText": list(call.statuses),
                "internalIncidentId": call.cad_number,
                "incidentPriorityInternalText": call.priority_text,
                "incidentCommonPriorityNumber": call.priority,
                "beatOrDispatchGroupText": call.beat,
                "dispositionComponent": [
                    {
                        **self.prologue(self.own_id("disposition", index)),
                        "dispositionCommonRegistryCode": code,
                    }
                    for index, code in enumerate(call.dispositions)
                ],
                "locationReference": [{"$ref": self.own_id("location", 0)}]
                if call.location
                else [],
                "notesReference": [
                    {"$ref": self.own_id("note", index)} for index in range(len(call.narrative))
                ],
                "carefield": _given(extension),
            }
        )

    def calls(self) -> list[dict[str, Any]]:
        if not (self.call.received_at or self.call.how_received):
            return []
        return [
            _given(
                {
                    **self.prologue(self.own_id("call", 0)),
                    "callStateRegistryText": "callEnd",
                    "standardPrimaryCallType": "emergency",
                    "localCallType": self.call.how_received,
                    "direction": "incoming",
                    "callStartTimestamp": _time(self.call.received_at),
                }
            )
        ]

    def agencies(self) -> list[dict[str, Any]]:
        types = {unit.agency_id: _AGENCY_TYPES[unit.service] for unit in self.call.units}
        types[self.call.agency_id] = "psap"
        return [
            {
                **self.prologue(agency),
                "agencyRoleDescriptionRegistryText": [
                    "Dispatching" if agency == self.call.agency_id else "Dispatched"
                ],
                "agencyType": [kind],
            }
            for agency, kind in types.items()
            if agency
        ]

    def agent(self) -> dict[str, Any]:
        return {
            **self.prologue(self.agent_id),
            "agentRoleRegistryText": ["Dispatching"],
            "agencyReference": {"$ref": self.call.agency_id},
        }

    def dispatches(self) -> list[dict[str, Any]]:
        if not self.call.units:
            return []
        return [
            {
                **self.prologue(self.own_id("dispatch", 0)),
                "agencyReference": {"$ref": self.call.agency_id},
                "emergencyResourceReference": [{"$ref": unit.eido_id} for unit in self.call.units],
            }
        ]

    def unit(self, unit: UnitOnCall) -> dict[str, Any]:
        latest = max((s.at for s in unit.statuses if s.at), default=None)
        return {
            **self.prologue(unit.eido_id, latest),
            "emergencyResourceTypeCommonRegistryText": unit.resource_type
            or _RESOURCE_TYPES[unit.service],
            "emergencyResourceName": unit.call_sign,
            "resourceAttributeRegistryText": list(unit.attributes),
            "primaryUnitStatusRegistryText": unit.primary_status or "NotAvailable",
            "secondaryUnitStatusRegistryText": list(unit.secondary_status),
            "agentReference": [{"$ref": self.agent_id}],
            **_given(
                {
                    "eta": _time(unit.eta),
                    "unitStatusInternal": [unit.status_text] if unit.status_text else [],
                    "stackedOnIncidentId": [] if unit.active else [self.incident_id],
                }
            ),
        }

    def location(self, place: Location, index: int) -> dict[str, Any]:
        return _given(
            {
                **self.prologue(self.own_id("location", index), place.at),
                "locationTypeDescriptionRegistryText": place.kind,
                "locationByValue": _pidf(place),
                "locationByReferenceUrl": place.url,
                "locationDescriptionText": escape(place.description),
                "crossStreetByValue": list(place.cross_streets),
            }
        )

    def relation(self, relation: Relation, key: str, index: int) -> dict[str, Any]:
        other = relation.incident_id or (
            f"urn:emergency:uid:incidentid:{relation.cad_number}:"
            f"{relation.agency_id or self.call.agency_id}"
        )
        return _given(
            {
                **self.prologue(self.own_id(key, index)),
                key: relation.kind,
                "incidentTrackingIdentifier": other,
                "transactionReasonText": relation.reason,
            }
        )

    def alternates(self) -> list[dict[str, Any]]:
        return [
            {
                "DataComponentReference": {"$ref": other.component},
                "Element": other.element,
                "Alternate": [
                    _given(
                        {
                            "Constituent": other.constituent,
                            "TimeStamp": _time(other.at),
                            "Value": other.value,
                        }
                    )
                ],
            }
            for other in self.call.alternates
        ]


def _pidf(place: Location) -> str:
    """The PIDF-LO of a location; "" where there is nothing to tell by value."""
    parts = {"RD": place.address, "NAM": place.place_name, "PLC": place.place_type}
    civic = "".join(f"<ca:{key}>{escape(text)}</ca:{key}>" for key, text in parts.items() if text)
    shape = ""
    if place.lat is not None and place.lon is not None:
        position = f"<gml:pos>{place.lat!r} {place.lon!r}</gml:pos>"
        shape = f"<gml:Point {_WGS84}>{position}</gml:Point>"
        if place.uncertainty_m is not None:
            radius = f"<gs:radius {_METRE}>{place.uncertainty_m!r}</gs:radius>"
            shape = f"<gs:Circle {_WGS84}>{position}{radius}</gs:Circle>"
    if not (civic or shape):
        return ""
    address = f"<ca:civicAddress>{civic}</ca:civicAddress>" if civic else ""
    method = f"<gp:method>{escape(place.method)}</gp:method>" if place.method else ""
    return (
        f'<presence {_NAMESPACES} entity="pres:location@invalid"><tuple id="t"><status><gp:geopriv>'
        f"<gp:location-info>{shape}{address}</gp:location-info><gp:usage-rules/>{method}"
        "</gp:geopriv></status></tuple></presence>"
    )


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _given(members: dict[str, Any]) -> dict[str, Any]:
    """The members that say something."""
    return {key: value for key, value in members.items() if value not in (None, "", [], {})}
