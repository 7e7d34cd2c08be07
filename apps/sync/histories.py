"""The rows of a recovery: which history began where, who has to come back to it, who noticed."""

from __future__ import annotations

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import Tablet, User
from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet


class History(Model):
    """A history that an operator has begun, after a restore or a promotion: `epoch` is its name.

    `last_seq`, `last_nonce`, `last_at`: the last commit that the database held then. Everything
    that tablets have seen beyond it was lost here.
    """

    SAFE = frozenset({"epoch", "former", "began_at", "last_seq", "last_nonce", "last_at"})

    epoch = models.UUIDField(primary_key=True)
    former = models.UUIDField()
    began_at = models.DateTimeField()
    last_seq = models.BigIntegerField()
    last_nonce = models.BigIntegerField()
    last_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sync_anotherhistory"  # `sync_history` is an index
        verbose_name = "history"
        verbose_name_plural = "histories"
        ordering = ("-began_at",)

    def __str__(self) -> str:
        return f"history {self.epoch}"


class Comeback(UUIDModel):
    """A local database of a former history, and what has come of it in this one.

    `pending`: the collections that it may still hold lost texts of. It is served none of them until
    it has said that everything it held was sent. `came_at`: its first contact; `seen_seq` the
    highest commit of before that it has seen. What it sent while it was pending: `sent` documents,
    of which `new` were not here, `changed` replaced or joined what was here, `conflicts` were kept
    beside it, `refused` are in quarantine; the others were here already.
    """

    SAFE = frozenset(
        {"id", "epoch", "instance", "tablet", "pending", "came_at", "followed_at", "seen_seq"}
        | {"sent", "new", "changed", "conflicts", "refused"}
    )

    epoch = models.UUIDField()
    instance = models.UUIDField("local database")
    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+")
    pending = ArrayField(models.CharField(max_length=40))
    came_at = models.DateTimeField(null=True)
    followed_at = models.DateTimeField(null=True)
    seen_seq = models.BigIntegerField(null=True)
    sent = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    conflicts = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "comeback"
        constraints = [
            models.UniqueConstraint(fields=["epoch", "instance"], name="sync_comes_back_once"),
            models.CheckConstraint(
                condition=Q(followed_at=None) | Q(came_at__isnull=False),
                name="sync_followed_after_coming",
            ),
        ]


class Setback(Model):
    """A later commit than this server has was seen, within one history: the server was put back in
    time, and nobody has begun another history yet. One row for an `epoch`; the tablet whose word
    settled it, and the highest commit that any has seen. See `SetbackClaim`."""

    SAFE = frozenset({"epoch", "noticed_at", "tablet", "instance", "seen_seq", "head_seq"})

    epoch = models.UUIDField(primary_key=True)
    noticed_at = models.DateTimeField()
    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+")
    instance = models.UUIDField("local database")
    seen_seq = models.BigIntegerField()
    head_seq = models.BigIntegerField()

    class Meta:
        verbose_name = "setback"

    def __str__(self) -> str:
        return f"setback in {self.epoch}"


class SetbackClaimQuerySet(QuerySet["SetbackClaim"]):
    def open(self, epoch: UUID) -> SetbackClaimQuerySet:
        """Those in a history that nobody has dismissed."""
        return self.filter(epoch=epoch, dismissed_at=None)


class SetbackClaim(UUIDModel):
    """A tablet says that it has seen a later commit than this server has: one row for it and an
    `epoch`, with the local database that said so first and the highest commit that it named.

    `proven`: it has shown a checkpoint of that commit, which nobody but this server can have
    signed. What is only said counts once two tablets say it, and no more once it was dismissed.
    """

    SAFE = frozenset(
        {"id", "epoch", "tablet", "instance", "noticed_at", "seen_seq", "head_seq", "proven"}
        | {"dismissed_by", "dismissed_at"}
    )

    epoch = models.UUIDField("history")
    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+")
    instance = models.UUIDField("local database")
    noticed_at = models.DateTimeField()
    seen_seq = models.BigIntegerField("commit that it names")
    head_seq = models.BigIntegerField("last commit here then")
    proven = models.BooleanField(default=False, db_default=False)
    dismissed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    dismissed_at = models.DateTimeField(null=True)

    objects = SetbackClaimQuerySet.as_manager()

    class Meta:
        verbose_name = "claim of a later commit"
        verbose_name_plural = "claims of later commits"
        constraints = [
            models.UniqueConstraint(fields=["epoch", "tablet"], name="sync_claims_once"),
            models.CheckConstraint(
                condition=Q(dismissed_by=None, dismissed_at=None)
                | Q(dismissed_by__isnull=False, dismissed_at__isnull=False),
                name="sync_dismissed_by_whom_and_when",
            ),
        ]
