"""One call as the domain knows it, whatever the wire: EIDO, plain JSON or rows of Call Data.

Pure values, without a database. Every time is aware and in UTC. A field marked `phi()` is protected
health information (free text, addresses, coordinates, who reported): it stays out of `repr`, so
that no traceback or log line shows it, and `phi_fields()` names it for those who store it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, get_args

Answer = Literal["yes", "no", "unknown"]
CallEvent = Literal["report", "cancel", "close", "reopen", "merge", "split", "link", "unlink"]
CautionKind = Literal["weapon", "violence", "premise", "medical", "other"]
RelationKind = Literal["PARENT", "CHILD", "RELATED", "UNLINK", "REPLACING", "REPLACED", "SPLIT"]
RequestedBy = Literal["", "spd", "sfd"]
Service = Literal["care", "spd", "sfd", "other"]
TimedService = Literal["care", "co_response", "spd"]
Severity = Literal["highest", "high", "normal", "low", "lowest"]
Wire = Literal["eido", "plain", "call_data"]

ANSWERS: tuple[Answer, ...] = get_args(Answer)
CALL_EVENTS: tuple[CallEvent, ...] = get_args(CallEvent)
CAUTION_KINDS: tuple[CautionKind, ...] = get_args(CautionKind)
LINK_KINDS: tuple[RelationKind, ...] = ("PARENT", "CHILD", "RELATED", "UNLINK")
MERGE_KINDS: tuple[RelationKind, ...] = ("REPLACING", "REPLACED", "SPLIT")
#: So many links, and so many merges, are taken from one message; further ones are kept.
MAX_RELATIONS = 100
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

#: What a dispatch rule may exclude, in the order in which texts name them.
EXCLUSIONS: tuple[str, ...] = (
    "weapon",
    "violence",
    "minor",
    "residence",
    "business",
    "encampment",
    "drug_use",
    "medical",
    "confrontational",
)


class Malformed(Exception):
    """A message that cannot be taken at all.

    `errors` are pairs of JSON Pointer (RFC 6901) and what to mend, one for every bad field. They
    never repeat a value of the message.
    """

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{pointer or '/'}: {mend}" for pointer, mend in self.errors))


def phi(default: Any = MISSING) -> Any:
    """A dataclass field that holds protected health information."""
    if default is MISSING:
        return field(repr=False, metadata={"phi": True})
    return field(default=default, repr=False, metadata={"phi": True})


def phi_fields(kind: type) -> frozenset[str]:
    """The names of the PHI fields of a dataclass of this module."""
    return frozenset(f.name for f in fields(kind) if f.metadata.get("phi"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where. All of it is PHI but its EIDO location type.

    `url` is a location by reference: kept, never fetched. `method` is the PIDF-LO method (GPS,
    Cell, Manual ...). `place_type` is a token of RFC 4589 (street, residence, office ...).
    """

    kind: str = "CurrentIncident"
    lat: float | None = phi(None)
    lon: float | None = phi(None)
    uncertainty_m: float | None = phi(None)
    method: str = phi("")
    address: str = phi("")
    place_name: str = phi("")
    place_type: str = phi("")
    description: str = phi("")
    cross_streets: tuple[str, ...] = phi(())
    url: str = phi("")
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One entry of the call's narrative, as plain text. `ref` is its name in the message: it tells
    a note that was told before from another one, and is no part of what is known."""

    at: datetime | None = None
    text: str = phi()
    author: str = phi("")
    ref: str = field(default="", repr=False, compare=False, metadata={"phi": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """A caution or hazard. It is never dropped; a severity that is not understood is `highest`.

    The rest says of which call it was told, see `apps.dispatch.cautions`: `origins` are the ids of
    the incidents that it came from by a merge, with "" where this one was told of it too; empty
    where it alone was. `heard_at`: when this one was told first; None: it was not, or nobody knows.
    `taken_back`: the CAD number under which it was told while a call had that number by mistake.
    """

    severity: Severity = "highest"
    kind: CautionKind = "other"
    text: str = phi()
    source: str = phi("")
    since: datetime | None = None
    origins: tuple[str, ...] = ()
    heard_at: datetime | None = None
    taken_back: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStatus:
    """An EIDO secondary unit status, and when it was so."""

    status: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitOnCall:
    """A unit on the call. `eido_id` has the form `resource@AgencyId`; `statuses` oldest first.

    `status_text` is the CAD's own word for the status. `active` is false for a unit that is only
    queued for the call, or at work on another one.
    """

    eido_id: str = ""
    call_sign: str = ""
    agency_id: str = ""
    service: Service = "other"
    resource_type: str = ""
    attributes: tuple[str, ...] = ()
    primary_status: str = ""
    statuses: tuple[UnitStatus, ...] = ()
    status_text: str = ""
    eta: datetime | None = None
    active: bool = True

    @property
    def secondary_status(self) -> tuple[str, ...]:
        """The EIDO secondary statuses, oldest first."""
        return tuple(status.status for status in self.statuses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Another incident that this one is linked to (EIDO link) or merged with (EIDO merge).

    REPLACING: this one takes the other's place. REPLACED: the other takes this one's place.
    """

    kind: RelationKind
    cad_number: str
    incident_id: str = ""
    agency_id: str = ""
    reason: str = phi("")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTimes:
    """First and last times of one service on the call, as Call Data gives them."""

    service: TimedService
    first_dispatched: datetime | None = None
    first_on_scene: datetime | None = None
    last_in_service: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionHint:
    """What the source itself states about an exclusion."""

    name: str
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternateValue:
    """A value that somebody else gave for the same element, kept beside the chosen one."""

    component: str
    element: str
    value: str = phi()
    constituent: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A part of the message that is kept as it came (JSON), because it has no place here."""

    pointer: str
    value: str = phi()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The whole call as one message tells it. What the message does not say is empty or None.

    `priority` is EIDO's common priority, 0 to 10, 10 highest; `priority_text` is the CAD's own.
    `statuses` are EIDO incident statuses, `dispositions` APCO 1.111.2-2018 codes, `common_type`
    APCO 2.103.2-2019. `flags` are words on the quality of the data, with JSON Pointers, and hold no
    value of the message.
    """

    cad_number: str
    wire: Wire
    event: CallEvent = "report"
    agency_id: str = ""
    incident_id: str = ""
    received_at: datetime | None = None
    updated_at: datetime | None = None
    initial_call_type: str = ""
    final_call_type: str = ""
    common_type: str = ""
    priority_text: str = ""
    priority: int | None = None
    how_received: str = ""
    statuses: tuple[str, ...] = ()
    dispositions: tuple[str, ...] = ()
    clearance: str = ""
    address: str = phi("")
    location: Location | None = phi(None)  # noqa: RUF009 - phi() is a field()
    other_locations: tuple[Location, ...] = phi(())
    premise: str = phi("")
    premise_type: str = phi("")
    beat: str = ""
    sector: str = ""
    precinct: str = ""
    narrative: tuple[Note, ...] = phi(())
    cautions: tuple[Caution, ...] = phi(())
    units: tuple[UnitOnCall, ...] = ()
    service_times: tuple[ServiceTimes, ...] = ()
    links: tuple[Relation, ...] = phi(())
    merges: tuple[Relation, ...] = phi(())
    requested_by: RequestedBy = ""
    exclusions: tuple[ExclusionHint, ...] = ()
    alternates: tuple[AlternateValue, ...] = phi(())
    extras: tuple[Extra, ...] = phi(())
    flags: tuple[str, ...] = ()

    @property
    def call_type(self) -> str:
        """The agency's own type as it stands: the final one where there is one."""
        return self.final_call_type or self.initial_call_type


def worst_first(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    """Cautions by severity, the highest first; equal ones keep their order."""
    return tuple(sorted(cautions, key=lambda caution: SEVERITIES.index(caution.severity)))


def in_order(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes by time; those without a time first, in the order given."""
    return tuple(sorted(notes, key=lambda note: note.at.timestamp() if note.at else float("-inf")))
