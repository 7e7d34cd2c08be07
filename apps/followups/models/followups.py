"""Follow-ups, what is told of them, and their reminders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q

from apps.accounts.models import Team, User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField
from apps.core.models import UUIDModel
from apps.followups import codes
from apps.followups.models.attempts import ClockAttempt
from apps.followups.models.plans import FollowUpPlan
from apps.notify.models import Channel, Level
from apps.sync.told import STAMP, Told

FOLLOW_UPS = "follow_ups"


class FollowUpPurpose(models.TextChoices):
    CHECK_IN = "check_in", codes.PURPOSES["check_in"]
    AFTER_OVERDOSE = "after_overdose", codes.PURPOSES["after_overdose"]
    SAFETY_PLAN = "safety_plan", codes.PURPOSES["safety_plan"]
    REFERRAL = "referral", codes.PURPOSES["referral"]
    APPOINTMENT = "appointment", codes.PURPOSES["appointment"]
    BASIC_NEEDS = "basic_needs", codes.PURPOSES["basic_needs"]
    LOOK_AGAIN = "look_again", codes.PURPOSES["look_again"]
    OTHER = "other", codes.PURPOSES["other"]


class FollowUpWay(models.TextChoices):
    VISIT = "visit", codes.WAYS["visit"]
    PHONE = "phone", codes.WAYS["phone"]
    TEXT = "text", codes.WAYS["text"]


class FollowUpState(models.TextChoices):
    OPEN = "open", "open"
    PAUSED = "paused", "paused"
    ENDED = "ended", "ended"


class PauseReason(models.TextChoices):
    JAIL = "jail", codes.PAUSES["jail"]
    HOSPITAL = "hospital", codes.PAUSES["hospital"]
    OTHER = "other", codes.PAUSES["other"]


class FollowUpOutcome(models.TextChoices):
    REACHED = "reached", codes.OUTCOMES["reached"]
    MET = "met", codes.OUTCOMES["met"]
    DECLINED = "declined", codes.OUTCOMES["declined"]
    DECEASED = "deceased", codes.OUTCOMES["deceased"]
    NOT_REACHED = "not_reached", codes.OUTCOMES["not_reached"]
    MERGED = "merged", codes.OUTCOMES["merged"]
    WITHDRAWN = "withdrawn", codes.OUTCOMES["withdrawn"]
    NO_BASIS = "no_basis", codes.OUTCOMES["no_basis"]


class FollowUpQuerySet(VisibleQuerySet["FollowUp"]):
    COLLECTION = FOLLOW_UPS

    def of_encounters(self, encounters: Iterable[UUID]) -> FollowUpQuerySet:
        return self.filter(encounter_id__in=list(encounters)).order_by("due_from", "pk")

    def open(self) -> FollowUpQuerySet:
        """Those that are not ended; paused ones are among them."""
        return self.exclude(state=FollowUpState.ENDED)

    def on_tablets(self) -> FollowUpQuerySet:
        """Those that tablets have: all but those that ended some time ago."""
        return self.exclude(state=FollowUpState.ENDED, leaves_at=None)

    def of_everyone(self) -> FollowUpQuerySet:
        """Those that all units of their team have: nobody else does, or their time is over."""
        return self.filter(Q(owner=None) | Q(level__gte=Level.TEAM))

    def of_owner(self, user_id: UUID) -> FollowUpQuerySet:
        """What one person has, of what is open."""
        return self.open().filter(owner_id=user_id)

    def due(self, now: datetime) -> FollowUpQuerySet:
        """Those of which the clock says something: a reminder, the end of a pause, the end of their
        time on tablets. What failed before waits for its next attempt."""
        later = ClockAttempt.objects.filter(follow_up_id=OuterRef("pk"), due_at__gt=now)
        return self.filter(~Exists(later), next_at__lte=now).order_by("next_at", "pk")

    def missed(self) -> FollowUpQuerySet:
        """Overdue ones that have risen to the supervisors, the oldest first."""
        rows = self.filter(state=FollowUpState.OPEN, level=Level.SUPERVISORS)
        return rows.order_by("due_until", "pk")


class FollowUp(UUIDModel):
    """A person who is looked for again: why, when, how, and where and when they are to be found.

    `encounter_id` and `assignment_id` are no foreign keys: it may come before either. Whom it is
    about is the encounter's person. `plan` and `item` say which line of which plan made it; made by
    hand it has neither. `content` (PHI) is what was typed, whole: {assignment_id, encounter_id,
    purpose, way, find, note, first_from, first_until}; each of `find`, a list of {id, place, hours,
    who, note}, says where and when the person is found and who knows them. It is never shared with
    police and is in no export.

    It belongs to `owner`, or (None) to whoever of the team is on duty; never to nobody.

    State, outcome, owner, times, `tries`, `occasion` are functions of what is told of it and of its
    person (`apps.followups.standing`), stored here to be listed. `first_from` and `first_until` are
    the window that it began with. An `occasion` is one window with its reminders: a further try, a
    snooze and the end of a pause each begin the next. `level`: how far this occasion's reminders
    have risen (0: none yet). `next_at`: when the clock has something to say next.
    """

    SAFE = frozenset(
        {"id", "encounter_id", "assignment_id", "plan", "item", "purpose", "way", "team", "owner"}
        | {"state", "outcome", "first_from", "first_until", "due_from", "due_until", "occasion"}
        | {"tries", "level", "next_at", "acknowledged_at", "acknowledged_by", "paused_at"}
        | {"paused_for", "paused_until", "created_at", "created_by", "ended_at", "kept_for"}
        | {"leaves_at", "editor", "edit_no", "flags"}
    )

    encounter_id = models.UUIDField(db_index=True)
    assignment_id = models.UUIDField(db_index=True)
    plan = models.ForeignKey(FollowUpPlan, models.PROTECT, null=True, related_name="+")
    item = models.SlugField(max_length=40, blank=True)
    purpose = models.CharField(max_length=20, choices=FollowUpPurpose)
    way = models.CharField(max_length=10, choices=FollowUpWay)
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    owner = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    state = models.CharField(
        max_length=10, choices=FollowUpState, default=FollowUpState.OPEN, db_index=True
    )
    outcome = models.CharField(max_length=20, choices=FollowUpOutcome, null=True)
    first_from = models.DateTimeField()
    first_until = models.DateTimeField()
    due_from = models.DateTimeField()
    due_until = models.DateTimeField()
    occasion = models.PositiveSmallIntegerField(default=1)
    tries = models.PositiveSmallIntegerField(default=0)
    level = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    paused_at = models.DateTimeField(null=True)
    paused_for = models.CharField(max_length=10, choices=PauseReason, null=True)
    paused_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    kept_for = ArrayField(models.UUIDField(), default=list)
    leaves_at = models.DateTimeField(null=True)
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    flags = models.JSONField(default=list)
    content = EncryptedJSONField()

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = "follow-up"
        constraints = [
            models.UniqueConstraint(
                fields=["encounter_id", "item"],
                condition=~Q(item=""),
                name="followups_item_once_an_encounter",
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=FollowUpPurpose.values)
                & Q(way__in=FollowUpWay.values)
                & Q(state__in=FollowUpState.values)
                & (Q(outcome=None) | Q(outcome__in=FollowUpOutcome.values))
                & (Q(paused_for=None) | Q(paused_for__in=PauseReason.values)),
                name="followups_choices",
            ),
            models.CheckConstraint(
                condition=Q(state="ended", outcome__isnull=False, ended_at__isnull=False)
                | (~Q(state="ended") & Q(outcome=None, ended_at=None)),
                name="followups_ended_when_and_how",
            ),
            models.CheckConstraint(
                condition=Q(state="paused", paused_at__isnull=False, paused_for__isnull=False)
                | (~Q(state="paused") & Q(paused_at=None, paused_for=None, paused_until=None)),
                name="followups_paused_since_when",
            ),
            models.CheckConstraint(
                condition=Q(plan=None, item="") | (Q(plan__isnull=False) & ~Q(item="")),
                name="followups_item_of_a_plan",
            ),
            models.CheckConstraint(
                condition=Q(first_until__gte=F("first_from")) & Q(due_until__gte=F("due_from")),
                name="followups_due_until_after_from",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="followups_acknowledged_who_and_when",
            ),
            models.CheckConstraint(condition=Q(level__range=(0, 3)), name="followups_level"),
        ]
        indexes = [
            models.Index(
                fields=["next_at", "id"],
                condition=Q(next_at__isnull=False),
                name="followups_next",
            ),
            models.Index(fields=["owner"], condition=~Q(state="ended"), name="followups_of_owner"),
            models.Index(
                fields=["ended_at", "id"], condition=Q(state="ended"), name="followups_ended"
            ),
            models.Index(
                fields=["due_until", "id"], condition=~Q(state="ended"), name="followups_open_due"
            ),
        ]


class NextInOrder(Func):
    """The next number of the events' sequence (made in the first migration, CACHE 1)."""

    template = "nextval('followups_event_order')"
    output_field = models.BigIntegerField()


