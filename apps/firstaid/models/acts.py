"""Acts: what was given, done and answered in the field. Append-only: a mistake is another row that
`corrects` the first."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Func, Q

from apps.accounts.models import User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField
from apps.dispatch.models import Unit
from apps.sync.told import STAMP, Told

# Of an act, what says nothing of a person: which, when, by whom, in what order.
ACT: Final = STAMP | {
    *("assignment_id", "encounter_id", "corrects"),
    *("order", "author", "unit", "source"),
}


class NextInOrder(Func):
    """The next number of the acts' sequence (made in the first migration, CACHE 1)."""

    template = "nextval('firstaid_act_order')"
    output_field = models.BigIntegerField()


class ActSource(models.TextChoices):
    TABLET = "tablet", "tablet"
    DESK = "desk", "supervisor"
    SYSTEM = "system", "Carefield"


class FieldAct(Told):
    """One thing that was done, as whoever did it wrote it down. Append-only by trigger.

    `assignment_id`, `encounter_id` and `corrects` are no foreign keys: an act may arrive before
    what it names. `order` is the server's sequence, taken under the lock of what the act is of.
    """

    assignment_id = models.UUIDField(null=True, db_index=True)
    encounter_id = models.UUIDField(null=True, db_index=True)
    corrects = models.UUIDField(null=True, db_index=True)
    order = models.BigIntegerField(unique=True, db_default=NextInOrder())
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=10, choices=ActSource)

    class Meta:
        abstract = True


class DoseQuerySet(VisibleQuerySet["NaloxoneDose"]):
    COLLECTION = "naloxone_doses"

    def of(self, assignment_id: UUID) -> DoseQuerySet:
        """The rows of one assignment, corrections too, in the server's order."""
        return self.filter(assignment_id=assignment_id).order_by("order")


class NaloxoneDose(FieldAct):
    """One dose, or one that was offered and not given. A correction is the whole dose anew.

    `given_at` is stated by the device's clock, uncorrected; None: when it was tapped
    (`device_time`), or, before CARE came, not known. `data` (PHI): see `doses.Dose`, which reads
    it. `product_id`, `lot_id` and `kit_id` are what the tablet named, no foreign keys.
    """

    SAFE = ACT | {"given_at", "product_id", "lot_id", "kit_id"}

    given_at = models.DateTimeField(null=True)
    product_id = models.UUIDField(null=True)
    lot_id = models.UUIDField(null=True, db_index=True)
    kit_id = models.UUIDField(null=True)
    data = EncryptedJSONField()

    objects = DoseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=ActSource.values), name="firstaid_dose_source"
            ),
        ]
        indexes = [models.Index(fields=["received_at"], name="firstaid_dose_received")]


class AidQuerySet(VisibleQuerySet["FirstAidLog"]):
    COLLECTION = "first_aid_logs"

    def of(self, assignment_id: UUID) -> AidQuerySet:
        """The rows of one assignment, corrections too, in the server's order."""
        return self.filter(assignment_id=assignment_id).order_by("order")


class FirstAidLog(FieldAct):
    """What was seen and done for a person at one moment. A correction is the whole row anew.

    `done_at` is as `given_at` of a dose. `data` (PHI): see `aid.Aid`, which reads it.
    """

    SAFE = ACT | {"done_at"}

    done_at = models.DateTimeField(null=True)
    data = EncryptedJSONField()

    objects = AidQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["received_at", "id"], name="firstaid_aid_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=ActSource.values), name="firstaid_aid_source"
            ),
        ]


class OverdoseAnswerQuerySet(VisibleQuerySet["OverdoseAnswer"]):
    COLLECTION = "facts"

    def of(self, assignment_id: UUID) -> OverdoseAnswerQuerySet:
        """The answers of one assignment, in the server's order."""
        return self.filter(assignment_id=assignment_id).order_by("order")


class OverdoseAnswer(FieldAct):
    """What a crew answered to one question of the log; see `prompts`. The last answer holds.

    `dose_id`: the dose that was asked about, where it was one. `data` (PHI): `answer`, and `at`,
    `response`, `note` where they were told.
    """

    SAFE = ACT | {"question", "dose_id"}

    question = models.CharField(max_length=24)
    dose_id = models.UUIDField(null=True, db_index=True)
    data = EncryptedJSONField()

    objects = OverdoseAnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=ActSource.values), name="firstaid_answer_source"
            ),
        ]
