"""Base classes of every model, and the heartbeat that shows that Celery is alive.

Each concrete field of a model is classed: an encrypted field is PHI, every other field is named in
`SAFE`, or in `SEALED` where bytes are sealed by hand. A test walks all models.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from apps.core.ids import short, uuid7
from apps.core.querysets import QuerySet


class Model(models.Model):
    """A model whose fields are classed. `APPEND_ONLY` rows are never changed by the application."""

    SAFE: ClassVar[frozenset[str]] = frozenset()
    SEALED: ClassVar[frozenset[str]] = frozenset()
    APPEND_ONLY: ClassVar[bool] = False

    class Meta:
        abstract = True


class UUIDModel(Model):
    """A row with a time-ordered key that exists before the row is saved."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """Type and short id: admin logs and messages repeat it, so it names no one."""
        return f"{self._meta.verbose_name} {short(self.pk)}"


class HeartbeatQuerySet(QuerySet["Heartbeat"]):
    def beat(self, name: str, *, now: datetime) -> None:
        """Writes that `name` ran at `now`."""
        self.update_or_create(name=name, defaults={"at": now})


class Heartbeat(Model):
    """When a background process last ran a task. A worker can be alive and consume nothing."""

    SAFE = frozenset({"name", "at"})

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
