"""Who goes where, and everything that happens on the way: assignments, facts, alerts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Deferrable, Exists, Func, OuterRef, Q, Subquery

from apps.accounts.models import Role, Team, User
from apps.assignments.codes import NOT_HERE_YET, PRIVATE
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
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
        ]


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

    def waiting(self) -> FactQuerySet:
        """Facts whose assignment is not here yet: of those that came before it, which an index
        has."""
        here = Assignment.objects.filter(pk=OuterRef("assignment_id"))
        return self.filter(flags__contains=[NOT_HERE_YET]).exclude(Exists(here))


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
            models.Index(
                fields=["received_at"],
                condition=Q(flags__contains=[NOT_HERE_YET]),
                name="assignments_fact_came_early",
            ),
        ]


# What of a fact says when it happened: see `timeline.Stamp`.
STAMP: Final = (
    "device_time",
    "clock_offset_ms",
    "clock_uncertainty_ms",
    "received_at",
    "source",
)


class AlertKind(models.TextChoices):
    EMERGENCY = "emergency", "emergency"
    ASSIST = "assist", "assistance requested"
    SCENE_UNSAFE = "scene_unsafe", "scene no longer safe"
    UNACKNOWLEDGED = "unacknowledged", "call not acknowledged"
    CHECK_IN = "check_in", "crew on scene has not checked in"
    HARM = "harm", "responder came to harm"
    OVERDOSE_SPIKE = "overdose_spike", "overdoses near each other"
    REFERRAL = "referral", "referral without an answer or an outcome"
    FOLLOW_UP = "follow_up", "follow-up that nobody has made"


class AlertQuerySet(VisibleQuerySet["Alert"]):
    COLLECTION = "alerts"

    def open(self) -> AlertQuerySet:
        """Alerts that nobody has acknowledged and nothing has stopped."""
        return self.filter(acknowledged_at=None, stopped_at=None)

    def of_calls(self, assignment_ids: Iterable[UUID]) -> AlertQuerySet:
        """Those that are part of the call, the oldest first. What came to a responder is not."""
        rows = self.filter(assignment_id__in=list(assignment_ids)).exclude(kind=AlertKind.HARM)
        return rows.select_related("acknowledged_by", "unit").order_by("raised_at", "pk")

    def with_taps(self) -> AlertQuerySet:
        """Each with what its fact says of when it was tapped, as `fact_...`: see
        `documents.arrival`. None of it where no fact raised it."""
        fact = Fact.objects.filter(pk=OuterRef("fact_id"))
        return self.annotate(**{f"fact_{name}": Subquery(fact.values(name)) for name in STAMP})


class Alert(UUIDModel):
    """What the supervisors and the dispatch desk must answer, over their own socket."""

    SAFE = frozenset(
        {"id", "kind", "assignment_id", "fact_id", "unit", "raised_at", "level"}
        | {"acknowledged_by", "acknowledged_at", "stopped_at", "counted", "signal_lost_since"}
    )

    kind = models.CharField(max_length=20, choices=AlertKind)
    assignment_id = models.UUIDField(null=True, db_index=True)
    fact_id = models.UUIDField(null=True, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    raised_at = models.DateTimeField()
    level = models.PositiveSmallIntegerField(
        default=3, help_text="2: supervisors; 3: the dispatch desk too"
    )
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True, help_text="its cause is over")
    counted = models.JSONField(null=True, help_text="what was counted: numbers alone")
    signal_lost_since = models.DateTimeField(
        null=True, help_text="check_in: no tablet of the crew has been in contact since then"
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["raised_at", "id"], name="assignments_alert_by_time"),
            models.Index(fields=["level", "raised_at"], name="assignments_alert_by_level"),
            models.Index(fields=["kind", "raised_at"], name="assignments_alert_by_kind"),
            models.Index(
                fields=["raised_at"],
                condition=Q(acknowledged_at=None, stopped_at=None),
                name="assignments_alert_open",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=AlertKind.values), name="assignments_alert_kind"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_by=None, acknowledged_at=None)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False),
                name="assignments_alert_who_and_when",
            ),
            models.CheckConstraint(condition=Q(level__in=[2, 3]), name="assignments_alert_level"),
        ]


class SupportState(models.TextChoices):
    DUE = "due", "to be offered"
    OFFERED = "offered", "offered"
    TAKEN = "taken", "taken"
    DECLINED = "declined", "declined"
    WITHDRAWN = "withdrawn", "withdrawn"


class SupportOfferQuerySet(QuerySet["SupportOffer"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> SupportOfferQuerySet:
        """The team's supervisors see it, and nobody else, whatever else they may do."""
        if isinstance(user, User) and user.is_active and user.role == Role.SUPERVISOR:
            return self.filter(team=user.team_id)
        return self.none()

    def to(self, user: User | None, *, on: UUID) -> SupportOfferQuerySet:
        """What one person was offered for one call, the oldest first."""
        return self.filter(user=user, assignment_id=on).order_by("raised_at", "pk")

    def due_to(self, user: User | None, *, team: UUID) -> SupportOfferQuerySet:
        """What one person (None: nobody knows who) is still to be offered, the latest first."""
        due = self.filter(user=user, team=team, state=SupportState.DUE, closed_at=None)
        return due.order_by("-raised_at", "-pk")


class SupportOffer(UUIDModel):
    """Peer support that a responder is owed after they came to harm, and what became of it.

    It stands outside the client's record: no person, no encounter, no document of a tablet, no
    event. `user` None: nobody knows who it was. `kinds` (PHI): codes.HARMS. `notes` (PHI): {at, by,
    text} of each step, oldest first.
    """

    SAFE = frozenset(
        {"id", "team", "user", "assignment_id", "state", "raised_at", "offered_by", "offered_at"}
        | {"answered_at", "closed_by", "closed_at"}
    )

    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    assignment_id = models.UUIDField(null=True, help_text="so that two reports make one offer")
    state = models.CharField(max_length=10, choices=SupportState, default=SupportState.DUE)
    raised_at = models.DateTimeField()
    offered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    offered_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    kinds = EncryptedJSONField()
    notes = EncryptedJSONField(null=True)

    objects = SupportOfferQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=SupportState.values), name="assignments_support_state"
            ),
            models.CheckConstraint(
                condition=Q(offered_by=None, offered_at=None)
                | Q(offered_by__isnull=False, offered_at__isnull=False),
                name="assignments_support_offered_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(closed_by=None, closed_at=None)
                | Q(closed_by__isnull=False, closed_at__isnull=False),
                name="assignments_support_closed_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["taken", "declined"], answered_at__isnull=False)
                | (~Q(state__in=["taken", "declined"]) & Q(answered_at=None)),
                name="assignments_support_answered_when",
            ),
            models.UniqueConstraint(
                fields=["assignment_id", "user"],
                condition=Q(closed_at=None),
                name="assignments_support_once_a_person_and_call",
            ),
        ]
        indexes = [models.Index(fields=["team", "-raised_at"], name="assignments_support_of_team")]
