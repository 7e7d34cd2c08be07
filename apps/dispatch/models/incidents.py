"""Incidents from CAD, and the units that answer them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import UUIDModel
from apps.dispatch.cautions import shown
from apps.dispatch.models.crews import Agency, Unit


class EntryKind(models.TextChoices):
    """How CARE came to it. The last four start on the tablet, without a CAD number."""

    DUAL_911 = "dual_911", "dispatched by 911 with SPD or SFD"
    SOLO_911 = "solo_911", "dispatched by 911, CARE alone"
    REQUEST_SPD = "request_spd", "requested by SPD"
    REQUEST_SFD = "request_sfd", "requested by SFD"
    ON_VIEW = "on_view", "met on the street"
    PATROL = "patrol", "patrol"
    COMMUNITY_ENGAGEMENT = "community_engagement", "community engagement"
    FOLLOW_UP = "follow_up", "follow-up"


#: Kinds that begin on a tablet. The others are decided by who is on the call.
STARTED_BY_RESPONDER = frozenset(
    {EntryKind.ON_VIEW, EntryKind.PATROL, EntryKind.COMMUNITY_ENGAGEMENT, EntryKind.FOLLOW_UP}
)


class Source(models.TextChoices):
    """Who put a unit on an incident. Nothing else ever does."""

    CAD = "cad", "CAD"
    DESK = "desk", "supervisor or dispatcher"
    RESPONDER = "responder", "responder"


class IncidentStatus(models.TextChoices):
    ACTIVE = "active", "active"
    CANCELLED = "cancelled", "cancelled"
    CLOSED = "closed", "closed"
    MERGED = "merged", "merged into another incident"


class IncidentQuerySet(VisibleQuerySet["Incident"]):
    COLLECTION = "incidents"

    def open(self) -> IncidentQuerySet:
        """Incidents that somebody may still be working on."""
        return self.filter(status=IncidentStatus.ACTIVE)

    def eligible_not_sent(self) -> IncidentQuerySet:
        """Calls that the rules would have let CARE take, without a CARE unit on them."""
        care = IncidentUnit.objects.filter(incident=models.OuterRef("pk"), agency=Agency.CARE)
        eligible = self.filter(verdict="eligible").exclude(status=IncidentStatus.MERGED)
        return eligible.exclude(models.Exists(care))


class Incident(UUIDModel):
    """One incident, known by its CAD event number, or started by a responder without one.

    `details` (PHI) has the shape of `details()` below. `call_revision` grows with every material
    update (address, new location, weapon or violence caution): it asks for a new acknowledgement.
    `evaluation` is what the rules in force said of the call as it was known while it could be
    given, in the shape of `apps.dispatch.rules.Evaluation.as_json`; `now` in it (`verdict`, `text`)
    is what they say of all that is known since, where that differs. A message that names no agency
    counts as its client's: `agency_id` is then the client's id. `tracking_id` is EIDO's Incident
    Tracking Identifier, by which other systems name the incident in links and merges.
    """

    SAFE = frozenset(
        {"id", "agency_id", "cad_number", "status", "entry_kind", "priority", "priority_text"}
        | {"initial_call_type", "final_call_type", "common_type", "how_received", "beat"}
        | {"check_in_minutes", "tracking_id"}
        | {"occurred_at", "received_at", "updated_at", "closed_at", "call_revision"}
        | {"verdict", "evaluation", "flags", "withheld_count", "merged_into"}
    )

    agency_id = models.CharField(max_length=120, blank=True, help_text="the CAD's agency")
    cad_number = models.CharField(max_length=60, null=True)
    tracking_id = models.CharField(max_length=200, blank=True, default="", db_default="")
    status = models.CharField(
        max_length=10, choices=IncidentStatus, default=IncidentStatus.ACTIVE, db_index=True
    )
    entry_kind = models.CharField(max_length=24, choices=EntryKind)
    priority = models.PositiveSmallIntegerField(
        null=True, help_text="EIDO common priority, 0 to 10, 10 highest"
    )
    priority_text = models.CharField(max_length=40, blank=True, help_text="as the CAD says it")
    initial_call_type = models.CharField(max_length=120, blank=True)
    final_call_type = models.CharField(max_length=120, blank=True)
    common_type = models.CharField(max_length=20, blank=True)
    check_in_minutes = models.PositiveSmallIntegerField(
        null=True, help_text="that of its call type, as it was when the call came or last changed"
    )
    how_received = models.CharField(max_length=60, blank=True)
    beat = models.CharField(max_length=10, blank=True)
    occurred_at = models.DateTimeField(help_text="when the call was received by 911")
    received_at = models.DateTimeField(help_text="when it reached Carefield")
    updated_at = models.DateTimeField(help_text="when something last changed here")
    closed_at = models.DateTimeField(null=True)
    call_revision = models.PositiveIntegerField(default=1)
    verdict = models.CharField(max_length=20, blank=True)
    evaluation = models.JSONField(default=dict)
    flags = models.JSONField(default=list)
    withheld_count = models.PositiveIntegerField(
        default=0, help_text="sentences of criminal history that were removed before storage"
    )
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged_from")
    details = EncryptedJSONField()

    objects = IncidentQuerySet.as_manager()

    @property
    def cautions(self) -> list[dict[str, Any]]:
        """The cautions as they are shown, the worst first: see `apps.dispatch.cautions.shown`."""
        return shown(self.details["cautions"], cad_number=self.cad_number)

    @property
    def verdict_now(self) -> str:
        """What the rules say of the call as it is known now: by this it is given once more."""
        return str(self.evaluation.get("now", {}).get("verdict", self.verdict))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency_id", "cad_number"], name="dispatch_cad_number"),
            models.CheckConstraint(
                condition=Q(status__in=IncidentStatus.values), name="dispatch_incident_status"
            ),
            models.CheckConstraint(
                condition=Q(entry_kind__in=EntryKind.values), name="dispatch_entry_kind"
            ),
            models.CheckConstraint(
                condition=Q(status="merged", merged_into__isnull=False)
                | (~Q(status="merged") & Q(merged_into=None)),
                name="dispatch_merged_into_another",
            ),
        ]
        indexes = [
            models.Index(fields=["-received_at"]),
            models.Index(fields=["-occurred_at"]),
            models.Index(fields=["tracking_id"], name="dispatch_incident_by_tracking"),
            # What the list is narrowed by.
            models.Index(fields=["common_type", "occurred_at"], name="dispatch_incident_by_type"),
            models.Index(fields=["entry_kind", "occurred_at"], name="dispatch_incident_by_entry"),
            models.Index(fields=["verdict", "occurred_at"], name="dispatch_incident_by_verdict"),
        ]


class IncidentUnit(UUIDModel):
    """A unit on an incident: ours, or the police and fire units that answer with it.

    `times` maps an EIDO secondary unit status to the instant (ISO 8601) that CAD gave for it.
    """

    SAFE = frozenset(
        {"id", "incident", "unit", "call_sign", "agency", "source", "status", "times"}
        | {"told_at", "attached_at", "detached_at"}
    )

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="units")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="incidents")
    call_sign = models.CharField(max_length=40)
    agency = models.CharField(max_length=10, choices=Agency)
    source = models.CharField(max_length=10, choices=Source)
    status = models.CharField(max_length=40, blank=True)
    times = models.JSONField(default=dict)
    told_at = models.DateTimeField(null=True, help_text="as of when a status was told last")
    attached_at = models.DateTimeField()
    detached_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "agency", "call_sign"], name="dispatch_unit_once_an_incident"
            ),
            models.CheckConstraint(
                condition=Q(agency__in=Agency.values) & Q(source__in=Source.values),
                name="dispatch_incident_unit_choices",
            ),
        ]


class IncidentLink(UUIDModel):
    """What CAD says of two incidents. The other one may not have reached us."""

    SAFE = frozenset({"id", "incident", "kind", "agency_id", "cad_number", "at"})

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="links")
    kind = models.CharField(max_length=12, help_text="PARENT, CHILD, RELATED, UNLINK, SPLIT ...")
    agency_id = models.CharField(max_length=120, blank=True)
    cad_number = models.CharField(max_length=60)
    at = models.DateTimeField()
    reason = EncryptedTextField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "kind", "agency_id", "cad_number"], name="dispatch_link_once"
            )
        ]


def details(**given: Any) -> dict[str, Any]:
    """The shape of `Incident.details`, hazards first, then what a document shows.

    `cautions`: the fields of `apps.dispatch.calls.Caution`, the worst first; `narrative`: {at,
    text, author}; `location`: the fields of `apps.dispatch.calls.Location`; `alternates`: values
    that others gave, a former address among them; `withheld`: words in place of what was taken out;
    `revisions`: {revision, at, changed} of each material update. The rest is kept for merging:
    `told` says when each value was told last, `sent_to` which point ([lat, lon]) the crew was sent
    to. Times are ISO 8601 in UTC.
    """
    shape: dict[str, Any] = {
        "cautions": [],
        "address": "",
        "location": None,
        "premise": "",
        "premise_type": "",
        "narrative": [],
        "alternates": [],
        "other_locations": [],
        "requested_by": "",
        "withheld": "",
        "revisions": [],
        "statuses": [],
        "dispositions": [],
        "clearance": "",
        "incident_id": "",
        "sector": "",
        "precinct": "",
        "exclusions": [],
        "service_times": [],
        "extras": [],
        "told": {},
        "sent_to": None,
        "called_at": None,
        "told_at": None,
    }
    unknown = set(given) - set(shape)
    if unknown:
        raise TypeError(f"not part of details: {', '.join(sorted(unknown))}")
    return {**shape, **given}
