"""Names of scopes. A document is in scopes, a principal is granted scopes: there the two meet."""

from __future__ import annotations

import re
from functools import lru_cache
from uuid import UUID

EVERYONE_SCOPE = "everyone"

_SHAPE = re.compile(r"[a-z]+(:[0-9a-f-]{36})?")


def agency() -> str:
    """What the whole agency's desk may see."""
    return "agency"


def team(id: UUID) -> str:
    """What a team's supervisors may see."""
    return f"team:{id}"


def unit(id: UUID) -> str:
    """What the crew of a unit may see while they crew it."""
    return f"unit:{id}"


def responder(id: UUID) -> str:
    """What one person still owes, after the unit's scope has closed."""
    return f"responder:{id}"


def assignment(id: UUID) -> str:
    """One case that must be shared on its own."""
    return f"assignment:{id}"


@lru_cache(maxsize=4096)
def checked(scope: str) -> str:
    """The scope itself. ValueError unless it is `word` or `word:<uuid>`: a misspelt scope would
    hide a document from everybody without a trace."""
    if not _SHAPE.fullmatch(scope):
        raise ValueError("A scope is a word, or a word and a UUID.")
    return scope
