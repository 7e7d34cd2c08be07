"""What happened, as somebody or something reported it."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import models
from django.db.models import Func, Q

from apps.accounts.models import User
from apps.assignments.codes import PRIVATE
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField
from apps.core.models import UUIDModel
from apps.dispatch.models import Unit


class NextInOrder(Func):
    """The next number of the facts' sequence (made in the first migration, CACHE 1)."""

    template = "nextval('assignments_fact_order')"
    output_field = models.BigIntegerField()


class FactSource(models.TextChoices):
    TABLET = "tablet", "tablet"
    CAD = "cad", "CAD"
    DESK = "desk", "supervisor or dispatcher"
    SYSTEM = "system", "Carefield"


class FactQuerySet(VisibleQuerySet["Fact"]):
    COLLECTION = "facts"

    def of(self, assignment_id: UUID) -> FactQuerySet:
        """The facts of one assignment, in the server's order."""
        return self.filter(assignment_id=assignment_id).order_by("order")

    def of_calls(self, assignment_ids: Iterable[UUID]) -> FactQuerySet:
        """What happened on these calls. Never what a responder tells of themselves: whoever reads,
        shows, counts or hands on a call reads its facts here."""
        return self.filter(assignment_id__in=list(assignment_ids)).exclude(event__in=PRIVATE)


class Fact(UUIDModel):
    """One thing that happened, as somebody or something reported it. Append-only by trigger.

    `assignment_id` is no foreign key: a fact may arrive before its assignment. `device` is the
    local database that made it, `counter` orders the facts of one device, `order` is the server's
    sequence and decides precedence between devices: it is taken under the assignment's lock.
    `data` (PHI) has a shape per event; `unread` (PHI) holds what a tablet sent that has no column,
    or has one that cannot hold it. `flags` are those of its arrival.
    """

    SAFE = frozenset(
        {"id", "assignment_id", "event", "device", "counter", "edit_no", "device_time"}
        | {"clock_offset_ms", "clock_uncertainty_ms", "received_at", "order", "author", "unit"}
        | {"source", "flags"}
    )
    APPEND_ONLY = True

    assignment_id = models.UUIDField(null=True, db_index=True)
    event = models.CharField(max_length=24)
    device = models.UUIDField(null=True)
    counter = models.BigIntegerField(null=True)
    edit_no = models.BigIntegerField(null=True)
    device_time = models.DateTimeField(null=True)
    clock_offset_ms = models.IntegerField(
        null=True, help_text="device clock minus server clock, milliseconds, measured at the push"
    )
    clock_uncertainty_ms = models.IntegerField(null=True)
    received_at = models.DateTimeField()
    order = models.BigIntegerField(unique=True, db_default=NextInOrder())
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=10, choices=FactSource)
    flags = models.JSONField(default=list)
    data = EncryptedJSONField()
    unread = EncryptedJSONField(null=True)

    objects = FactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=FactSource.values), name="assignments_fact_source"
            ),
        ]
        indexes = [
            # What the list is narrowed by.
            models.Index(fields=["event", "received_at"], name="assignments_fact_by_event"),
            models.Index(fields=["source", "received_at"], name="assignments_fact_by_source"),
            models.Index(fields=["received_at", "id"], name="assignments_fact_by_time"),
        ]
