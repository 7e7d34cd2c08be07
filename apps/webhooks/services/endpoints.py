"""Verbs of endpoints: made, changed, proven, paused, resumed, given new keys."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Partner, User
from apps.audit.services import Actor, record
from apps.changes.services import Event, publish
from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError
from apps.webhooks import catalogue, signing
from apps.webhooks.addresses import Forbidden, check_url
from apps.webhooks.models import (
    Allowance,
    Delivery,
    DeliveryState,
    Disabled,
    Endpoint,
    EndpointState,
    ParkedWhy,
    PausedBy,
    SigningKey,
)
from apps.webhooks.services.claiming import VERIFICATION
from apps.webhooks.services.writing import audit, because, locked

# One who makes more is making a mistake, or fills our disk.
MOST_ENDPOINTS: Final = 10
FASTEST: Final = 1000
# Old keys sign beside the new ones for so long, where nobody says otherwise.
KEYS_OVERLAP: Final = timedelta(hours=24)
# Of them the newest alone: each signs every attempt, in the one thread that all partners share.
MOST_OLD_KEYS: Final = 2
# Tests that wait for one endpoint.
MOST_TESTS: Final = 10
TEST: Final = "webhook.test"


@transaction.atomic
def create_endpoint(
    *,
    partner: Partner,
    name: str,
    url: str,
    event_types: Sequence[str],
    contact: str | None = None,
    rate: int = 50,
    by: Actor,
    now: datetime,
) -> tuple[Endpoint, signing.NewKeys]:
    """An endpoint that has yet to show that it is the partner's, and its keys. The challenge is
    sent at once. ProblemError (INVALID) for an address or a type that cannot be; CONFLICT for one
    endpoint too many."""
    _refuse_too_many(partner.pk)
    _check(partner, url=url, event_types=event_types, rate=rate)
    endpoint = Endpoint.objects.create(
        partner=partner,
        name=name,
        url=url,
        contact=contact or None,
        event_types=sorted(set(event_types)),
        challenge=secrets.token_urlsafe(24),
        rate=rate,
        made_at=now,
    )
    keys = _new_key(endpoint, now)
    publish(events=[Event("endpoint.verification", endpoint.pk)], now=now)
    audit(by, "create", endpoint, now)
    return endpoint, keys


def _refuse_too_many(partner: UUID) -> None:
    """CONFLICT where the partner has no room for one more endpoint that is open. Two at once come
    one after the other."""
    row = Partner.objects.select_for_update(no_key=True).get(pk=partner)
    open_ones = Endpoint.objects.of(row).exclude(state=EndpointState.DISABLED)
    if open_ones.count() >= MOST_ENDPOINTS:
        raise ProblemError(CONFLICT, f"A partner has at most {MOST_ENDPOINTS} endpoints.")


@transaction.atomic
def change_endpoint(
    *,
    endpoint: Endpoint,
    name: str | None = None,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    contact: str | None = None,
    rate: int | None = None,
    by: Actor,
    now: datetime,
) -> Endpoint:
    """Changes what is named. A new address has to be proven before anything else goes there; what
    happens meanwhile is kept. CONFLICT where that opens an endpoint too many."""
    row = locked(endpoint)
    _check(row.partner, url=url, event_types=event_types, rate=rate)
    row.name = name or row.name
    row.rate = rate or row.rate
    if contact is not None:
        row.contact = contact or None
    if event_types is not None:
        row.event_types = sorted(set(event_types))
    if url is not None and url != row.url:
        row.url = url
        _ask_for_proof(row, now)
    row.save()
    audit(by, "update", row, now)
    return row


@transaction.atomic
def verify_endpoint(*, endpoint: Endpoint, by: Actor, now: datetime) -> Endpoint:
    """Sends the challenge once more: to one that has not shown whose it is, or was disabled.
    CONFLICT for any other, and where it would be an endpoint too many."""
    row = locked(endpoint)
    if row.state not in {EndpointState.UNVERIFIED, EndpointState.DISABLED}:
        raise ProblemError(CONFLICT, "This endpoint is verified already.")
    _ask_for_proof(row, now)
    row.save()
    audit(by, "ask-for-proof", row, now)
    return row


def _ask_for_proof(row: Endpoint, now: datetime) -> None:
    """The challenge of before proves nothing any more, and is not sent again: whoever asks often
    would have us call an address that nobody has shown to be theirs, for days. Of the endpoint's
    trouble nothing is left."""
    if row.state == EndpointState.DISABLED:
        _refuse_too_many(row.partner_id)
    Delivery.objects.pending().filter(endpoint=row, type=VERIFICATION).update(
        state=DeliveryState.PARKED,
        parked_why=ParkedWhy.UNPROVEN,
        settled_at=now,
        claim=None,
        claimed_until=None,
    )
    row.state, row.challenge = EndpointState.UNVERIFIED, secrets.token_urlsafe(24)
    row.paused_at, row.paused_by, row.pause_reason = None, "", None
    row.disabled_at, row.disabled_why = None, ""
    _well_again(row)
    publish(events=[Event("endpoint.verification", row.pk)], now=now)


def _well_again(row: Endpoint) -> None:
    row.failures, row.failing_since, row.warned_at = 0, None, None
    row.open_until = row.slow_until = None


@transaction.atomic
def rotate_keys(
    *, endpoint: Endpoint, overlap: timedelta = KEYS_OVERLAP, by: Actor, now: datetime
) -> signing.NewKeys:
    """New keys. The old ones sign beside them for `overlap`; no time for one that has leaked. What
    retires already keeps its time, unless this is sooner, or they are more than a few."""
    row = locked(endpoint)
    signing_now = SigningKey.objects.signing([row.pk], now).select_for_update(no_key=True)
    for number, key in enumerate(signing_now):
        until = now + overlap if number < MOST_OLD_KEYS else now
        if key.retires_at is None or key.retires_at > until:
            key.retires_at = until
            key.save(update_fields=["retires_at"])
    keys = _new_key(row, now)
    audit(by, "rotate-keys", row, now)
    return keys


def _new_key(endpoint: Endpoint, now: datetime) -> signing.NewKeys:
    keys = signing.new_keys()
    SigningKey.objects.create(
        endpoint=endpoint,
        secret=keys.secret,
        private=keys.private,
        public=keys.public,
        made_at=now,
    )
    return keys


@transaction.atomic
def pause_endpoint(
    *, endpoint: Endpoint, kind: PausedBy, reason: str = "", why: str = "", by: Actor, now: datetime
) -> Endpoint:
    """No attempt starts once this is committed; one that is under way may still arrive. Events are
    kept. Repeatable. The row's lock orders it against claims: see `claiming`."""
    row = locked(endpoint)
    if row.state == EndpointState.PAUSED:
        return row
    if row.state != EndpointState.ACTIVE:
        raise ProblemError(CONFLICT, f"This endpoint is {row.state}: nothing is sent to it.")
    row.state, row.paused_at, row.paused_by = EndpointState.PAUSED, now, kind
    row.pause_reason = reason.strip() or None
    row.save()
    audit(by, "pause", row, now, detail=because(why, by=kind.value))
    return row


