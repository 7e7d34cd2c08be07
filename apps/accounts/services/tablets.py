"""Verbs of tablets: enrolled, signed in on, lost, shut out, and the local databases on them.

Signing in and out is turned into what the tablet's local databases hold: the feed purges and
back-fills by the same rule for a new shift, another responder, or a lost tablet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.accounts.models import (
    EnrolmentCode,
    LocalDatabase,
    SignIn,
    Tablet,
    TabletState,
    TabletToken,
    Team,
    User,
)
from apps.accounts.services.writing import audit, end, tablet_actor, user_actor
from apps.accounts.tokens import code_hash, new_code, new_token, token_hash
from apps.audit.models import ActorKind
from apps.audit.services import SYSTEM, Actor
from apps.changes.services import EVERYONE, Event, bind, publish
from apps.core.problems import CONFLICT, INVALID, THROTTLED, FieldError, ProblemError

CODE_LIFETIME = timedelta(minutes=30)
# One is made when an app is installed, or wiped. With more, somebody is filling our disk.
LOCAL_DATABASES_A_DAY = 50
CONTACT_NOTED_EVERY = timedelta(seconds=15)
CLOCK_NOTED_FROM_MS = 1000


@transaction.atomic
def make_enrolment_code(*, team: Team, label: str, by: User, now: datetime) -> tuple[str, UUID]:
    """The code to show once, and the id of its row. It enrols one tablet within 30 minutes. Whoever
    asks twice for the same tablet has one code that holds, the last."""
    waiting = EnrolmentCode.objects.usable(now).filter(team=team, label=label, tablet=None)
    waiting.update(expires_at=now)
    code = new_code()
    row = EnrolmentCode.objects.create(
        code_hash=code_hash(code),
        team=team,
        label=label,
        made_by=by,
        made_at=now,
        expires_at=now + CODE_LIFETIME,
    )
    audit(user_actor(by), "create", "enrolment_code", row.pk, now)
    return code, row.pk


@transaction.atomic
def enrol(*, code: str, claim: UUID, now: datetime) -> tuple[str, Tablet]:
    """Turns a code into a tablet and its token, shown once.

    `claim` is made by the tablet. The same code with the same claim is a repeat after a lost
    answer: the same tablet gets a new token and the unseen one dies. Another claim is refused.
    """
    row = (
        EnrolmentCode.objects.usable(now)
        .select_for_update(no_key=True)
        .filter(code_hash=code_hash(code))
        .first()
    )
    if row is None or (row.claim is not None and row.claim != claim):
        error = FieldError("/code", "This code is not valid: unknown, used or expired.")
        raise ProblemError(INVALID, "Ask a supervisor for a new code.", errors=[error])
    if row.tablet is None:
        row.tablet = Tablet.objects.create(label=row.label, team=row.team, enrolled_at=now)
        row.claim = claim
        row.save(update_fields=["tablet", "claim"])
    TabletToken.objects.filter(tablet=row.tablet, revoked_at=None).update(revoked_at=now)
    token = new_token("cft")
    TabletToken.objects.create(tablet=row.tablet, token_hash=token_hash(token), made_at=now)
    audit(Actor(ActorKind.TABLET, None, row.tablet.pk), "enrol", "tablet", row.tablet.pk, now)
    return token, row.tablet


@transaction.atomic
def retire_tablet(*, tablet: Tablet, by: Actor, now: datetime) -> None:
    """Shuts a tablet out at once: tokens, sign-in, what it holds, and its open sockets.
    Repeatable."""
    tablet = _locked(tablet)
    if tablet.state == TabletState.RETIRED:
        return
    _shut_out(tablet, TabletState.RETIRED, by, now)
    audit(by, "retire", "tablet", tablet.pk, now)


@transaction.atomic
def mark_lost(*, tablet: Tablet, by: Actor, now: datetime) -> None:
    """Nobody knows where a tablet is. Its sign-in ends, so that what it holds is withdrawn from it
    at its next contact; what was typed on it may still come, into quarantine. Repeatable.

    ProblemError (CONFLICT) for one that is shut out for good.
    """
    tablet = _locked(tablet)
    if tablet.state == TabletState.LOST:
        return
    if tablet.state != TabletState.ACTIVE:
        raise ProblemError(CONFLICT, f"This tablet is {tablet.state}: it is shut out already.")
    _become(tablet, TabletState.LOST)
    sign_out(tablet=tablet, by=by, now=now)
    publish(events=[Event("tablet.lost", tablet.pk)], now=now)
    audit(by, "mark-lost", "tablet", tablet.pk, now)


@transaction.atomic
def mark_compromised(*, tablet: Tablet, by: Actor, now: datetime) -> None:
    """Somebody else may have a tablet's token: nothing that shows it is answered any more, and
    nothing that it sends is kept. Its open sockets end. Repeatable."""
    tablet = _locked(tablet)
    if tablet.state == TabletState.COMPROMISED:
        return
    _shut_out(tablet, TabletState.COMPROMISED, by, now)
    audit(by, "mark-compromised", "tablet", tablet.pk, now)


@transaction.atomic
def mark_found(*, tablet: Tablet, by: Actor, now: datetime) -> None:
    """A lost tablet is back: it works as before, once somebody signs in. Repeatable.

    ProblemError (CONFLICT) for one that is shut out: its token is dead, so it is enrolled anew.
    """
    tablet = _locked(tablet)
    if tablet.state == TabletState.ACTIVE:
        return
    if tablet.state != TabletState.LOST:
        raise ProblemError(CONFLICT, f"This tablet is {tablet.state}: enrol it anew, with a code.")
    _become(tablet, TabletState.ACTIVE)
    publish(events=[Event("tablet.found", tablet.pk)], now=now)
    audit(by, "mark-found", "tablet", tablet.pk, now)


@transaction.atomic
def sign_in(*, tablet: Tablet, user: User, now: datetime) -> SignIn:
    """A responder takes the tablet. Whoever had it before is signed out of it.

    Repeating it changes nothing, as long as the sign-in holds. The tablet's row is locked, so that
    two sign-ins at once end with one of them, and the local databases bound to it.
    """
    tablet = _locked(tablet)
    if tablet.state != TabletState.ACTIVE:
        raise ProblemError(CONFLICT, f"This tablet is {tablet.state}. Ask a supervisor.")
    current = SignIn.objects.open().filter(tablet=tablet).first()
    if current and current.user_id == user.pk and not current.has_run_out(now):
        return current
    if current:
        end(current, now)
    row = SignIn.objects.create(tablet=tablet, user=user, started_at=now)
    for database in tablet.local_databases.order_by("pk"):
        bind(holder=database.pk, principal=user.pk)
    publish(events=[Event("tablet.signed_in", tablet.pk)], now=now)
    audit(tablet_actor(tablet, user), "sign-in", "tablet", tablet.pk, now)
    return row


@transaction.atomic
def sign_out(*, tablet: Tablet, by: Actor, now: datetime) -> None:
    """Ends the sign-in on a tablet, which loses what it holds at its next contact. Repeatable."""
    _locked(tablet)
    current = SignIn.objects.open().filter(tablet=tablet).first()
    if current is None:
        return
    end(current, now)
    audit(by, "sign-out", "tablet", tablet.pk, now)


def end_old_sign_ins(*, tablets: Iterable[UUID] | None = None, now: datetime) -> int:
    """Ends the sign-ins that have run out, on these tablets or on all; returns how many.

    Each in a transaction of its own: one that fails holds up no other. The tablet's row is locked
    first, as everywhere, and whoever signs in at the same moment is left alone.
    """
    old = SignIn.objects.run_out(now)
    if tablets is not None:
        old = old.filter(tablet__in=list(tablets))
    return sum(_end_old(tablet, now) for tablet in old.values_list("tablet_id", flat=True))


@transaction.atomic
def _end_old(tablet_id: UUID, now: datetime) -> bool:
    tablet = Tablet.objects.select_for_update(no_key=True).get(pk=tablet_id)
    current = SignIn.objects.run_out(now).filter(tablet=tablet).first()
    if current is None:
        return False
    end(current, now)
    audit(SYSTEM, "sign-out", "tablet", tablet.pk, now)
    return True


@transaction.atomic
def register_local_database(*, tablet: Tablet, instance: UUID, now: datetime) -> LocalDatabase:
    """Makes a local database known at its first contact, bound to whoever is signed in.

    ProblemError: THROTTLED for too many in a day, as each is given all that may be seen on the
    tablet; CONFLICT for an id that is another tablet's, or no tablet's to have: holders are also a
    person's desk, under the person's id, and what everyone may see. A tablet that took such an id
    would read all that is on the desk, or take the desk away.
    """
    _locked(tablet)
    lately = tablet.local_databases.filter(first_seen_at__gt=now - timedelta(days=1))
    if lately.exclude(pk=instance).count() >= LOCAL_DATABASES_A_DAY:
        detail = "This tablet has made more local databases today than a tablet does."
        raise ProblemError(THROTTLED, detail, headers={"Retry-After": "3600"})
    row = None
    if instance != EVERYONE and not User.objects.filter(pk=instance).exists():
        row, new = LocalDatabase.objects.get_or_create(
            pk=instance, defaults={"tablet": tablet, "first_seen_at": now}
        )
    if row is None or row.tablet_id != tablet.pk:
        raise ProblemError(
            CONFLICT,
            "Sync-Instance belongs to another tablet. Make a new local database with a new id.",
        )
    # Under the lock: whoever the request was made for may have signed out since it began.
    current = SignIn.objects.open().filter(tablet=tablet).first()
    if new and current is not None and not current.has_run_out(now):
        bind(holder=row.pk, principal=current.user_id)
    return row


def note_contact(*, tablet: Tablet, clock_offset_ms: int | None, now: datetime) -> None:
    """The tablet was in contact, with its clock so far off. Written when it says something new:
    every 15 seconds, or when the offset has changed by more than a second."""
    if not _is_news(tablet, clock_offset_ms, now):
        return
    changed: dict[str, Any] = {"last_seen_at": now}
    if clock_offset_ms is not None:
        changed["clock_offset_ms"] = clock_offset_ms
    Tablet.objects.filter(pk=tablet.pk).update(**changed)


_NOTE_CONTACTS = """
update accounts_tablet t
set last_seen_at = %s, clock_offset_ms = coalesce(free.clock_offset_ms, t.clock_offset_ms)
from (
  select one.id, g.clock_offset_ms from unnest(%b::uuid[], %b::int[]) as g (id, clock_offset_ms)
  join accounts_tablet one on one.id = g.id for no key update of one skip locked) free
