"""Rules as data, a row for each version: what may still be changed of one, and by when.

What was decided by a version must stay readable. One that has taken effect keeps its text for ever,
and its end is moved only to a time to come; a change is a new version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from apps.core.problems import CONFLICT, INVALID, FieldError, ProblemError

# When a new version takes effect unless another day is set.
DRAFT_LEAD = timedelta(days=30)


def check_version(stored: Any, row: Any, *, kept: Sequence[str], now: datetime) -> None:
    """Raises ProblemError where `stored` (None: a new one) may not become `row`. Both have
    `effective_from` and `effective_to`; `kept` are the fields of its text."""
    if stored is None or stored.effective_from > now:
        if row.effective_from <= now:
            error = FieldError("/effective_from", "Must lie in the future.")
            raise ProblemError(INVALID, errors=[error])
        return
    if any(getattr(stored, name) != getattr(row, name) for name in (*kept, "effective_from")):
        raise ProblemError(
            CONFLICT, "This version has taken effect and is not changed. Make a new version of it."
        )
    ended = stored.effective_to is not None and stored.effective_to <= now
    if row.effective_to != stored.effective_to and (
        ended or (row.effective_to is not None and row.effective_to < now)
    ):
        error = FieldError(
            "/effective_to", "An end is set to a time to come, before it is reached."
        )
        raise ProblemError(INVALID, errors=[error])


def mistakes_beside_the_text(row: Any, *, reason: str) -> list[FieldError]:
    """What is wrong with a version beside what it says: nobody is named who decided it (in the
    field `reason`), or it ends before it begins."""
    found = []
    if not getattr(row, reason).strip():
        found.append(FieldError(f"/{reason}", "Say who decided it, and by what evidence."))
    if row.effective_to is not None and row.effective_to <= row.effective_from:
        found.append(FieldError("/effective_to", "Must lie after effective_from."))
    return found


def add_missing(rows: QuerySet[Any], shipped: Iterable[Any]) -> list[Any]:
    """Stores the versions that are not among the rows yet, and returns them: what is here stays as
    the agency has it."""
    known = set(rows.values_list("version", flat=True))
    missing = [one for one in shipped if one.version not in known]
    return rows.bulk_create(missing)


def draft_stem(version: str) -> str:
    """How the names of drafts of a version begin."""
    return f"{version}-draft"[:54]


def draft_name(version: str, taken: Iterable[str]) -> str:
    """A name for a draft of a version that is none of those taken (which begin with its stem)."""
    names, stem = set(taken), draft_stem(version)
    return next(name for n in range(1, len(names) + 2) if (name := f"{stem}-{n}") not in names)


def draft_from(now: datetime) -> datetime:
    """When a new draft takes effect unless another day is set: a full hour."""
    return (now + DRAFT_LEAD).replace(minute=0, second=0, microsecond=0)
