"""What figures are counted from, and what was said of them in public.

Figures are not worked out from the records: a year of them would have to be opened and derived
anew. One row for each dispatch and one for each incident hold what can be counted and nothing that
names anybody. They follow the change log, some seconds behind, and can be made anew at any time.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Role, Team, User
from apps.core.fields import EncryptedTextField
from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet
from apps.dispatch.models import EntryKind


class LogReader(Model):
    """How far the change log was read: the last change, `(seq, n)`."""

    SAFE = frozenset({"name", "seq", "n"})

    name = models.CharField(max_length=20, primary_key=True)
    seq = models.BigIntegerField(default=0)
    n = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class DispatchQuerySet(QuerySet["DispatchFigures"]):
    def between(self, begins: datetime, ends: datetime) -> DispatchQuerySet:
        """Dispatches of calls that were given from `begins` on and before `ends`."""
        return self.filter(given_at__gte=begins, given_at__lt=ends)


class DispatchFigures(UUIDModel):
    """What can be counted of one dispatch: one unit of ours on one incident. Its id is the
    assignment's. Times are those of the timeline, the earliest trustworthy ones; None: never told.

    `closing` and `disposition`: how it ended ("" while it is open). `met`: contact was made.
    `record`: the kind of its record, "" for none yet. `doses`: given by CARE. `naloxone`: given by
    anybody, so far as CARE knows.
    """

    SAFE = frozenset(
        {"id", "incident_id", "unit_id", "team", "entry_kind", "call_type", "beat", "occurred_at"}
        | {"given_at", "acknowledged_at", "en_route_at", "on_scene_at", "contact_at", "closed_at"}
        | {"closing", "disposition", "met", "record", "encounters", "doses", "naloxone", "aids"}
        | {"referrals"}
    )

    incident_id = models.UUIDField(db_index=True)
    unit_id = models.UUIDField()
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="+")
    entry_kind = models.CharField(max_length=24, choices=EntryKind)
    call_type = models.CharField(max_length=120, blank=True)
    beat = models.CharField(max_length=10, blank=True)
    occurred_at = models.DateTimeField()
    given_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    en_route_at = models.DateTimeField(null=True)
    on_scene_at = models.DateTimeField(null=True)
    contact_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closing = models.CharField(max_length=20, blank=True)
    disposition = models.CharField(max_length=2, blank=True)
    met = models.BooleanField(default=False)
    record = models.CharField(max_length=10, blank=True)
    encounters = models.PositiveSmallIntegerField(default=0)
    doses = models.PositiveSmallIntegerField(default=0)
    naloxone = models.PositiveSmallIntegerField(default=0)
    aids = models.PositiveSmallIntegerField(default=0)
    referrals = models.PositiveSmallIntegerField(default=0)

    objects = DispatchQuerySet.as_manager()

    class Meta:
        verbose_name = "figures of a dispatch"
        verbose_name_plural = "figures of dispatches"
        constraints = [
            models.CheckConstraint(
                condition=Q(entry_kind__in=EntryKind.values), name="metrics_entry_kind"
            )
        ]
        indexes = [
            models.Index(fields=["given_at", "id"], name="metrics_dispatch_given"),
            models.Index(fields=["closing", "given_at"], name="metrics_dispatch_closing"),
            models.Index(fields=["record", "given_at"], name="metrics_dispatch_record"),
        ]


class HandoffQuerySet(QuerySet["HandoffFigures"]):
    def between(self, begins: datetime, ends: datetime) -> HandoffQuerySet:
        """Incidents of which CARE's first dispatch was given in this time."""
        return self.filter(given_at__gte=begins, given_at__lt=ends)


