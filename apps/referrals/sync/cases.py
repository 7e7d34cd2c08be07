"""Referrals, consents, and what is told of them in the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.assignments.records import lock_arrivals
from apps.core.problems import FieldError
from apps.dispatch.codelists import CodeList, register_code_list
from apps.dispatch.referencekinds import ReferenceKind, register_reference_kind
from apps.people.ids import encounter_id as nth_encounter
from apps.people.parts import register_part
from apps.people.signs import register_signs
from apps.people.sync import OF_CALL
from apps.referrals import codes, documents, schemas
from apps.referrals.models import Consent, Outcome, Referral, ReferralTask, Way
from apps.referrals.models.consents import CONSENTS
from apps.referrals.models.referrals import REFERRALS
from apps.referrals.parts import referrals_part
from apps.referrals.schemas import CONSENT_REVOCATION, DISCLOSURE, REFERRAL_ANSWER
from apps.referrals.services import answers, consents, disclosures, partners, referrals
from apps.referrals.signs import referral_signs
from apps.referrals.states import OURS, PARTNERS
from apps.sync import policies
from apps.sync.media.naming import address, media_fields
from apps.sync.parents import register_parent
from apps.sync.registry import (
    Collection,
    Contact,
    Merging,
    Pushed,
    Refused,
    register,
    register_fact_kind,
)
from apps.sync.stamps import STAMPED, Reading, instant
from apps.sync.telling import Telling, fitting_of, telling_of
from apps.sync.values import uuid_of

_OF_CONSENT: Final = STAMPED | {"assignment_id", "encounter_id"}
_OURS_OF_REFERRAL: Final = ("close", "withdraw")


class Referrals(Collection):
    """Whom they ask is asked once: see `services.referrals` for the locks."""

    def lock(self, rows: Sequence[Pushed]) -> None:
        referrals.lock_for_writing({row.doc_id: row.document for row in rows})


class Consents(Collection):
    """What is told of a person may change with each: see `services.consents` for the locks."""

    def lock(self, rows: Sequence[Pushed]) -> None:
        named = [(uuid_of(row.document.get(name)) for name in _PLACE) for row in rows]
        places = [(one, other) for one, other in map(tuple, named) if one and other]
        consents.lock_for_consents(places)


_PLACE: Final = ("assignment_id", "encounter_id")


def push_consent(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes one consent. What of it cannot be read is kept and flagged: it opens less, never
    more."""
    fitting, reading = fitting_of(row, schemas.CONSENT)
    assignment, encounter = (_id(fitting, name) for name in _PLACE)
    given, expires = (instant(fitting, name, reading) for name in ("given_at", "expires_at"))
    consents.record_consent(
        telling=telling_of(row, contact, reading),
        assignment_id=assignment,
        encounter_id=encounter,
        content={name: value for name, value in fitting.items() if name not in _OF_CONSENT},
        given_at=given,
        expires_at=expires,
        now=now,
    )
    return None


