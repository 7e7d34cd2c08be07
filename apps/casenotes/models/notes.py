"""A note, who wrote in it, who signed it, and what was added to it since."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.assignments.timeline import corrected_time
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.sync.told import STAMP, Told


class NoteState(models.TextChoices):
    """A note's life. It goes forward only; a trigger sees to it."""

    DRAFT = "draft", "draft"
    SIGNED = "signed", "signed"
    LOCKED = "locked", "locked"


class CaseNoteQuerySet(VisibleQuerySet["CaseNote"]):
    COLLECTION = "case_notes"

    def of(self, encounter_id: UUID) -> CaseNoteQuerySet:
        """The notes on one encounter, the oldest first. One is the rule."""
        return self.filter(encounter_id=encounter_id).order_by("begun_at", "pk")

    def drafts(self) -> CaseNoteQuerySet:
        return self.filter(state=NoteState.DRAFT)

    def lock_due(self, now: datetime) -> CaseNoteQuerySet:
        """Signed notes whose time for a further signature is over, the oldest first."""
        return self.filter(state=NoteState.SIGNED, lock_due_at__lte=now).order_by("lock_due_at")


class CaseNote(UUIDModel):
    """What the crew writes of one encounter: draft, then signed, then locked.

    `content` (PHI) is the draft as it was typed, whole. A signed note has none: its text stands
    with its signatures, in a table that is only added to, and nowhere else. `unread` (PHI) is what
    a tablet sent that does not fit the schema. `asked` and `missing` count the parts that its path
    asks for and those that are left. `restricted`: only its authors and their supervisors see it.
    `editor` and `edit_no` name the save that the draft is.

    Neither `encounter_id` nor `assignment_id` is a foreign key: a note may come first. After the
    signature a trigger refuses every change but the lock, and nothing is ever deleted.
    """

    SAFE = frozenset(
        {"id", "encounter_id", "assignment_id", "state", "restricted", "begun_at", "saved_at"}
        | {"editor", "edit_no", "asked", "missing", "flags", "signed_hash", "signed_at"}
        | {"signed_by", "lock_due_at", "locked_at"}
    )

    encounter_id = models.UUIDField(db_index=True)
    assignment_id = models.UUIDField(db_index=True)
    state = models.CharField(max_length=10, choices=NoteState, default=NoteState.DRAFT)
    restricted = models.BooleanField(default=False)
    begun_at = models.DateTimeField()
    saved_at = models.DateTimeField()
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    asked = models.PositiveSmallIntegerField(default=0)
    missing = models.PositiveSmallIntegerField(default=0)
    flags = models.JSONField(default=list)
    content = EncryptedJSONField(null=True)
    unread = EncryptedJSONField(null=True)
    signed_hash = models.CharField(max_length=64, blank=True)
    signed_at = models.DateTimeField(null=True)
    signed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    lock_due_at = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True)

    objects = CaseNoteQuerySet.as_manager()

    class Meta:
        verbose_name = "case note"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=NoteState.values), name="casenotes_note_state"
            ),
            models.CheckConstraint(
                condition=Q(
                    state="draft",
                    content__isnull=False,
                    signed_hash="",
                    signed_at=None,
                    signed_by=None,
                    lock_due_at=None,
                )
                | Q(
                    state__in=["signed", "locked"],
                    content__isnull=True,
                    signed_hash__regex="^[0-9a-f]{64}$",
                    signed_at__isnull=False,
                    signed_by__isnull=False,
                    lock_due_at__isnull=False,
                ),
                name="casenotes_signed_by_whom_when_and_what",
            ),
            models.CheckConstraint(
                condition=Q(state="locked", locked_at__isnull=False)
                | (~Q(state="locked") & Q(locked_at=None)),
                name="casenotes_locked_when",
            ),
            models.CheckConstraint(
                condition=Q(missing__lte=models.F("asked")), name="casenotes_missing_of_asked"
            ),
        ]
        indexes = [
            models.Index(fields=["begun_at"], name="casenotes_begun"),
            # What the list is narrowed by.
            models.Index(fields=["state", "begun_at"], name="casenotes_by_state"),
            models.Index(
                fields=["begun_at"], condition=Q(restricted=True), name="casenotes_restricted"
            ),
            models.Index(
                fields=["lock_due_at"], condition=Q(state="signed"), name="casenotes_lock_due"
            ),
        ]


class NoteAuthor(UUIDModel):
    """Somebody who wrote in a note. `parts` (PHI: it tells what was there to be written) names the
    fields in which something is theirs, in the order in which they came to them.

    Once the note is signed a trigger refuses every change: they stand as `Signature.authors` has
    them."""

    SAFE = frozenset({"id", "note", "author", "first_at", "last_at"})

    note = models.ForeignKey(CaseNote, models.PROTECT, related_name="authors")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    parts = EncryptedJSONField()

    class Meta:
        verbose_name = "author of a note"
        constraints = [
            models.UniqueConstraint(fields=["note", "author"], name="casenotes_author_once")
        ]


class ToldFact(Told):
    """A fact about a note, as its author told it. Append-only by trigger. Without a `device` a desk
    told it."""

    author = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    @property
    def told_at(self) -> datetime:
        """By its device's clock less the measured offset; when it came, where that is not known."""
        return corrected_time(self.device_time, self.clock_offset_ms) or self.received_at


class Signature(ToldFact):
    """One signature, with what was signed: the authoritative copy of a signed note.

    `content_hash` is what the signer named, and what `content` hashes to. `authors` tells who had
    written which fields. All signatures of a note name one hash; a trigger sees to it.
    """

    SAFE = STAMP | {"author", "note", "content_hash"}

    note = models.ForeignKey(CaseNote, models.PROTECT, related_name="signatures")
    content_hash = models.CharField(max_length=64)
    content = EncryptedJSONField()
    authors = EncryptedJSONField()

    class Meta:
        verbose_name = "signature"


class AddendumQuerySet(QuerySet["Addendum"]):
    def of(self, note_id: UUID) -> AddendumQuerySet:
        """The addenda to one note, in the order in which they were taken."""
        return self.filter(note_id=note_id).order_by("received_at", "pk")


class Addendum(ToldFact):
    """What is added to a note. `note_id` is no foreign key: it may come before its note.

    `changes` (PHI): fields as somebody typed them after the note was signed; what is signed stays
    beside it. `quarantined` is the refused edit that it was made from, `recorded_by` the supervisor
    who had it made; None: its author.
    """

    SAFE = STAMP | {"author", "note_id", "quarantined", "recorded_by"}

    note_id = models.UUIDField(db_index=True)
    text = EncryptedTextField()
    changes = EncryptedJSONField(null=True)
    quarantined = models.UUIDField(null=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = AddendumQuerySet.as_manager()

    class Meta:
        verbose_name = "addendum"
        verbose_name_plural = "addenda"
