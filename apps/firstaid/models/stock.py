"""Stock: products, lots, kits, and the movements that it is the sum of. It stands in no column."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q, Sum

from apps.accounts.models import Team, User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedTextField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.dispatch.models import Unit
from apps.firstaid.models.acts import ACT, ActSource, FieldAct


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

    def standing(self) -> MovementQuerySet:
        """Those that were not taken back."""
        back = StockMovement.objects.filter(reverses=OuterRef("pk"))
        return self.exclude(kind=MovementKind.REVERSAL).exclude(Exists(back))

    def came_into(self, kits: Collection[UUID]) -> Iterator[tuple[UUID, UUID, UUID | None, int]]:
        """Kit, product, lot and the number of pieces that came into these kits."""
        rows = self.filter(to_kit_id__in=kits).values_list("to_kit_id", "product_id", "lot_id")
        yield from rows.annotate(Sum("quantity")).order_by()

    def went_from(self, kits: Collection[UUID]) -> Iterator[tuple[UUID, UUID, UUID | None, int]]:
        """Kit, product, lot and the number of pieces that went from these kits."""
        rows = self.filter(from_kit_id__in=kits).values_list("from_kit_id", "product_id", "lot_id")
        yield from rows.annotate(Sum("quantity")).order_by()


class StockMovement(FieldAct):
    """So many pieces of a product, and of a lot where it is known, went from one kit to another.

    `from_kit_id` None: they came from outside; `to_kit_id` None: they are used up or gone. What
    lies in a kit is the sum of what came minus what went. The ids are what a tablet named, no
    foreign keys. `reverses`: the movement that this one takes back; `dose_id`: the dose that it is
    of. `note` (PHI): somebody may be named in it.
    """

    SAFE = ACT | {
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
