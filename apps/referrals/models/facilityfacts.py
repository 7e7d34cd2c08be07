"""What the field tells about a service of the directory, and the tasks that come of it."""

from __future__ import annotations

from uuid import UUID

from django.db import models
from django.db.models import F, Func, Q

from apps.accounts.models import User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.dispatch.models import Unit
from apps.referrals.directory import codes
from apps.referrals.models.directory import Service
from apps.sync.told import STAMP, Told


class NextInOrder(Func):
    """The next number of the facts' sequence (made in the first migration, CACHE 1)."""

    template = "nextval('referrals_fact_order')"
    output_field = models.BigIntegerField()


class FacilityFactKind(models.TextChoices):
    REPORT = "directory_report", "wrong data reported"
    BED_CALL = "bed_call", "call for a bed"
    ARRIVAL = "arrival_notice", "arrival announced"
    HANDOVER = "handover_call", "handover with a crisis line or team"


class FacilityFactQuerySet(VisibleQuerySet["FacilityFact"]):
    COLLECTION = "facts"

    def of(self, assignment_id: UUID) -> FacilityFactQuerySet:
        """The facts of one assignment, in the server's order."""
        return self.filter(assignment_id=assignment_id).order_by("order")


class FacilityFact(Told):
    """One thing that a responder told about a service: wrong data, a call for a bed, an arrival, a
    handover. Append-only by trigger: a mistake is another fact that `corrects` the first.

    `assignment_id`, `encounter_id`, `service_id` and `corrects` are no foreign keys: a fact may
    arrive before what it names. `until` is when a held bed is given away, or when somebody will
    arrive. `order` is the server's order of them. `data` (PHI): what was told.
    """

    SAFE = STAMP | {
        *("kind", "assignment_id", "encounter_id", "service_id", "corrects", "until"),
        *("order", "author", "unit"),
    }

    kind = models.CharField(max_length=20, choices=FacilityFactKind)
    assignment_id = models.UUIDField(null=True, db_index=True)
    encounter_id = models.UUIDField(null=True, db_index=True)
    service_id = models.UUIDField(null=True, db_index=True)
    corrects = models.UUIDField(null=True, db_index=True)
    until = models.DateTimeField(null=True)
    order = models.BigIntegerField(unique=True, db_default=NextInOrder())
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    data = EncryptedJSONField()

    objects = FacilityFactQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["received_at", "id"], name="referrals_fact_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=FacilityFactKind.values), name="referrals_fact_kind"
            ),
        ]


class DirectoryTaskQuerySet(QuerySet["DirectoryTask"]):
    def open(self) -> DirectoryTaskQuerySet:
        """Those that nobody has settled."""
        return self.filter(settled_at=None)


class DirectoryTask(UUIDModel):
    """Something about an entry of the directory that somebody has to see to.

    One is open at a time for a service and what it is `about`; reports that come meanwhile are the
    same task. `outcome` is a code of OUTCOMES.
    """

    SAFE = frozenset({"id", "service", "about", "opened_at", "settled_at", "settled_by", "outcome"})

    service = models.ForeignKey(Service, models.PROTECT, related_name="tasks")
    about = models.CharField(max_length=10, choices=list(codes.TASK_ABOUT.items()))
    opened_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    outcome = models.CharField(
        max_length=12, choices=list(codes.OUTCOMES.items()), null=True, blank=True
    )

    objects = DirectoryTaskQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["opened_at", "id"], name="referrals_dirtask_by_time")]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "about"],
                condition=Q(settled_at=None),
                name="referrals_one_open_task_about",
            ),
            models.CheckConstraint(
                condition=Q(about__in=list(codes.TASK_ABOUT)), name="referrals_task_about"
            ),
            models.CheckConstraint(
                condition=Q(outcome=None) | Q(outcome__in=list(codes.OUTCOMES)),
                name="referrals_task_outcome",
            ),
            models.CheckConstraint(
                condition=Q(settled_at=None, settled_by=None, outcome=None)
                | Q(
                    settled_at__isnull=False,
                    settled_by__isnull=False,
                    outcome__isnull=False,
                    settled_at__gte=F("opened_at"),
                ),
                name="referrals_task_settled_who_and_when",
            ),
        ]


class TaskReport(UUIDModel):
    """A report of the field is part of a task."""

    SAFE = frozenset({"id", "task", "fact"})

    task = models.ForeignKey(DirectoryTask, models.PROTECT, related_name="reports")
    fact = models.OneToOneField(FacilityFact, models.PROTECT, related_name="report_of")
