"""When a team may be reached, where its people are, and what is handed over to mail and telephone.

A `Notification` is one reason to tell one person by one channel. A `Message` is what is handed
over: all the notifications of one person and channel that are due together, so that a burst is one
message. Neither holds a word about anybody: a message says how many follow-ups are due.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Team, User
from apps.core.fields import EncryptedTextField
from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet


class Channel(models.TextChoices):
    EMAIL = "email", "e-mail"
    TEXT = "text", "text message"
    PUSH = "push", "push message"


class Topic(models.TextChoices):
    FOLLOW_UP = "follow_up", "a follow-up is due"
    NOTE = "note", "a record is owed"
    REPORT = "report", "a report that the law asks for is due"
    CERTIFICATE = "certificate", "a certificate runs out"
    QUESTION = "question", "a supervisor asks about a record that was opened"


class Level(models.IntegerChoices):
    """How far a reminder has risen."""

    OWNER = 1, "whoever has it"
    TEAM = 2, "the team"
    SUPERVISORS = 3, "the supervisors"


class TeamHours(Model):
    """When a team works and when its telephones are silent, by the clock on its wall.

    `opens` and `closes`: the shift hours; equal means the whole day. Between `quiet_from` and
    `quiet_until` nothing rings; equal means never. Either may cross midnight. A team without a row
    keeps the hours of the settings.
    """

    SAFE = frozenset({"team", "time_zone", "opens", "closes", "quiet_from", "quiet_until"})

    team = models.OneToOneField(Team, models.CASCADE, primary_key=True, related_name="hours")
    time_zone = models.CharField(max_length=60, help_text="IANA name: America/Los_Angeles")
    opens = models.TimeField(default=time(12))
    closes = models.TimeField(default=time(22))
    quiet_from = models.TimeField(default=time(22))
    quiet_until = models.TimeField(default=time(8))

    class Meta:
        verbose_name = verbose_name_plural = "team hours"

    def __str__(self) -> str:
        return f"hours of {self.team}"


class ContactPointQuerySet(QuerySet["ContactPoint"]):
    def in_use(self) -> ContactPointQuerySet:
        """Those by which somebody is told: of people whose account is open."""
        return self.filter(is_active=True, user__is_active=True)

    def of(self, users: Iterable[UUID], level: int) -> ContactPointQuerySet:
        """Where these people are told of something of this level."""
        return self.in_use().filter(user_id__in=list(users), from_level__lte=level)


class ContactPoint(UUIDModel):
    """Where one of our people is told by one channel, from `from_level` on. `address` is their own:
    a mailbox, a telephone number (E.164), a push subscription."""

    SAFE = frozenset({"id", "user", "channel", "from_level", "is_active"})

    user = models.ForeignKey(User, models.CASCADE, related_name="contact_points")
    channel = models.CharField(max_length=10, choices=Channel)
    from_level = models.PositiveSmallIntegerField(choices=Level, default=Level.OWNER)
    is_active = models.BooleanField(default=True)
    address = EncryptedTextField()

    objects = ContactPointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "channel"], name="notify_one_point_a_channel"),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values) & Q(from_level__in=Level.values),
                name="notify_point_choices",
            ),
        ]


class MessageState(models.TextChoices):
    PENDING = "pending", "waits"
    HANDED = "handed", "handed over"
    VOID = "void", "nothing of it was to be said any more"
    FAILED = "failed", "given up"


class MessageQuerySet(QuerySet["Message"]):
    def due(self, now: datetime) -> MessageQuerySet:
        """Those that may be claimed: due, and held by no worker whose lease still runs."""
        free = Q(claimed_until=None) | Q(claimed_until__lte=now)
        return self.filter(free, state=MessageState.PENDING, due_at__lte=now).order_by("due_at")

    def told(self) -> MessageQuerySet:
        """Those that are done with: handed over, or void."""
        return self.filter(state__in=[MessageState.HANDED, MessageState.VOID])

    def counted(self, user_id: UUID, since: datetime) -> MessageQuerySet:
        """What counts against a person's budget since then: urgent ones do not."""
        return self.filter(user_id=user_id, made_at__gte=since, urgent=False).exclude(
            state=MessageState.VOID
        )


class Message(UUIDModel):
    """What is handed over: its id is the idempotency id, the same on every attempt. `claim` with
    `claimed_until`: a worker has it. `tries` counts attempts, each before it is made. `error` names
    what the last one failed with (the exception's name, no text of a gateway).

    One waits at a time for one person and channel: what comes meanwhile is in the next one.
    """

    SAFE = frozenset(
        {"id", "user", "channel", "urgent", "made_at", "due_at", "state", "claim"}
        | {"claimed_until", "tries", "settled_at", "error"}
    )

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=10, choices=Channel)
    urgent = models.BooleanField(default=False, help_text="of the highest level: in no budget")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=MessageState, default=MessageState.PENDING)
    claim = models.UUIDField(null=True)
    claimed_until = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=80, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "channel"],
                condition=Q(state="pending"),
                name="notify_one_message_waits",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values) & Q(state__in=MessageState.values),
                name="notify_message_choices",
            ),
            models.CheckConstraint(
                condition=Q(claim=None, claimed_until=None)
                | Q(claim__isnull=False, claimed_until__isnull=False, state="pending"),
                name="notify_message_claimed_until",
            ),
            models.CheckConstraint(
                condition=Q(state="pending", settled_at=None)
                | ~Q(state="pending") & Q(settled_at__isnull=False),
                name="notify_message_settled_when",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state="pending"), name="notify_message_pending"
            ),
            models.Index(fields=["user", "made_at"], name="notify_message_of_user"),
            models.Index(
                fields=["id"], condition=Q(state="failed"), name="notify_message_given_up"
            ),
        ]


class NotificationQuerySet(QuerySet["Notification"]):
    def waiting(self) -> NotificationQuerySet:
        """Those that are in no message yet and that nothing has stopped."""
        return self.filter(message=None, stopped_at=None)

    def due(self, now: datetime) -> NotificationQuerySet:
        return self.waiting().filter(due_at__lte=now).order_by("due_at")

    def over(self) -> NotificationQuerySet:
        """Those that are told, or stopped before they were put into a message."""
        told = Q(message__state__in=[MessageState.HANDED, MessageState.VOID])
        return self.filter(told | Q(message=None, stopped_at__isnull=False))


class Notification(UUIDModel):
    """One reason to tell one person by one channel. `key` says which: the same again is this row.

    `subject_id` is what it is about, by its id alone. It is told with its `message`; what is
    `stopped` before that is never told.
    """

    SAFE = frozenset(
        {"id", "user", "channel", "topic", "subject_id", "level", "key", "made_at", "due_at"}
        | {"message", "stopped_at"}
    )

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=10, choices=Channel)
    topic = models.CharField(max_length=20, choices=Topic)
    subject_id = models.UUIDField(db_index=True)
    level = models.PositiveSmallIntegerField(choices=Level)
    key = models.CharField(max_length=160, unique=True)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    message = models.ForeignKey(Message, models.PROTECT, null=True, related_name="notifications")
    stopped_at = models.DateTimeField(null=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values)
                & Q(topic__in=Topic.values)
                & Q(level__in=Level.values),
                name="notify_notification_choices",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at=None) | Q(stopped_at__gte=F("made_at")),
                name="notify_notification_stopped_after_made",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(message=None, stopped_at=None),
                name="notify_notification_waiting",
            )
        ]
