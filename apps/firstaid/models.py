"""What was given and done in the field (doses, first aid, answers), and the stock it came from.

Acts are append-only: a mistake is another row that `corrects` the first. Stock is the sum of its
movements and stands in no column.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Exists, Func, OuterRef, Q

from apps.accounts.models import Team, User
from apps.assignments.models import Assignment
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.dispatch.models import Unit

# Of an act, what says nothing of a person: which, when, by whom, in what order.
_ACT: Final = frozenset(
    {"id", "assignment_id", "encounter_id", "corrects", "device", "counter", "edit_no"}
    | {"device_time", "clock_offset_ms", "clock_uncertainty_ms", "received_at", "order"}
    | {"author", "unit", "source", "flags"}
)


class NextInOrder(Func):
    """The next number of the acts' sequence (made in the first migration, CACHE 1)."""

    template = "nextval('firstaid_act_order')"
    output_field = models.BigIntegerField()


class ActSource(models.TextChoices):
    TABLET = "tablet", "tablet"
    DESK = "desk", "supervisor"
    SYSTEM = "system", "Carefield"


class Act(UUIDModel):
    """One thing that was done, as whoever did it wrote it down. Append-only by trigger.

    `assignment_id`, `encounter_id` and `corrects` are no foreign keys: an act may arrive before
    what it names. `device` is the local database that made it, `counter` orders the acts of one
    device; `order` is the server's sequence, taken under the lock of what the act is of.
    `device_time` is the device's clock, uncorrected. `unread` (PHI) holds what a tablet sent that
    has no column, or has one that cannot hold it. `flags` are those of its arrival.
    """

    APPEND_ONLY = True

    assignment_id = models.UUIDField(null=True, db_index=True)
    encounter_id = models.UUIDField(null=True, db_index=True)
    corrects = models.UUIDField(null=True, db_index=True)
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
    source = models.CharField(max_length=10, choices=ActSource)
    flags = models.JSONField(default=list)
    unread = EncryptedJSONField(null=True)

    class Meta:
        abstract = True


class DoseQuerySet(VisibleQuerySet["NaloxoneDose"]):
    COLLECTION = "naloxone_doses"

    def of(self, assignment_id: UUID) -> DoseQuerySet:
        """The rows of one assignment, corrections too, in the server's order."""
        return self.filter(assignment_id=assignment_id).order_by("order")

    def waiting(self) -> DoseQuerySet:
        """Doses whose assignment is not here yet."""
        here = Assignment.objects.filter(pk=OuterRef("assignment_id"))
        return self.exclude(assignment_id=None).exclude(Exists(here))


class NaloxoneDose(Act):
    """One dose, or one that was offered and not given. A correction is the whole dose anew.

    `given_at` is stated by the device's clock, uncorrected; None: when it was tapped
    (`device_time`), or, before CARE came, not known. `data` (PHI): see `doses.Dose`, which reads
    it. `product_id`, `lot_id` and `kit_id` are what the tablet named, no foreign keys.
    """

    SAFE = _ACT | {"given_at", "product_id", "lot_id", "kit_id"}

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


class FirstAidLog(Act):
    """What was seen and done for a person at one moment. A correction is the whole row anew.

    `done_at` is as `given_at` of a dose. `data` (PHI): see `aid.Aid`, which reads it.
    """

    SAFE = _ACT | {"done_at"}

    done_at = models.DateTimeField(null=True)
    data = EncryptedJSONField()

    objects = AidQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=ActSource.values), name="firstaid_aid_source"
            ),
        ]


class AnswerQuerySet(VisibleQuerySet["OverdoseAnswer"]):
    COLLECTION = "facts"

    def of(self, assignment_id: UUID) -> AnswerQuerySet:
        """The answers of one assignment, in the server's order."""
        return self.filter(assignment_id=assignment_id).order_by("order")


