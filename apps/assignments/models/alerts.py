"""What somebody has to answer: alerts, and offers of support."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import OuterRef, Q, Subquery

from apps.accounts.models import Role, Team, User
from apps.assignments.models.facts import Fact
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.dispatch.models import Unit

# What of a fact says when it happened: see `timeline.Stamp`.
STAMP: Final = (
    "device_time",
    "clock_offset_ms",
    "clock_uncertainty_ms",
    "received_at",
    "source",
)


class AlertKind(models.TextChoices):
    EMERGENCY = "emergency", "emergency"
    ASSIST = "assist", "assistance requested"
    SCENE_UNSAFE = "scene_unsafe", "scene no longer safe"
    UNACKNOWLEDGED = "unacknowledged", "call not acknowledged"
    CHECK_IN = "check_in", "crew on scene has not checked in"
    HARM = "harm", "responder came to harm"
    OVERDOSE_SPIKE = "overdose_spike", "overdoses near each other"
    REFERRAL = "referral", "referral without an answer or an outcome"
    FOLLOW_UP = "follow_up", "follow-up that nobody has made"


class AlertQuerySet(VisibleQuerySet["Alert"]):
    COLLECTION = "alerts"

    def open(self) -> AlertQuerySet:
        """Alerts that nobody has acknowledged and nothing has stopped."""
        return self.filter(acknowledged_at=None, stopped_at=None)

    def of_calls(self, assignment_ids: Iterable[UUID]) -> AlertQuerySet:
        """Those that are part of the call, the oldest first. What came to a responder is not."""
        rows = self.filter(assignment_id__in=list(assignment_ids)).exclude(kind=AlertKind.HARM)
        return rows.select_related("acknowledged_by", "unit").order_by("raised_at", "pk")

    def with_taps(self) -> AlertQuerySet:
        """Each with what its fact says of when it was tapped, as `fact_...`: see
        `documents.arrival`. None of it where no fact raised it."""
        fact = Fact.objects.filter(pk=OuterRef("fact_id"))
        return self.annotate(**{f"fact_{name}": Subquery(fact.values(name)) for name in STAMP})


class Alert(UUIDModel):
    """What the supervisors and the dispatch desk must answer, over their own socket."""

    SAFE = frozenset(
        {"id", "kind", "assignment_id", "fact_id", "unit", "raised_at", "level"}
        | {"acknowledged_by", "acknowledged_at", "stopped_at", "counted", "signal_lost_since"}
    )

    kind = models.CharField(max_length=20, choices=AlertKind)
    assignment_id = models.UUIDField(null=True, db_index=True)
    fact_id = models.UUIDField(null=True, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    raised_at = models.DateTimeField()
    level = models.PositiveSmallIntegerField(
        default=3, help_text="2: supervisors; 3: the dispatch desk too"
    )
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True, help_text="its cause is over")
    counted = models.JSONField(null=True, help_text="what was counted: numbers alone")
    signal_lost_since = models.DateTimeField(
        null=True, help_text="check_in: no tablet of the crew has been in contact since then"
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["raised_at", "id"], name="assignments_alert_by_time"),
            models.Index(fields=["level", "raised_at"], name="assignments_alert_by_level"),
            models.Index(fields=["kind", "raised_at"], name="assignments_alert_by_kind"),
            models.Index(
                fields=["raised_at"],
                condition=Q(acknowledged_at=None, stopped_at=None),
                name="assignments_alert_open",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=AlertKind.values), name="assignments_alert_kind"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_by=None, acknowledged_at=None)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False),
                name="assignments_alert_who_and_when",
            ),
            models.CheckConstraint(condition=Q(level__in=[2, 3]), name="assignments_alert_level"),
        ]


class SupportState(models.TextChoices):
    DUE = "due", "to be offered"
    OFFERED = "offered", "offered"
    TAKEN = "taken", "taken"
    DECLINED = "declined", "declined"
    WITHDRAWN = "withdrawn", "withdrawn"


class SupportOfferQuerySet(QuerySet["SupportOffer"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> SupportOfferQuerySet:
        """The team's supervisors see it, and nobody else, whatever else they may do."""
        if isinstance(user, User) and user.is_active and user.role == Role.SUPERVISOR:
            return self.filter(team=user.team_id)
        return self.none()

    def to(self, user: User | None, *, on: UUID) -> SupportOfferQuerySet:
        """What one person was offered for one call, the oldest first."""
        return self.filter(user=user, assignment_id=on).order_by("raised_at", "pk")

    def due_to(self, user: User | None, *, team: UUID) -> SupportOfferQuerySet:
        """What one person (None: nobody knows who) is still to be offered, the latest first."""
        due = self.filter(user=user, team=team, state=SupportState.DUE, closed_at=None)
        return due.order_by("-raised_at", "-pk")


class SupportOffer(UUIDModel):
    """Peer support that a responder is owed after they came to harm, and what became of it.

    It stands outside the client's record: no person, no encounter, no document of a tablet, no
    event. `user` None: nobody knows who it was. `kinds` (PHI): codes.HARMS. `notes` (PHI): {at, by,
    text} of each step, oldest first.
    """

    SAFE = frozenset(
        {"id", "team", "user", "assignment_id", "state", "raised_at", "offered_by", "offered_at"}
        | {"answered_at", "closed_by", "closed_at"}
    )

    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    assignment_id = models.UUIDField(null=True, help_text="so that two reports make one offer")
    state = models.CharField(max_length=10, choices=SupportState, default=SupportState.DUE)
    raised_at = models.DateTimeField()
    offered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    offered_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    kinds = EncryptedJSONField()
    notes = EncryptedJSONField(null=True)

    objects = SupportOfferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=SupportState.values), name="assignments_support_state"
            ),
            models.CheckConstraint(
                condition=Q(offered_by=None, offered_at=None)
                | Q(offered_by__isnull=False, offered_at__isnull=False),
                name="assignments_support_offered_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(closed_by=None, closed_at=None)
                | Q(closed_by__isnull=False, closed_at__isnull=False),
                name="assignments_support_closed_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["taken", "declined"], answered_at__isnull=False)
                | (~Q(state__in=["taken", "declined"]) & Q(answered_at=None)),
                name="assignments_support_answered_when",
            ),
            models.UniqueConstraint(
                fields=["assignment_id", "user"],
                condition=Q(closed_at=None),
                name="assignments_support_once_a_person_and_call",
            ),
        ]
        indexes = [models.Index(fields=["team", "-raised_at"], name="assignments_support_of_team")]
