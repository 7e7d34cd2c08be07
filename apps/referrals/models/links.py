"""Signed links: how a partner without a system of its own answers. Contacts on file, the links and
codes that are sent to them, and who has come in with a code."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from apps.accounts.models import Partner, User
from apps.accounts.tokens import token_hash
from apps.core.fields import EncryptedTextField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.referrals import codes
from apps.referrals.links import TWICE, WRONG_CODES
from apps.referrals.models.referrals import (
    ReferralAnswer,
    ReferralTask,
    RequestStatus,
    TaskStatus,
)

# A task of these was taken back: its link opens nothing.
TAKEN_BACK: Final = (TaskStatus.CANCELLED, TaskStatus.ERROR)


class Channel(models.TextChoices):
    EMAIL = "email", codes.CHANNELS["email"]
    TEXT = "text", codes.CHANNELS["text"]


class ContactQuerySet(QuerySet["PartnerContact"]):
    def on_file(self, partner: Partner) -> ContactQuerySet:
        """To whom links and codes are sent now, the eldest entry first."""
        return self.filter(partner=partner, is_active=True).order_by("pk")


class PartnerContact(UUIDModel):
    """Somebody of a partner who is sent links and codes. `destination` is an e-mail address, or a
    telephone number in the form +12065550199. A partner without any is sent no link."""

    SAFE = frozenset(
        {"id", "partner", "name", "channel", "destination", "is_active", "noted_by", "noted_at"}
    )

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="contacts")
    name = models.CharField(max_length=120, help_text="A desk or a person: Front desk, Kim Lee.")
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.EMAIL)
    destination = models.CharField(
        "address or number",
        max_length=200,
        help_text="Of a desk rather than of one person: links may be handed on, codes go here.",
    )
    is_active = models.BooleanField(default=True)
    noted_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    noted_at = models.DateTimeField(editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = "partner's contact"
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "destination"], name="referrals_contact_once"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="referrals_contact_channel"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {self.partner}"


class Outgoing(UUIDModel):
    """Something secret that is sent to a contact once, by a worker.

    `secret` (sealed) is there until it is sent, or given up; after that only its hash is.
    `due_at`: when it is to be sent, or tried again, or whoever is sending it has died; None: done.
    """

    contact = models.ForeignKey(PartnerContact, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    secret = EncryptedTextField(null=True)

    class Meta:
        abstract = True


_OUTGOING: Final = frozenset({"id", "contact", "made_at", "due_at", "tries", "sent_at"})


def _until_sent(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(due_at__isnull=True, secret__isnull=True)
        | Q(due_at__isnull=False, secret__isnull=False, sent_at__isnull=True),
        name=name,
    )


class LinkQuerySet(QuerySet["ReferralLink"]):
    def due(self, now: datetime) -> LinkQuerySet:
        """Those to send now, the eldest first."""
        return self.filter(due_at__lte=now).order_by("due_at", "pk")

    def opening(self) -> LinkQuerySet:
        """Those that still open something: the referral is not closed, the partner was neither shut
        out nor told that it is cancelled, and nobody has revoked the link."""
        open_ones = self.filter(
            revoked_at=None,
            task__partner__is_active=True,
            task__referral__status=RequestStatus.ACTIVE,
        )
        return open_ones.exclude(task__status__in=TAKEN_BACK)

    def of_token(self, token: str) -> LinkQuerySet:
        """The link of this token, with what it is about."""
        rows = self.filter(token_hash=token_hash(token))
        return rows.select_related("task__referral", "task__partner", "contact")


class ReferralLink(Outgoing):
    """One link to one referral's task, as it was sent to one contact. It may be handed on. It holds
    until the referral closes, and alone it opens nothing."""

    SAFE = _OUTGOING | {"task", "token_hash", "revoked_at"}

    task = models.ForeignKey(ReferralTask, models.PROTECT, related_name="links")
    token_hash = models.BinaryField(max_length=32, unique=True)
    revoked_at = models.DateTimeField(null=True)

    objects = LinkQuerySet.as_manager()

    class Meta:
        verbose_name = "link"
        constraints = [_until_sent("referrals_link_secret_until_sent")]
        indexes = [
            models.Index(fields=["made_at", "id"], name="referrals_link_by_time"),
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="referrals_link_due"
            ),
        ]


class CodeQuerySet(QuerySet["LinkCode"]):
    def due(self, now: datetime) -> CodeQuerySet:
        """Those to send now, the eldest first."""
        return self.filter(due_at__lte=now).order_by("due_at", "pk")

    def live(self, now: datetime) -> CodeQuerySet:
        """Those that let somebody in: not used, not run out, not guessed at too often, and sent to
        somebody who is still on file."""
        rows = self.filter(
            used_at=None, expires_at__gt=now, failures__lt=WRONG_CODES, contact__is_active=True
        )
        return rows.order_by("-made_at", "-pk")

    def used_just_now(self, page: str, now: datetime) -> CodeQuerySet:
        """Those that were typed on this very page a moment ago: it was tapped twice."""
        return self.filter(page_hash=token_hash(page), used_at__gt=now - TWICE)


class LinkCode(Outgoing):
    """Six digits that open a link once. `code_hash` is keyed: a million codes are soon searched.
    `page_hash` is of the page on which it was typed, `visit` what it opened."""

    SAFE = _OUTGOING | {
        *("link", "code_hash", "expires_at", "failures", "used_at", "page_hash", "visit"),
    }

    link = models.ForeignKey(ReferralLink, models.PROTECT, related_name="codes")
    code_hash = models.BinaryField(max_length=16)
    expires_at = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    page_hash = models.BinaryField(max_length=32, null=True)
    visit = models.OneToOneField("LinkSession", models.PROTECT, null=True, related_name="code")

    objects = CodeQuerySet.as_manager()

    class Meta:
        verbose_name = "code of a link"
        constraints = [
            _until_sent("referrals_code_secret_until_sent"),
            models.CheckConstraint(
                condition=Q(failures__lte=WRONG_CODES), name="referrals_code_failures"
            ),
            models.CheckConstraint(
                condition=Q(used_at=None, page_hash=None, visit=None)
                | Q(used_at__isnull=False, page_hash__isnull=False, visit__isnull=False),
                name="referrals_code_used_when_and_where",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at")), name="referrals_code_expires_later"
            ),
        ]
        indexes = [
            models.Index(fields=["link", "made_at"], name="referrals_code_of_link"),
            models.Index(fields=["contact", "made_at"], name="referrals_code_to_contact"),
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="referrals_code_due"
            ),
        ]


class SessionQuerySet(QuerySet["LinkSession"]):
    def running(self, link: ReferralLink, secret: str, now: datetime) -> SessionQuerySet:
        """The one of this browser's secret, for this link and no other, if it has not run out.
        Whoever is taken off the file is out."""
        return self.filter(
            link=link,
            token_hash=token_hash(secret),
            ended_at=None,
            expires_at__gt=now,
            code__contact__is_active=True,
        )

    def has_said(self, token: str, secret: str, verb: str) -> bool:
        """Whether whoever has this browser's secret came in by the link of this token, whatever has
        become of it, and this was said by it."""
        said = ReferralAnswer.objects.filter(
            task=OuterRef("link__task"), token_id=OuterRef("link"), verb=verb
        )
        rows = self.filter(link__token_hash=token_hash(token), token_hash=token_hash(secret))
        return rows.filter(Exists(said)).exists()


class LinkSession(UUIDModel):
    """Somebody who came in by a link and a code. `name` (PHI) is what they call themselves: it
    stands beside what they say."""

    SAFE = frozenset({"id", "link", "token_hash", "opened_at", "expires_at", "ended_at"})

    link = models.ForeignKey(ReferralLink, models.PROTECT, related_name="sessions")
    token_hash = models.BinaryField(max_length=32, unique=True)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    name = EncryptedTextField()

    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = "visit by a link"
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("opened_at")), name="referrals_visit_expires_later"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("opened_at")),
                name="referrals_visit_ends_later",
            ),
        ]
