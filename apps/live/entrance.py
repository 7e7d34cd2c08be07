"""What a socket's opening request says about who knocks: credential, session, origin.

A browser sends its cookies with a socket to anyone, and tells where the page came from; a tablet's
own program sends no origin. So cookies count only with the same origin, and a foreign origin is
never let in. No credential is looked for in the address: addresses are logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host


class Refused(Exception):
    """The handshake is answered with 403."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """What may be used to find out who it is. Neither: a ticket must come in the hello."""

    bearer: str | None = None
    session_key: str | None = None
    clock: str | None = None


def entrance(scope: dict[str, Any]) -> Entrance:
    """Raises Refused for a foreign origin, or a host that is not ours."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "")
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        raise Refused
    origin = headers.get("origin")
    if origin is not None and not _ours(origin, host):
        raise Refused
    scheme, _, token = headers.get("authorization", "").partition(" ")
    cookies = parse_cookie(headers.get("cookie", "")) if origin is not None else {}
    return Entrance(
        bearer=token.strip() if scheme.lower() == "bearer" and token.strip() else None,
        session_key=cookies.get(settings.SESSION_COOKIE_NAME),
        clock=headers.get("sync-clock"),
    )


def _ours(origin: str, host: str) -> bool:
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()
