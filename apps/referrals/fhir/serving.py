"""How the service speaks: its CapabilityStatement, errors as OperationOutcome, searches."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.core.clock import iso
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.referrals.codes import TASK_STATUSES
from apps.referrals.fhir import terms
from apps.referrals.fhir.terms import Resource

# What a search takes: by resource its parameters and their types.
SEARCHES: Final[Mapping[str, Mapping[str, str]]] = {
    "Task": {
        "_id": "token",
        "_lastUpdated": "date",
        "status": "token",
        "owner": "reference",
        "focus": "reference",
    },
    "ServiceRequest": {"_id": "token", "status": "token"},
    "Consent": {"_id": "token", "status": "token"},
}
_PAGING: Final = frozenset({"_count", "_cursor", "_format"})
LARGEST_PAGE: Final = 100
_PAGE: Final = 50
_VERSION: Final = re.compile(r'(?:W/)?"(\d{1,9})"')
# FHIR's issue types, by the code of our problems.
_ISSUES: Final[Mapping[str, str]] = {
    "invalid": "invalid",
    "unparsable": "structure",
    "unauthenticated": "login",
    "forbidden": "forbidden",
    "not-found": "not-found",
    "method-not-allowed": "not-supported",
    "not-acceptable": "not-supported",
    "unsupported-media-type": "not-supported",
    "conflict": "conflict",
    "stale": "conflict",
    "too-large": "too-long",
    "slow-down": "throttled",
    "busy": "transient",
}
# Where what `answers` asks for stands in a Task.
_ELEMENTS: Final[Mapping[str, str]] = {
    "/reason": "Task.statusReason.text",
    "/text": "Task.note.text",
    "/appointment_at": "Task.output",
}


def operation_outcome(problem: Mapping[str, Any]) -> Resource:
    """A problem (RFC 9457, `core.problems`) as an OperationOutcome: an issue for each element."""
    code = _ISSUES.get(str(problem["code"]), "exception")
    texts = [problem.get("title"), problem.get("detail"), problem.get("advice")]
    common = {
        "severity": "error",
        "code": code,
        "details": {"text": " ".join(str(one) for one in texts if one)},
    }
    errors = problem.get("errors") or []
    issues = [
        {
            **common,
            "details": {"text": one["detail"]},
            "expression": [_ELEMENTS.get(one["pointer"], one["pointer"].lstrip("/"))],
        }
        for one in errors
    ]
    return {"resourceType": "OperationOutcome", "issue": issues or [common]}


def version_in(if_match: str | None) -> int:
    """The version that a change is based on, by its `If-Match: W/"3"`. INVALID without one."""
    found = _VERSION.fullmatch((if_match or "").strip())
    if found is None:
        text = 'Say which version you have changed: If-Match: W/"3", the ETag of your read.'
        raise ProblemError(INVALID, text)
    return int(found[1])


@dataclass(frozen=True)
class Search:
    """What was asked. Of a parameter with several values any fits; of several parameters all do.
    `updated`: (comparison, instant) pairs of `_lastUpdated`."""

    ids: frozenset[UUID] | None
    statuses: frozenset[str] | None
    owners: frozenset[str] | None
    focuses: frozenset[str] | None
    updated: tuple[tuple[str, datetime], ...]
    count: int
    cursor: UUID | None


def search(kind: str, given: Mapping[str, list[str]]) -> Search:
    """The parameters of a search. INVALID for one that is not taken: a filter that is ignored would
    show more than was asked for."""
    known = SEARCHES[kind]
    for name in given:
        if name not in known and name not in _PAGING:
            raise _wrong(name, f"Not taken here. These are: {', '.join(sorted(known))}.")

    def words(name: str) -> frozenset[str] | None:
        told = given.get(name)
        return None if not told else frozenset(told[-1].split(","))

    statuses = words("status")
    if kind == "Task" and statuses and (unknown := statuses - set(TASK_STATUSES)):
        raise _wrong("status", f"No status of a referral's task: {len(unknown)} of them.")
    return Search(
        ids=_each(words("_id"), _uuid("_id")),
        statuses=statuses,
        owners=words("owner"),
        focuses=words("focus"),
        updated=tuple(_date(one) for one in given.get("_lastUpdated", ())),
        count=_count(given.get("_count", [str(_PAGE)])[-1]),
        cursor=_uuid("_cursor")(given["_cursor"][-1]) if given.get("_cursor") else None,
    )


_DATE: Final = re.compile(r"(eq|gt|ge|lt|le)?(\d{4}-\d{2}-\d{2}T.+)")
_COMPARED: Final = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte", "eq": "exact", None: "exact"}


def _date(text: str) -> tuple[str, datetime]:
    # A plus in an address is a blank.
    found = _DATE.fullmatch(text.replace(" ", "+"))
    try:
        at = datetime.fromisoformat(found[2]) if found else None
    except ValueError:
        at = None
    if found is None or at is None or at.tzinfo is None:
        raise _wrong("_lastUpdated", "Such as ge2026-03-04T20:00:00Z; gt, ge, lt, le or eq.")
    return _COMPARED[found[1]], at


def _uuid(name: str) -> Callable[[str], UUID]:
    def read(text: str) -> UUID:
        try:
            return UUID(text)
        except ValueError:
            raise _wrong(name, "An id.") from None

    return read


def _each(words: frozenset[str] | None, read: Callable[[str], UUID]) -> frozenset[UUID] | None:
    return None if words is None else frozenset(map(read, words))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) <= LARGEST_PAGE):
        raise _wrong("_count", f"From 1 to {LARGEST_PAGE}.")
    return int(text)


def _wrong(name: str, text: str) -> ProblemError:
    return ProblemError(INVALID, errors=[FieldError(name, text)])


def capability_statement(*, base: str, publisher: str, now: datetime) -> Resource:
    """What the service can do (R4 CapabilityStatement)."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": iso(now),
        "publisher": publisher,
        "kind": "instance",
        "software": {"name": "Carefield"},
        "implementation": {"description": "Referrals for partners", "url": base},
        "fhirVersion": terms.FHIR_VERSION,
        "format": [terms.MEDIA_TYPE],
        "rest": [
            {
                "mode": "server",
                "documentation": "A partner sees what it was sent. A read of a ServiceRequest is a "
                "disclosure: consent is asked at that moment, and the read is accounted for.",
                "security": {
                    "description": "Authorization: Bearer cfp_..., the partner's own token."
                },
                "resource": [
                    _resource("Task", terms.TASK_PROFILE, "read", "search-type", "update"),
                    _resource("ServiceRequest", terms.REQUEST_PROFILE, "read", "search-type"),
                    _resource("Consent", terms.CONSENT_PROFILE, "read", "search-type"),
                    _resource("Organization", "", "read"),
                ],
            }
        ],
    }


def _resource(kind: str, profile: str, *interactions: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": kind,
        **({"supportedProfile": [profile]} if profile else {}),
        "interaction": [{"code": one} for one in interactions],
    }
    if "update" in interactions:
        found |= {"versioning": "versioned-update", "updateCreate": False}
    if kind in SEARCHES:
        found["searchParam"] = [
            {"name": name, "type": of} for name, of in sorted(SEARCHES[kind].items())
        ]
    return found
