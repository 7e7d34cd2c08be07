"""What somebody still owes: a report that the law asks for, and the record of an encounter."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Count, OuterRef, Q

from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.casenotes.models.notes import CaseNote, CaseNoteQuerySet, NoteAuthor
from apps.changes.querysets import VisibleQuerySet
from apps.core.ids import short
from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet, there_is


class OwedReportQuerySet(VisibleQuerySet["OwedReport"]):
    """Who may see a note may see what is owed of it."""

    COLLECTION = CaseNoteQuerySet.COLLECTION
    DOC_ID = "note_id"

    def open(self) -> OwedReportQuerySet:
        """Those that nobody has made yet, the earliest due first."""
        return self.filter(due_at__isnull=False).order_by("due_at", "pk")

    def owed_by(self, author: User) -> OwedReportQuerySet:
        """What one person owes, who wrote in the note."""
        wrote = NoteAuthor.objects.filter(note=OuterRef("pk"), author=author)
        return self.open().filter(there_is(wrote))

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
