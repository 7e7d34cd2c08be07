"""Messages that nobody could read."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models

from apps.accounts.models import DESK_ROLES, Client, User
from apps.core.fields import EncryptedTextField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet


class HeldMessageQuerySet(QuerySet["HeldMessage"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> HeldMessageQuerySet:
        """Nobody knows yet whom a message is about, so the whole desk sees it, and nobody else."""
        desk = isinstance(user, User) and user.is_active and user.role in DESK_ROLES
        return self.all() if desk else self.none()

    def waiting(self, now: datetime) -> HeldMessageQuerySet:
        """Messages that nobody has dealt with yet."""
        return self.filter(replayed_at=None, expires_at__gt=now)

    def expired(self, now: datetime) -> HeldMessageQuerySet:
        return self.filter(expires_at__lte=now)


class HeldMessage(UUIDModel):
    """A message from CAD that could not be parsed, kept for a supervisor to see and replay."""

    SAFE = frozenset(
        {"id", "client", "path", "content_type", "content_hash", "size", "errors"}
        | {"withheld_count", "received_at", "expires_at", "replayed_at"}
    )

    client = models.ForeignKey(Client, models.PROTECT, related_name="+")
    path = models.CharField(max_length=80)
    content_type = models.CharField(max_length=120, blank=True)
    content_hash = models.BinaryField(max_length=16, help_text="blind index: the same message once")
    size = models.PositiveIntegerField(help_text="bytes")
    errors = models.JSONField(help_text="JSON Pointers and what to mend, without values")
    received_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    replayed_at = models.DateTimeField(null=True)
    withheld_count = models.PositiveIntegerField(
        default=0, db_default=0, help_text="passages of criminal history that were removed before"
    )
    content = EncryptedTextField(help_text="base64 of the body, without criminal history")

    objects = HeldMessageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["received_at", "id"], name="dispatch_held_by_time"),
            models.Index(fields=["path", "received_at"], name="dispatch_held_by_path"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["client", "content_hash"], name="dispatch_held_once")
        ]
