"""The rows of what came early: which document waits, and for what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import OuterRef

from apps.accounts.models import Tablet, User
from apps.changes.querysets import VisibleQuerySet
from apps.core.models import UUIDModel

# The collection of what was refused: see `QuarantinedWrite`.
REFUSED: Final = "quarantine"


class EarlyDocumentQuerySet(VisibleQuerySet["EarlyDocument"]):
    """Whoever may see the document may see that it waits."""

    COLLECTION = OuterRef("collection")
    DOC_ID = "doc_id"

    def older_than(self, age: timedelta, *, now: datetime) -> EarlyDocumentQuerySet:
        """Those that have waited longer."""
        return self.filter(since__lt=now - age)


class EarlyDocument(UUIDModel):
    """A document waits for what it is of: that has not come yet. Gone once it has.

    `what`: its collection, of a fact its kind. `parent` and `parent_id`: for what it waits; see
    `parents`. A document that waits for two has two rows. What was refused until its parent comes
    stands here as its document in the collection `quarantine`. `author` sent it, None: nobody was
    signed in.
    """

    SAFE = frozenset(
        {"id", "collection", "what", "doc_id", "parent", "parent_id", "tablet", "author", "since"}
    )

    collection = models.CharField(max_length=40)
    what = models.CharField(max_length=40)
    doc_id = models.UUIDField("document")
    parent = models.CharField("waits for", max_length=40)
    parent_id = models.UUIDField()
    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+")
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField()

    objects = EarlyDocumentQuerySet.as_manager()

    class Meta:
        verbose_name = "document that waits"
        verbose_name_plural = "documents that wait"
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "doc_id", "parent", "parent_id"], name="sync_waits_once"
            )
        ]
        indexes = [
            models.Index(fields=["since", "id"], name="sync_waits_by_time"),
            models.Index(fields=["what", "since"], name="sync_waits_by_what"),
            models.Index(fields=["parent", "since"], name="sync_waits_by_parent"),
        ]

    @property
    def is_refused(self) -> bool:
        """Whether it lies in quarantine until then."""
        return self.collection == REFUSED
