"""Trainings that people have done, and the protocol that a medical director has approved."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet


class CertificationKind(models.TextChoices):
    NALOXONE = "naloxone", "naloxone"
    FIRST_AID = "first_aid", "first aid"
    PEER = "peer", "peer counsellor"


class CertificationQuerySet(QuerySet["Certification"]):
    def held(self) -> CertificationQuerySet:
        """Those that were not taken back, expired or not."""
        return self.filter(withdrawn_at=None)

    def expired(self, day: date) -> CertificationQuerySet:
        """Held ones that are not good any more on this day."""
        return self.held().filter(expires_on__lt=day)

    def expiring(self, by: date) -> CertificationQuerySet:
        """Held ones that are not good any more after this day, the soonest first."""
        return self.held().filter(expires_on__lte=by).order_by("expires_on", "pk")


class Certification(UUIDModel):
    """A training that somebody has done. It is shown to those who train, and stops nobody:
    everyone may give naloxone."""

    SAFE = frozenset(
        {"id", "user", "kind", "number", "issued_on", "expires_on", "recorded_by", "recorded_at"}
        | {"withdrawn_at", "withdrawn_by"}
    )

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=CertificationKind)
    number = models.CharField(max_length=60, blank=True)
    issued_on = models.DateField()
    expires_on = models.DateField(null=True, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = CertificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=CertificationKind.values), name="firstaid_certification_kind"
            ),
            models.CheckConstraint(
                condition=Q(expires_on=None) | Q(expires_on__gte=models.F("issued_on")),
                name="firstaid_certification_expires_later",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="firstaid_certification_withdrawn_who_and_when",
            ),
        ]


class ProtocolQuerySet(QuerySet["OverdoseProtocol"]):
    def begun(self, day: date) -> ProtocolQuerySet:
        """Those that hold, or have held, on this day."""
        return self.filter(effective_from__lte=day)


class OverdoseProtocol(UUIDModel):
    """When the log asks again after a dose: what the medical director has approved, and for when.

    `citation` names the approval. `effective_to` is the last day; None: until further notice. Of
    several that hold the one that began last counts.
    """

    SAFE = frozenset(
        {"id", "version", "citation", "effective_from", "effective_to", "recheck_seconds"}
    )

    version = models.CharField(max_length=40, unique=True)
    citation = models.CharField(max_length=400)
    effective_from = models.DateField()
    effective_to = models.DateField(null=True, blank=True)
    recheck_seconds = models.PositiveSmallIntegerField(
        "ask again after (seconds)", help_text="2 to 3 minutes: 120 to 180"
    )

    objects = ProtocolQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(recheck_seconds__range=(120, 180)), name="firstaid_protocol_interval"
            ),
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gte=models.F("effective_from")),
                name="firstaid_protocol_ends_later",
            ),
        ]

    def __str__(self) -> str:
        return self.version
