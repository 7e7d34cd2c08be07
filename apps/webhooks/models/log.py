"""How far the log was read, and what of it could not be told yet."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet


class Cursor(Model):
    """How far events were made from the log: the last change that was read, `(seq, n)`."""

    SAFE = frozenset({"name", "seq", "n"})

    name = models.CharField(max_length=20, primary_key=True)
    seq = models.BigIntegerField()
    n = models.BigIntegerField()

    def __str__(self) -> str:
        return self.name


class UntoldEventQuerySet(QuerySet["UntoldEvent"]):
    def due(self, now: datetime) -> UntoldEventQuerySet:
        """Those to be tried again, the longest awaited first."""
        return self.filter(due_at__lte=now).order_by("due_at")


class UntoldEvent(UUIDModel):
    """An event of the log whose `build` or `audience` failed. The others go on; it is tried again
    until it succeeds, and is told then, under a later sequence.

    `error`: the last exception's name; its text may hold what a record says and is not kept.
    """

    SAFE = frozenset(
        {"id", "seq", "change", "event", "subject", "type", "occurred_at", "error", "attempts"}
        | {"failed_at", "due_at"}
    )

    seq = models.BigIntegerField()
    change = models.BigIntegerField()
    event = models.TextField()
    subject = models.UUIDField()
    type = models.CharField(max_length=60)
    occurred_at = models.DateTimeField()
    error = models.TextField()
    attempts = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)

    objects = UntoldEventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["failed_at", "id"], name="webhooks_untold_by_time"),
            models.Index(fields=["error", "failed_at"], name="webhooks_untold_by_error"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["change", "type"], name="webhooks_untold_once")
        ]
