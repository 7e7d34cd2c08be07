"""What lost tablets hand in: kept up to a limit, so that whoever has found one cannot fill the
disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from django.conf import settings

from apps.accounts.models import Tablet
from apps.sync.models import LostIntake

log = logging.getLogger(__name__)


def admits(*, tablet: Tablet, size: int, is_kept: Callable[[], bool] = lambda: False) -> bool:
    """Whether what has this size (bytes) is still kept. It is counted either way, but for a row
    that is kept already (`is_kept`, asked under the lock): what comes again after a lost answer
    uses up nothing. The operator is told once when the limit is reached. Part of the caller's
    transaction: the count's row is locked until it ends, so that rows that arrive in parallel are
    counted one after the other."""
    LostIntake.objects.get_or_create(tablet=tablet)
    intake = LostIntake.objects.select_for_update(no_key=True).get(tablet=tablet)
    if is_kept():
        return True
    fits = (
        intake.rows < settings.LOST_TABLET_ROWS
        and intake.bytes + size <= settings.LOST_TABLET_BYTES
    )
    if fits:
        intake.rows += 1
        intake.bytes += size
    else:
        if not intake.dropped:
            log.warning("lost tablet %s has handed in more than is kept of one", tablet.pk)
        intake.dropped += 1
    intake.save(update_fields=["rows", "bytes", "dropped"])
    return fits


def forget(*, tablet_id: UUID) -> None:
    """It was found: should it get lost again, it is counted from nothing."""
    LostIntake.objects.filter(tablet=tablet_id).delete()
