"""Dispatch rules and call types as every intake needs them, and the verbs that change rules."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from django.db import transaction

from apps.audit.services import Actor, record
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.core.versions import check_version, draft_from, draft_name, draft_stem
from apps.dispatch import rules
from apps.dispatch.calls import Call, Malformed
from apps.dispatch.models import CallType, DispatchRule
from apps.dispatch.rules import Evaluation, Rule

# How long a process may go on with the rules that it has read. A version is made known ahead of the
# day from which it holds, so nobody waits for this.
FRESH_SECONDS = 5.0
_CALL_TYPES = UUID("0d3f2c8e-5b39-4c55-9d0e-6f0d9a5f4e21")
_UNKNOWN_TYPE = "unknown call type"


@dataclass(frozen=True)
class Rulebook:
    """The rules, and of every call type string that the agency knows its standard type; of some,
    how often a crew on scene checks in (minutes)."""

    rules: tuple[Rule, ...]
    common_types: Mapping[str, str]
    check_ins: Mapping[str, int]

    def evaluate(self, call: Call, at: datetime) -> Evaluation:
        return rules.evaluate(call, self.rules, at)

    def classified(self, call: Call) -> Call:
        """The call with what the agency's own list of call types adds to the shipped one."""
        mine = [t for t in (call.final_call_type, call.initial_call_type) if t in self.common_types]
        if not mine:
            return call
        common = next((c for c in (self.common_types[t] for t in mine) if c), "")
        flags = tuple(flag for flag in call.flags if flag != _UNKNOWN_TYPE)
        return replace(call, common_type=call.common_type or common, flags=flags)

    def check_in_minutes(self, *types: str) -> int | None:
        """Of the first of these call types that has an interval of its own."""
        return next((self.check_ins[one] for one in types if one in self.check_ins), None)


_read: tuple[float, Rulebook] | None = None


def current() -> Rulebook:
    """The rules as of a few seconds ago at most, without a query most of the time."""
    global _read  # noqa: PLW0603  (one value for the process, replaced as a whole)
    known = _read
    if known is None or time.monotonic() - known[0] > FRESH_SECONDS:
        types = list(CallType.objects.values_list("code", "common_type", "check_in_minutes"))
        book = Rulebook(
            rules=tuple(as_rule(row) for row in DispatchRule.objects.order_by("effective_from")),
            common_types={code: common for code, common, _ in types},
            check_ins={code: minutes for code, _, minutes in types if minutes},
        )
        known = _read = (time.monotonic(), book)
    return known[1]


def forget() -> None:
    """The next intake of this process reads the rules anew."""
    global _read  # noqa: PLW0603
    _read = None


def has_changed() -> None:
    """Forgets at once, and again when it is committed: another thread may have read the former
    state meanwhile."""
    forget()
    transaction.on_commit(forget, robust=True)


def as_rule(row: DispatchRule) -> Rule:
    """The rule that a row holds. Raises `Malformed` where its definition is none."""
    return rules.read(
        version=row.version,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
        citation=row.citation,
        definition=row.definition,
    )


@transaction.atomic
def save_rule(*, rule: DispatchRule, by: Actor, now: datetime) -> DispatchRule:
    """Stores a version that is not in force yet, or sets the end of one that is."""
    stored = check_rule(rule=rule, now=now)
    rule.save()
    _told(rule, "update" if stored else "create", by, now)
    return rule


def check_rule(*, rule: DispatchRule, now: datetime) -> DispatchRule | None:
    """The row as it is stored, None for a new one. ProblemError where it may not become `rule`."""
    stored = DispatchRule.objects.filter(pk=rule.pk).first()
    check_version(stored, rule, kept=("version", "citation", "definition"), now=now)
    try:
        as_rule(rule)
    except Malformed as malformed:
        own = ("/citation", "/effective_from", "/effective_to")
        errors = [
            FieldError(at if at in own else f"/definition{at}", mend)
            for at, mend in malformed.errors
        ]
        raise ProblemError(INVALID, errors=errors) from None
    return stored


@transaction.atomic
def save_call_type(*, call_type: CallType, by: Actor, now: datetime) -> CallType:
    """Creates a call type, or changes what standard types it stands for, and how often a crew
    checks in on such a call."""
    call_type.save()
    has_changed()
    # A call type is named by its code, which is no UUID: the log names the change by that.
    record(
        actor=by,
        action="update",
        subject_type="call_type",
        subject_ids=[uuid5(_CALL_TYPES, call_type.code)],
        now=now,
        detail={"code": call_type.code},
    )
    return call_type


@transaction.atomic
def new_version(*, of: DispatchRule, by: Actor, now: datetime) -> DispatchRule:
    """A copy of a version to be worked on. It takes effect in 30 days unless another day is set."""
    taken = DispatchRule.objects.filter(version__startswith=draft_stem(of.version))
    copy = DispatchRule.objects.create(
        version=draft_name(of.version, taken.values_list("version", flat=True)),
        effective_from=draft_from(now),
        citation=of.citation,
        definition=of.definition,
    )
    _told(copy, "create", by, now)
    return copy


def _told(rule: DispatchRule, action: str, by: Actor, now: datetime) -> None:
    has_changed()
    record(
        actor=by,
        action=action,
        subject_type="dispatch_rule",
        subject_ids=[rule.pk],
        now=now,
        detail={"version": rule.version},
    )
