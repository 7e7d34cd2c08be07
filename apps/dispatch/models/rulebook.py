"""What calls are, where beats are, and the rules that explain."""

from __future__ import annotations

from datetime import datetime

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet


class CallType(Model):
    """A call type string of the local CAD, with the standard types it stands for.

    `common_type`: APCO ANS 2.103.2-2019; `nemsis_code`: NEMSIS 3.5.1 eDispatch.01. The mapping is
    the project's own and is to be confirmed by the 911 centre. `check_in_minutes` is the
    department's to set; none is shipped, because no source that we know gives one by call type.
    """

    SAFE = frozenset({"code", "common_type", "nemsis_code", "check_in_minutes"})

    code = models.CharField(max_length=120, primary_key=True)
    common_type = models.CharField(max_length=20, blank=True)
    nemsis_code = models.CharField(max_length=10, blank=True)
    check_in_minutes = models.PositiveSmallIntegerField(
        "check-in every (minutes)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="A crew on scene is asked whether all is well this often. Empty: as the setting "
        "CHECK_IN_MINUTES says. It counts for calls that come, or change, from now on. Intervals "
        "are the project's own, to be confirmed by the department.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(check_in_minutes=None) | Q(check_in_minutes__gte=1),
                name="dispatch_check_in_takes_time",
            )
        ]

    def __str__(self) -> str:
        return self.code


class BeatOutline(UUIDModel):
    """A beat as a map draws it: see `apps.dispatch.outlines`. Optional: nothing but maps asks for
    it."""

    SAFE = frozenset({"id", "code", "rings", "source", "loaded_at"})

    code = models.CharField(max_length=10, unique=True)
    rings = models.JSONField(help_text="lists of [longitude, latitude]")
    source = models.CharField(max_length=200)
    loaded_at = models.DateTimeField()

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

    def in_force(self, at: datetime) -> bool:
        """Whether it is effective at this instant."""
        return self.effective_from <= at and (self.effective_to is None or at < self.effective_to)
