"""Persons, and encounters with them: a person met, or looked for, on an assignment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import UUIDModel
from apps.people.codes import MATCHES


class Match(models.TextChoices):
    """Whether the person of an encounter is who their record says: see `codes.MATCHES`."""

    NONE = "none", MATCHES["none"]
    POSSIBLE = "possible", MATCHES["possible"]
    CONFIRMED = "confirmed", MATCHES["confirmed"]


class OpenedBy(models.TextChoices):
    TABLET = "tablet", "a tablet"
    TIMELINE = "timeline", "the assignment's timeline"


class EncounterQuerySet(VisibleQuerySet["Encounter"]):
    COLLECTION = "encounters"

    def of(self, assignment_id: UUID) -> EncounterQuerySet:
        """The encounters of one assignment, the first one first."""
        return self.filter(assignment_id=assignment_id).order_by("ordinal")

    def with_person(self, persons: Iterable[UUID]) -> EncounterQuerySet:
        """Encounters with one of these persons."""
        return self.filter(person_id__in=list(persons))


class Encounter(UUIDModel):
    """A person met, or looked for, on an assignment. The first one stands for nobody found as well.

    Its id follows from the assignment's and `ordinal`, so that tablet and server open the same one.
    `assignment_id` and `person_id` are no foreign keys: a tablet may send them in any order.
    `content` (PHI) is what was typed, whole; `editor` and `edit_no` name the save that it is.
    `kept_for`: those who still owe a record of it keep it after the call has left their tablet.
    """

    SAFE = frozenset(
        {"id", "assignment_id", "ordinal", "person_id", "match", "opened_at", "opened_by"}
        | {"kept_for", "editor", "edit_no", "flags"}
    )

    assignment_id = models.UUIDField()
    ordinal = models.PositiveSmallIntegerField(default=1)
    person_id = models.UUIDField(null=True, db_index=True)
    match = models.CharField(max_length=10, choices=Match, default=Match.NONE)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=10, choices=OpenedBy)
    kept_for = ArrayField(models.UUIDField(), default=list)
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    flags = models.JSONField(default=list)
    content = EncryptedJSONField()

    objects = EncounterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assignment_id", "ordinal"], name="people_one_encounter_an_ordinal"
            ),
            models.CheckConstraint(
                condition=Q(match__in=Match.values) & Q(opened_by__in=OpenedBy.values),
                name="people_encounter_choices",
            ),
            models.CheckConstraint(
                condition=Q(match="none", person_id=None)
                | (~Q(match="none") & Q(person_id__isnull=False)),
                name="people_match_says_whom",
            ),
        ]
        indexes = [models.Index(fields=["opened_at", "id"], name="people_encounter_opened")]


class PersonQuerySet(VisibleQuerySet["Person"]):
    COLLECTION = "persons"

    def kept_since(self, before: datetime) -> PersonQuerySet:
        """Those written of first before an instant whom whoever did that may still have by it."""
        return self.filter(let_go_at=None, created_at__lte=before).order_by("created_at")

    def with_unread_notes(self) -> PersonQuerySet:
        """Those with a safety note that no supervisor has looked at as it stands."""
        return self.filter(safety_unread=True)

    def with_expired_notes(self, on: date) -> PersonQuerySet:
        """Those with a safety note that is over, and that nobody has ended."""
        return self.filter(safety_until__lt=on)

    def root_of(self, person_id: UUID) -> Person | None:
        """The record to go on with, where two were put together. None: it is not here."""
        return next(iter(self.line_of(person_id)), None)

    def line_of(self, person_id: UUID) -> list[Person]:
        """The records of a person, from the one to go on with down to this one, each merged into
        the one before it. Empty: it is not here."""
        line: list[Person] = []
        row = self.filter(pk=person_id).first()
        while row is not None:
            line.insert(0, row)
            row = self.filter(pk=row.merged_into_id).first() if row.merged_into_id else None
        return line

    def met_in(self, encounter_id: UUID) -> Person | None:
        """Whom an encounter is with, as far as a responder has confirmed who it is."""
        found = Encounter.objects.filter(pk=encounter_id, match=Match.CONFIRMED)
        named = found.values_list("person_id", flat=True).first()
        return self.root_of(named) if named else None


class Person(UUIDModel):
    """Somebody whom responders have met. They may be nameless: an alias, a description, a place.

    `content` (PHI) is what was typed, whole; `safety_reviews` (PHI) is what supervisors said of its
    safety notes: [{note, of, verdict, by, at, until}], `of` being the note as it was read
    (`safety.mark_of`). `safety_unread`: nobody has looked at one of them as it stands;
    `safety_until`: the first last day of one. `let_go_at`: from then on whoever wrote of them first
    sees them as everybody else does, by what leads to them. A merge sets `merged_into` and rewrites
    nothing: who reads follows it, and taking it back is setting it back.
    """

    SAFE = frozenset(
        {"id", "merged_into", "merged_at", "merged_by", "created_at", "created_by"}
        | {"editor", "edit_no", "flags", "safety_unread", "safety_until", "let_go_at"}
    )

    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="merged")
    merged_at = models.DateTimeField(null=True)
    merged_by = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    created_by = models.UUIDField(help_text="the responder who wrote of them first")
    let_go_at = models.DateTimeField(null=True)
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    flags = models.JSONField(default=list)
    content = EncryptedJSONField()
    safety_reviews = EncryptedJSONField(default=list)
    safety_unread = models.BooleanField(default=False, db_default=False)
    safety_until = models.DateField(null=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "persons"
        indexes = [
            models.Index(fields=["created_at", "id"], name="people_person_by_time"),
            models.Index(
                fields=["created_at", "id"],
                condition=Q(safety_unread=True) | Q(safety_until__isnull=False),
                name="people_person_safety",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(let_go_at=None),
                name="people_person_unlinked",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into=None, merged_at=None, merged_by=None)
                | Q(merged_into__isnull=False, merged_at__isnull=False, merged_by__isnull=False),
                name="people_merged_who_and_when",
            ),
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("id")),
                name="people_merged_into_another",
            ),
        ]


class PersonKey(UUIDModel):
    """One way in which a person may be found again, as a keyed hash: see `matching`."""

    SAFE = frozenset({"id", "person", "key"})

    person = models.ForeignKey(Person, models.CASCADE, related_name="keys")
    key = models.BinaryField(max_length=16)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "person"], name="people_key_once"),
        ]


class GlassQuerySet(VisibleQuerySet["BrokenGlass"]):
    COLLECTION = "broken_glass"

    def open(self, now: object) -> GlassQuerySet:
        """Those that show the person, for a while yet."""
        return self.filter(until__gt=now, closed_at=None)

    def over(self, now: object) -> GlassQuerySet:
        """Those whose time is over and that still show the person."""
        return self.filter(until__lte=now, closed_at=None).order_by("until")

    def to_review(self) -> GlassQuerySet:
        return self.filter(reviewed_at=None).order_by("at")


class BrokenGlass(UUIDModel):
    """A responder opened a person's record without a call that led to them: for a while, for a
    reason that a supervisor reviews. Who reviews it may ask first: the last `question` stands."""

    SAFE = frozenset(
        {"id", "person", "user", "at", "until", "closed_at", "reviewed_by", "reviewed_at"}
        | {"justified", "asked_by", "asked_at"}
    )

    person = models.ForeignKey(Person, models.PROTECT, related_name="glass")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    until = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    justified = models.BooleanField(null=True)
    reason = EncryptedTextField()
    asked_by = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, related_name="+", db_index=False
    )
    asked_at = models.DateTimeField(null=True)
    question = EncryptedTextField(null=True)

    objects = GlassQuerySet.as_manager()

    class Meta:
        verbose_name = "break-glass access"
        verbose_name_plural = "break-glass accesses"
        indexes = [models.Index(fields=["at", "id"], name="people_glass_by_time")]
        constraints = [
            models.CheckConstraint(condition=Q(until__gt=F("at")), name="people_glass_for_a_while"),
            models.CheckConstraint(
                condition=Q(reviewed_by=None, reviewed_at=None, justified=None)
                | Q(reviewed_by__isnull=False, reviewed_at__isnull=False, justified__isnull=False),
                name="people_glass_reviewed_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(asked_by=None, asked_at=None, question__isnull=True)
                | Q(asked_by__isnull=False, asked_at__isnull=False, question__isnull=False),
                name="people_glass_asked_by_whom",
            ),
        ]