class OverdoseAnswer(Act):
    """What a crew answered to one question of the log; see `prompts`. The last answer holds.

    `dose_id`: the dose that was asked about, where it was one. `data` (PHI): `answer`, and `at`,
    `response`, `note` where they were told.
    """

    SAFE = _ACT | {"question", "dose_id"}

    question = models.CharField(max_length=24)
    dose_id = models.UUIDField(null=True, db_index=True)
    data = EncryptedJSONField()

    objects = AnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source__in=ActSource.values), name="firstaid_answer_source"
            ),
        ]


class ProductKind(models.TextChoices):
    NALOXONE = "naloxone", "naloxone"
    NALOXONE_KIT = "naloxone_kit", "naloxone kit to leave behind"
    SUPPLY = "supply", "first aid supply"


class ProductQuerySet(QuerySet["Product"]):
    def in_use(self) -> ProductQuerySet:
        return self.filter(in_use=True)


class Product(UUIDModel):
    """Something that is stocked, as its maker sells it: name and strength.

    `drug` is the RxNorm code of the ingredient; with `dose`, `dose_unit` and `route` it is what one
    piece gives (empty for supplies). Below `low_at` pieces in one kit a warning is given (None: the
    setting).
    """

    SAFE = frozenset(
        {"id", "kind", "name", "strength", "drug", "dose", "dose_unit", "route", "low_at", "in_use"}
    )

    kind = models.CharField(max_length=16, choices=ProductKind)
    name = models.CharField(max_length=120)
    strength = models.CharField(max_length=60, blank=True)
    drug = models.CharField("RxNorm ingredient", max_length=20, blank=True)
    dose = models.DecimalField(max_digits=8, decimal_places=3, null=True, blank=True)
    dose_unit = models.CharField(max_length=10, blank=True)
    route = models.CharField(max_length=10, blank=True)
    low_at = models.PositiveSmallIntegerField("warn below", null=True, blank=True)
    in_use = models.BooleanField(default=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "strength"], name="firstaid_product_name"),
            models.CheckConstraint(
                condition=Q(kind__in=ProductKind.values), name="firstaid_product_kind"
            ),
            models.CheckConstraint(
                condition=Q(dose=None) | Q(dose__gt=0), name="firstaid_product_dose"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.strength}".strip()


class LotQuerySet(QuerySet["Lot"]):
    def expiring(self, by: date) -> LotQuerySet:
        """Those that are not good any more after this day."""
        return self.filter(expires_on__lte=by).order_by("expires_on")

    def recalled(self) -> LotQuerySet:
        return self.exclude(recalled_at=None)


class Lot(UUIDModel):
    """A maker's lot of a product. Good up to and with the day of `expires_on`."""

    SAFE = frozenset(
        {"id", "product", "number", "expires_on", "recalled_at", "recalled_by", "recall_number"}
    )

    product = models.ForeignKey(Product, models.PROTECT, related_name="lots")
    number = models.CharField(max_length=60)
    expires_on = models.DateField()
    recalled_at = models.DateTimeField(null=True)
    recalled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    recall_number = models.CharField(
        max_length=60, blank=True, help_text="the maker's or the FDA's number of the recall"
    )

    objects = LotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["product", "number"], name="firstaid_lot_number"),
            models.CheckConstraint(
                condition=Q(recalled_at=None, recalled_by=None)
                | Q(recalled_at__isnull=False, recalled_by__isnull=False),
                name="firstaid_lot_recalled_who_and_when",
            ),
        ]

    def __str__(self) -> str:
        return f"lot {self.number}"


class Kit(UUIDModel):
    """Where stock lies: a unit's bag, or the store of a team (`unit` None)."""

    SAFE = frozenset({"id", "label", "team", "unit", "in_use"})

    label = models.CharField(max_length=60, unique=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True, related_name="+")
    in_use = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.label


class MovementKind(models.TextChoices):
    RECEIVE = "receive", "received"
    ISSUE = "issue", "issued to a unit"
    DOSE = "dose", "dose given"
    LEFT_BEHIND = "left_behind", "kit left behind"
    RETURN = "return", "brought back"
    DISCARD = "discard", "thrown away"
    COUNT = "count", "counted anew"
    REVERSAL = "reversal", "taken back"


