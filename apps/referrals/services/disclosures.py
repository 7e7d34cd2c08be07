"""What leaves CARE about a person: decided when it is built, written down before it leaves.

A disclosure rests on one basis. To a partner, by consent: what is told is worked out at this
moment, field by field (`payload`), under the referral's lock, so that a revocation that has
committed is seen. To medics and others on another basis: it is recorded afterwards, from the
tablet; a handover never waits for a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Partner, User
from apps.assignments.records import lock_arrivals
from apps.audit.services import Act, Actor, record_all
from apps.changes.services import Event, publish
from apps.core import clock
from apps.core.clock import iso
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.people.access import may_write
from apps.people.ids import ordinal_of
from apps.people.models import Encounter, Person
from apps.referrals import documents, known, payload, records
from apps.referrals.codes import BASES, CONSENT_FORMS, DATA_CATEGORIES, PURPOSES
from apps.referrals.consenting import BASIS_RULES, lacking
from apps.referrals.models import (
    Basis,
    Consent,
    Disclosure,
    PartnerAgency,
    Referral,
    ReferralTask,
    Way,
)
from apps.referrals.models.disclosures import DisclosureQuerySet
from apps.referrals.payload import Datum, Payload
from apps.referrals.services import showing
from apps.referrals.services.referrals import needs_of
from apps.sync.registry import Refused
from apps.sync.telling import Telling

_NO_ENCOUNTER: Final = FieldError("/encounter_id", "It is no encounter of this assignment.")
_NO_BASIS: Final = FieldError(
    "/basis",
    f"On what does it rest? One of: {', '.join(code for code in BASES if code != 'consent')}.",
)


@dataclass(frozen=True)
class Disclosed:
    """What leaves, whole, and the row of the accounting; None: nothing was told but "call us"."""

    document: dict[str, Any] = field(repr=False)
    row: Disclosure | None


Form = Callable[[dict[str, Any], Payload], dict[str, Any]]


def _as_it_is(document: dict[str, Any], found: Payload) -> dict[str, Any]:
    return document


@transaction.atomic
def disclose_to_partner(
    *,
    task: ReferralTask,
    way: Way,
    actor: Actor,
    reader: str = "",
    token_id: UUID | None = None,
    form: Form = _as_it_is,
    now: datetime,
) -> Disclosed:
    """What a partner is told of a referral that it was sent, now. Whoever calls sends exactly this
    document; the accounting holds the hash of it.

    Without consent, and once the task is over, it holds ids, the task's state and "call us", and
    nothing of anybody. `reader` (PHI) names who reads, where the way tells. `form` puts the
    document into the words of the way (FHIR), before it is hashed: it tells all that is in it, and
    nothing else. The edge has found the task among the partner's own
    (`ReferralTask.objects.to(partner)`).
    """
    records.lock([task.referral_id])
    rows = ReferralTask.objects.select_for_update(no_key=True, of=("self",))
    row = rows.select_related("partner", "referral").get(pk=task.pk)
    grants, _ = records.grants_of(row.referral.encounter_id)
    found = payload.for_partner(
        _data_of(row, now) if row.is_open else (),
        recipient=row.partner_id,
        needs=needs_of(row.referral),
        grants=grants,
        now=now,
    )
    document = payload.with_notices(
        found,
        envelope=_envelope(row),
        phone=settings.CARE_PHONE,
        consents=_copies(found, row.partner) if found.part2 else [],
    )
    document = form(document, found)
    disclosed = None
    if found.places:
        by = _Reader(way, reader or row.partner.name, token_id)
        disclosed = _to_partner(row, found, document, by, now)
    if row.first_read_at is None:
        row.first_read_at = now
        row.save(update_fields=["first_read_at"])
        record = records.read(row.referral_id, now=now)
        assert record is not None, "referrals are never deleted"
        publish(documents=showing.referral(record, now=now), now=now)
    detail = {"task": str(row.pk), "way": way, "told": bool(found.places), "part2": found.part2}
    record_all([Act(actor, "disclose", "referral", [row.referral_id], detail)], now=now)
    return Disclosed(document, disclosed)


@transaction.atomic
def disclose_on_basis(
    *,
    encounter: Encounter,
    basis: str,
    recipient: str,
    affiliation: str = "",
    nature: str = "",
    by: User,
    actor: Actor,
    now: datetime,
) -> Disclosed:
    """What may be told of an encounter's person on a basis that is no consent, as a document to be
    handed over, and its row in the accounting. It holds what the basis opens and no more; what a
    Part 2 programme told where the basis opens that too, with the statement.

    What the record has to name and does not is flagged (42 CFR 2.51): nothing waits for it. INVALID
    for a basis that is none, and where nobody is named to whom it goes.
    """
    if basis not in BASIS_RULES:
        raise ProblemError(INVALID, errors=[_NO_BASIS])
    if not recipient.strip():
        raise ProblemError(INVALID, errors=[FieldError("/recipient", "To whom?")])
    records.lock(records.referrals_of([encounter.pk]))
    found = payload.for_basis(_known_of(encounter, now), basis=basis)
    document = payload.with_notices(
        found,
        envelope={"encounter_id": str(encounter.pk), "basis": BASES[basis], "at": iso(now)},
        phone=settings.CARE_PHONE,
        consents=[],
    )
    said = {"recipient": recipient, "affiliation": affiliation, "nature": nature, "at": now}
    row = Disclosure.objects.create(
        received_at=now,
        flags=lacking(basis, said),
        assignment_id=encounter.assignment_id,
        encounter_id=encounter.pk,
        person_id=encounter.person_id,
        basis=Basis(basis),
        at=now,
        discloser=by,
        way=Way.DESK,
        payload_sha256=payload.digest(document),
        places=list(found.places),
        categories=list(found.categories),
        part2=found.part2,
        recipient=recipient.strip(),
        affiliation=affiliation,
        nature=nature,
    )
    publish(events=[Event("disclosure.recorded", row.pk)], now=now)
    detail = {"disclosure": str(row.pk), "basis": basis, "part2": found.part2}
    record_all([Act(actor, "disclose", "encounter", [encounter.pk], detail)], now=now)
    return Disclosed(document, row)


@dataclass(frozen=True)
class _Reader:
    way: Way
    name: str
    token_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class Told:
    """A disclosure that has happened, as a responder tells it. None and "": they do not say."""

    assignment_id: UUID
    encounter_id: UUID
    basis: str
    recipient: str = field(default="", repr=False)
    affiliation: str = field(default="", repr=False)
    nature: str = field(default="", repr=False)
    at: datetime | None = None
    categories: tuple[str, ...] = ()
    payload_sha256: bytes | None = None


@transaction.atomic
def record_disclosure(*, told: Told, telling: Telling, now: datetime) -> Disclosure | None:
    """Records what was told to somebody outside, after the fact. None: it is here already.

    What the record has to name and does not is flagged (42 CFR 2.51). Refused for a basis that is
    none, for consent (a partner reads what it may), for an encounter of another assignment, and for
    whoever was not on the crew.
    """
    lock_arrivals([told.assignment_id])
    if Disclosure.objects.filter(pk=telling.id).exists():
        return None
    if told.basis not in Basis.values or told.basis == Basis.CONSENT:
        raise Refused([_NO_BASIS])
    if ordinal_of(told.encounter_id, told.assignment_id) is None:
        raise Refused([_NO_ENCOUNTER])
    may_write(told.assignment_id, telling.author)
    said = {name: getattr(told, name) for name in ("recipient", "affiliation", "nature", "at")}
    categories = [one for one in told.categories if one in DATA_CATEGORIES]
    flags = {*telling.flags, *lacking(told.basis, said)}
    if len(categories) < len(told.categories):
        flags.add("unknown_code")
    row = Disclosure(
        **{**telling.columns(now), "flags": sorted(flags)},
        assignment_id=told.assignment_id,
        encounter_id=told.encounter_id,
        person_id=_person_id(told.encounter_id),
        basis=Basis(told.basis),
        at=told.at or telling.stamp.device_time or now,
        discloser=telling.author,
        way=Way.TABLET,
        payload_sha256=told.payload_sha256 or payload.digest(_as_json(told)),
        categories=categories,
        recipient=told.recipient,
        affiliation=told.affiliation,
        nature=told.nature,
    )
    row.save(force_insert=True)
    publish(
        documents=[documents.disclosure(row, showing.disclosure_scopes(row))],
        events=[Event("disclosure.recorded", row.pk)],
        now=now,
    )
    detail = {"encounter": str(told.encounter_id), "basis": told.basis}
    record_all([Act(telling.actor, "record", "disclosure", [row.pk], detail)], now=now)
    return row


def accounting_of(*, person_id: UUID) -> DisclosureQuerySet:
    """All disclosures of a person and of whoever is the same, the newest first (45 CFR 164.528).
    Those of encounters in which somebody may be them are among them: they may ask."""
    encounters = records.encounters_of_person(person_id)
    return Disclosure.objects.of_encounters(encounters)


def _data_of(row: ReferralTask, now: datetime) -> list[Datum]:
    """Everything that is known and has a category: the person's record, and what was typed for the
    referral."""
    referral = row.referral
    found = list(known.of_referral(referral.content, programmes=_programmes()))
    found.append(Datum("urgency", referral.urgency, "needs"))
    if row.clock_due_at and row.awaits == "answer":
        found.append(Datum("answer_by", iso(row.clock_due_at), "needs"))
    if reply := row.said.get("reply"):
        found.append(Datum("reply", reply, "needs"))
    return [*found, *_of_person(referral.encounter_id, now)]


def _known_of(encounter: Encounter, now: datetime) -> list[Datum]:
    """The person's record, and what was typed for the referrals of the encounter."""
    programmes = _programmes()
    found: list[Datum] = []
    for referral in Referral.objects.of_encounters([encounter.pk]):
        found += known.of_referral(referral.content, programmes=programmes)
    return [*found, *_of_person(encounter.pk, now)]


