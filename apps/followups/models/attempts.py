"""What the clock of the follow-ups has begun and not ended."""

from __future__ import annotations

from typing import Final

from django.db import models

from apps.core.ids import short
from apps.core.models import Model
from apps.core.querysets import QuerySet

# What did not come to its end so many times is shown to the operator.
STUCK_AFTER: Final = 3


class ClockAttemptQuerySet(QuerySet["ClockAttempt"]):
    def stuck(self) -> ClockAttemptQuerySet:
        """Those that failed several times: somebody has to look."""
        return self.filter(tries__gte=STUCK_AFTER).order_by("first_at", "pk")


class ClockAttempt(Model):
    """A follow-up that the clock has taken up and is not through with: counted before it is begun,
    gone with its end. One that stays is a fault; it is tried again, later and later.

    `error` is the last exception's name; its text may hold what a record says and is not kept.
    """

    SAFE = frozenset({"follow_up_id", "tries", "first_at", "due_at", "error"})

    follow_up_id = models.UUIDField(primary_key=True)
    tries = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="when it may be taken up again")
    error = models.TextField(blank=True)

    objects = ClockAttemptQuerySet.as_manager()

    class Meta:
        verbose_name = "reminder that fails"
        verbose_name_plural = "reminders that fail"

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {short(self.pk)}"