class MovementQuerySet(VisibleQuerySet["StockMovement"]):
    COLLECTION = "facts"

    def of_kit(self, kit_id: UUID) -> MovementQuerySet:
        """Movements into or out of a kit, in the server's order."""
        return self.filter(Q(from_kit_id=kit_id) | Q(to_kit_id=kit_id)).order_by("order")

    def since(self, at: datetime) -> MovementQuerySet:
        return self.filter(received_at__gte=at)


class StockMovement(Act):
    """So many pieces of a product, and of a lot where it is known, went from one kit to another.

    `from_kit_id` None: they came from outside; `to_kit_id` None: they are used up or gone. What
    lies in a kit is the sum of what came minus what went. The ids are what a tablet named, no
    foreign keys. `reverses`: the movement that this one takes back; `dose_id`: the dose that it is
    of. `note` (PHI): somebody may be named in it.
    """

    SAFE = _ACT | {
        *("kind", "product_id", "lot_id", "quantity", "from_kit_id", "to_kit_id"),
        *("dose_id", "reverses", "cause"),
    }

    kind = models.CharField(max_length=12, choices=MovementKind)
    product_id = models.UUIDField(db_index=True)
    lot_id = models.UUIDField(null=True, db_index=True)
    quantity = models.PositiveIntegerField()
    from_kit_id = models.UUIDField(null=True, db_index=True)
    to_kit_id = models.UUIDField(null=True, db_index=True)
    dose_id = models.UUIDField(null=True, db_index=True)
    reverses = models.UUIDField(null=True, unique=True)
    cause = models.CharField(max_length=12, blank=True, help_text="a code of STOCK_REASONS")
    note = EncryptedTextField(null=True)

    objects = MovementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=MovementKind.values) & Q(source__in=ActSource.values),
                name="firstaid_movement_choices",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="firstaid_movement_quantity"),
            models.CheckConstraint(
                condition=Q(from_kit_id__isnull=False) | Q(to_kit_id__isnull=False),
                name="firstaid_movement_from_or_to",
            ),
            models.CheckConstraint(
                condition=Q(kind="dose", dose_id__isnull=False) | ~Q(kind="dose"),
                name="firstaid_movement_of_a_dose",
            ),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses=None)),
                name="firstaid_movement_reverses",
            ),
        ]


class CertificationKind(models.TextChoices):
    NALOXONE = "naloxone", "naloxone"
    FIRST_AID = "first_aid", "first aid"
    PEER = "peer", "peer counsellor"


class CertificationQuerySet(QuerySet["Certification"]):
    def held(self) -> CertificationQuerySet:
        """Those that were not taken back, expired or not."""
        return self.filter(withdrawn_at=None)

    def expiring(self, by: date) -> CertificationQuerySet:
        """Held ones that are not good any more after this day, the soonest first."""
        return self.held().filter(expires_on__lte=by).order_by("expires_on", "pk")


class Certification(UUIDModel):
    """A training that somebody has done. It is shown to those who train, and stops nobody:
    everyone may give naloxone."""

    SAFE = frozenset(
        {"id", "user", "kind", "number", "issued_on", "expires_on", "recorded_by", "recorded_at"}
        | {"withdrawn_at", "withdrawn_by"}
    )

    user = models.ForeignKey(User, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=CertificationKind)
    number = models.CharField(max_length=60, blank=True)
    issued_on = models.DateField()
    expires_on = models.DateField(null=True, blank=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = CertificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=CertificationKind.values), name="firstaid_certification_kind"
            ),
            models.CheckConstraint(
                condition=Q(expires_on=None) | Q(expires_on__gte=models.F("issued_on")),
                name="firstaid_certification_expires_later",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="firstaid_certification_withdrawn_who_and_when",
            ),
        ]