def _of_person(encounter_id: UUID, now: datetime) -> list[Datum]:
    """The person's record, as far as a responder has confirmed who it is."""
    person = Person.objects.met_in(encounter_id)
    today = now.astimezone(clock.city()).date()
    if person is None:
        return []
    return list(known.of_person(person.content, reviews=person.safety_reviews, today=today))


def _programmes() -> frozenset[UUID]:
    return PartnerAgency.objects.programmes()


def _envelope(row: ReferralTask) -> dict[str, Any]:
    """What names the referral and says nothing of anybody: our ids, and what the partner itself
    has said."""
    return {
        "id": str(row.referral_id),
        "number": row.referral.number,
        "task": {
            "id": str(row.pk),
            "status": row.status,
            "status_at": iso(row.status_at),
            "sent_at": iso(row.sent_at),
            "case_number": row.case_number,
            "reason": row.reason_for_partner,
            "question": row.said.get("question"),
            "appointment_at": row.said.get("appointment_at"),
            "appointment_place": row.said.get("appointment_place"),
            "attended": row.attended,
            "served": row.served,
        },
    }


def _copies(found: Payload, reader: Partner) -> list[dict[str, Any]]:
    """Copies of the consents that it rests on (42 CFR 2.32): of what a reader needs to know their
    scope. Of the recipients it names the reader alone, because who else is asked says what for; of
    whoever gave it the name where that is told to the reader anyway."""
    named = "identity" in found.categories
    rows = Consent.objects.filter(pk__in=found.consents).order_by("given_at", "pk")
    return [
        {
            "id": str(row.pk),
            "form": CONSENT_FORMS[row.form],
            "by": row.content.get("given_by") if named else None,
            "disclosing": settings.CARE_NAME,
            "to": [reader.name],
            "purpose": PURPOSES.get(str(row.content.get("purpose")), ""),
            "categories": [
                DATA_CATEGORIES[one]
                for one in row.content.get("categories") or ()
                if one in DATA_CATEGORIES
            ],
            "given_at": iso(row.given_at),
            "expires_at": iso(row.expires_at),
            "revocation": "It may be revoked at any time. You will be told.",
        }
        for row in rows
    ]


