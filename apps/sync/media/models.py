"""Media that are here, who has sent them, the documents that name them, uploads under way."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import Tablet, User
from apps.changes.models import Grant, Member
from apps.changes.services import EVERYONE
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet, there_is

TYPES = ("image/jpeg", "image/png", "image/webp")


class MediaFileQuerySet(QuerySet["MediaFile"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> MediaFileQuerySet:
        """Those that a document names which the user may see, by the one rule of documents; and
        those that the user has sent and no document of theirs names yet."""
        if user.pk is None:
            return self.none()
        granted = Grant.objects.filter(principal__in=[user.pk, EVERYONE]).values("scope")
        shown = Member.objects.filter(
            collection=OuterRef("collection"), doc_id=OuterRef("doc_id"), scope__in=granted
        )
        named = MediaReference.objects.filter(sha256=OuterRef("sha256"), proven=True, named=True)
        return self.filter(
            there_is(named.filter(Exists(shown)))
            | there_is(MediaClaim.objects.filter(file=OuterRef("pk"), user=user.pk))
        )

    def named(self) -> MediaFileQuerySet:
        """Those that any document names that somebody may see."""
        return self.filter(_LIVING)

    def unnamed(self) -> MediaFileQuerySet:
        """Those that no such document names."""
        return self.exclude(_LIVING)


class MediaFile(UUIDModel):
    """A picture under the SHA-256 of the upload that it was made of.

    What is kept is the rendition: `pieces` sealed objects under `blob`, `size` bytes in all. The
    bytes that were sent are not kept: they say where the picture was taken and on whose device, and
    a second copy of a record is one more that can leak. The address still answers "here already"
    to the tablet that sends the same file again.

    `unnamed_since`: since when no document names it; None: one does. See `retention`.
    """

    SAFE = frozenset(
        {"id", "sha256", "blob", "pieces", "size", "type", "width", "height", "made_at"}
        | {"unnamed_since"}
    )

    sha256 = models.BinaryField(max_length=32, unique=True)
    blob = models.UUIDField(unique=True)
    pieces = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    type = models.CharField(max_length=20, choices=[(one, one) for one in TYPES])
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    unnamed_since = models.DateTimeField(null=True)

    objects = MediaFileQuerySet.as_manager()

    class Meta:
        verbose_name = "media file"
        constraints = [
            models.CheckConstraint(condition=Q(type__in=TYPES), name="sync_media_type"),
        ]


class MediaClaim(UUIDModel):
    """A person has sent a file in full, and no document of theirs names it yet: they see it."""

    SAFE = frozenset({"id", "file", "user", "at"})

    file = models.ForeignKey(MediaFile, models.CASCADE, related_name="claims")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = "media claim"
        constraints = [
            models.UniqueConstraint(fields=["file", "user"], name="sync_media_claimed_once")
        ]


class MediaHandIn(UUIDModel):
    """A tablet has sent a file in full, whoever was signed in on it. Nobody sees the file by that:
    it counts for what those name who once were signed in there."""

    SAFE = frozenset({"id", "file", "tablet", "at"})

    file = models.ForeignKey(MediaFile, models.CASCADE, related_name="+")
    tablet = models.ForeignKey(Tablet, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = "media handed in"
        constraints = [
            models.UniqueConstraint(fields=["file", "tablet"], name="sync_media_handed_in_once")
        ]


class MediaReference(UUIDModel):
    """A document names a file, which may not be here yet. No foreign keys: clients supply both.

    `proven`: a tablet of `author`, who wrote the document, has sent the file in full, or they saw
    it otherwise. To name a file is no way to see it: whoever knows an address and no more does not
    learn by it whether the file is here. Once proven, a reference stays proven.

    `named`: the document names it now. False: an earlier version did, which may be put back.
    """

    SAFE = frozenset({"id", "collection", "doc_id", "sha256", "author", "proven", "named", "at"})

    collection = models.CharField(max_length=40)
    doc_id = models.UUIDField("document")
    sha256 = models.BinaryField(max_length=32)
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    proven = models.BooleanField()
    named = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = "media reference"
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "doc_id", "sha256", "author"], name="sync_media_named_once"
            )
        ]
        indexes = [models.Index(fields=["sha256"], name="sync_media_names")]


_LIVING = Exists(
    MediaReference.objects.filter(
        Exists(Member.objects.filter(collection=OuterRef("collection"), doc_id=OuterRef("doc_id"))),
        sha256=OuterRef("sha256"),
        named=True,
    )
)


class MediaUpload(UUIDModel):
    """An upload under way: the pieces of one person's file that are here, one after the other.

    `lengths`: bytes of each piece. Another person's upload of the same file is another row: what
    one has sent says nothing to the other. `user` None: nobody was signed in on the tablet.
    """

    SAFE = frozenset({"id", "sha256", "user", "tablet", "total", "lengths", "begun_at", "moved_at"})

    sha256 = models.BinaryField(max_length=32)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    tablet = models.ForeignKey(Tablet, models.CASCADE, related_name="+")
    total = models.PositiveIntegerField()
    lengths = ArrayField(models.PositiveIntegerField(), default=list)
    begun_at = models.DateTimeField()
    moved_at = models.DateTimeField()

    objects: ClassVar[QuerySet[MediaUpload]] = QuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "media upload"
        constraints = [
            models.UniqueConstraint(fields=["sha256", "user"], name="sync_media_upload_once"),
            models.UniqueConstraint(
                fields=["sha256", "tablet"],
                condition=Q(user=None),
                name="sync_media_handing_in_once",
            ),
        ]

    @property
    def offset(self) -> int:
        """How many bytes of it are here."""
        return sum(self.lengths)
