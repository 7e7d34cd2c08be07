"""The feed's tables, for reading. `sql/feed.sql` makes them and says who writes what.

`Commit`, `Member`, `Holding` and `Item` are written by the trigger functions at COMMIT alone; the
rest by `services`. Nothing of the feed is saved through the ORM. `ParkedReaction` is no part of it.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet


class Commit(Model):
    """A transaction that published something. `(seq, nonce)` names a point of this history."""

    SAFE = frozenset({"id", "seq", "nonce", "at"})
    APPEND_ONLY = True

    id = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField(unique=True, null=True)
    nonce = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "feed_commit"

    def __str__(self) -> str:
        return f"commit {self.seq}"


class Change(Model):
    """What a transaction published: the log, read in the order of (commit's seq, n).

    Each `kind` (doc, hold, event) fills its own columns and leaves the others null.
    """

    SAFE = frozenset(
        {"n", "commit_id", "kind", "collection", "doc_id", "scopes", "rev"}
        | {"holder", "scope", "held", "event", "subject"}
    )
    APPEND_ONLY = True

    n = models.BigIntegerField(primary_key=True)
    commit_id = models.BigIntegerField()
    kind = models.TextField()
    collection = models.TextField(null=True)
    doc_id = models.UUIDField(null=True)
    scopes = ArrayField(models.TextField(), null=True)
    rev = models.BigIntegerField(null=True)
    holder = models.UUIDField(null=True)
    scope = models.TextField(null=True)
    held = models.BooleanField(null=True)
    event = models.TextField(null=True)
    subject = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "feed_change"

    def __str__(self) -> str:
        return f"change {self.n}"


class StoredDocument(Model):
    """A document as it is sent. `body` is sealed by `services` and opened by `reading`, not by a
    field: a page of a thousand documents never becomes a thousand model instances."""

    SAFE = frozenset({"collection", "doc_id", "rev"})
    SEALED = frozenset({"body"})

    pk = models.CompositePrimaryKey("collection", "doc_id")
    collection = models.TextField()
    doc_id = models.UUIDField()
    rev = models.BigIntegerField()
    body = models.BinaryField()

    class Meta:
        managed = False
        db_table = "feed_document"

    def __str__(self) -> str:
        return f"stored document of {self.collection}"


class Member(Model):
    """A document is in a scope."""

    SAFE = frozenset({"scope", "collection", "doc_id"})

    pk = models.CompositePrimaryKey("scope", "collection", "doc_id")
    scope = models.TextField()
    collection = models.TextField()
    doc_id = models.UUIDField()

    class Meta:
        managed = False
        db_table = "feed_member"

    def __str__(self) -> str:
        return f"member of {self.scope}"


class Holding(Model):
    """A holder holds a scope, as of the last commit."""

    SAFE = frozenset({"holder", "scope"})

    pk = models.CompositePrimaryKey("holder", "scope")
    holder = models.UUIDField()
    scope = models.TextField()

    class Meta:
        managed = False
        db_table = "feed_holding"

    def __str__(self) -> str:
        return f"holding of {self.scope}"


class Item(Model):
    """What a holder must have, or must drop, and since which commit."""

    SAFE = frozenset({"holder", "collection", "doc_id", "seq", "visible"})

    pk = models.CompositePrimaryKey("holder", "collection", "doc_id")
    holder = models.UUIDField()
    collection = models.TextField()
    doc_id = models.UUIDField()
    seq = models.BigIntegerField()
    visible = models.BooleanField()

    class Meta:
        managed = False
        db_table = "feed_item"

    def __str__(self) -> str:
        return f"item of {self.collection} at {self.seq}"


class LastPage(Model):
    """The page of a pull that a holder was handed last, where there was something to drop: which
    row it ended with, and whether it was short. It says when tombstones were carried out."""

    SAFE = frozenset({"holder", "collection", "seq", "doc_id", "short"})

    pk = models.CompositePrimaryKey("holder", "collection")
    holder = models.UUIDField()
    collection = models.TextField()
    seq = models.BigIntegerField()
    doc_id = models.UUIDField()
    short = models.BooleanField()

    class Meta:
        managed = False
        db_table = "feed_last_page"

    def __str__(self) -> str:
        return f"last page of {self.collection}"


class Grant(Model):
    """A principal may see what is in a scope."""

    SAFE = frozenset({"principal", "scope"})

    pk = models.CompositePrimaryKey("principal", "scope")
    principal = models.UUIDField()
    scope = models.TextField()

    class Meta:
        managed = False
        db_table = "feed_grant"

    def __str__(self) -> str:
        return f"grant of {self.scope}"


class Binding(Model):
    """As whom a holder is signed in."""

    SAFE = frozenset({"holder", "principal"})

    holder = models.UUIDField(primary_key=True)
    principal = models.UUIDField()

    class Meta:
        managed = False
        db_table = "feed_binding"

    def __str__(self) -> str:
        return "binding"


class Epoch(Model):
    """The name of a history. The newest is current; a restore or a promotion adds one."""

    SAFE = frozenset({"id", "started_at"})
    APPEND_ONLY = True

    id = models.UUIDField(primary_key=True)
    started_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "feed_epoch"

    def __str__(self) -> str:
        return f"epoch {self.pk}"


class ParkedReactionQuerySet(QuerySet["ParkedReaction"]):
    def due(self, now: datetime) -> ParkedReactionQuerySet:
        """Those to be tried again, the longest awaited first."""
        return self.filter(due_at__lte=now).order_by("due_at")


class ParkedReaction(UUIDModel):
    """A reaction that has failed and is tried again until it succeeds: see `parking`.

    `reaction` is the function's name, `error` the last exception's; its text may hold what a record
    says and is not kept. `attempts` counts the retries.
    """

    SAFE = frozenset(
        {"id", "reaction", "event", "subject", "error", "failed_at", "attempts", "due_at"}
    )

    reaction = models.TextField()
    event = models.TextField()
    subject = models.UUIDField()
    error = models.TextField()
    failed_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)

    objects = ParkedReactionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reaction", "event", "subject"], name="changes_parked_once"
            ),
        ]
