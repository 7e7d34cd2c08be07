"""Consents: recorded once, and taken back.

A revocation against a disclosure that is on its way:

1. Whoever tells a partner anything takes the lock of the referral's document, then reads the
   consents (`services.disclosures`).
2. Whoever revokes takes the locks of all referrals of the person first, then the consent's row.
3. So no disclosure is built on a consent once its revocation has committed. One that was built
   before it stands in the accounting, and its recipient is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import transaction

from apps.accounts.models import Partner, User
from apps.accounts.services import user_actor
from apps.assignments.records import lock_arrivals
from apps.audit.services import Act, Actor, record_all
from apps.changes.services import Document, Event, publish
from apps.core.problems import CONFLICT, FORBIDDEN, INVALID, FieldError, ProblemError
from apps.people.access import may_write
from apps.people.ids import ordinal_of
from apps.referrals import codes, documents, records
from apps.referrals.consenting import problems
from apps.referrals.models import (
    Consent,
    ConsentForm,
    ConsentRecipient,
    ConsentRevocation,
    Referral,
    Way,
)
from apps.referrals.services import showing
from apps.sync.registry import Refused
from apps.sync.services.linking import take_soon
from apps.sync.telling import Telling
from apps.sync.values import uuid_of

# What of a consent goes on when it is renewed: to whom and for what, not what was heard or signed.
_GOES_ON: Final = ("purpose", "categories", "partner_ids", "given_by", "language")
_NO_ENCOUNTER: Final = FieldError("/encounter_id", "Of which encounter of the assignment?")


@transaction.atomic
def record_consent(
    *,
    telling: Telling,
    assignment_id: UUID,
    encounter_id: UUID,
    content: Mapping[str, Any],
    given_at: datetime | None,
    expires_at: datetime | None,
    now: datetime,
) -> Consent | None:
    """Records a consent as a responder heard it, or as it was signed. None: it is here already.

    What it lacks is flagged, and it opens nothing (`consenting.problems`). A partner that is not
    known is no recipient. Refused for an encounter of another assignment, and for whoever was not
    on the crew.
    """
    lock_for_consents([(assignment_id, encounter_id)])
    if Consent.objects.filter(pk=telling.id).exists():
        return None
    if ordinal_of(encounter_id, assignment_id) is None:
        raise Refused([_NO_ENCOUNTER])
    may_write(assignment_id, telling.author)
    partners = _partners(content)
    form = content.get("form")
    row = Consent(
        id=telling.id,
        assignment_id=assignment_id,
        encounter_id=encounter_id,
        # What nobody says was signed was not signed.
        form=ConsentForm.WRITTEN if form == ConsentForm.WRITTEN else ConsentForm.VERBAL,
        given_at=given_at or telling.stamp.device_time or now,
        expires_at=expires_at,
        recorded_by=telling.author,
        received_at=now,
        device=telling.stamp.device,
        edit_no=telling.stamp.edit_no,
        content=dict(content),
        unread=dict(telling.unread) if telling.unread else None,
    )
    flags = {*telling.flags, *problems(records.grant_of(row, frozenset(partners)))}
    if len(partners) < len(_named(content)):
        flags.add("unknown_partner")
    row.flags = sorted(flags)
    _keep(row, partners.values(), {"form": row.form}, actor=telling.actor, now=now)
    take_soon(row.device)
    return row


@transaction.atomic
def renew_consent(
    *, consent: Consent, witness: str, note: str, expires_at: datetime, by: User, now: datetime
) -> Consent:
    """The person says to a desk, before a witness, that a consent holds longer: another one,
    spoken, to the same recipients for the same. The former stands, and ends when it ends.

    Nothing is signed at a desk, so it opens nothing that a Part 2 programme told (42 CFR 2.31).
    Repeating it (the same end) changes nothing. CONFLICT for a revoked one: they are asked anew, by
    a crew; INVALID at /expires_on, /witness; FORBIDDEN for whom it is none of their business.
    """
    lock_for_consents([(consent.assignment_id, consent.encounter_id)])
    former = Consent.objects.select_for_update(no_key=True, of=("self",)).get(pk=consent.pk)
    _may_say(former, by)
    id = uuid5(former.pk, expires_at.astimezone(UTC).isoformat())
    if known := Consent.objects.filter(pk=id).first():
        return known
    if former.revoked_at is not None:
        raise ProblemError(CONFLICT, "It was revoked: a crew asks the person for another.")
    partners = {one.partner_id: one.partner for one in former.recipients.select_related("partner")}
    said = {name: former.content[name] for name in _GOES_ON if name in former.content}
    row = Consent(
        id=id,
        assignment_id=former.assignment_id,
        encounter_id=former.encounter_id,
        form=ConsentForm.VERBAL,
        given_at=now,
        expires_at=expires_at,
        recorded_by=by,
        received_at=now,
        content={**said, "witness": witness.strip(), "note": note.strip()},
    )
    lacking = problems(records.grant_of(row, frozenset(partners)))
    if lacking:
        raise ProblemError(INVALID, errors=[_mend(flag) for flag in lacking])
    detail = {"form": row.form, "renews": str(former.pk)}
    _keep(row, partners.values(), detail, actor=user_actor(by), now=now)
    return row


def _keep(
    row: Consent,
    partners: Iterable[Partner],
    detail: dict[str, str],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    row.save(force_insert=True)
    ConsentRecipient.objects.bulk_create(
        [ConsentRecipient(consent=row, partner=one) for one in partners]
    )
    found = [showing.consent(row, now=now), *_referrals_of(row, now)]
    publish(documents=found, events=[Event("consent.recorded", row.pk)], now=now)
    detail = {"encounter": str(row.encounter_id), **detail}
    record_all([Act(actor, "record", "consent", [row.pk], detail)], now=now)


def _may_say(row: Consent, by: User) -> None:
    try:
        may_write(row.assignment_id, by)
    except Refused as refused:
        raise ProblemError(FORBIDDEN, refused.errors[0].detail) from None


def _mend(flag: str) -> FieldError:
    """What to mend where a renewed consent would open nothing."""
    field = {"no_witness": "/witness", "too_long": "/expires_on", "ends_before": "/expires_on"}
    return FieldError(field.get(flag, ""), f"{codes.FLAGS[flag].capitalize()}.")


@transaction.atomic
def revoke_consent(
    *,
    consent: Consent,
    by: User,
    actor: Actor,
    note: str = "",
    telling: Telling | None = None,
    now: datetime,
) -> Consent:
    """Takes a consent back: nothing more is told on it, and every partner that it names is told of
    that, whatever else waits for it. Repeating it changes nothing; a tablet's fact is kept.

    `telling`: it is a fact of a tablet. Refused for whoever has nothing to do with the call; at a
    desk FORBIDDEN.
    """
    _lock_persons_referrals([consent.encounter_id])
    row = (
        Consent.objects.select_for_update(no_key=True, of=("self",))
        .select_related("recorded_by")
        .get(pk=consent.pk)
    )
    if telling is None:
        _may_say(row, by)
    else:
        may_write(row.assignment_id, by)
    fact = _revocation(row, telling, note, now)
    if fact is None and (telling is not None or row.revoked_at is not None):
        return row
    events = []
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by = now, by
        row.save(update_fields=["revoked_at", "revoked_by"])
        events = [Event("consent.revoked", one.pk) for one in _tell(row, now)]
    found: list[Document] = [showing.consent(row, now=now), *_referrals_of(row, now)]
    if fact is not None:
        found.append(documents.revocation(fact, showing.consent_scopes(row)))
    publish(documents=found, events=events, now=now)
    detail = {"encounter": str(row.encounter_id), "told": len(events)}
    record_all([Act(actor, "revoke", "consent", [row.pk], detail)], now=now)
    return row


@transaction.atomic
def acknowledge_revocation(
    *, recipient: ConsentRecipient, by: str, way: Way, actor: Actor, now: datetime
) -> ConsentRecipient:
    """A partner says that it knows of a revocation: itself, or on the telephone to somebody of
    CARE. The first one stands. INVALID where it was told of none, or nobody says it."""
    row = (
        ConsentRecipient.objects.select_for_update(no_key=True, of=("self",))
        .select_related("consent__recorded_by")
        .get(pk=recipient.pk)
    )
    if row.told_at is None:
        raise ProblemError(INVALID, "This consent is not revoked.")
    if not by.strip():
        raise ProblemError(INVALID, errors=[FieldError("/by", "Who says it?")])
    if row.acknowledged_at is not None:
        return row
    row.acknowledged_at, row.acknowledged_way, row.acknowledged_by = now, way, by.strip()
    row.save(update_fields=["acknowledged_at", "acknowledged_way", "acknowledged_by"])
    publish(documents=[showing.consent(row.consent, now=now)], now=now)
    detail = {"partner": str(row.partner_id), "way": way}
    record_all([Act(actor, "acknowledge", "consent", [row.consent_id], detail)], now=now)
    return row


def lock_for_consents(places: Iterable[tuple[UUID, UUID]]) -> None:
    """Once a transaction, before the first of its consents is recorded: of each its assignment and
    its encounter."""
    found = list(places)
    lock_arrivals({assignment for assignment, _ in found})
    _lock_persons_referrals(encounter for _, encounter in found)


def lock_referrals(*, referrals: Iterable[UUID] = (), consents: Iterable[UUID] = ()) -> None:
    """Once a transaction, before anything is told of these referrals and consents: the referrals,
    and those of the persons whose consents they are, in one order."""
    rows = Consent.objects.filter(pk__in=list(consents)).values_list("encounter_id", flat=True)
    every = {other for one in rows for other in records.encounters_of(one)}
    records.lock({*referrals, *records.referrals_of(every)})


def _lock_persons_referrals(encounters: Iterable[UUID]) -> None:
    """The referrals of all whom these encounters are with: what is told of them may change."""
    every = {other for one in encounters for other in records.encounters_of(one)}
    records.lock(records.referrals_of(every))


def _referrals_of(row: Consent, now: datetime) -> list[Document]:
    """The person's open referrals: whom to ask next follows from the consents."""
    rows = Referral.objects.of_encounters(records.encounters_of(row.encounter_id))
    found = rows.filter(status="active").select_related("created_by")
    return [documents.referral(records.record_of(one, now=now), now=now) for one in found]


def _revocation(
    row: Consent, telling: Telling | None, note: str, now: datetime
) -> ConsentRevocation | None:
    """The fact of a tablet; None where it is here already, or no tablet told it."""
    if telling is None or ConsentRevocation.objects.filter(pk=telling.id).exists():
        return None
    fact = ConsentRevocation(
        **telling.columns(now),
        consent=row,
        author=telling.author,
        content={"note": note} if note else {},
    )
    fact.save(force_insert=True)
    return fact


def _tell(row: Consent, now: datetime) -> list[ConsentRecipient]:
    rows = ConsentRecipient.objects.select_for_update(no_key=True).filter(consent=row)
    found = list(rows.order_by("pk"))
    for one in found:
        one.told_at = now
        one.save(update_fields=["told_at"])
    return found


def _named(content: Mapping[str, Any]) -> set[UUID]:
    told = content.get("partner_ids")
    return {id for one in told if (id := uuid_of(one))} if isinstance(told, list) else set()


def _partners(content: Mapping[str, Any]) -> dict[UUID, Partner]:
    return Partner.objects.in_bulk(_named(content))