@transaction.atomic
def pause_partner(
    *, partner: Partner, reason: str = "", why: str = "", by: Actor, now: datetime
) -> list[Endpoint]:
    """Pauses every endpoint of a partner to which something is sent, and returns them: its system
    is down, or a secret of it has leaked. Repeatable: those that are paused already stay so."""
    open_ones = Endpoint.objects.of(partner).filter(state=EndpointState.ACTIVE).order_by("pk")
    return [
        pause_endpoint(endpoint=one, kind=PausedBy.STAFF, reason=reason, why=why, by=by, now=now)
        for one in open_ones.select_for_update(no_key=True)
    ]


@transaction.atomic
def resume_endpoint(*, endpoint: Endpoint, why: str = "", by: Actor, now: datetime) -> Endpoint:
    """Sends again, what was kept first. Repeatable."""
    row = locked(endpoint)
    if row.state == EndpointState.ACTIVE:
        return row
    if row.state != EndpointState.PAUSED:
        raise ProblemError(CONFLICT, f"This endpoint is {row.state}: it has to be proven first.")
    row.state, row.paused_at, row.paused_by, row.pause_reason = EndpointState.ACTIVE, None, "", None
    _well_again(row)
    row.save()
    Delivery.objects.pending().filter(endpoint=row).update(due_at=now, tries=0)
    audit(by, "resume", row, now, detail=because(why))
    return row


