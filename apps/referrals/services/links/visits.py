"""Coming in by a link: a code is asked for and typed, somebody is in for a while, and answers.

Guesses at once:

1. Whoever types a code takes the link's row (FOR NO KEY UPDATE) before they look at its codes, and
   so does whoever asks for one.
2. A wrong code counts against every code that is live, and that is committed before anybody is told
   that it was wrong: many guesses at once are as few as one after the other.
3. A code lets in once. The second of two taps on one page, whose answer is the one that the browser
   shows, finds it used a moment ago on this very page, and gets the same visit under a new secret.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import transaction

from apps.accounts.services import partner_actor
from apps.accounts.tokens import new_token, token_hash
from apps.audit.services import Act, record_all
from apps.core.crypto import blind_index
from apps.core.problems import CONFLICT, INVALID, NOT_FOUND, THROTTLED, FieldError, ProblemError
from apps.referrals import records
from apps.referrals.links import (
    CODE_HOLDS,
    LONG_VISIT,
    TWICE,
    VISIT,
    new_code,
    typed_code,
    wait_for_code,
)
from apps.referrals.models import (
    Capacity,
    ConsentRecipient,
    LinkCode,
    LinkSession,
    PartnerContact,
    ReferralAnswer,
    ReferralLink,
    ReferralTask,
    Way,
)
from apps.referrals.models.consents import RecipientQuerySet
from apps.referrals.services.answers import Said, answer
from apps.referrals.services.consents import acknowledge_revocation
from apps.referrals.services.directory import set_capacity

LONGEST_NAME: Final = 200
_CHANGED: Final = "The referral has changed since this page was made."


@dataclass(frozen=True)
class Visit:
    """Who has come in, and the secret that their browser keeps."""

    session: LinkSession
    secret: str = field(repr=False)


@transaction.atomic
def ask_code(*, link: ReferralLink, contact_id: UUID, now: datetime) -> LinkCode:
    """Makes a code and has it sent to a contact on file. NOT_FOUND for a contact of anybody else,
    THROTTLED where too many were asked for. Twice at once is one code.

    Whoever has a link can use up its codes, which come to the contact all the same. What was asked
    for by links that open nothing any more counts against nobody: once a link that went astray is
    revoked, the next one lets its contact in at once.
    """
    _locked(link, now)
    on_file = PartnerContact.objects.on_file(link.task.partner)
    contact = on_file.select_for_update(no_key=True).filter(pk=contact_id).first()
    if contact is None:
        raise ProblemError(NOT_FOUND)
    made = LinkCode.objects.filter(made_at__gt=now - timedelta(hours=1)).order_by("made_at")
    fresh = made.filter(link=link, contact=contact, made_at__gt=now - TWICE).last()
    if fresh is not None:
        return fresh
    to_contact = made.filter(contact=contact, link__in=ReferralLink.objects.opening())
    wait = wait_for_code(
        of_link=list(made.filter(link=link).values_list("made_at", flat=True)),
        to_contact=list(to_contact.values_list("made_at", flat=True)),
        now=now,
    )
    if wait is not None:
        seconds = str(int(wait.total_seconds()) + 1)
        raise ProblemError(THROTTLED, headers={"Retry-After": seconds})
    code = new_code()
    row = LinkCode(
        link=link,
        contact=contact,
        made_at=now,
        due_at=now,
        expires_at=now + CODE_HOLDS,
        secret=code,
    )
    row.code_hash = _hash(row, code)
    row.save(force_insert=True)
    _act(link, "ask-code", now, contact=str(contact.pk))
    return row


@transaction.atomic
def open_visit(
    *,
    link: ReferralLink,
    code: str,
    name: str,
    page: str,
    own_device: bool = False,
    now: datetime,
) -> Visit | None:
    """Lets somebody in by a code. None: it is wrong, used, or has run out; that counts, and is
    written down. INVALID where they do not say who they are. `page` is a random name of the page
    that the code was typed on. `own_device`: for ten times as long."""
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise ProblemError(INVALID, errors=[FieldError("/name", "Who are you?")])
    _locked(link, now)
    codes = LinkCode.objects.select_for_update(no_key=True, of=("self",)).filter(link=link)
    typed = typed_code(code)
    for row in codes.used_just_now(page, now).select_related("visit"):
        if _fits(row, typed) and row.visit is not None and row.visit.ended_at is None:
            return _let_in(row.visit)
    live = list(codes.live(now))
    used = next((row for row in live if _fits(row, typed)), None)
    if used is None:
        for row in live:
            row.failures += 1
            row.save(update_fields=["failures"])
        _act(link, "refuse-code", now, live=len(live))
        return None
    session = LinkSession(
        link=link,
        opened_at=now,
        expires_at=now + (LONG_VISIT if own_device else VISIT),
        name=name.strip(),
    )
    visit = _let_in(session)
    used.used_at, used.page_hash, used.visit = now, token_hash(page), session
    used.due_at, used.secret = None, None
    used.save()
    _act(link, "open", now, contact=str(used.contact_id), visit=str(session.pk))
    return visit


def _let_in(session: LinkSession) -> Visit:
    secret = new_token("cfv")
    session.token_hash = token_hash(secret)
    session.save()
    return Visit(session, secret)


@transaction.atomic
def leave(*, session: LinkSession, now: datetime) -> None:
    """Ends a visit. Repeatable."""
    row = LinkSession.objects.select_for_update(no_key=True).get(pk=session.pk)
    if row.ended_at is None:
        row.ended_at = now
        row.save(update_fields=["ended_at"])


@transaction.atomic
def answer_by_link(
    *,
    session: LinkSession,
    verb: str,
    told: Mapping[str, Any],
    key: str,
    seen: str,
    now: datetime,
) -> ReferralAnswer:
    """Takes what a visitor says. `key` is of the page that they say it on: sent twice it is one
    answer. `seen` is what that page knew of the task (`stamp_of`): CONFLICT where that is not how
    it stands. Everything else is as with any other way (`answers.answer`)."""
    link = session.link
    records.lock([link.task.referral_id])
    _locked(link, now)
    task = ReferralTask.objects.get(pk=link.task_id)
    repeated = ReferralAnswer.objects.filter(task=task, key=key).exists()
    if not repeated and seen != stamp_of(task):
        raise ProblemError(CONFLICT, _CHANGED)
    said = Said(
        verb=verb,
        key=key,
        way=Way.LINK,
        actor=partner_actor(link.task.partner),
        said_at=now,
        said_by=session.name,
        told=told,
        token_id=link.pk,
    )
    return answer(task=task, said=said, now=now)


@transaction.atomic
def capacity_by_link(
    *,
    session: LinkSession,
    service_id: UUID,
    status: str,
    free: int | None,
    key: str,
    now: datetime,
) -> Capacity:
    """Takes what a visitor says of the capacity of one of their services. Sent twice from one page
    (`key`) it is told once. Otherwise as `directory.set_capacity`."""
    link = session.link
    _locked(link, now)
    row = set_capacity(
        service_id=service_id,
        status=status,
        free=free,
        by=link.task.partner,
        id=uuid5(link.pk, key),
        now=now,
    )
    _act(link, "set-capacity", now, visit=str(session.pk))
    return row


def revocations_of(link: ReferralLink) -> RecipientQuerySet:
    """What the person of the link's referral has taken back, and the partner has not said that it
    knows of."""
    encounters = records.encounters_of(link.task.referral.encounter_id)
    return ConsentRecipient.objects.waiting_for(link.task.partner, encounters)


@transaction.atomic
def acknowledge_by_link(*, session: LinkSession, recipient_id: UUID, now: datetime) -> None:
    """A visitor says that their agency knows of a revocation. NOT_FOUND for one of another person
    or partner. Repeatable."""
    link = session.link
    _locked(link, now)
    encounters = records.encounters_of(link.task.referral.encounter_id)
    row = (
        ConsentRecipient.objects.to(link.task.partner)
        .filter(pk=recipient_id, consent__encounter_id__in=encounters)
        .first()
    )
    if row is None:
        raise ProblemError(NOT_FOUND)
    by = partner_actor(link.task.partner)
    acknowledge_revocation(recipient=row, by=session.name, way=Way.LINK, actor=by, now=now)


def stamp_of(task: ReferralTask) -> str:
    """How a task stands: another stamp, another state."""
    return f"{task.status}.{int(task.status_at.timestamp() * 1000)}"


def _locked(link: ReferralLink, now: datetime) -> None:
    """NOT_FOUND where the link has ceased to open anything."""
    rows = ReferralLink.objects.opening().select_for_update(no_key=True, of=("self",))
    if not rows.filter(pk=link.pk).exists():
        raise ProblemError(NOT_FOUND)


def _hash(row: LinkCode, code: str) -> bytes:
    return blind_index(code, purpose=f"link code {row.pk}")


def _fits(row: LinkCode, code: str | None) -> bool:
    return code is not None and hmac.compare_digest(bytes(row.code_hash), _hash(row, code))


def _act(link: ReferralLink, action: str, now: datetime, **detail: Any) -> None:
    told = {"task": str(link.task_id), **detail}
    by = partner_actor(link.task.partner)
    record_all([Act(by, action, "link", [link.pk], told)], now=now)
