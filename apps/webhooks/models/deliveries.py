"""One event for one endpoint, and each attempt to deliver it."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.webhooks.models.endpoints import Endpoint, EndpointState


class Lane(models.IntegerChoices):
    """In the order in which they are claimed."""

    URGENT = 0, "urgent: waits for no event before it"
    ORDINARY = 1, "ordinary: one after the other, for each subject"


class DeliveryState(models.TextChoices):
    PENDING = "pending", "pending"
    ACCEPTED = "accepted", "accepted"
    PARKED = "parked", "parked"


class ParkedWhy(models.TextChoices):
    REFUSED = "refused", "the receiver refused it for good"
    GONE = "gone", "the receiver says that it is gone"
    UNPROVEN = "unproven", "the receiver did not repeat the challenge"
    DISABLED = "disabled", "its endpoint was disabled, and nobody opened it again"


class DeliveryQuerySet(QuerySet["Delivery"]):
    def pending(self) -> DeliveryQuerySet:
        return self.filter(state=DeliveryState.PENDING)

    def after(self, sequence: int) -> DeliveryQuerySet:
        """What was made after this number, in order."""
        return self.filter(sequence__gt=sequence).order_by("sequence")

    def forsaken(self, before: datetime) -> DeliveryQuerySet:
        """Those that wait for an endpoint that was disabled before."""
        return self.pending().filter(
            endpoint__state=EndpointState.DISABLED, endpoint__disabled_at__lt=before
        )

    def expired(self, before: datetime) -> DeliveryQuerySet:
        """Settled ones, made before, whose body is still here."""
        return self.filter(made_at__lt=before, data__isnull=False).exclude(
            state=DeliveryState.PENDING
        )


class Delivery(UUIDModel):
    """One event for one endpoint. The row's id is the `webhook-id`, the same on every attempt.

    The id follows from the epoch, the change in the log (`change`, `feed_change.n`), the endpoint
    and the type: made again after a crash or a restore it is the same. `subject`: what is told in
    order. `tries`: attempts since the schedule last began, `attempts`: all of them. `claim` with
    `claimed_until`: a worker has it. `replay`: it is sent once more, in no order. `data` is gone
    (None) once it has expired; the row stays.
    """

    SAFE = frozenset(
        {"id", "endpoint", "sequence", "epoch", "change", "type", "version", "lane", "subject"}
        | {"occurred_at", "made_at", "state", "due_at", "tries", "attempts", "claim"}
        | {"claimed_until", "replay", "settled_at", "parked_why"}
    )

    endpoint = models.ForeignKey(Endpoint, models.PROTECT, related_name="deliveries")
    sequence = models.BigIntegerField()
    epoch = models.UUIDField()
    change = models.BigIntegerField()
    type = models.CharField(max_length=60)
    version = models.PositiveSmallIntegerField()
    lane = models.SmallIntegerField(choices=Lane)
    subject = models.UUIDField()
    occurred_at = models.DateTimeField()
    made_at = models.DateTimeField()
    data = EncryptedJSONField(null=True)
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    due_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    replay = models.BooleanField(default=False)
    settled_at = models.DateTimeField(null=True)
    parked_why = models.CharField(max_length=10, choices=ParkedWhy, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "change", "type"], name="webhooks_event_once_an_endpoint"
            ),
            models.UniqueConstraint(
                fields=["endpoint", "sequence"], name="webhooks_sequence_once_an_endpoint"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values)
                & Q(lane__in=Lane.values)
                & Q(parked_why__in=["", *ParkedWhy.values]),
                name="webhooks_delivery_choices",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", settled_at=None, parked_why="", data__isnull=False)
                | Q(state="accepted", settled_at__isnull=False, parked_why="", claim=None)
                | Q(state="parked", settled_at__isnull=False, claim=None) & ~Q(parked_why=""),
                name="webhooks_delivery_settled_when",
            ),
            models.CheckConstraint(
                condition=Q(claim=None, claimed_until=None)
                | Q(claim__isnull=False, claimed_until__isnull=False),
                name="webhooks_delivery_claimed_until",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "lane", "sequence"],
                condition=Q(state="pending"),
                name="webhooks_delivery_pending",
            ),
            # What is under way is counted at each claim, beside whatever backlog there is.
            models.Index(
                fields=["endpoint"],
                condition=Q(claim__isnull=False),
                name="webhooks_delivery_under_way",
            ),
            # What is told in order and waits: of each subject the first is looked up.
            models.Index(
                fields=["endpoint", "subject", "sequence"],
                condition=Q(state="pending", lane=1, replay=False),
                name="webhooks_delivery_waiting",
            ),
            models.Index(
                fields=["endpoint", "sequence"],
                condition=Q(state="pending", replay=True),
                name="webhooks_delivery_replays",
            ),
            # What was refused, and whether a later one of the subject was taken since.
            models.Index(
                fields=["endpoint", "subject", "sequence"],
                condition=Q(state="parked"),
                name="webhooks_delivery_refused",
            ),
            models.Index(
                fields=["endpoint", "subject", "sequence"],
                condition=Q(state="accepted", lane=1),
                name="webhooks_delivery_taken",
            ),
            models.Index(fields=["made_at", "id"], name="webhooks_delivery_newest"),
            models.Index(
                fields=["made_at"],
                condition=Q(data__isnull=False) & ~Q(state="pending"),
                name="webhooks_delivery_bodies",
            ),
        ]


class Outcome(models.TextChoices):
    """How an attempt ended."""

    OPEN = "open", "under way"
    ACCEPTED = "accepted", "accepted"
    REFUSED = "refused", "refused for good"
    GONE = "gone", "gone for good"
    UNPROVEN = "unproven", "challenge not repeated"
    FAILED = "failed", "answered with a failure"
    REDIRECTED = "redirected", "answered with a redirection, which is never followed"
    TIMED_OUT = "timed_out", "no answer in time"
    UNREACHABLE = "unreachable", "not reached"
    FORBIDDEN = "forbidden", "the address is not one that we call"
    LOST = "lost", "our worker ended before the answer"


class AttemptQuerySet(QuerySet["Attempt"]):
    def expired(self, before: datetime) -> AttemptQuerySet:
        """Those made before whose excerpt is still here."""
        return self.filter(started_at__lt=before, excerpt__isnull=False)


class Attempt(UUIDModel):
    """One attempt. It is written before it is made: its start is the commit of this row.

    `status`: of the answer. `excerpt` (sealed, may hold anything): the beginning of the answer.
    """

    SAFE = frozenset(
        {"id", "delivery", "number", "started_at", "ended_at", "outcome", "status", "latency_ms"}
    )

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="tried")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.OPEN)
    status = models.PositiveSmallIntegerField(null=True)
    latency_ms = models.PositiveIntegerField(null=True)
    excerpt = EncryptedTextField(null=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "number"], name="webhooks_attempt_number_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="webhooks_attempt_outcome"
            ),
            models.CheckConstraint(
                condition=Q(outcome="open", ended_at=None)
                | ~Q(outcome="open") & Q(ended_at__isnull=False),
                name="webhooks_attempt_ended_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["started_at"],
                condition=Q(excerpt__isnull=False),
                name="webhooks_attempt_excerpts",
            )
        ]
