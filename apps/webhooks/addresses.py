"""Which addresses webhooks may be sent to. Pure: the caller resolves, and dials what was vetted.

`ipaddress.is_global` is not asked: on CPython 3.11 it is True for 2002:7f00:1::, 64:ff9b::7f00:1,
::127.0.0.1, fec0::1 and 224.0.0.1, of which some lead back to ourselves. IPv4 has a list of what is
refused (IANA special-purpose registry), IPv6 one of what is taken.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REFUSED_4: Final = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
        *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_TAKEN_6: Final = ipaddress.IPv6Network("2000::/3")
_REFUSED_6: Final = tuple(
    ipaddress.IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)

LONGEST_URL: Final = 2000
PORTS: Final = frozenset({None, 443, 8443})


class Forbidden(Exception):
    """Not an address that we call. Says why, and names no address: it may hold a secret."""


def vet(addresses: Iterable[str], *, private: bool) -> str:
    """The address to dial: the first, once EVERY one is fit to be called. Forbidden otherwise.

    One name that leads to a public and to a private address is an attack or a mistake.
    `private`: loopback is taken too, for development.
    """
    found = list(addresses)
    if not found:
        raise Forbidden("the name leads to no address")
    for text in found:
        if not _is_fit(text, private=private):
            raise Forbidden("the name leads to an address that is not public")
    return found[0]


def _is_fit(text: str, *, private: bool) -> bool:
    try:
        address: _Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:  # ::ffff:0:0/96
            address = address.ipv4_mapped
        elif private and address == ipaddress.IPv6Address("::1"):
            return True
        else:
            unscoped = address.scope_id is None
            refused = any(address in net for net in _REFUSED_6)
            return unscoped and address in _TAKEN_6 and not refused
    if private and address in ipaddress.IPv4Network("127.0.0.0/8"):
        return True
    return not any(address in net for net in _REFUSED_4)


def check_url(url: str, *, private: bool) -> None:
    """Forbidden unless webhooks may be sent to an address of this form: https with a host, nobody's
    name and password in it, no fragment, at one of PORTS: elsewhere listens what is no receiver.
    `private`: http and any port are taken too, for development."""
    if len(url) > LONGEST_URL or not url.isascii() or any(sign <= " " for sign in url):
        raise Forbidden("the address is too long, or holds signs that no address has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("this is no address") from None
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise Forbidden("the address must begin with https://")
    if not parts.hostname or port == 0:
        raise Forbidden("the address names no host")
    if port not in PORTS and not private:
        raise Forbidden("the address must be at port 443 or 8443")
    if "@" in parts.netloc:
        raise Forbidden("the address must not hold a name or password before the host")
    if parts.fragment or url.endswith("#"):
        raise Forbidden("the address must not have a fragment (#)")
