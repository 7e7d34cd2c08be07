"""What nobody names goes: uploads that were given up, files without a document, stray objects.

With the last document that names a file, nobody sees it any more, from that moment on. Its bytes
stay for `MEDIA_UNNAMED_DAYS` and go then: an earlier version of a document can be restored, two
edits of a list can cross, a refused document can be corrected, and the photo has to be there.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, QuerySet

from apps.audit.services import SYSTEM, record
from apps.core.querysets import there_is
from apps.sync.media import naming, storage, uploads
from apps.sync.media.models import MediaFile, MediaHandIn, MediaUpload
from apps.sync.models import QuarantinedWrite

# Objects of a transaction that is still open have no row that anybody could see.
_STRAY_AFTER = timedelta(days=1)
_AT_ONCE = 500


def sweep(*, now: datetime) -> None:
    """Removes what is over. May run twice at once, and be stopped anywhere."""
    before = now - timedelta(days=settings.MEDIA_UNNAMED_DAYS)
    _end_uploads(before)
    MediaFile.objects.named().exclude(unnamed_since=None).update(unnamed_since=None)
    MediaFile.objects.unnamed().filter(unnamed_since=None).update(unnamed_since=now)
    for sha256 in list(_over(before).values_list("sha256", flat=True)[:_AT_ONCE]):
        _purge(bytes(sha256), before, now)
    _remove_strays(now)


def _over(before: datetime) -> QuerySet[MediaFile]:
    """Those that nobody has named since then, nor may name yet: of a tablet that has handed one in
    a text can lie in quarantine that nobody knows the author of. What that names is in nobody's
    name, until a supervisor says who typed it."""
    nobodys = QuarantinedWrite.objects.open().filter(author=None).values("tablet")
    awaited = MediaHandIn.objects.filter(file=OuterRef("pk"), tablet__in=nobodys)
    unnamed = MediaFile.objects.unnamed().filter(unnamed_since__lt=before)
    return unnamed.exclude(there_is(awaited))


@transaction.atomic
def _end_uploads(before: datetime) -> None:
    given_up = MediaUpload.objects.filter(moved_at__lt=before)
    for upload in given_up.select_for_update(no_key=True, skip_locked=True)[:_AT_ONCE]:
        uploads.drop(upload)


@transaction.atomic
def _purge(sha256: bytes, before: datetime, now: datetime) -> None:
    """Removes a file that nobody names, unless somebody has named or sent it meanwhile."""
    naming.lock([sha256])
    for file in _over(before).filter(sha256=sha256):
        uploads.remove_later(storage.file_names(file.blob, file.pieces))
        record(
            actor=SYSTEM,
            action="purge",
            subject_type="media_file",
            subject_ids=[file.pk],
            now=now,
        )
        file.delete()


def _remove_strays(now: datetime) -> None:
    """Objects that no row knows: a process was stopped between its storage and its database."""
    old = {name: id for name, id in storage.listed() if _made(id) < now - _STRAY_AFTER}
    known = {
        *MediaFile.objects.values_list("blob", flat=True),
        *MediaUpload.objects.values_list("id", flat=True),
    }
    storage.remove(name for name, id in old.items() if id not in known)


def _made(id: UUID) -> datetime:
    """When a UUIDv7 was made."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, tz=UTC)