def _to_partner(
    row: ReferralTask, found: Payload, document: Mapping[str, Any], by: _Reader, now: datetime
) -> Disclosure:
    partner: Partner = row.partner
    referral: Referral = row.referral
    return Disclosure.objects.create(
        received_at=now,
        assignment_id=referral.assignment_id,
        encounter_id=referral.encounter_id,
        person_id=_person_id(referral.encounter_id),
        task=row,
        partner=partner,
        basis=Basis.CONSENT,
        at=now,
        way=by.way,
        payload_sha256=payload.digest(document),
        places=list(found.places),
        categories=list(found.categories),
        consents=list(found.consents),
        part2=found.part2,
        token_id=by.token_id,
        recipient=by.name,
        affiliation=partner.name,
        nature="",
    )


def _person_id(encounter_id: UUID) -> UUID | None:
    row = Encounter.objects.filter(pk=encounter_id).first()
    return row.person_id if row else None


def _as_json(told: Told) -> dict[str, Any]:
    """What was told, where there was no document: what its record says."""
    return {
        "encounter_id": str(told.encounter_id),
        "basis": told.basis,
        "recipient": told.recipient,
        "affiliation": told.affiliation,
        "nature": told.nature,
        "at": iso(told.at),
        "categories": list(told.categories),
    }