@transaction.atomic
def disable_endpoint(*, endpoint: Endpoint, by: Actor, now: datetime) -> Endpoint:
    """The partner wants nothing more here. Its log stays. Repeatable."""
    row = locked(endpoint)
    if row.state == EndpointState.DISABLED:
        return row
    row.state, row.disabled_at, row.disabled_why = EndpointState.DISABLED, now, Disabled.PARTNER
    row.paused_at, row.paused_by, row.pause_reason = None, "", None
    row.verified_at = None
    row.save()
    audit(by, "disable", row, now, detail={"why": Disabled.PARTNER.value})
    return row


@transaction.atomic
def send_test(*, endpoint: Endpoint, why: str = "", by: Actor, now: datetime) -> None:
    """Publishes a test event for one endpoint; it goes the way of every event."""
    row = locked(endpoint)
    if row.state != EndpointState.ACTIVE:
        raise ProblemError(CONFLICT, f"This endpoint is {row.state}: nothing is sent to it.")
    if Delivery.objects.pending().filter(endpoint=row, type=TEST).count() >= MOST_TESTS:
        raise ProblemError(CONFLICT, f"{MOST_TESTS} tests wait for this endpoint already.")
    publish(events=[Event(TEST, row.pk)], now=now)
    audit(by, "send-test", row, now, detail=because(why))


@transaction.atomic
def name_watcher(*, endpoint: Endpoint, watcher: User | None, by: Actor, now: datetime) -> Endpoint:
    """Says who is warned by name when an endpoint fails."""
    row = locked(endpoint)
    row.watcher = watcher
    row.save(update_fields=["watcher"])
    audit(by, "name-watcher", row, now)
    return row


@transaction.atomic
def allow_type(*, partner: Partner, type: str, by: Actor, now: datetime) -> Allowance:
    """Lets a partner ask for a restricted type. Repeatable."""
    Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    known = catalogue.named(type)
    if known is None or not known.restricted:
        raise ProblemError(INVALID, errors=[FieldError("/type", "No such restricted type.")])
    row = Allowance.objects.standing().filter(partner=partner, type=type).first()
    if row is None:
        row = Allowance.objects.create(partner=partner, type=type, given_at=now)
        _record(by, "allow-type", partner.pk, now, type)
    return row


@transaction.atomic
def withdraw_type(*, allowance: Allowance, by: Actor, now: datetime) -> None:
    """No further event of the type is made for the partner. Repeatable."""
    row = Allowance.objects.select_for_update(no_key=True).get(pk=allowance.pk)
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        row.save(update_fields=["withdrawn_at"])
        _record(by, "withdraw-type", row.partner_id, now, row.type)


def _record(by: Actor, action: str, partner: UUID, now: datetime, type: str) -> None:
    record(
        actor=by,
        action=action,
        subject_type="partner",
        subject_ids=[partner],
        now=now,
        detail={"type": type},
    )


def _check(
    partner: Partner, *, url: str | None, event_types: Sequence[str] | None, rate: int | None
) -> None:
    errors = []
    if url is not None:
        try:
            check_url(url, private=settings.WEBHOOK_PRIVATE_TARGETS)
        except Forbidden as reason:
            errors.append(FieldError("/url", f"{str(reason).capitalize()}."))
    known = catalogue.optional_names()
    allowed = Allowance.objects.standing().filter(partner=partner).values_list("type", flat=True)
    for number, name in enumerate(event_types or ()):
        told = catalogue.named(name)
        if told is None or name not in known:
            errors.append(FieldError(f"/event_types/{number}", "There is no such event type."))
        elif told.restricted and name not in allowed:
            wanted = "This type is not open to you. Ask CARE for it."
            errors.append(FieldError(f"/event_types/{number}", wanted))
    if rate is not None and not 1 <= rate <= FASTEST:
        errors.append(FieldError("/rate", f"From 1 to {FASTEST} a second."))
    if errors:
        raise ProblemError(INVALID, errors=errors)
