"""Who read or changed what. People and tablets are named by id, without foreign keys."""

from __future__ import annotations

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.core.fields import EncryptedTextField
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
    """One reading or change of one or more records of the same type. Append-only by trigger.

    `reason` (PHI): why it was done, in the words of whoever did it; null where nobody was asked.
    """

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
    reason = EncryptedTextField(null=True)

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
            # What the list is narrowed by.
            models.Index(fields=["action", "at"], name="audit_entry_by_action"),
            models.Index(fields=["subject_type", "at"], name="audit_entry_by_type"),
            models.Index(fields=["actor_kind", "at"], name="audit_entry_by_actor_kind"),
            # "Who saw and changed this record": asked seldom, of millions of rows.
            GinIndex(fields=["subject_ids"], name="audit_entry_subjects"),
        ]


class SavedViewQuerySet(QuerySet["SavedView"]):
    def of(self, *, user_id: UUID, team_id: UUID | None) -> SavedViewQuerySet:
        """One's own, and what is shared with a team (None: with none)."""
        shared = models.Q(team_id=team_id) if team_id else models.Q()
        return self.filter(models.Q(user_id=user_id) | shared).order_by("id")


class SavedView(UUIDModel):
    """The filters of a list, as somebody keeps them. What was searched for is never among them;
    nobody knows what people type as a name, so that is sealed."""

    SAFE = frozenset({"id", "page", "user_id", "team_id", "query", "made_at"})

    page = models.CharField(max_length=80)  # the list's model: `people.person`
    user_id = models.UUIDField(db_index=True)
    team_id = models.UUIDField(null=True)  # whom it is shared with; NULL: nobody
    name = EncryptedTextField(max_length=60)
    query = models.JSONField(default=dict)  # the list's parameters, each with its values
    made_at = models.DateTimeField()

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["page", "team_id"], name="audit_savedview_shared")]
