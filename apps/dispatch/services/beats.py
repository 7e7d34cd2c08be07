"""Outlines of beats, for maps. Which beat a call is in, CAD says; the rules go by its name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.audit.services import Actor, record
from apps.dispatch.models import BeatOutline
from apps.dispatch.outlines import Outline


@transaction.atomic
def load_beats(*, outlines: Sequence[Outline], source: str, by: Actor, now: datetime) -> int:
    """Draws these beats, and no others, from now on. `source` is shown beside the map. The same
    again changes nothing but the time. Returns how many there are."""
    BeatOutline.objects.all().delete()
    rows = BeatOutline.objects.bulk_create(
        BeatOutline(code=one.code, rings=one.rings, source=source, loaded_at=now)
        for one in outlines
    )
    record(
        actor=by,
        action="load",
        subject_type="beat_outline",
        subject_ids=[row.pk for row in rows],
        now=now,
    )
    return len(rows)
