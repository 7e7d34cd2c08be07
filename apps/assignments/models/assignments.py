"""One incident given to one CARE unit."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Deferrable, Q

from apps.accounts.models import User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedTextField
from apps.core.models import UUIDModel
from apps.dispatch.models import EntryKind, Incident, Source, Unit


class State(models.TextChoices):
    """Where an assignment stands: derived from its facts, stored to be listed."""

    ASSIGNED = "assigned", "assigned"
    RECEIVED = "received", "received on a tablet"
    ACKNOWLEDGED = "acknowledged", "acknowledged"
    EN_ROUTE = "en_route", "en route"
    STAGED = "staged", "staged"
    ON_SCENE = "on_scene", "on scene"
    CONTACT = "contact", "in contact"
    TRANSPORTING = "transporting", "transporting"
    AT_DESTINATION = "at_destination", "at the destination"
    CLOSED = "closed", "closed"


class AssignmentQuerySet(VisibleQuerySet["Assignment"]):
    COLLECTION = "assignments"

    def open(self) -> AssignmentQuerySet:
        return self.filter(closed_at=None)

    def number_waits(self) -> AssignmentQuerySet:
        """Calls with a CAD number that a desk is to confirm, closed ones too."""
        return self.filter(link_at__isnull=False)

    def alarm_due(self, now: datetime) -> AssignmentQuerySet:
        """Unacknowledged calls whose next alarm is due, the most overdue first."""
        return self.filter(alarm_due_at__lte=now).order_by("alarm_due_at")

    def check_in_due(self, now: datetime) -> AssignmentQuerySet:
        """Crews on scene that may have a check-in due, the most overdue first."""
        return self.filter(check_in_next_at__lte=now).order_by("check_in_next_at")

    def leaving(self, now: datetime) -> AssignmentQuerySet:
        """Cleared calls whose time on the unit's tablets is over."""
        return self.filter(leaves_at__lte=now).order_by("leaves_at")


class Assignment(UUIDModel):
    """One incident given to one CARE unit. Reassignment moves the row, with its history.

    State, acknowledgement and flags are functions of the facts, stored here to be listed. Alarms:
    an acknowledgement has been awaited since `alarm_from` (None: none is), levels up to
    `alarm_level` (0 to 3) have been raised, the next is due at `alarm_due_at` (None: none is).
    A closed call leaves its unit's tablets at `leaves_at`; `left_at`: it has left them.

    When a crew on scene checks in is a function of the facts too (`check_ins`); the row holds only
    what they cannot say: how far their silence has risen (`check_in_level`, 0 to 3) since when, and
    when the tick looks at it again, which is never later than the next level is due.

    `link_number` is a CAD event number that somebody (`link_by`) gave and a desk is to confirm.
    """

    SAFE = frozenset(
        {
            "id",
            "incident",
            "revision_base",
            "unit",
            "former_units",
            "entry_kind",
            "source",
            "given_by",
            "given_at",
        }
        | {"state", "closing", "acknowledged_revision", "alarm_from", "alarm_level"}
        | {"alarm_raised_at", "alarm_due_at", "closed_at", "leaves_at", "left_at", "flags"}
        | {"check_in_level", "check_in_reached_at", "check_in_next_at"}
        | {"link_number", "link_by", "link_at"}
    )

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="assignments")
    revision_base = models.PositiveIntegerField(
        default=0, help_text="added to the incident's call revision, which a merge may set back"
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="assignments")
    former_units = ArrayField(models.UUIDField(), default=list)
    entry_kind = models.CharField(max_length=24, choices=EntryKind)
    source = models.CharField(max_length=10, choices=Source)
    given_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    given_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State, default=State.ASSIGNED)
    closing = models.CharField(max_length=20, blank=True)
    acknowledged_revision = models.PositiveIntegerField(
        default=0, help_text="the highest call revision that a responder has acknowledged"
    )
    alarm_from = models.DateTimeField(null=True)
    alarm_level = models.PositiveSmallIntegerField(default=0)
    alarm_raised_at = models.DateTimeField(null=True)
    alarm_due_at = models.DateTimeField(null=True)
    check_in_level = models.PositiveSmallIntegerField(default=0, db_default=0)
    check_in_reached_at = models.DateTimeField(null=True)
    check_in_next_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    leaves_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    flags = models.JSONField(default=list)
    override_reason = EncryptedTextField(null=True)
    link_number = models.CharField(
        max_length=60,
        blank=True,
        default="",
        db_default="",
        help_text="waits for a desk to confirm it",
    )
    # Nobody looks for the links of a person; an index of it would be made while calls wait.
    link_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    link_at = models.DateTimeField(null=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            # Checked after each statement, not after each row: a merge swaps two incidents.
            models.UniqueConstraint(
                fields=["incident", "unit"],
                name="assignments_one_an_incident_and_unit",
                deferrable=Deferrable.IMMEDIATE,
            ),
            models.CheckConstraint(
                condition=Q(state__in=State.values)
                & Q(entry_kind__in=EntryKind.values)
                & Q(source__in=Source.values),
                name="assignments_choices",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at=None)),
                name="assignments_closed_when",
            ),
            models.CheckConstraint(
                condition=Q(alarm_from__isnull=False, closed_at=None)
                | Q(alarm_from=None, alarm_level=0, alarm_raised_at=None, alarm_due_at=None),
                name="assignments_alarm_while_awaited",
            ),
            models.CheckConstraint(
                condition=Q(alarm_level=0, alarm_raised_at=None)
                | Q(alarm_level__range=(1, 3), alarm_raised_at__isnull=False),
                name="assignments_alarm_level_and_when",
            ),
            models.CheckConstraint(
                condition=Q(check_in_level=0, check_in_reached_at=None)
                | Q(check_in_level__range=(1, 3), check_in_reached_at__isnull=False),
                name="assignments_check_in_level_and_when",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(check_in_level=0, check_in_next_at=None),
                name="assignments_check_in_while_open",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=False) | Q(leaves_at=None, left_at=None),
                name="assignments_leaves_once_closed",
            ),
            models.CheckConstraint(
                condition=Q(link_number="", link_by=None, link_at=None)
                | (~Q(link_number="") & Q(link_by__isnull=False, link_at__isnull=False)),
                name="assignments_link_who_and_when",
            ),
        ]
        indexes = [
            models.Index(fields=["given_at", "id"], name="assignments_given_by_time"),
            models.Index(fields=["state", "given_at"], name="assignments_by_state"),
            models.Index(fields=["entry_kind", "given_at"], name="assignments_by_entry"),
            # What is going on now, of all that ever was: a board asks for it all day.
            models.Index(fields=["given_at"], condition=Q(closed_at=None), name="assignments_open"),
            models.Index(
                fields=["alarm_due_at"],
                condition=Q(alarm_due_at__isnull=False),
                name="assignments_alarm_due",
            ),
            models.Index(
                fields=["check_in_next_at"],
                condition=Q(check_in_next_at__isnull=False),
                name="assignments_check_in_due",
            ),
            models.Index(
                fields=["leaves_at"],
                condition=Q(leaves_at__isnull=False),
                name="assignments_leaving",
            ),
            models.Index(
                fields=["link_at"],
                condition=Q(link_at__isnull=False),
                name="assignments_number_waits",
            ),
        ]
