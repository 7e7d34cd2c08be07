"""Who read or changed what. People and tablets are named by id, without foreign keys."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet


class ActorKind(models.TextChoices):
    USER = "user", "person"
    TABLET = "tablet", "person on a tablet"
    CAD = "cad", "CAD system"
    PARTNER = "partner", "partner's system"
    SYSTEM = "system", "Carefield itself"


class EntryQuerySet(QuerySet["Entry"]):
    def about(self, subject_id: object) -> EntryQuerySet:
        """Every entry that names this record."""
        return self.filter(subject_ids__contains=[subject_id])


class Entry(UUIDModel):
    """One reading or change of one or more records of the same type. Append-only by trigger."""

    SAFE = frozenset(
        {"id", "at", "actor_kind", "actor_id", "tablet_id", "action", "subject_type"}
        | {"subject_ids", "detail"}
    )
    APPEND_ONLY = True

    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.UUIDField(null=True)
    tablet_id = models.UUIDField(null=True)
    action = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40)
    subject_ids = ArrayField(models.UUIDField())
    detail = models.JSONField(default=dict)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(actor_kind__in=ActorKind.values), name="audit_actor_kind"
            )
        ]
        indexes = [
            models.Index(fields=["actor_id", "at"]),
            # "Who saw and changed this record": asked seldom, of millions of rows.
            GinIndex(fields=["subject_ids"], name="audit_entry_subjects"),
        ]
