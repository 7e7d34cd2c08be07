"""Case notes and what belongs to them: signatures, addenda, reviews, the policies that notes are
judged by, and who owes a record."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q

from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.assignments.timeline import corrected_time
from apps.casenotes.policies import Policies, Version, shipped
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.ids import short
from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet, there_is
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

    def waiting(self) -> AddendumQuerySet:
        """Addenda whose note is not here yet."""
        return self.exclude(Exists(CaseNote.objects.filter(pk=OuterRef("note_id"))))


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


class ReviewState(models.TextChoices):
    WAITING = "waiting", "waiting"
    ACCEPTED = "accepted", "accepted"
    RETURNED = "returned", "returned"


class ReviewQuerySet(VisibleQuerySet["Review"]):
    """Who may see a note may see its reviews."""

    COLLECTION = CaseNoteQuerySet.COLLECTION
    DOC_ID = "note_id"

    def waiting(self) -> ReviewQuerySet:
        """The queue: the longest waiting first."""
        return self.filter(state=ReviewState.WAITING).order_by("asked_at", "pk")


class Review(UUIDModel):
    """A look that a rule, or the sample, asks for after a note is signed. Decided once: a trigger
    refuses what would change it then, and nothing is ever deleted.

    A returned note is answered with an addendum, which asks for the next review. `reasons` (PHI)
    are codes of rules: a reason tells of the person's state. `policy` has those rules; None: the
    first that came with the product.
    """

    SAFE = frozenset({"id", "note", "policy", "state", "asked_at", "reviewer", "decided_at"})

    note = models.ForeignKey(CaseNote, models.PROTECT, related_name="reviews")
    policy = models.ForeignKey(
        "NotePolicy", models.PROTECT, null=True, related_name="+", db_index=False
    )
    state = models.CharField(max_length=10, choices=ReviewState, default=ReviewState.WAITING)
    asked_at = models.DateTimeField()
    reasons = EncryptedJSONField()
    reviewer = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    comment = EncryptedTextField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = "review"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ReviewState.values), name="casenotes_review_state"
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", reviewer=None, decided_at=None, comment__isnull=True)
                | Q(
                    state__in=["accepted", "returned"],
                    reviewer__isnull=False,
                    decided_at__isnull=False,
                ),
                name="casenotes_reviewed_by_whom_and_when",
            ),
            models.UniqueConstraint(
                fields=["note"], condition=Q(state="waiting"), name="casenotes_one_review_waits"
            ),
        ]
        indexes = [
            models.Index(
                fields=["asked_at", "id"],
                condition=~Q(state="waiting"),
                name="casenotes_review_decided",
            ),
            models.Index(
                fields=["asked_at", "id"],
                condition=Q(state="waiting"),
                name="casenotes_review_queue",
            ),
        ]


class OwedReportQuerySet(VisibleQuerySet["OwedReport"]):
    """Who may see a note may see what is owed of it."""

    COLLECTION = CaseNoteQuerySet.COLLECTION
    DOC_ID = "note_id"

    def open(self) -> OwedReportQuerySet:
        """Those that nobody has made yet, the earliest due first."""
        return self.filter(due_at__isnull=False).order_by("due_at", "pk")

    def due_by(self, until: datetime) -> OwedReportQuerySet:
        """Open ones that are due by then, or overdue."""
        return self.open().filter(due_at__lte=until)


class OwedReport(Model):
    """By when the law asks for a report or a notice that a note tells of, and nobody has made yet.

    `due_at` is the earliest deadline of the note that is open, with what was added to it; None:
    none is open any more. `since`: when one came to be open. What the law is about stands in the
    note. Brought to how things stand whenever its note is written, and read as a list.
    """

    SAFE = frozenset({"note", "due_at", "since"})

    note = models.OneToOneField(
        CaseNote, models.PROTECT, primary_key=True, related_name="owed_report"
    )
    due_at = models.DateTimeField(null=True)
    since = models.DateTimeField()

    objects = OwedReportQuerySet.as_manager()

    class Meta:
        verbose_name = "report owed by law"
        verbose_name_plural = "reports owed by law"
        indexes = [
            models.Index(
                fields=["due_at", "note"],
                condition=Q(due_at__isnull=False),
                name="casenotes_report_owed",
            )
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {short(self.pk)}"


class RecordKind(models.TextChoices):
    """How an encounter came to its record; see `content.completeness.record_kind`."""

    AUTOMATIC = "automatic", "automatic"
    MINIMAL = "minimal", "minimal"
    FULL = "full", "full"


class EncounterRecordQuerySet(QuerySet["EncounterRecord"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> EncounterRecordQuerySet:
        """The records of the assignments that the user may see, and what they owe themselves."""
        if user.pk is None:
            return self.none()
        seen = Assignment.objects.visible_to(user).filter(pk=OuterRef("assignment_id"))
        return self.filter(there_is(seen) | Q(owed_by__contains=[user.pk]))

    def owed(self) -> EncounterRecordQuerySet:
        """Debts: encounters of cleared assignments without a signed note, the oldest first."""
        return self.filter(cleared_at__isnull=False, kind="").order_by("cleared_at", "pk")

    def counted(self) -> dict[str, int]:
        """How many encounters of cleared assignments have which kind of record; "" for those that
        owe one."""
        kinds = self.filter(cleared_at__isnull=False).order_by().values_list("kind")
        return dict(kinds.annotate(Count("pk")))

    def owed_by(self, author: User) -> EncounterRecordQuerySet:
        """What one person owes."""
        return self.owed().filter(owed_by__contains=[author.pk])


class EncounterRecord(UUIDModel):
    """What record an encounter of a cleared assignment has; its id is the encounter's.

    Without a `kind` it is a debt of those in `owed_by`. One without `cleared_at` owes nothing: its
    call is open again, or nobody is named in it any more. Brought to how things stand by every
    event that may change it, and read as a list: to work debts out anew would look through every
    assignment there was.
    """

    SAFE = frozenset(
        {"id", "assignment_id", "closing", "cleared_at", "kind", "settled_at", "owed_by"}
    )

    assignment_id = models.UUIDField(db_index=True)
    closing = models.CharField(max_length=20, blank=True)
    cleared_at = models.DateTimeField(null=True)
    kind = models.CharField(max_length=10, choices=RecordKind, blank=True)
    settled_at = models.DateTimeField(null=True)
    owed_by = ArrayField(models.UUIDField(), default=list)

    objects = EncounterRecordQuerySet.as_manager()

    class Meta:
        verbose_name = "record of an encounter"
        verbose_name_plural = "records of encounters"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["", *RecordKind.values]), name="casenotes_record_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind="", settled_at=None)
                | (~Q(kind="") & Q(settled_at__isnull=False, cleared_at__isnull=False)),
                name="casenotes_settled_once_cleared",
            ),
        ]
        indexes = [
            models.Index(
                fields=["cleared_at", "id"],
                condition=Q(kind="", cleared_at__isnull=False),
                name="casenotes_record_owed",
            ),
            GinIndex(
                fields=["owed_by"],
                condition=Q(kind="", cleared_at__isnull=False),
                name="casenotes_record_owed_by",
            ),
            models.Index(fields=["closing", "cleared_at"], name="casenotes_record_closing"),
            models.Index(fields=["kind", "cleared_at"], name="casenotes_record_kind"),
        ]


class PolicyQuerySet(QuerySet["NotePolicy"]):
    def held(self) -> Policies:
        """All versions, as a value; those that come with the product where none was loaded."""
        rows = [row.as_version() for row in self.order_by("effective_from", "version")]
        return Policies(rows or shipped())


class NotePolicy(UUIDModel):
    """One version of what notes are judged by. A change is a new version.

    `definition` has the shape of `casenotes.policies.Policy`. `citation` is for whoever reads it in
    two years: who decided it, by what evidence. Until it is confirmed, tablets say that it is to
    be; `confirmation` tells whose word that was and where it is written, `confirmed_by` who put it
    down here.
    """

    SAFE = frozenset(
        {"id", "version", "effective_from", "effective_to", "citation", "definition"}
        | {"made_by", "made_at", "confirmed_by", "confirmed_at", "confirmation"}
    )

    version = models.SlugField(max_length=60, unique=True)
    effective_from = models.DateTimeField()
    effective_to = models.DateTimeField(null=True, blank=True)
    citation = models.TextField()
    definition = models.JSONField()
    made_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    confirmation = models.TextField(blank=True)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name = "note policy"
        verbose_name_plural = "note policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_to=None) | Q(effective_to__gt=models.F("effective_from")),
                name="casenotes_policy_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None, confirmed_at=None, confirmation="")
                | (Q(confirmed_by__isnull=False, confirmed_at__isnull=False) & ~Q(confirmation="")),
                name="casenotes_policy_confirmed_by_whom_and_when",
            ),
        ]

    def __str__(self) -> str:
        return self.version

    def as_version(self) -> Version:
        """The policy as a value."""
        return Version(
            version=self.version,
            effective_from=self.effective_from,
            effective_to=self.effective_to,
            definition=self.definition,
            citation=self.citation,
            id=self.pk,
        )
