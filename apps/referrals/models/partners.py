"""What CARE knows of a partner beside its account: whether what it tells us is protected. Which
agencies of the directory it speaks for, those say (`Organization.partner`)."""

from __future__ import annotations

from uuid import UUID

from django.db import models

from apps.accounts.models import Partner, User
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet


class AgencyQuerySet(QuerySet["PartnerAgency"]):
    def programmes(self) -> frozenset[UUID]:
        """The partners that are programmes under 42 CFR Part 2."""
        return frozenset(self.filter(part2=True).values_list("partner", flat=True))


class PartnerAgency(UUIDModel):
    """A partner, as CARE knows it. `part2`: it is a programme under 42 CFR Part 2, and
    what it tells us is protected, whatever it is about."""

    SAFE = frozenset({"id", "partner", "part2", "noted_by", "noted_at"})

    partner = models.OneToOneField(Partner, models.PROTECT, related_name="agency")
    part2 = models.BooleanField(
        "programme under 42 CFR Part 2",
        default=False,
        help_text="What it tells us needs a written, signed consent to be told on.",
    )
    noted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    noted_at = models.DateTimeField()

    objects = AgencyQuerySet.as_manager()

    class Meta:
        verbose_name = "partner in the directory"
        verbose_name_plural = "partners in the directory"

    def __str__(self) -> str:
        return self.partner.name