class EventQuerySet(VisibleQuerySet["FollowUpEvent"]):
    """Who may see a follow-up may see what is told of it."""

    COLLECTION = FOLLOW_UPS
    DOC_ID = "follow_up_id"

    def of(self, follow_ups: Iterable[UUID]) -> EventQuerySet:
        """What is told of these follow-ups, in the server's order."""
        return self.filter(follow_up_id__in=list(follow_ups)).order_by("order")


class FollowUpEvent(Told):
    """One thing that is told of a follow-up: see `codes.EVENTS`. Append-only by trigger.

    `follow_up_id` is no foreign key: it may come first. `order` is the server's sequence, taken
    under the follow-up's lock, and decides between devices. `at`: when it happened, by the device's
    clock; None: when it was tapped. `result`: of an attempt. `content` (PHI): {result, way, where,
    note, next_from, next_until, until, outcome, reason, to, event_id}, as each event has them.
    """

    SAFE = STAMP | {"follow_up_id", "event", "at", "author", "order"}

    follow_up_id = models.UUIDField(db_index=True)
    event = models.CharField(max_length=16)
    at = models.DateTimeField(null=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    order = models.BigIntegerField(unique=True, db_default=NextInOrder())
    content = EncryptedJSONField()

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = "event of a follow-up"
        verbose_name_plural = "events of follow-ups"


class ReminderChannel(models.TextChoices):
    """`log` is the tablets' own way: the change log that they pull."""

    LOG = "log", "tablet"
    EMAIL = Channel.EMAIL.value, Channel.EMAIL.label
    TEXT = Channel.TEXT.value, Channel.TEXT.label
    PUSH = Channel.PUSH.value, Channel.PUSH.label


class Reminder(UUIDModel):
    """A reminder that was raised: once for each occasion, channel and level. Append-only."""

    SAFE = frozenset({"id", "follow_up", "occasion", "channel", "level", "due_at", "raised_at"})
    APPEND_ONLY = True

    follow_up = models.ForeignKey(FollowUp, models.PROTECT, related_name="reminders")
    occasion = models.PositiveSmallIntegerField()
    channel = models.CharField(max_length=10, choices=ReminderChannel)
    level = models.PositiveSmallIntegerField(choices=Level)
    due_at = models.DateTimeField()
    raised_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["follow_up", "occasion", "channel", "level"],
                name="followups_reminded_once",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=ReminderChannel.values) & Q(level__in=Level.values),
                name="followups_reminder_choices",
            ),
        ]
