"""Units, and who is on them when."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Team, User
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet


class Agency(models.TextChoices):
    CARE = "care", "CARE"
    SPD = "spd", "Seattle Police Department"
    SFD = "sfd", "Seattle Fire Department"
    OTHER = "other", "another agency"


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
        indexes = [models.Index(fields=["starts_at", "id"], name="dispatch_shift_by_time")]
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