def push_answer(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes what a partner said on the telephone, or what CARE did with a referral."""
    fitting, reading = fitting_of(row, schemas.ANSWER)
    referral = Referral.objects.filter(pk=_id(fitting, "referral_id")).first()
    if referral is None:
        raise Refused([FieldError("/referral_id", "It is not here.")])
    said = _said(fitting, telling_of(row, contact, reading), reading, now)
    referrals.may_tell(referral, by=said.recorded_by)
    if said.verb in _OURS_OF_REFERRAL:
        answers.close_referral(referral=referral, outcome=_outcome(fitting), said=said, now=now)
        return None
    task = ReferralTask.objects.filter(referral=referral, pk=_id(fitting, "task_id")).first()
    if task is None:
        raise Refused([FieldError("/task_id", "It is no task of this referral.")])
    answers.answer(task=task, said=said, now=now)
    return None


def push_revocation(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes a revocation."""
    fitting, reading = fitting_of(row, schemas.REVOCATION)
    consent = Consent.objects.filter(pk=_id(fitting, "consent_id")).first()
    if consent is None:
        raise Refused([FieldError("/consent_id", "It is not here.")])
    telling = telling_of(row, contact, reading)
    consents.revoke_consent(
        consent=consent,
        by=telling.author,
        actor=telling.actor,
        note=str(fitting.get("note") or ""),
        telling=telling,
        now=now,
    )
    return None


def push_disclosure(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes what was told to somebody outside."""
    fitting, reading = fitting_of(row, schemas.DISCLOSURE_FACT)
    assignment = _id(fitting, "assignment_id")
    named = fitting.get("encounter_id")
    digest = fitting.get("payload_hash")
    hashed = address(digest) if isinstance(digest, str) else None
    if digest and hashed is None:
        reading.bad("payload_hash", digest)
    disclosures.record_disclosure(
        told=disclosures.Told(
            assignment_id=assignment,
            encounter_id=_id(fitting, "encounter_id") if named else nth_encounter(assignment),
            basis=str(fitting.get("basis") or ""),
            recipient=str(fitting.get("recipient") or ""),
            affiliation=str(fitting.get("affiliation") or ""),
            nature=str(fitting.get("nature") or ""),
            at=instant(fitting, "at", reading),
            categories=tuple(fitting.get("categories") or ()),
            payload_sha256=hashed,
        ),
        telling=telling_of(row, contact, reading),
        now=now,
    )
    return None


def lock_facts(rows: Sequence[Pushed]) -> None:
    """What these facts are of: their assignments' arrivals, then their referrals, in one order."""
    lock_arrivals(_named(rows, "assignment_id"))
    consents.lock_referrals(
        referrals=_named(rows, "referral_id"), consents=_named(rows, "consent_id")
    )


def _said(
    fitting: Mapping[str, Any], telling: Telling, reading: Reading, now: datetime
) -> answers.Said:
    """A partner's words, where it is named who said them; else CARE's own."""
    verb, said_by = str(fitting.get("verb") or ""), str(fitting.get("said_by") or "")
    spoken = verb in PARTNERS and (verb not in OURS or bool(said_by))
    at = instant(dict(fitting), "said_at", reading)
    return answers.Said(
        verb=verb,
        key=str(telling.id),
        way=Way.TELEPHONE if spoken else Way.TABLET,
        actor=telling.actor,
        said_at=at or telling.stamp.device_time or now,
        said_by=said_by,
        told={name: fitting[name] for name in schemas.WITH_A_VERB if name in fitting},
        recorded_by=telling.author,
        telling=telling,
    )


def _outcome(fitting: Mapping[str, Any]) -> Outcome | None:
    if fitting.get("verb") == "withdraw":
        return None
    told = fitting.get("outcome")
    if told not in Outcome.values:
        raise Refused([FieldError("/outcome", f"One of: {', '.join(Outcome.values)}.")])
    return Outcome(told)


def _id(fitting: Mapping[str, Any], name: str) -> UUID:
    found = uuid_of(fitting.get(name))
    if found is None:
        raise Refused([FieldError(f"/{name}", "A UUID.")])
    return found


def _named(rows: Sequence[Pushed], name: str) -> set[UUID]:
    return {id for row in rows if (id := uuid_of(row.document.get(name)))}


register_parent("referral", Referral)
register_parent("referral_task", ReferralTask)
register_parent("consent", Consent)
register(
    Referrals(
        name=REFERRALS,
        kind="merged",
        audience="both",
        schema=schemas.REFERRAL,
        merging=Merging(
            write=referrals.write_referral,
            policies={
                "asked": policies.append_only,
                "details": policies.append_only,
                "needs": policies.union,
                "note": policies.text,
            },
        ),
        audit_as="referral",
        parents=OF_CALL,
    )
)
register(
    Consents(
        name=CONSENTS,
        kind="append_only",
        audience="tablet",
        schema=schemas.CONSENT,
        push=push_consent,
        audit_as="consent",
        parents=OF_CALL,
        media=media_fields("signature", "photo"),
    )
)
# One lock for all three: kinds that lock the same do so at once.
register_fact_kind(
    REFERRAL_ANSWER,
    schema=schemas.ANSWER,
    push=push_answer,
    lock=lock_facts,
    parents={"referral_id": "referral", "task_id": "referral_task"},
    needs=("referral_id", "task_id"),
)
register_fact_kind(
    CONSENT_REVOCATION,
    schema=schemas.REVOCATION,
    push=push_revocation,
    lock=lock_facts,
    parents={"consent_id": "consent"},
    needs=("consent_id",),
)
register_fact_kind(
    DISCLOSURE,
    schema=schemas.DISCLOSURE_FACT,
    push=push_disclosure,
    lock=lock_facts,
    parents=OF_CALL,
)
register_part("referrals", referrals_part)
register_signs("referrals", referral_signs)
register_reference_kind(
    ReferenceKind(documents.PARTNER, schemas.PARTNER, partners.partner_documents)
)
for _name, (_source, _known) in codes.LISTS.items():
    register_code_list(
        CodeList(
            _name,
            _source,
            lambda known=_known: [{"code": code, "label": label} for code, label in known.items()],  # type: ignore[misc]
        )
    )
