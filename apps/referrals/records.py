"""A referral with everything that belongs to it, read under its lock.

Everybody who changes a referral, or tells anybody what is in it, takes the lock of its document
first (`sync.documents.lock`) and reads after that: an answer, a reminder that is due, a save of a
tablet, a revocation and a disclosure each see what the one before has committed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef

from apps.changes import scopes
from apps.core.crypto import Undecryptable
from apps.people.access import audience, kept_for
from apps.people.models import Encounter
from apps.people.services.persons import group_of
from apps.referrals import nextpartner, precheck
from apps.referrals.consenting import Grant
from apps.referrals.models import (
    Consent,
    ConsentRecipient,
    Referral,
    ReferralAnswer,
    ReferralTask,
)
from apps.referrals.models.consents import CONSENTS
from apps.referrals.models.referrals import REFERRALS
from apps.sync import documents as shared
from apps.sync.media.models import MediaFile, MediaReference
from apps.sync.media.naming import address

log = logging.getLogger(__name__)


@dataclass
class ReferralRecord:
    """`grants` are the consents of the person, revoked and past ones too, with the names of the
    partners that they name in `partners`. `fitting`: those of them that the directory says fit, the
    best first; it is asked only where somebody else is to be asked."""

    referral: Referral
    tasks: list[ReferralTask]
    answers: list[ReferralAnswer]
    grants: list[Grant]
    partners: dict[UUID, str]
    fitting: tuple[UUID, ...] = ()

    def scopes(self) -> frozenset[str]:
        """Who may see it: `scopes_of`."""
        return scopes_of(self.referral)


def scopes_of(row: Referral) -> frozenset[str]:
    """Who has the call, its supervisors, whoever made the referral until it is closed, and whoever
    still owes a record of the encounter. Of a call that never came the maker's supervisors have it,
    also once it is closed."""
    keepers = set(row.kept_for) | kept_for(row.encounter_id)
    found = audience(row.assignment_id, author_ids=keepers)
    if not found and row.created_by.team_id:
        return frozenset({scopes.team(row.created_by.team_id)})
    return found


def lock(ids: Iterable[UUID]) -> None:
    """Takes the locks of these referrals, in one order. Before any other lock but theirs."""
    shared.lock(REFERRALS, ids)


def read(referral_id: UUID, *, now: datetime) -> ReferralRecord | None:
    """The referral as it stands. None: it is not here."""
    row = Referral.objects.select_related("created_by").filter(pk=referral_id).first()
    return None if row is None else record_of(row, now=now)


def record_of(row: Referral, *, now: datetime) -> ReferralRecord:
    """A referral with what belongs to it."""
    tasks = ReferralTask.objects.filter(referral=row).select_related("partner")
    answers = ReferralAnswer.objects.filter(referral=row).order_by("received_at", "pk")
    grants, partners = grants_of(row.encounter_id)
    found = ReferralRecord(
        referral=row,
        tasks=list(tasks.order_by("asked_at", "pk")),
        answers=list(answers.select_related("recorded_by")),
        grants=grants,
        partners=partners,
    )
    if nextpartner.is_wanted(asked(found.tasks)):
        found.fitting = tuple(precheck.fitting(row, partners, now=now))
    return found


def asked(tasks: Iterable[ReferralTask]) -> list[nextpartner.Asked]:
    """Tasks as the rule of the next partner reads them."""
    return [
        nextpartner.Asked(one.partner_id, one.status, one.awaits, one.clock_step) for one in tasks
    ]


def grants_of(encounter_id: UUID) -> tuple[list[Grant], dict[UUID, str]]:
    """The consents of whoever the encounter is with, as the rules read them, and the names of the
    partners that they name. One that cannot be opened opens nothing, and keeps nobody from taking
    back another."""
    encounters = encounters_of(encounter_id)
    rows = list(Consent.objects.filter(encounter_id__in=encounters).order_by("given_at", "pk"))
    named: dict[UUID, set[UUID]] = {}
    partners: dict[UUID, str] = {}
    for one in ConsentRecipient.objects.filter(consent__in=rows).select_related("partner"):
        named.setdefault(one.consent_id, set()).add(one.partner_id)
        partners[one.partner_id] = one.partner.name
    here = _signatures_here(row.pk for row in rows)
    found = []
    for row in rows:
        try:
            recipients = frozenset(named.get(row.pk, ()))
            found.append(grant_of(row, recipients, here=here.get(row.pk, frozenset())))
        except Undecryptable:
            log.error("a consent cannot be opened: %s", row.pk)
    return found, partners


def grant_of(
    row: Consent, recipients: frozenset[UUID], *, here: frozenset[bytes] = frozenset()
) -> Grant:
    """A consent as the rules read it. `here`: the pictures of it that have come."""
    content = row.content
    categories = content.get("categories")
    pictures = {_picture(content.get(name)) for name in ("signature", "photo")} - {None}
    return Grant(
        id=row.pk,
        form=row.form,
        purpose=str(content.get("purpose") or ""),
        recipients=recipients,
        categories=frozenset(map(str, categories)) if isinstance(categories, list) else frozenset(),
        given_at=row.given_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        witness=bool(str(content.get("witness") or "").strip()),
        signed=bool(pictures),
        signature_here=not pictures.isdisjoint(here),
        recorded_at=row.received_at,
    )


def _picture(value: object) -> bytes | None:
    """The SHA-256 of media, which comes apart from the consent; None: words are none."""
    return address(value) if isinstance(value, str) else None


def _signatures_here(consents: Iterable[UUID]) -> dict[UUID, frozenset[bytes]]:
    """Of each consent the pictures that it names and that its author, or their tablet, has sent."""
    rows = MediaReference.objects.filter(
        Exists(MediaFile.objects.filter(sha256=OuterRef("sha256"))),
        collection=CONSENTS,
        doc_id__in=list(consents),
        named=True,
        proven=True,
    )
    found: dict[UUID, set[bytes]] = {}
    for consent, sha256 in rows.values_list("doc_id", "sha256"):
        found.setdefault(consent, set()).add(bytes(sha256))
    return {consent: frozenset(pictures) for consent, pictures in found.items()}


def encounters_of(encounter_id: UUID) -> set[UUID]:
    """The encounters with the same person, as far as somebody has confirmed who it is; else only
    this one: what somebody may be consented to is not carried over to whom they may be."""
    row = Encounter.objects.filter(pk=encounter_id).first()
    if row is None or row.person_id is None or row.match != "confirmed":
        return {encounter_id}
    others = Encounter.objects.with_person(group_of(row.person_id)).filter(match="confirmed")
    return {encounter_id, *others.values_list("pk", flat=True)}


def encounters_of_person(person_id: UUID) -> set[UUID]:
    """All encounters with a person and with whoever is the same, confirmed or not."""
    rows = Encounter.objects.with_person(group_of(person_id))
    return set(rows.values_list("pk", flat=True))


def referrals_of(encounters: Iterable[UUID]) -> list[UUID]:
    """The referrals made in these encounters."""
    return list(Referral.objects.of_encounters(encounters).values_list("pk", flat=True))
