"""Which encounters are followed up, and on what that rests."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.followups.codes import BASES
from apps.sync.told import STAMP, Told


class PlanQuerySet(QuerySet["FollowUpPlan"]):
    def in_force(self, at: datetime) -> FollowUpPlan | None:
        """The plan that holds at this instant: of those that are effective the one that became so
        last. None: nothing is followed up by a plan."""
        rows = self.filter(
            Q(effective_to=None) | Q(effective_to__gt=at), effective_from__lte=at
        ).order_by("-effective_from", "-version")
        return rows.first()


class FollowUpPlan(UUIDModel):
    """One version of what is followed up, when and how. A change is a new version.

    `definition` has the shape of `apps.followups.plans.Plan`: {items: [...]}. `why` is for whoever
    reads it in two years: who decided it, by what evidence.
    """

    SAFE = frozenset(
        {"id", "version", "effective_from", "effective_to", "why", "definition"}
        | {"made_by", "made_at"}
    )

    version = models.SlugField(max_length=60, unique=True)
    effective_from = models.DateTimeField()
    effective_to = models.DateTimeField(null=True, blank=True)
    why = models.TextField()
    definition = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = "follow-up plan"
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=F("effective_from")),
                name="followups_plan_ends_after_start",
            )
        ]

    def __str__(self) -> str:
        return self.version


class FollowUpBasis(models.TextChoices):
    AGREED = "agreed", BASES["agreed"]
    CLINICIAN = "clinician", BASES["clinician"]
    REFUSED = "refused", BASES["refused"]


class AgreementQuerySet(VisibleQuerySet["FollowUpAgreement"]):
    """They are facts: who may see the call's facts may see them."""

    COLLECTION = "facts"

    def of(self, encounter_id: UUID) -> AgreementQuerySet:
        """What was said in one encounter, the first first."""
        return self.filter(encounter_id=encounter_id).order_by("received_at", "pk")


class FollowUpAgreement(Told):
    """Whether a person wants to be followed up, or a clinician's reason to do it all the same, with
    its last day. Append-only: the last one said holds.

    `assignment_id` and `encounter_id` are no foreign keys: it may come first. `said_at` is by the
    device's clock. `content` (PHI): {ways, words, reason}: how the person wants to be reached, what
    they said, a clinician's reason.
    """

    SAFE = STAMP | {"assignment_id", "encounter_id", "basis", "said_at", "ends_on", "author"}

    assignment_id = models.UUIDField(db_index=True)
    encounter_id = models.UUIDField(db_index=True)
    basis = models.CharField(max_length=10, choices=FollowUpBasis)
    said_at = models.DateTimeField()
    ends_on = models.DateField(null=True, help_text="the last day on which it holds")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    content = EncryptedJSONField()

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = "agreement to follow-ups"
        verbose_name_plural = "agreements to follow-ups"
        indexes = [models.Index(fields=["received_at", "id"], name="followups_agreement_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(basis__in=FollowUpBasis.values), name="followups_agreement_basis"
            ),
            models.CheckConstraint(
                condition=~Q(basis="clinician") | Q(ends_on__isnull=False),
                name="followups_clinician_until_when",
            ),
        ]


class MissingAgreementQuerySet(VisibleQuerySet["MissingAgreement"]):
    """Who may see the encounter may see that nobody asked in it."""

    COLLECTION = "encounters"
    DOC_ID = "encounter_id"

    def open(self) -> MissingAgreementQuerySet:
        """Those that are still missing, the last encounter first."""
        return self.filter(settled_at=None).order_by("-ended_at", "-pk")


class MissingAgreement(UUIDModel):
    """An encounter in which somebody was met whom the plan would follow up, and nobody asked them
    whether they want it: none was made. `items`: which ones. Kept up by `services.planning`."""

    SAFE = frozenset(
        {"id", "encounter_id", "assignment_id", "items", "ended_at", "noticed_at", "settled_at"}
    )

    encounter_id = models.UUIDField(unique=True)
    assignment_id = models.UUIDField()
    items = ArrayField(models.SlugField(max_length=40))
    ended_at = models.DateTimeField(help_text="when the encounter ended")
    noticed_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, help_text="when it was no longer missing")

    objects = MissingAgreementQuerySet.as_manager()

    class Meta:
        verbose_name = "missing agreement"
        indexes = [
            models.Index(
                fields=["-ended_at", "-id"],
                condition=Q(settled_at=None),
                name="followups_not_asked",
            )
        ]
