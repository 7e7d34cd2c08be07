"""The verbs of an upload. It comes in one request or piece by piece, over any number of days.

A piece is the same however often it comes; one that begins beyond what is here is told where to go
on. When all are here they are put together, compared with their address, looked into, and kept as
the rendition alone. What is wrong with them ends the upload: everything that was sent is dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.auth import TabletSession
from apps.accounts.models import Tablet, User
from apps.accounts.services import tablet_actor
from apps.audit.services import record
from apps.changes.services import LARGEST_PUBLICATION, Document, publish
from apps.core.ids import uuid7
from apps.core.problems import BUSY, INVALID, THROTTLED, TOO_LARGE, ProblemError
from apps.sync.media import naming, rendering, storage
from apps.sync.media.models import MediaClaim, MediaFile, MediaHandIn, MediaUpload
from apps.sync.problems import UPLOAD_OFFSET, WRONG_HASH
from apps.sync.services import lost

SMALLEST_PIECE = 4 * 1024  # bytes; the last one may have less
OFFSET_HEADER = "Upload-Offset"
_NO_MORE = "This tablet counts as lost, and no more is kept of it."


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of an upload of `total` bytes, from `start` on."""

    start: int
    total: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """So many bytes of an upload are here."""

    offset: int
    total: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The upload is here in full: what is served under its address."""

    type: str
    width: int
    height: int
    size: int
    new: bool = True


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose upload it is: a person's, or, where nobody is signed in on it, a tablet's."""

    user: User | None
    tablet: Tablet | None

    def uploads(self) -> QuerySet[MediaUpload]:
        """Those under way."""
        if self.user is not None:
            return MediaUpload.objects.filter(user=self.user)
        return MediaUpload.objects.filter(user=None, tablet=self.tablet)


def seen(user: User | None, sha256: bytes) -> MediaFile | None:
    """The file, where it is here and this person may see it. Nobody sees nothing."""
    if user is None:
        return None
    return MediaFile.objects.visible_to(user).filter(sha256=sha256).first()


def offset(sender: Sender, sha256: bytes) -> int:
    """How many bytes of this upload are here."""
    upload = sender.uploads().filter(sha256=sha256).first()
    return upload.offset if upload else 0


def elsewhere(at: int) -> ProblemError:
    """The upload goes on at another offset."""
    return ProblemError(UPLOAD_OFFSET, headers={OFFSET_HEADER: str(at)}, extra={"offset": at})


def take(*, sha256: bytes, piece: Piece, session: TabletSession, now: datetime) -> Progress | Kept:
    """Takes a piece, and ends the upload with the last one.

    Whoever may see the file already is told so. Whoever may not sends it in full, and cannot tell
    by anything whether it was here: it is put together, looked into and answered alike. It counts
    for documents that name it of whoever once was signed in on the tablet. A tablet that is lost,
    or on which nobody is signed in, hands in: nobody else sees the file by that.

    ProblemError: UPLOAD_OFFSET for a piece that does not continue what is here; TOO_LARGE;
    WRONG_HASH and those of `rendering`, with which everything sent is dropped; THROTTLED for too
    many uploads under way.
    """
    user = session.user
    if (file := seen(user, sha256)) is not None and _is_whole(file):
        return Kept(file.type, file.width, file.height, file.size, new=False)
    if piece.total > settings.MEDIA_LARGEST_BYTES:
        most = settings.MEDIA_LARGEST_BYTES
        raise ProblemError(TOO_LARGE, f"A file has at most {most} bytes.")
    with transaction.atomic():
        upload = _upload(sha256, piece, session, now)
        if session.lost and not upload.lengths and not _admitted(piece, session):
            ended: Kept | ProblemError = ProblemError(TOO_LARGE, _NO_MORE)
        else:
            _append(upload, piece, now)
            if upload.offset < upload.total:
                return Progress(upload.offset, upload.total)
            ended = _end(upload, session, now)
        drop(upload)
    # Outside: what was sent is dropped although the request fails.
    if isinstance(ended, ProblemError):
        raise ended
    return ended


def _admitted(piece: Piece, session: TabletSession) -> bool:
    """Whether another file of a lost tablet is kept; it is counted when it begins, as a whole."""
    return piece.start > 0 or lost.admits(tablet=session.tablet, size=piece.total)


def _upload(sha256: bytes, piece: Piece, session: TabletSession, now: datetime) -> MediaUpload:
    """The sender's upload of this file, locked: its pieces come one after the other."""
    mine = Sender(session.user, session.tablet).uploads()
    begun = {"total": piece.total, "begun_at": now, "moved_at": now}
    whose = {"user": session.user, "tablet": session.tablet}
    upload, new = mine.get_or_create(sha256=sha256, defaults=whose | begun)
    if new and mine.count() > settings.MEDIA_OPEN_UPLOADS:
        detail = "Too many files are half sent. Finish these first."
        raise ProblemError(THROTTLED, detail, headers={"Retry-After": "60"})
    locked = mine.select_for_update(no_key=True, of=("self",)).filter(pk=upload.pk).first()
    if locked is None:  # another request has just ended it
        raise ProblemError(BUSY, headers={"Retry-After": "1"})
    if locked.total != piece.total:
        # One of the two totals is wrong. The hash tells, so the later one is believed.
        drop(locked)
        return MediaUpload.objects.create(sha256=sha256, **whose, **begun)
    return locked


