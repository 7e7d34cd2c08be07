"""Consents, and whom they name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Q

from apps.accounts.models import Partner, User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.models import UUIDModel
from apps.referrals import codes
from apps.sync.told import STAMP, Told

CONSENTS: Final = "consents"


class ConsentForm(models.TextChoices):
    VERBAL = "verbal", codes.CONSENT_FORMS["verbal"]
    WRITTEN = "written", codes.CONSENT_FORMS["written"]


class ConsentQuerySet(VisibleQuerySet["Consent"]):
    COLLECTION = CONSENTS

    def of(self, assignment_id: UUID) -> ConsentQuerySet:
        """The consents that were given on one assignment."""
        return self.filter(assignment_id=assignment_id).order_by("given_at", "pk")

    def naming(self, partner: Partner) -> ConsentQuerySet:
        """Those that name a partner, the newest first."""
        return self.filter(recipients__partner=partner).order_by("-given_at", "-pk")


class Consent(UUIDModel):
    """What a person lets us tell, to whom, for what and how long. Recorded once; a revocation is
    the only change. Whoever signs later gives another, written consent.

    `assignment_id` and `encounter_id` are no foreign keys: a consent may come first. `given_at` is
    by the device's clock. `content` (PHI) is what was recorded: {purpose, categories, witness,
    given_by, signature, photo, note, language}. The partners that it names are `recipients`.
    """

    SAFE = frozenset(
        {"id", "assignment_id", "encounter_id", "form", "given_at", "expires_at", "recorded_by"}
        | {"received_at", "revoked_at", "revoked_by", "device", "edit_no", "flags"}
    )

    assignment_id = models.UUIDField(db_index=True)
    encounter_id = models.UUIDField(db_index=True)
    form = models.CharField(max_length=10, choices=ConsentForm)
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    device = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    flags = models.JSONField(default=list)
    content = EncryptedJSONField()
    unread = EncryptedJSONField(null=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["given_at", "id"], name="referrals_consent_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(form__in=ConsentForm.values), name="referrals_consent_form"
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="referrals_revoked_who_and_when",
            ),
        ]


class RecipientQuerySet(VisibleQuerySet["ConsentRecipient"]):
    """Who may see a consent may see whom it names."""

    COLLECTION = CONSENTS
    DOC_ID = "consent_id"

    def unacknowledged(self) -> RecipientQuerySet:
        """Those who were told of a revocation and have not said that they know."""
        return self.filter(told_at__isnull=False, acknowledged_at=None).order_by("told_at", "pk")

    def waiting_for(self, partner: Partner, encounters: Iterable[UUID]) -> RecipientQuerySet:
        """The revocations of these encounters' consents that a partner was told of, and of which it
        has not said that it knows."""
        return self.unacknowledged().filter(
            partner=partner, consent__encounter_id__in=list(encounters)
        )

    def to(self, partner: Partner) -> RecipientQuerySet:
        """The revocations of which a partner was told, the newest first."""
        return self.filter(partner=partner, told_at__isnull=False).order_by("-told_at", "-pk")


class ConsentRecipient(UUIDModel):
    """A partner whom a consent names. `told_at`: when the revocation was sent to it."""

    SAFE = frozenset({"id", "consent", "partner", "told_at", "acknowledged_at", "acknowledged_way"})

    consent = models.ForeignKey(Consent, models.PROTECT, related_name="recipients")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    told_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_way = models.CharField(
        max_length=10, null=True, choices=[(way, label) for way, label in codes.WAYS.items()]
    )
    acknowledged_by = EncryptedTextField(null=True)

    objects = RecipientQuerySet.as_manager()

    class Meta:
        verbose_name = "recipient of a consent"
        indexes = [models.Index(fields=["told_at", "id"], name="referrals_recipient_by_time")]
        constraints = [
            models.UniqueConstraint(fields=["consent", "partner"], name="referrals_recipient_once"),
            models.CheckConstraint(
                condition=Q(acknowledged_way=None) | Q(acknowledged_way__in=sorted(codes.WAYS)),
                name="referrals_acknowledged_way",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_way=None)
                | Q(
                    acknowledged_at__isnull=False,
                    acknowledged_way__isnull=False,
                    told_at__isnull=False,
                ),
                name="referrals_acknowledged_after_told",
            ),
        ]


class ConsentRevocation(Told):
    """A person has taken a consent back, as a responder was told. `content` (PHI): their words."""

    SAFE = STAMP | {"consent", "author"}

    consent = models.ForeignKey(Consent, models.PROTECT, related_name="revocations")
    author = models.ForeignKey(User, models.PROTECT, related_name="+")
    content = EncryptedJSONField()

    class Meta:
        verbose_name = "revocation of a consent"
