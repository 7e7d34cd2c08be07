"""Looks that are asked for once a note is signed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.casenotes.models.notes import CaseNote, CaseNoteQuerySet
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import UUIDModel


class ReviewState(models.TextChoices):
    WAITING = "waiting", "waiting"
    ACCEPTED = "accepted", "accepted"
    RETURNED = "returned", "returned"


class ReviewQuerySet(VisibleQuerySet["Review"]):
    """Who may see a note may see its reviews."""

    COLLECTION = CaseNoteQuerySet.COLLECTION
    DOC_ID = "note_id"

    def waiting(self) -> ReviewQuerySet:
        """The queue: the longest waiting first."""
        return self.filter(state=ReviewState.WAITING).order_by("asked_at", "pk")


class Review(UUIDModel):
    """A look that a rule, or the sample, asks for after a note is signed. Decided once: a trigger
    refuses what would change it then, and nothing is ever deleted.

    A returned note is answered with an addendum, which asks for the next review. `reasons` (PHI)
    are codes of rules: a reason tells of the person's state. `policy` has those rules; None: the
    first that came with the product.
    """

    SAFE = frozenset({"id", "note", "policy", "state", "asked_at", "reviewer", "decided_at"})

    note = models.ForeignKey(CaseNote, models.PROTECT, related_name="reviews")
    policy = models.ForeignKey(
        "NotePolicy", models.PROTECT, null=True, related_name="+", db_index=False
    )
    state = models.CharField(max_length=10, choices=ReviewState, default=ReviewState.WAITING)
    asked_at = models.DateTimeField()
    reasons = EncryptedJSONField()
    reviewer = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    comment = EncryptedTextField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = "review"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ReviewState.values), name="casenotes_review_state"
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", reviewer=None, decided_at=None, comment__isnull=True)
                | Q(
                    state__in=["accepted", "returned"],
                    reviewer__isnull=False,
                    decided_at__isnull=False,
                ),
                name="casenotes_reviewed_by_whom_and_when",
            ),
            models.UniqueConstraint(
                fields=["note"], condition=Q(state="waiting"), name="casenotes_one_review_waits"
            ),
        ]
        indexes = [
            models.Index(
                fields=["asked_at", "id"],
                condition=~Q(state="waiting"),
                name="casenotes_review_decided",
            ),
            models.Index(
                fields=["asked_at", "id"],
                condition=Q(state="waiting"),
                name="casenotes_review_queue",
            ),
        ]