def _append(upload: MediaUpload, piece: Piece, now: datetime) -> None:
    """Stores what of the piece is not here yet. The part that is, is not compared: the hash is."""
    here = upload.offset
    if piece.start > here:
        raise elsewhere(here)
    fresh = piece.data[here - piece.start :]
    if not fresh:
        return
    if len(fresh) < SMALLEST_PIECE and here + len(fresh) < upload.total:
        detail = f"A piece has at least {SMALLEST_PIECE} bytes, but for the last one."
        raise ProblemError(INVALID, detail)
    number = len(upload.lengths)
    storage.put(
        storage.piece_name(upload.pk, number),
        fresh,
        bound_to=storage.piece_bound_to(upload.pk, number, here, upload.total),
    )
    upload.lengths = [*upload.lengths, len(fresh)]
    upload.moved_at = now
    upload.save(update_fields=["lengths", "moved_at"])


def _end(upload: MediaUpload, session: TabletSession, now: datetime) -> Kept | ProblemError:
    """All bytes are here: the file, or what is wrong with them. BUSY is raised, and changes
    nothing. Documents that show it from now on are sent once more to whoever has them: their
    tablets say "not here yet" and do not ask by themselves."""
    try:
        data = _together(upload)
    except storage.Unreadable:
        return elsewhere(0)
    if hashlib.sha256(data).digest() != bytes(upload.sha256):
        return ProblemError(WRONG_HASH)
    try:
        made = rendering.render(data)
    except ProblemError as wrong:
        if wrong.status_code >= 500:
            raise
        return wrong
    sha256 = bytes(upload.sha256)
    naming.lock([sha256])
    here = MediaFile.objects.filter(sha256=sha256).exists()
    showed = naming.shown_by(sha256) if here else set()
    file = _keep(sha256, made, now)
    _prove(file, session, now)
    fresh = sorted(naming.shown_by(sha256) - showed)[:LARGEST_PUBLICATION]
    publish(documents=[Document(collection, id, None) for collection, id in fresh], now=now)
    record(
        actor=tablet_actor(session.tablet, session.user),
        action="upload",
        subject_type="media_file",
        subject_ids=[file.pk],
        now=now,
    )
    return Kept(made.type, made.width, made.height, len(made.data))


def _prove(file: MediaFile, session: TabletSession, now: datetime) -> None:
    """What was named of the file counts from now on, or as soon as it is named: by whoever once was
    signed in on this tablet, as it speaks for all of them in what it pushes. Who took a photo may
    have handed the tablet on before it was sent."""
    MediaHandIn.objects.get_or_create(file=file, tablet=session.tablet, defaults={"at": now})
    people = User.objects.filter(sign_ins__tablet=session.tablet)
    if not naming.prove(file=file, people=people) and session.user is not None:
        MediaClaim.objects.get_or_create(file=file, user=session.user, defaults={"at": now})


def _together(upload: MediaUpload) -> bytes:
    """The bytes as they were sent. Raises Unreadable."""
    pieces, start = [], 0
    for number, length in enumerate(upload.lengths):
        bound_to = storage.piece_bound_to(upload.pk, number, start, upload.total)
        pieces.append(storage.get(storage.piece_name(upload.pk, number), bound_to=bound_to))
        start += length
    return b"".join(pieces)


def _keep(sha256: bytes, made: rendering.Rendition, now: datetime) -> MediaFile:
    """The file under this address, new or as it is. One whose bytes were lost is made whole."""
    file = MediaFile.objects.filter(sha256=sha256).first() or MediaFile(sha256=sha256, made_at=now)
    if file.blob is not None:
        if _is_whole(file):
            if file.unnamed_since is not None:
                file.unnamed_since = now
                file.save(update_fields=["unnamed_since"])
            return file
        remove_later(storage.file_names(file.blob, file.pieces))
    file.blob = uuid7()
    file.pieces = storage.put_file(file.blob, made.data, of=file.pk)
    file.type, file.width, file.height = made.type, made.width, made.height
    file.size, file.unnamed_since = len(made.data), now
    file.save()
    return file


def _is_whole(file: MediaFile) -> bool:
    try:
        return sum(map(len, storage.read_file(file.blob, file.pieces, of=file.pk))) == file.size
    except storage.Unreadable:
        return False


def drop(upload: MediaUpload) -> None:
    """Ends an upload, and what was sent of it. Part of the caller's transaction."""
    remove_later([storage.piece_name(upload.pk, n) for n in range(len(upload.lengths))])
    upload.delete()


def remove_later(names: Sequence[str]) -> None:
    """Deletes objects once the transaction that no longer needs them has committed."""

    def remove() -> None:
        storage.remove(names)

    transaction.on_commit(remove, robust=True)
