"""What became of the rows that tablets pushed: the ledger of those taken, and the quarantine."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.accounts.models import Tablet, User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField
from apps.core.models import UUIDModel


class TakenWrite(UUIDModel):
    """A pushed document that was applied. The unique key orders two copies of one request.

    `fingerprint` is a keyed hash of what the client wrote: the same again is a repeat, something
    else under the same id is not.
    """

    SAFE = frozenset(
        {"id", "collection", "doc_id", "fingerprint", "instance", "editor", "edit_no", "taken_at"}
    )

    collection = models.CharField(max_length=40)
    doc_id = models.UUIDField()
    fingerprint = models.BinaryField(max_length=16)
    instance = models.UUIDField()
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["collection", "doc_id"], name="sync_taken_once")
        ]


class QuarantinedWriteQuerySet(VisibleQuerySet["QuarantinedWrite"]):
    COLLECTION = "quarantine"

    def open(self) -> QuarantinedWriteQuerySet:
        """Neither corrected by its author nor acknowledged by a supervisor."""
        return self.filter(corrected_at=None, acknowledged_at=None)


class QuarantinedWrite(UUIDModel):
    """A pushed row that could not be taken, kept whole, as it was sent.

    `doc_id` is text: even an id that is none is kept. `base` is the state that it was typed on,
    `author` who was signed in (None: nobody). The unique key makes a repeat the same row.
    """

    SAFE = frozenset(
        {"id", "collection", "doc_id", "tablet", "author", "instance", "editor", "edit_no"}
        | {"fingerprint", "at", "corrected_at", "acknowledged_by", "acknowledged_at"}
    )

    collection = models.CharField(max_length=40)
    doc_id = models.CharField("document", max_length=64)
    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+")
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    instance = models.UUIDField("local database")
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    fingerprint = models.BinaryField(max_length=16)
    base = EncryptedJSONField(null=True)
    content = EncryptedJSONField()
    errors = EncryptedJSONField()
    at = models.DateTimeField()
    corrected_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)

    objects = QuarantinedWriteQuerySet.as_manager()

    class Meta:
        verbose_name = "quarantined write"
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "collection", "doc_id", "edit_no", "fingerprint"],
                name="sync_quarantined_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_by=None, acknowledged_at=None)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False),
                name="sync_acknowledged_by_whom_and_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["collection", "doc_id"],
                condition=Q(corrected_at=None),
                name="sync_quarantine_open",
            )
        ]