class HandoffFigures(UUIDModel):
    """What CARE gave back to police and fire on one incident. Its id is the incident's.

    `police_units` were on it, of which `police_known` have a release that can be reckoned with;
    `police_seconds` is their sum. Likewise for fire. `took_over`: a CARE unit ended it with contact
    or after a search; else nothing was given back.
    """

    SAFE = frozenset(
        {"id", "given_at", "beat", "call_type", "took_over", "police_units", "police_known"}
        | {"police_seconds", "fire_units", "fire_known", "fire_seconds", "declined"}
    )

    given_at = models.DateTimeField(db_index=True)
    beat = models.CharField(max_length=10, blank=True)
    call_type = models.CharField(max_length=120, blank=True)
    took_over = models.BooleanField(default=False)
    police_units = models.PositiveSmallIntegerField(default=0)
    police_known = models.PositiveSmallIntegerField(default=0)
    police_seconds = models.PositiveIntegerField(default=0)
    fire_units = models.PositiveSmallIntegerField(default=0)
    fire_known = models.PositiveSmallIntegerField(default=0)
    fire_seconds = models.PositiveIntegerField(default=0)
    declined = models.JSONField(default=dict, help_text="how often which agency declined, and why")

    objects = HandoffQuerySet.as_manager()

    class Meta:
        verbose_name = "figures of a handoff"
        verbose_name_plural = "figures of handoffs"


class PacketKind(models.TextChoices):
    HEARING = "hearing", "hearing packet"
    HANDOFF = "handoff", "monthly handoff report"


class PacketQuerySet(QuerySet["Packet"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> PacketQuerySet:
        """They name nobody and small cells are left out: whoever answers for the work sees them."""
        answers = isinstance(user, User) and user.is_active and user.role == Role.SUPERVISOR
        return self.all() if answers else self.none()


class Packet(UUIDModel):
    """Figures as they were given out: frozen, dated, with their definitions. Append-only.

    `content` has the shape of `packets.Content`; `content_hash` is the SHA-256 of its canonical
    JSON and stands on the printed page. A later correction is another packet of the same time.
    """

    SAFE = frozenset(
        {"id", "kind", "begins", "ends", "made_at", "made_by", "content", "content_hash"}
        | {"replaces"}
    )
    APPEND_ONLY = True

    kind = models.CharField(max_length=10, choices=PacketKind)
    begins = models.DateField(help_text="the first day")
    ends = models.DateField(help_text="the last day")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)
    replaces = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")

    objects = PacketQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=PacketKind.values), name="metrics_packet_kind"
            ),
            models.CheckConstraint(
                condition=Q(ends__gte=F("begins")), name="metrics_packet_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["-made_at"], name="metrics_packet_made")]


class FileFormat(models.TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", "XLSX"


class Exported(models.TextChoices):
    DISPATCHES = "dispatches", "dispatches"
    NOT_SENT = "not_sent", "eligible, not sent"
    DECLINED = "declined", "declined by"


class FigureExportQuerySet(QuerySet["FigureExport"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> FigureExportQuerySet:
        """One's own, and a supervisor's those of their team: the reasons are of its people."""
        team = user.team_id if isinstance(user, User) and user.role == Role.SUPERVISOR else None
        theirs = Q(by__team=team) if team else Q()
        return self.filter(Q(by=user.pk) | theirs)


class FigureExport(UUIDModel):
    """Dispatches, or calls, that left the house as a file: who took which time, in which form,
    and why. Append-only. `reason` may say anything, so it is sealed."""

    SAFE = frozenset({"id", "what", "begins", "ends", "format", "lines", "at", "by"})
    APPEND_ONLY = True

    what = models.CharField(max_length=10, choices=Exported, db_default=Exported.DISPATCHES)
    begins = models.DateField(help_text="the first day")
    ends = models.DateField(help_text="the last day")
    format = models.CharField(max_length=4, choices=FileFormat)
    lines = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = EncryptedTextField()

    objects = FigureExportQuerySet.as_manager()

    class Meta:
        verbose_name = "export of figures"
        verbose_name_plural = "exports of figures"
        indexes = [models.Index(fields=["at", "id"], name="metrics_export_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(format__in=FileFormat.values), name="metrics_export_format"
            ),
            models.CheckConstraint(
                condition=Q(what__in=Exported.values), name="metrics_export_what"
            ),
        ]
