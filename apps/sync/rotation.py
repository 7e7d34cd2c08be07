"""Photos move to the newest key too: each is sealed again as a whole, beside what is there."""

from __future__ import annotations

from django.db import transaction

from apps.core import crypto
from apps.core.ids import uuid7
from apps.core.rotation import Rotated, rotates
from apps.sync.media import naming, storage, uploads
from apps.sync.media.models import MediaFile


@rotates("media")
def rotate_media(batch: int) -> Rotated:
    """Walks the files by key, one transaction each. Uploads under way are not touched: they end, or
    begin again."""
    total, last = Rotated(), None
    while True:
        rows = MediaFile.objects.order_by("pk")
        page = list((rows.filter(pk__gt=last) if last else rows)[:batch])
        if not page:
            return total
        total = sum(map(_rotate, page), total)
        last = page[-1].pk


@transaction.atomic
def _rotate(file: MediaFile) -> Rotated:
    naming.lock([bytes(file.sha256)])
    current = MediaFile.objects.filter(pk=file.pk).first()
    if current is None:
        return Rotated()
    try:
        if storage.key_of(storage.file_name(current.blob, 0)) == crypto.newest_key_id():
            return Rotated()
        data = b"".join(storage.read_file(current.blob, current.pieces, of=current.pk))
    except storage.Unreadable:
        return Rotated(closed=1)
    uploads.remove_later(storage.file_names(current.blob, current.pieces))
    current.blob = uuid7()
    current.pieces = storage.put_file(current.blob, data, of=current.pk)
    current.save(update_fields=["blob", "pieces"])
    return Rotated(done=1)
