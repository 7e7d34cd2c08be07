"""What was told to whom of a person: the accounting of disclosures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import Partner, User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedTextField
from apps.referrals import codes
from apps.referrals.models.consents import ConsentRecipient
from apps.referrals.models.referrals import ReferralTask, Way
from apps.sync.told import STAMP, Told

DISCLOSURE: Final = "disclosure"


class Basis(models.TextChoices):
    CONSENT = "consent", codes.BASES["consent"]
    HANDOVER = "treatment_handover", codes.BASES["treatment_handover"]
    EMERGENCY = "medical_emergency", codes.BASES["medical_emergency"]
    THREAT = "imminent_threat", codes.BASES["imminent_threat"]
    REPORT = "mandated_report", codes.BASES["mandated_report"]
    COURT = "court_order", codes.BASES["court_order"]


class DisclosureQuerySet(VisibleQuerySet["Disclosure"]):
    """Who may see an encounter may see what was told of it."""

    COLLECTION = "encounters"
    DOC_ID = "encounter_id"

    def of_encounters(self, encounters: Iterable[UUID]) -> DisclosureQuerySet:
        """The accounting: the newest first."""
        rows = self.filter(encounter_id__in=list(encounters)).order_by("-at", "-pk")
        return rows.select_related("partner", "discloser", "task")

    def tasks_read_on(self, recipient: ConsentRecipient) -> list[UUID]:
        """The tasks of which this partner has read something on this consent."""
        rows = self.filter(
            partner=recipient.partner_id,
            consents__contains=[recipient.consent_id],
            task__isnull=False,
        )
        return sorted(set(rows.values_list("task", flat=True)))

    def of(self, assignment_id: UUID) -> DisclosureQuerySet:
        return self.filter(assignment_id=assignment_id).select_related("discloser", "partner")


class Disclosure(Told):
    """One disclosure, of one encounter, to one recipient, on one basis. Append-only by trigger.

    `payload_sha256` is of exactly what left (see `payload.digest`); what it was is not kept twice.
    `places` name the fields that were in it. `consents` are those it rested on. `recipient`,
    `affiliation` and `nature` (PHI) are what 42 CFR 2.51 asks the record of an emergency to name.
    """

    SAFE = STAMP | {
        *("assignment_id", "encounter_id", "person_id", "task", "partner", "basis", "at"),
        *("discloser", "way", "payload_sha256", "places", "categories", "consents", "part2"),
        "token_id",
    }

    assignment_id = models.UUIDField(db_index=True)
    encounter_id = models.UUIDField(db_index=True)
    person_id = models.UUIDField(null=True, help_text="whom the encounter named then")
    task = models.ForeignKey(ReferralTask, models.PROTECT, null=True, related_name="disclosures")
    partner = models.ForeignKey(Partner, models.PROTECT, null=True, related_name="+")
    basis = models.CharField(max_length=20, choices=Basis)
    at = models.DateTimeField()
    discloser = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    way = models.CharField(max_length=10, choices=Way)
    payload_sha256 = models.BinaryField(max_length=32)
    places = ArrayField(models.CharField(max_length=60), default=list)
    categories = ArrayField(models.CharField(max_length=30), default=list)
    consents = ArrayField(models.UUIDField(), default=list)
    part2 = models.BooleanField(default=False)
    token_id = models.UUIDField(null=True, help_text="of what was signed in with: token or link")
    recipient = EncryptedTextField()
    affiliation = EncryptedTextField()
    nature = EncryptedTextField()

    objects = DisclosureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(basis__in=Basis.values) & Q(way__in=Way.values),
                name="referrals_disclosure_choices",
            ),
            # By consent: to a partner, and the consents are named. On another basis: none is.
            models.CheckConstraint(
                condition=(Q(basis="consent", partner__isnull=False) & ~Q(consents=[]))
                | (~Q(basis="consent") & Q(consents=[])),
                name="referrals_disclosure_rests_on_its_basis",
            ),
        ]
        indexes = [models.Index(fields=["at", "id"], name="referrals_disclosure_at")]
