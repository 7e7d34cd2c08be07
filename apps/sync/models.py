"""What became of the rows that tablets pushed: ledger, history, conflicts, quarantine."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import OuterRef, Q

from apps.accounts.models import LocalDatabase, Role, Tablet, User
from apps.changes.models import Grant, Member
from apps.changes.querysets import VisibleQuerySet
from apps.changes.services import EVERYONE
from apps.core.fields import EncryptedJSONField
from apps.core.ids import short
from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet, there_is
from apps.sync.earlydocuments import EarlyDocument, EarlyDocumentQuerySet
from apps.sync.histories import Comeback, History, Setback, SetbackClaim
from apps.sync.judging import Fate
from apps.sync.media import models as _media_models  # noqa: F401  (Django finds models from here)

__all__ = [
    "FATES",
    "CheckedDigest",
    "Choice",
    "Comeback",
    "Conflict",
    "ConflictQuerySet",
    "EarlyDocument",
    "EarlyDocumentQuerySet",
    "History",
    "Outbox",
    "PurgeReceipt",
    "QuarantinedWrite",
    "QuarantinedWriteQuerySet",
    "Setback",
    "SetbackClaim",
    "TakenWrite",
    "Version",
]

FATES = [*(str(fate) for fate in Fate), "restored", "deleted"]


class TakenWrite(UUIDModel):
    """A pushed fact that was applied. The unique key orders two copies of one request.

    `fingerprint` is a keyed hash of what the client wrote: the same again is a repeat, something
    else under the same id is not.
    """

    SAFE = frozenset(
        {"id", "collection", "doc_id", "fingerprint", "instance", "editor", "edit_no", "taken_at"}
    )

    collection = models.CharField(max_length=40)
    doc_id = models.UUIDField()
    fingerprint = models.BinaryField(max_length=16)
    instance = models.UUIDField()
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["collection", "doc_id"], name="sync_taken_once")
        ]


class VersionQuerySet(QuerySet["Version"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> VersionQuerySet:
        """The history of every document that the user may see now, and what they wrote themselves
        and was kept without ever holding."""
        if user.pk is None:
            return self.none()
        granted = Grant.objects.filter(principal__in=[user.pk, EVERYONE]).values("scope")
        seen = Member.objects.filter(
            collection=OuterRef("collection"), doc_id=OuterRef("doc_id"), scope__in=granted
        )
        return self.filter(there_is(seen) | Q(author=user.pk, fate=Fate.KEPT))


class Version(UUIDModel):
    """One save of a document that people change together, as it was sent: ledger and history.

    The ledger: the unique key makes an edit take effect once, and the highest `edit_no` of an
    editor that was taken is the base of what it sends next. The history: every text that ever held
    is here, and every one that was kept without holding. `rev` is the document's revision from then
    on. `result` is the whole document where it differs from what was sent. Append-only by trigger.
    """

    SAFE = frozenset(
        {"id", "collection", "doc_id", "rev", "fate", "editor", "edit_no", "fingerprint"}
        | {"instance", "tablet", "author", "at"}
    )
    APPEND_ONLY = True

    collection = models.CharField(max_length=40)
    doc_id = models.UUIDField()
    rev = models.BigIntegerField()
    fate = models.CharField(max_length=10)
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    fingerprint = models.BinaryField(max_length=16)
    instance = models.UUIDField("local database", null=True)
    tablet = models.ForeignKey(Tablet, models.PROTECT, null=True, related_name="+")
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    content = EncryptedJSONField()
    result = EncryptedJSONField(null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = "version"
        constraints = [
            # Saves that name no editor are all different: only their content could tell, and the
            # same content again is a normal day.
            models.UniqueConstraint(
                fields=["collection", "doc_id", "editor", "edit_no", "fingerprint"],
                name="sync_version_once",
            ),
            models.CheckConstraint(condition=Q(fate__in=FATES), name="sync_version_fate"),
        ]
        indexes = [
            models.Index(fields=["collection", "doc_id", "rev"], name="sync_history"),
            models.Index(fields=["fate", "id"], name="sync_history_by_fate"),
        ]


class ConflictQuerySet(VisibleQuerySet["Conflict"]):
    COLLECTION = "quarantine"

    def open(self) -> ConflictQuerySet:
        """Those that nobody has settled."""
        return self.filter(settled_at=None)

    def older_than(self, age: timedelta, *, now: datetime) -> ConflictQuerySet:
        """Those that came longer ago."""
        return self.filter(at__lt=now - age)


class Choice(models.TextChoices):
    """How a conflict was settled."""

    STAYS = "stays", "what stands in the document stays"
    KEPT = "kept", "what was kept was put back"


class Conflict(UUIDModel):
    """Two wrote into the same field of a document: what won, and what was kept beside it.

    `author` wrote what was kept, `version` is the save it came with. It comes to its author in the
    collection `quarantine` until somebody settles it.
    """

    SAFE = frozenset(
        {"id", "collection", "doc_id", "version", "author", "tablet", "at", "fields"}
        | {"settled_by", "settled_at", "choice"}
    )

    collection = models.CharField(max_length=40)
    doc_id = models.UUIDField("document")
    version = models.UUIDField()
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    tablet = models.ForeignKey(Tablet, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    fields = models.JSONField()
    won = EncryptedJSONField()
    kept = EncryptedJSONField()
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    choice = models.CharField(max_length=10, choices=Choice, blank=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        verbose_name = "conflict"
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_by=None, settled_at=None, choice="")
                | Q(settled_by__isnull=False, settled_at__isnull=False, choice__in=Choice.values),
                name="sync_settled_by_whom_when_and_how",
            )
        ]
        indexes = [
            models.Index(fields=["at", "id"], name="sync_conflict_by_time"),
            models.Index(fields=["collection", "at"], name="sync_conflict_by_collection"),
            models.Index(
                fields=["collection", "doc_id"],
                condition=Q(settled_at=None),
                name="sync_conflict_open",
            ),
        ]


class QuarantinedWriteQuerySet(VisibleQuerySet["QuarantinedWrite"]):
    COLLECTION = "quarantine"

    def open(self) -> QuarantinedWriteQuerySet:
        """Neither corrected by its author nor applied or acknowledged by a supervisor."""
        return self.filter(corrected_at=None, acknowledged_at=None, applied_at=None)

    def older_than(self, age: timedelta, *, now: datetime) -> QuarantinedWriteQuerySet:
        """Those that came longer ago."""
        return self.filter(at__lt=now - age)

    def waiting(self) -> QuarantinedWriteQuerySet:
        """Those that are taken when their author signs in again."""
        return self.open().filter(waits_for_author=True)


class QuarantinedWrite(UUIDModel):
    """A pushed row that could not be taken, kept whole, as it was sent.

    `doc_id` is text: even an id that is none is kept. `base` is the state that it was typed on,
    `author` who was signed in (None: nobody). The unique key makes a repeat the same row.
    `stands_in`: nothing else holds under the document's id, so this text is shown there, marked.
    `waits_for_author`: nothing is wrong with it, but its author was not signed in any more; it is
    taken when they sign in again. What the tablet's clock and schemas were at the push is kept.
    Settled by its author's correction (`corrected_at`), by a supervisor who has applied it
    (`applied_by`), or by one who has seen that it cannot be (`acknowledged_by`).
    """

    SAFE = frozenset(
        {"id", "collection", "doc_id", "tablet", "author", "instance", "editor", "edit_no"}
        | {"fingerprint", "at", "corrected_at", "acknowledged_by", "acknowledged_at"}
        | {"applied_by", "applied_at", "stands_in", "waits_for_author"}
        | {"clock_offset_ms", "clock_uncertainty_ms", "client_schema"}
    )

    collection = models.CharField(max_length=40)
    doc_id = models.CharField("document", max_length=64)
    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+")
    author = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    instance = models.UUIDField("local database")
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    fingerprint = models.BinaryField(max_length=16)
    base = EncryptedJSONField(null=True)
    content = EncryptedJSONField()
    errors = EncryptedJSONField()
    at = models.DateTimeField()
    corrected_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)
    applied_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    applied_at = models.DateTimeField(null=True)
    stands_in = models.BooleanField(default=False, db_default=False)
    waits_for_author = models.BooleanField(default=False, db_default=False)
    clock_offset_ms = models.IntegerField(null=True)
    clock_uncertainty_ms = models.IntegerField(null=True)
    client_schema = models.PositiveIntegerField(default=1, db_default=1)

    objects = QuarantinedWriteQuerySet.as_manager()

    class Meta:
        verbose_name = "quarantined write"
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "collection", "doc_id", "edit_no", "fingerprint"],
                name="sync_quarantined_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_by=None, acknowledged_at=None)
                | Q(acknowledged_by__isnull=False, acknowledged_at__isnull=False),
                name="sync_acknowledged_by_whom_and_when",
            ),
            models.CheckConstraint(
                condition=Q(applied_by=None, applied_at=None)
                | Q(applied_by__isnull=False, applied_at__isnull=False),
                name="sync_applied_by_whom_and_when",
            ),
        ]
        indexes = [
            models.Index(fields=["at", "id"], name="sync_quarantine_by_time"),
            models.Index(fields=["collection", "at"], name="sync_quarantine_by_collection"),
            models.Index(
                fields=["collection", "doc_id"],
                condition=Q(corrected_at=None),
                name="sync_quarantine_open",
            ),
            models.Index(
                fields=["collection", "doc_id"],
                condition=Q(stands_in=True),
                name="sync_stands_in",
            ),
        ]


class LostIntake(UUIDModel):
    """What a lost tablet has handed in since it was reported lost: `rows` and `bytes` were kept in
    quarantine, `dropped` rows came beyond what is kept of it."""

    SAFE = frozenset({"id", "tablet", "rows", "bytes", "dropped"})

    tablet = models.OneToOneField(Tablet, models.PROTECT, related_name="+")
    rows = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    dropped = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "what a lost tablet handed in"


class Outbox(Model):
    """What a local database says it has not sent: its own declaration, replaced each time.

    `unsent` and `refused`: by collection `{count, oldest_at, kinds}`, by the device's clock, which
    is `offset_ms` ahead of the server's; `kinds` counts the edits by what they tell, where the
    client says so. `oldest_at` is the oldest unsent of all, by the server's clock.
    """

    SAFE = frozenset(
        {"local_database", "unsent", "refused", "unsent_count", "refused_count", "oldest_at"}
        | {"device_at", "offset_ms", "declared_at"}
    )

    local_database = models.OneToOneField(
        LocalDatabase, models.CASCADE, primary_key=True, related_name="outbox"
    )
    unsent = models.JSONField()
    refused = models.JSONField()
    unsent_count = models.PositiveIntegerField()
    refused_count = models.PositiveIntegerField()
    oldest_at = models.DateTimeField(null=True)
    device_at = models.DateTimeField()
    offset_ms = models.IntegerField()
    declared_at = models.DateTimeField()

    class Meta:
        verbose_name = "outbox"
        verbose_name_plural = "outboxes"

    def __str__(self) -> str:
        return f"outbox of {short(self.pk)}"


class CheckedDigest(UUIDModel):
    """What a local database found when it compared what it holds of a collection with the digest as
    of commit `head_seq`: its own declaration, the last one. `count`: how many documents it holds.
    Where they do not agree after everything was pulled anew, one of the two has a fault."""

    SAFE = frozenset(
        {"id", "local_database", "collection", "head_seq", "count", "agrees", "declared_at"}
    )

    local_database = models.ForeignKey(
        LocalDatabase, models.CASCADE, related_name="checked_digests"
    )
    collection = models.CharField(max_length=40)
    head_seq = models.BigIntegerField("as of commit")
    count = models.PositiveIntegerField("documents on the tablet")
    agrees = models.BooleanField()
    declared_at = models.DateTimeField()

    class Meta:
        verbose_name = "checked digest"
        constraints = [
            models.UniqueConstraint(
                fields=["local_database", "collection"], name="sync_last_digest_checked"
            )
        ]


class PurgeReceiptQuerySet(QuerySet["PurgeReceipt"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> PurgeReceiptQuerySet:
        """Those of the tablets that a person answers for: a supervisor's team's, all for the
        dispatch desk and the administrator."""
        match user:
            case User(role=Role.DISPATCHER | Role.ADMINISTRATOR):
                return self.all()
            case User(role=Role.SUPERVISOR, team_id=team) if team is not None:
                return self.filter(local_database__tablet__team=team)
            case _:
                return self.none()


class PurgeReceipt(Model):
    """A local database says that it has dropped a document: its declaration, no proof.

    `seq` is the commit whose order to drop it carried out; 0: there was no such order any more. A
    document that came back and was dropped again has a receipt for each. Append-only by trigger.
    """

    SAFE = frozenset({"id", "local_database", "collection", "doc_id", "seq", "at"})
    APPEND_ONLY = True

    local_database = models.ForeignKey(LocalDatabase, models.PROTECT, related_name="+")
    collection = models.CharField(max_length=40)
    doc_id = models.UUIDField("document")
    seq = models.BigIntegerField()
    at = models.DateTimeField()

    objects = PurgeReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = "purge receipt"
        constraints = [
            models.UniqueConstraint(
                fields=["local_database", "collection", "doc_id", "seq"], name="sync_purged_once"
            )
        ]
        indexes = [models.Index(fields=["collection", "doc_id"], name="sync_purged_document")]

    def __str__(self) -> str:
        return f"purge receipt {self.pk}"
