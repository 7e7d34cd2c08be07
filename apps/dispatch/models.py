"""Incidents from CAD, the units and crews that answer them, and the rules that explain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import DESK_ROLES, Client, Team, User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet


class Agency(models.TextChoices):
    CARE = "care", "CARE"
    SPD = "spd", "Seattle Police Department"
    SFD = "sfd", "Seattle Fire Department"
    OTHER = "other", "another agency"


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


class Source(models.TextChoices):
    """Who put a unit on an incident. Nothing else ever does."""

    CAD = "cad", "CAD"
    DESK = "desk", "supervisor or dispatcher"
    RESPONDER = "responder", "responder"


class Unit(UUIDModel):
    """A unit by its call sign. Units of other agencies have no team and no tablet of ours."""

    SAFE = frozenset({"id", "call_sign", "agency", "eido_id", "team", "in_service"})

    call_sign = models.CharField(max_length=40)
    agency = models.CharField(max_length=10, choices=Agency)
    eido_id = models.CharField(max_length=120, blank=True, help_text="resource@AgencyId")
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="units")
    in_service = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agency", "call_sign"], name="dispatch_unit_call_sign"),
            models.UniqueConstraint(
                fields=["eido_id"], condition=~Q(eido_id=""), name="dispatch_unit_eido_id"
            ),
            models.CheckConstraint(condition=Q(agency__in=Agency.values), name="dispatch_agency"),
        ]

    def __str__(self) -> str:
        return self.call_sign


class ShiftQuerySet(QuerySet["Shift"]):
    def not_over(self, now: datetime) -> ShiftQuerySet:
        """Those that are on, or yet to begin."""
        return self.filter(ends_at__gt=now)


class Shift(UUIDModel):
    """A team's turn of duty."""

    SAFE = frozenset({"id", "team", "starts_at", "ends_at"})

    team = models.ForeignKey(Team, models.PROTECT, related_name="shifts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = ShiftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="dispatch_shift_ends_after_start"
            )
        ]


class CrewMemberQuerySet(QuerySet["CrewMember"]):
    def on_duty(self) -> CrewMemberQuerySet:
        """Members who have not left their unit."""
        return self.filter(until=None)

    def in_order_of_alarm(self) -> CrewMemberQuerySet:
        """Whoever is alarmed first stands first."""
        return self.order_by("position", "since")


class CrewMember(UUIDModel):
    """A responder on a unit during a shift. `position` 1 is alarmed first."""

    SAFE = frozenset({"id", "shift", "unit", "user", "position", "since", "until"})

    shift = models.ForeignKey(Shift, models.PROTECT, related_name="crew")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="crew")
    user = models.ForeignKey(User, models.PROTECT, related_name="crews")
    position = models.PositiveSmallIntegerField(default=1)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    objects = CrewMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(until=None), name="dispatch_one_unit_a_person"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")),
                name="dispatch_crew_leaves_after_joining",
            ),
        ]


class CallType(Model):
    """A call type string of the local CAD, with the standard types it stands for.

    `common_type`: APCO ANS 2.103.2-2019; `nemsis_code`: NEMSIS 3.5.1 eDispatch.01. The mapping is
    the project's own and is to be confirmed by the 911 centre.
    """

    SAFE = frozenset({"code", "common_type", "nemsis_code"})

    code = models.CharField(max_length=120, primary_key=True)
    common_type = models.CharField(max_length=20, blank=True)
    nemsis_code = models.CharField(max_length=10, blank=True)

    def __str__(self) -> str:
        return self.code


class DispatchRuleQuerySet(QuerySet["DispatchRule"]):
    def in_force(self, at: datetime) -> DispatchRuleQuerySet:
        """Rules that are effective at this instant."""
        return self.filter(
            Q(effective_to=None) | Q(effective_to__gt=at), effective_from__lte=at
        ).order_by("effective_from", "version")


class DispatchRule(UUIDModel):
    """One version of an agreement on where CARE may go. A change is a new version.

    `definition` has the shape of `apps.dispatch.rules.Rule` without version, dates and citation.
    """

    SAFE = frozenset({"id", "version", "effective_from", "effective_to", "citation", "definition"})

    version = models.SlugField(max_length=60, unique=True)
    effective_from = models.DateTimeField()
    effective_to = models.DateTimeField(null=True, blank=True)
    citation = models.TextField()
    definition = models.JSONField()

    objects = DispatchRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=F("effective_from")),
                name="dispatch_rule_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return self.version


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
    `evaluation` is what the rules in force said of the call, in the shape of
    `apps.dispatch.rules.Evaluation.as_json`. A message that names no agency counts as its client's:
    `agency_id` is then the client's id.
    """

    SAFE = frozenset(
        {"id", "agency_id", "cad_number", "status", "entry_kind", "priority", "priority_text"}
        | {"initial_call_type", "final_call_type", "common_type", "how_received", "beat"}
        | {"occurred_at", "received_at", "updated_at", "closed_at", "call_revision"}
        | {"verdict", "evaluation", "flags", "withheld_count", "merged_into"}
    )

    agency_id = models.CharField(max_length=120, blank=True, help_text="the CAD's agency")
    cad_number = models.CharField(max_length=60, null=True)
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
        indexes = [models.Index(fields=["-received_at"]), models.Index(fields=["-occurred_at"])]


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


class HeldMessageQuerySet(QuerySet["HeldMessage"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> HeldMessageQuerySet:
        """Nobody knows yet whom a message is about, so the whole desk sees it, and nobody else."""
        desk = isinstance(user, User) and user.is_active and user.role in DESK_ROLES
        return self.all() if desk else self.none()

    def waiting(self, now: datetime) -> HeldMessageQuerySet:
        """Messages that nobody has dealt with yet."""
        return self.filter(replayed_at=None, expires_at__gt=now)

    def expired(self, now: datetime) -> HeldMessageQuerySet:
        return self.filter(expires_at__lte=now)


class HeldMessage(UUIDModel):
    """A message from CAD that could not be parsed, kept for a supervisor to see and replay."""

    SAFE = frozenset(
        {"id", "client", "path", "content_type", "content_hash", "size", "errors"}
        | {"received_at", "expires_at", "replayed_at"}
    )

    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
    path = models.CharField(max_length=80)
    content_type = models.CharField(max_length=120, blank=True)
    content_hash = models.BinaryField(max_length=16, help_text="blind index: the same message once")
    size = models.PositiveIntegerField(help_text="bytes")
    errors = models.JSONField(help_text="JSON Pointers and what to mend, without values")
    received_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    replayed_at = models.DateTimeField(null=True)
    content = EncryptedTextField(help_text="base64 of the body as it came")

    objects = HeldMessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client", "content_hash"], name="dispatch_held_once")
        ]


def details(**given: Any) -> dict[str, Any]:
    """The shape of `Incident.details`, hazards first, then what a document shows.

    `cautions`: {severity, kind, text, source, since}, the worst first; `narrative`: {at, text,
    author}; `location`: the fields of `apps.dispatch.calls.Location`; `alternates`: values that
    others gave, a former address among them; `withheld`: words in place of what was taken out;
    `revisions`: {revision, at, changed} of each material update. The rest is kept for merging:
    `told` says when each value was told last. Times are ISO 8601 in UTC.
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
        "called_at": None,
        "told_at": None,
    }
    unknown = set(given) - set(shape)
    if unknown:
        raise TypeError(f"not part of details: {', '.join(sorted(unknown))}")
    return {**shape, **given}