where t.id = free.id
"""


def note_contacts(contacts: Mapping[Tablet, int | None], *, now: datetime) -> None:
    """The same of many tablets, each with the offset of its clock. Waits for nobody: what somebody
    else is writing is left, and noted at the next contact."""
    news = {t.pk: offset for t, offset in contacts.items() if _is_news(t, offset, now)}
    if news:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_CONTACTS, [now, list(news), list(news.values())])


def _is_news(tablet: Tablet, clock_offset_ms: int | None, now: datetime) -> bool:
    seen, known = tablet.last_seen_at, tablet.clock_offset_ms
    lately = seen is not None and now - seen < CONTACT_NOTED_EVERY
    moved = clock_offset_ms is not None and (
        known is None or abs(known - clock_offset_ms) > CLOCK_NOTED_FROM_MS
    )
    return moved or not lately


@transaction.atomic
def note_open_sockets(*, tablets: Collection[UUID], now: datetime) -> None:
    """Tablets with an open socket are in contact, also while neither side has anything to say. A
    row that somebody else is writing is left: two servers must not wait for each other here."""
    free = Tablet.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=tablets)
    Tablet.objects.filter(pk__in=[tablet.pk for tablet in free]).update(last_seen_at=now)


def _locked(tablet: Tablet) -> Tablet:
    """The tablet as it is now, its row locked against whoever changes its state or sign-in."""
    return Tablet.objects.select_for_update(no_key=True).get(pk=tablet.pk)


def _become(tablet: Tablet, state: TabletState) -> None:
    tablet.state = state
    tablet.save(update_fields=["state"])


def _shut_out(tablet: Tablet, state: TabletState, by: Actor, now: datetime) -> None:
    _become(tablet, state)
    TabletToken.objects.filter(tablet=tablet, revoked_at=None).update(revoked_at=now)
    sign_out(tablet=tablet, by=by, now=now)
    publish(events=[Event(f"tablet.{state}", tablet.pk)], now=now)
