"""What every fact that a tablet tells has in its table: how it came. Each room that takes facts has
a table of its own."""

from __future__ import annotations

from typing import Final

from django.db import models

from apps.core.fields import EncryptedJSONField
from apps.core.models import UUIDModel

# What says how a fact came, and nothing of what it says.
STAMP: Final = frozenset(
    {"id", "device", "counter", "edit_no", "device_time", "clock_offset_ms"}
    | {"clock_uncertainty_ms", "received_at", "flags"}
)


class Told(UUIDModel):
    """A fact of a tablet: which local database told it, when, as which of its facts. What comes in
    another way has none of that but `received_at`. `device` is the local database that made it,
    `counter` orders its facts; `device_time` is the device's clock, uncorrected. `unread` (PHI):
    what of it has no column or no place in the schema."""

    APPEND_ONLY = True

    device = models.UUIDField(null=True)
    counter = models.BigIntegerField(null=True)
    edit_no = models.BigIntegerField(null=True)
    device_time = models.DateTimeField(null=True)
    clock_offset_ms = models.IntegerField(
        null=True, help_text="device clock minus server clock, milliseconds, measured at the push"
    )
    clock_uncertainty_ms = models.IntegerField(null=True)
    received_at = models.DateTimeField()
    flags = models.JSONField(default=list)
    unread = EncryptedJSONField(null=True)

    class Meta:
        abstract = True
