"""Who makes a request: a tablet with its responder, CAD, or a partner, by bearer token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from apps.accounts.models import (
    Client,
    ClientToken,
    Partner,
    PartnerToken,
    SignIn,
    Tablet,
    TabletState,
    User,
    lifetime,
)
from apps.accounts.services import end_old_sign_ins
from apps.accounts.tokens import token_hash
from apps.core import clock

# Those whose token is good for anything.
ANSWERED = frozenset({TabletState.ACTIVE, TabletState.LOST})


@dataclass(frozen=True)
class TabletSession:
    """A tablet and who is signed in on it. `request.auth` of a tablet's request."""

    tablet: Tablet
    user: User | None

    @property
    def lost(self) -> bool:
        """It may hand in what was typed on it and is told to drop what it holds; nothing else."""
        return self.tablet.state == TabletState.LOST


def tablet_session(token: str) -> TabletSession | None:
    """The session of a tablet's token; None for an unknown or revoked one, or a tablet that is shut
    out. Of a lost one too: see `permissions`."""
    tablet = (
        Tablet.objects.filter(
            tokens__token_hash=token_hash(token),
            tokens__revoked_at=None,
            state__in=ANSWERED,
        )
        .select_related("team")
        .first()
    )
    return None if tablet is None else session_of(tablet)


def session_of(tablet: Tablet) -> TabletSession:
    """The tablet with whoever is signed in now. A sign-in that has run out is ended here, so that
    what the tablet holds is withdrawn before it is answered, whether or not any tick has run."""
    now = clock.now()
    sign_in = SignIn.objects.open().filter(tablet=tablet).select_related("user").first()
    if sign_in is None or tablet.state != TabletState.ACTIVE:
        return TabletSession(tablet, None)
    if sign_in.has_run_out(now):
        end_old_sign_ins(tablets=[tablet.pk], now=now)
        return TabletSession(tablet, None)
    return TabletSession(tablet, sign_in.user if sign_in.user.is_active else None)


_TABLET = [field.attname for field in Tablet._meta.concrete_fields]
_USER = ["id", "username", "display_name", "role", "team_id", "is_active"]
_SESSIONS = f"""
select g.n, {", ".join(f"t.{name}" for name in _TABLET)}, {", ".join(f"u.{name}" for name in _USER)}
from unnest(%b::bytea[], %b::uuid[]) with ordinality
  as g (token_hash, instance, n)
join accounts_tablettoken k on k.token_hash = g.token_hash and k.revoked_at is null
join accounts_tablet t on t.id = k.tablet_id and t.state = 'active'
join accounts_signin s on s.tablet_id = t.id and s.ended_at is null and s.started_at > %s
join accounts_user u on u.id = s.user_id and u.is_active
join accounts_localdatabase l on l.id = g.instance and l.tablet_id = t.id
"""  # noqa: S608  (columns of the models)


def plain_sessions(
    asked: Sequence[tuple[str, UUID]], *, now: datetime
) -> list[TabletSession | None]:
    """The sessions of many tablets at once, each by its token and the local database that it names.
    None for whatever is not plain: a tablet that is not active, nobody signed in, a sign-in that
    has run out, a local database that is not known as the tablet's. `tablet_session` tells why."""
    found: list[TabletSession | None] = [None] * len(asked)
    with connection.cursor() as cursor:
        hashes = [token_hash(token) for token, _ in asked]
        since = now - lifetime()
        cursor.execute(_SESSIONS, [hashes, [instance for _, instance in asked], since])
        for number, *columns in cursor.fetchall():
            tablet = Tablet.from_db(connection.alias, _TABLET, columns[: len(_TABLET)])
            user = User.from_db(connection.alias, _USER, columns[len(_TABLET) :])
            found[number - 1] = TabletSession(tablet, user)
    return found


def client_of(token: str) -> Client | None:
    """The client of a token; None for an unknown or revoked one, or a client that is shut out."""
    row = (
        ClientToken.objects.filter(
            token_hash=token_hash(token), revoked_at=None, client__is_active=True
        )
        .select_related("client")
        .first()
    )
    return row.client if row else None


def partner_of(token: str) -> Partner | None:
    """The partner of a token; None for an unknown or revoked one, or a partner that is shut out."""
    row = (
        PartnerToken.objects.filter(
            token_hash=token_hash(token), revoked_at=None, partner__is_active=True
        )
        .select_related("partner")
        .first()
    )
    if row is None:
        return None
    partner: Partner = row.partner
    partner.token_id = row.pk  # what it reads and says is written down with it: one may leak
    return partner


def bearer(request: Request, prefix: str) -> str | None:
    """The bearer token of a request if it is of our kind; a query string is never looked at."""
    return token_in(get_authorization_header(request).decode("latin-1"), prefix)


def token_in(header: str, prefix: str) -> str | None:
    """The bearer token in an Authorization header if it is of our kind."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.startswith(f"{prefix}_"):
        return None
    return token.strip()


class TabletAuthentication(BaseAuthentication):
    """`Authorization: Bearer cft_...`: `request.auth` is a TabletSession."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, TabletSession] | None:
        token = bearer(request, "cft")
        if token is None:
            return None
        session = tablet_session(token)
        if session is None:
            raise AuthenticationFailed("This tablet's token is not valid any more.")
        return session.user or AnonymousUser(), session

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="carefield"'


class ClientTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer cfc_...`: `request.user` and `request.auth` are the Client."""

    def authenticate(self, request: Request) -> tuple[Client, Client] | None:
        token = bearer(request, "cfc")
        if token is None:
            return None
        client = client_of(token)
        if client is None:
            raise AuthenticationFailed("This client's token is not valid any more.")
        return client, client

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="carefield"'


class PartnerTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer cfp_...`: `request.user` and `request.auth` are the Partner."""

    def authenticate(self, request: Request) -> tuple[Partner, Partner] | None:
        token = bearer(request, "cfp")
        if token is None:
            return None
        partner = partner_of(token)
        if partner is None:
            raise AuthenticationFailed("This partner's token is not valid any more.")
        return partner, partner

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="carefield"'
