"""Who is on a socket, and whether they still may be. Runs in threads: plain database work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare

from apps.accounts import services as accounts
from apps.accounts.auth import ANSWERED, TabletSession, session_of, tablet_session
from apps.accounts.models import DESK_ROLES, SignIn, Tablet, TabletState, TabletToken, User
from apps.accounts.tokens import token_hash
from apps.core.problems import ProblemError
from apps.live.entrance import Entrance
from apps.live.hello import Hello
from apps.live.messages import Code
from apps.sync import contacts

Audience = Literal["tablet", "desk"]


class TurnedAway(Exception):
    """Closed with this code; the text is the reason that the client reads."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Who:
    """A tablet's local database with whoever is signed in, or a desk. `holder` is theirs in the
    feed. `token` (a hash) or `session` is what they came with; neither: a ticket, used up.
    `schema`: see `Hello`."""

    holder: UUID
    tablet: UUID | None
    user: UUID | None
    token: bytes | None = None
    session: str | None = None
    schema: int = 1


def identify(audience: Audience, entrance: Entrance, hello: Hello, *, now: datetime) -> Who:
    """Finds out who it is, and makes a tablet's local database known. Raises TurnedAway."""
    try:
        if audience == "tablet":
            return _tablet(entrance, hello, now)
        return _desk(entrance, hello, now)
    except ProblemError as problem:
        raise TurnedAway(Code.FORBIDDEN, problem.text or problem.problem.title) from None


def _tablet(entrance: Entrance, hello: Hello, now: datetime) -> Who:
    if hello.instance is None:
        raise TurnedAway(Code.BAD_HELLO, "instance is the UUID of the tablet's local database")
    session: TabletSession | None = None
    hashed: bytes | None = None
    if entrance.bearer:
        hashed = token_hash(entrance.bearer)
        session = tablet_session(entrance.bearer)
    elif hello.ticket:
        ticket = accounts.redeem_ticket(ticket=hello.ticket, now=now)
        if ticket and ticket.tablet and ticket.tablet.state == TabletState.ACTIVE:
            session = session_of(ticket.tablet)
    if session is None:
        raise TurnedAway(Code.CREDENTIAL, "no valid token or ticket")
    contacts.meet(session, hello.instance, hello.clock or entrance.clock, now=now)
    user = session.user.pk if session.user else None
    return Who(hello.instance, session.tablet.pk, user, token=hashed)


def _desk(entrance: Entrance, hello: Hello, now: datetime) -> Who:
    user: User | None = None
    if hello.ticket:
        ticket = accounts.redeem_ticket(ticket=hello.ticket, now=now)
        user = ticket.user if ticket else None
    elif entrance.session_key:
        user = user_of_session(entrance.session_key)
    if user is None or not user.is_active:
        raise TurnedAway(Code.CREDENTIAL, "no valid session or ticket")
    if user.role not in DESK_ROLES:
        raise TurnedAway(Code.FORBIDDEN, "desks are for supervisors and dispatchers")
    return Who(user.pk, None, user.pk, session=None if hello.ticket else entrance.session_key)


def user_of_session(key: str) -> User | None:
    """Whose browser session it is, if it is still valid: not ended, expired, or older than the
    password. Django's own look-up deletes a session that is not: this one only reads."""
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = User.objects.filter(pk=session.get(SESSION_KEY), is_active=True).first()
    if user is None:
        return None
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    stored = session.get(HASH_SESSION_KEY, "")
    return user if any(constant_time_compare(stored, hash_) for hash_ in hashes) else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a socket may stay, and who is signed in on its tablet now."""

    valid: bool
    user: UUID | None


def signed_in(tablets: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """Who is signed in on each of these tablets; a tablet that is shut out is missing. One that is
    lost may stay: it is told to drop what it holds."""
    answered = Tablet.objects.filter(pk__in=tablets, state__in=ANSWERED)
    found: dict[UUID, UUID | None] = dict.fromkeys(answered.values_list("pk", flat=True))
    people = SignIn.objects.open().filter(tablet__in=tablets, user__is_active=True)
    for tablet, user in people.values_list("tablet_id", "user_id"):
        if tablet in found:
            found[tablet] = user
    return found


def recheck(present: Sequence[Who]) -> list[Verdict]:
    """The verdict on each, in the same order: three queries for all, two more for each browser's
    session."""
    users = signed_in([who.tablet for who in present if who.tablet])
    tokens = _standing_tokens([who.token for who in present if who.token])
    desks = set(
        User.objects.filter(
            pk__in=[who.user for who in present if who.tablet is None],
            is_active=True,
            role__in=DESK_ROLES,
        ).values_list("pk", flat=True)
    )
    verdicts = []
    for who in present:
        if who.tablet is not None:
            valid = who.tablet in users and (who.token is None or who.token in tokens)
            verdicts.append(Verdict(valid, users.get(who.tablet)))
        else:
            valid = who.user in desks and (
                who.session is None or user_of_session(who.session) is not None
            )
            verdicts.append(Verdict(valid, who.user))
    return verdicts


def look_again(present: Sequence[Who], *, now: datetime) -> list[Verdict]:
    """`recheck`, and a note that these tablets are in contact: an open socket may be silent for
    hours. Sign-ins that have run out are ended first, so that nothing more is sent to them."""
    tablets = {who.tablet for who in present if who.tablet}
    accounts.end_old_sign_ins(tablets=tablets, now=now)
    accounts.note_open_sockets(tablets=tablets, now=now)
    return recheck(present)


def _standing_tokens(hashes: Sequence[bytes]) -> set[bytes]:
    rows = TabletToken.objects.filter(token_hash__in=hashes, revoked_at=None)
    return {bytes(row) for row in rows.values_list("token_hash", flat=True)}
