"""What notes are judged by."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.casenotes.policies import Policies, Version, shipped
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet


class PolicyQuerySet(QuerySet["NotePolicy"]):
    def held(self) -> Policies:
        """All versions, as a value; those that come with the product where none was loaded."""
        rows = [row.as_version() for row in self.order_by("effective_from", "version")]
        return Policies(rows or shipped())


class NotePolicy(UUIDModel):
    """One version of what notes are judged by. A change is a new version.

    `definition` has the shape of `casenotes.policies.Policy`. `citation` is for whoever reads it in
    two years: who decided it, by what evidence. Until it is confirmed, tablets say that it is to
    be; `confirmation` tells whose word that was and where it is written, `confirmed_by` who put it
    down here.
    """

    SAFE = frozenset(
        {"id", "version", "effective_from", "effective_to", "citation", "definition"}
        | {"made_by", "made_at", "confirmed_by", "confirmed_at", "confirmation"}
    )

    version = models.SlugField(max_length=60, unique=True)
    effective_from = models.DateTimeField()
    effective_to = models.DateTimeField(null=True, blank=True)
    citation = models.TextField()
    definition = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmation = models.TextField(blank=True)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name = "note policy"
        verbose_name_plural = "note policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=models.F("effective_from")),
                name="casenotes_policy_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None, confirmed_at=None, confirmation="")
                | (Q(confirmed_by__isnull=False, confirmed_at__isnull=False) & ~Q(confirmation="")),
                name="casenotes_policy_confirmed_by_whom_and_when",
            ),
        ]

    def __str__(self) -> str:
        return self.version

    def as_version(self) -> Version:
        """The policy as a value."""
        return Version(
            version=self.version,
            effective_from=self.effective_from,
            effective_to=self.effective_to,
            definition=self.definition,
            citation=self.citation,
            id=self.pk,
        )
